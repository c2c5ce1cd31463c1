//! How many uploads come in at a time: each may hold tens of megabytes, and then a compiler.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::limits::UPLOADS_AT_ONCE_MAX;
use crate::model::token::Caller;
use crate::service::ServiceError;

/// The uploads that are under way.
#[derive(Clone, Debug)]
pub(super) struct Uploads {
    places: Arc<Semaphore>,
    callers: Arc<Mutex<HashSet<Caller>>>,
}

/// A place for one upload of one caller.
#[derive(Debug)]
pub(super) struct Place {
    caller: Caller,
    callers: Arc<Mutex<HashSet<Caller>>>,
    _place: OwnedSemaphorePermit,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(UPLOADS_AT_ONCE_MAX)), callers: Arc::default() }
    }
}

impl Uploads {
    /// A place, before anything of the body is read. One caller has one, so that none takes them all.
    ///
    /// # Errors
    /// [`ServiceError::Busy`] when the caller has one already, or all are taken.
    pub(super) fn enter(&self, caller: &Caller) -> Result<Place, ServiceError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| ServiceError::Busy)?;
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if !callers.insert(caller.clone()) {
            return Err(ServiceError::Busy);
        }
        Ok(Place { caller: caller.clone(), callers: Arc::clone(&self.callers), _place: place })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.caller);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::UserId;

    fn user(id: usize) -> Caller {
        Caller::User(UserId::parse(&format!("u{id}")).unwrap())
    }

    #[test]
    fn a_caller_has_one_place_and_gets_it_back() {
        let uploads = Uploads::default();
        let place = uploads.enter(&user(1)).unwrap();

        assert!(uploads.enter(&user(1)).is_err());
        assert!(uploads.enter(&user(2)).is_ok());

        drop(place);
        assert!(uploads.enter(&user(1)).is_ok());
    }

    #[test]
    fn all_callers_together_have_a_bounded_number_of_places() {
        let uploads = Uploads::default();
        let places: Vec<Place> = (0..UPLOADS_AT_ONCE_MAX).map(|id| uploads.enter(&user(id)).unwrap()).collect();

        assert!(uploads.enter(&user(UPLOADS_AT_ONCE_MAX)).is_err());
        drop(places);
    }
}
