//! Filters: upload, list, try out, delete.

use std::sync::Arc;

use bytes::Bytes;

use super::webhooks::canonical_config;
use super::{Noun, Result, Service, ServiceError, check_name, page_request};
use crate::clock::random_bytes;
use crate::failpoint::{self, Point};
use crate::filter::projection::{EventFields, Value};
use crate::filter::{Evaluation, FilterHost, FilterRef, Request};
use crate::model::filter::Filter;
use crate::model::ids::{FilterId, UserId};
use crate::model::limits::{FILTER_BYTES_PER_USER_MAX, FILTERS_PER_USER_MAX};
use crate::model::token::Caller;
use crate::store::{FilterUpload, FilterUsage, Page, Removed};

/// The event to try a filter on.
pub enum EvaluateEvent {
    /// One that was never posted, as JSON text.
    Given(String),
    /// One that was accepted.
    Stored(String),
}

/// What a filter said when it was tried.
#[derive(Debug)]
pub struct Evaluated {
    /// The declared pointers and what the filter saw there.
    pub fields: Vec<(String, Value)>,
    /// The verdict and its cost.
    pub evaluation: Evaluation,
}

impl Service {
    /// Takes an upload. Every upload is a filter of its own, also with the bytes and the name of another.
    ///
    /// # Errors
    /// When the name cannot be taken, or the bytes are not a filter, with the reason.
    pub async fn upload_filter(&self, caller: &Caller, name: Option<String>, wasm: Bytes) -> Result<Filter> {
        let (name, owner) = (check_name(name, "/name")?, owner_of(caller));
        if let Some(owner) = &owner {
            // The door lets one of their uploads in at a time, so what is checked here still holds when it is added.
            check_usage(self.store.filter_usage(owner).await?, wasm.len() as u64)?;
        }
        let admitted =
            self.filters.admit(owner.as_ref(), &wasm).await.map_err(|refused| ServiceError::refused("", &refused))?;
        let name = name.unwrap_or_else(|| admitted.about.name.clone());
        let now = self.clock.now();
        let filter = Filter {
            id: FilterId::generate(now, random_bytes(self.clock.as_ref())),
            owner,
            name,
            digest: admitted.digest,
            size_bytes: wasm.len() as u64,
            wit_version: admitted.wit_version,
            about: admitted.about,
            created_at: now,
        };
        self.store.add_filter(FilterUpload { filter: filter.clone(), wasm }).await?;
        failpoint::hit(Point::UploadAdded)?;
        Ok(filter)
    }

    /// Makes a bundled filter usable under its name, if it is not already there with the same bytes.
    ///
    /// # Errors
    /// When the filter is refused, which would be our fault, or the store fails.
    pub async fn install_bundled(&self, name: &str, wasm: &'static [u8]) -> Result<()> {
        let id = FilterId::parse(name).map_err(|error| ServiceError::Internal(error.to_string()))?;
        let digest = FilterHost::digest(wasm);
        if self.store.filter(&id).await?.is_some_and(|known| known.digest == digest) {
            return Ok(());
        }
        let admitted = self.filters.admit(None, wasm).await.map_err(|refused| ServiceError::refused("", &refused))?;
        let filter = Filter {
            id,
            owner: None,
            name: name.to_owned(),
            digest,
            size_bytes: wasm.len() as u64,
            wit_version: admitted.wit_version,
            about: admitted.about,
            created_at: self.clock.now(),
        };
        Ok(self.store.add_filter(FilterUpload { filter, wasm: wasm.into() }).await?)
    }

    /// The filters that the caller can use, newest first.
    ///
    /// # Errors
    /// When the page cannot be taken.
    pub async fn filters(&self, caller: &Caller, limit: Option<u32>, cursor: Option<&str>) -> Result<Page<Filter>> {
        Ok(self.store.filters(owner_of(caller).as_ref(), page_request(limit, cursor)?).await?)
    }

    /// A filter that the caller can use.
    ///
    /// # Errors
    /// When there is none; someone else's answers alike.
    pub async fn filter(&self, caller: &Caller, id: &str) -> Result<Filter> {
        let missing = || ServiceError::NotFound(Noun::Filter);
        let id = FilterId::parse(id).map_err(|_| missing())?;
        let filter = self.store.filter(&id).await?.ok_or_else(missing)?;
        if filter.owner.is_none() || filter.owner == owner_of(caller) { Ok(filter) } else { Err(missing()) }
    }

    /// The bytes of a filter that the caller can use.
    ///
    /// # Errors
    /// When there is none; someone else's answers alike.
    pub async fn filter_wasm(&self, caller: &Caller, id: &str) -> Result<Arc<[u8]>> {
        let filter = self.filter(caller, id).await?;
        self.store.filter_wasm(&filter.digest).await?.ok_or(ServiceError::NotFound(Noun::Filter))
    }

    /// Deletes a filter that no webhook uses.
    ///
    /// # Errors
    /// When there is none, a webhook uses it, or it is not the caller's to delete.
    pub async fn delete_filter(&self, caller: &Caller, id: &str) -> Result<()> {
        let filter = self.filter(caller, id).await?;
        if filter.owner != owner_of(caller) {
            return Err(ServiceError::Unauthorized("this filter is shared by all users; only an operator deletes it"));
        }
        match self.store.delete_filter(&filter.id).await? {
            Removed::Removed => {
                // Another filter, or a webhook, may have the same bytes.
                if self.store.filter_wasm(&filter.digest).await?.is_none() {
                    self.filters.forget(&filter.digest).await;
                }
                Ok(())
            }
            Removed::Missing => Err(ServiceError::NotFound(Noun::Filter)),
            Removed::InUse => Err(ServiceError::Conflict(
                "a webhook uses this filter; give the webhook another filter first".to_owned(),
            )),
        }
    }

    /// Tries a filter on an event, on the very path that dispatch takes. Nothing is kept.
    ///
    /// # Errors
    /// When there is no such filter or event, or the filter refuses the configuration.
    pub async fn evaluate(
        &self,
        caller: &Caller,
        id: &str,
        event: EvaluateEvent,
        config: Option<&str>,
    ) -> Result<Evaluated> {
        let filter = self.filter(caller, id).await?;
        let event = match event {
            EvaluateEvent::Given(text) => {
                Arc::new(self.read_event(text.as_bytes()).await.map_err(|refused| refused.under("/event"))?)
            }
            EvaluateEvent::Stored(id) => self.event(caller, &id).await?.event,
        };
        let config = canonical_config(config, "/config")?;
        let reference = FilterRef { digest: filter.digest, config: config.into() };
        let configured = self.filters.take_config(&filter.about, &reference).await;
        let configured = configured.map_err(|refused| ServiceError::refused("/config", &refused))?;
        let values = configured.project(&EventFields::of(&event));
        let pointers = configured.pointers.iter().cloned();
        let fields = pointers.zip(values.iter().cloned()).collect();
        let evaluation = self.filters.decide(Request { configured, values }).await;
        let evaluation = evaluation.map_err(|refused| ServiceError::refused("", &refused))?;
        Ok(Evaluated { fields, evaluation })
    }

    pub(super) async fn usable_filter(&self, owner: &UserId, id: &FilterId) -> Result<Option<Filter>> {
        let filter = self.store.filter(id).await?;
        Ok(filter.filter(|filter| filter.owner.as_ref().is_none_or(|of| of == owner)))
    }
}

/// Checks that a user with these filters may have another.
fn check_usage(has: FilterUsage, size_bytes: u64) -> Result<()> {
    if has.count >= FILTERS_PER_USER_MAX {
        return Err(ServiceError::Conflict(format!("a user has at most {FILTERS_PER_USER_MAX} filters")));
    }
    if has.bytes + size_bytes > FILTER_BYTES_PER_USER_MAX {
        let max_mib = FILTER_BYTES_PER_USER_MAX >> 20;
        return Err(ServiceError::Conflict(format!("a user's filters have at most {max_mib} MiB together")));
    }
    Ok(())
}

/// Whose filters the caller manages: an operator's are shared by all users.
fn owner_of(caller: &Caller) -> Option<UserId> {
    match caller {
        Caller::Operator => None,
        Caller::User(user) => Some(user.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_filters_up_to_their_bounds_in_number_and_in_bytes() {
        let has = |count, bytes| FilterUsage { count, bytes };

        assert!(check_usage(has(FILTERS_PER_USER_MAX - 1, 0), 5).is_ok());
        assert!(matches!(check_usage(has(FILTERS_PER_USER_MAX, 0), 5), Err(ServiceError::Conflict(_))));
        assert!(check_usage(has(1, FILTER_BYTES_PER_USER_MAX - 5), 5).is_ok());
        assert!(matches!(check_usage(has(1, FILTER_BYTES_PER_USER_MAX - 5), 6), Err(ServiceError::Conflict(_))));
    }
}
