//! Blue's schema: what can be asked for, and which use case does it.

use std::sync::Arc;

use async_graphql::{Context, EmptySubscription, Object, Result, Schema};

use super::answer::{MutationResult, RotatedWebhookSecret, Webhook, WebhookPagination, WebhookTest};
use super::input::{
    CreateWebhookInput, DeleteWebhookInput, DisableWebhookInput, RotateWebhookSecretInput, TestWebhookInput,
    UpdateWebhookInput, WebhookFilter,
};
use super::refusal::{self, Place};
use crate::model::limits::{GRAPHQL_NESTING_MAX, GRAPHQL_PAGE_ITEMS_DEFAULT};
use crate::model::secret::Secret;
use crate::model::token::Caller;
use crate::service::{Service, ServiceError, WebhookWindow};

/// The schema.
pub(in crate::api) type BlueSchema = Schema<Query, Mutation, EmptySubscription>;

/// The schema, ready to execute. Its own limits are off but for one that its parser's trees must pass:
/// documents are weighed before it sees them.
pub(in crate::api) fn schema() -> BlueSchema {
    Schema::build(Query, Mutation, EmptySubscription).limit_recursive_depth(GRAPHQL_NESTING_MAX).finish()
}

/// Who asks.
fn caller<'a>(context: &Context<'a>) -> &'a Caller {
    context.data_unchecked()
}

fn service<'a>(context: &Context<'a>) -> &'a Service {
    context.data_unchecked::<Arc<Service>>()
}

/// What can be read.
pub(in crate::api) struct Query;

/// What can be read.
#[Object]
impl Query {
    /// One of your webhooks.
    async fn webhook(&self, context: &Context<'_>, #[graphql(desc = "Its id.")] id: String) -> Result<Webhook> {
        let view = service(context).webhook(caller(context), &id).await;
        view.map(Webhook).map_err(|error| refusal::from_service(error, Place::Arguments))
    }

    /// Your webhooks, newest first.
    async fn webhooks(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; all if absent.")] filter: Option<WebhookFilter>,
        #[graphql(desc = "How many to leave out.", default_with = "Some(0)")] skip: Option<i32>,
        #[graphql(desc = "How many to list, 1 to 250.", default_with = "Some(20)")] take: Option<i32>,
    ) -> Result<WebhookPagination> {
        let refused = |error| refusal::from_service(error, Place::Arguments);
        let whole = |value: i32, pointer: &str| {
            u32::try_from(value).map_err(|_| {
                refused(ServiceError::bad_field(pointer, "it counts webhooks and cannot be below 0".to_owned()))
            })
        };
        let skip = whole(skip.unwrap_or(0), "/skip")?;
        let take = take.map_or(Ok(GRAPHQL_PAGE_ITEMS_DEFAULT), |take| whole(take, "/take"))?;
        let window = WebhookWindow { is_enabled: filter.and_then(|filter| filter.enabled), skip, take };
        let seen = service(context).webhook_window(caller(context), window).await.map_err(refused)?;
        Ok(WebhookPagination::new(seen, skip, take))
    }
}

/// What can be changed.
pub(in crate::api) struct Mutation;

/// What can be changed.
#[Object]
impl Mutation {
    /// Registers a webhook. The answer is the only one that shows its secret.
    async fn create_webhook(&self, context: &Context<'_>, input: CreateWebhookInput) -> Result<Webhook> {
        let place = input.place();
        let refused = |error| refusal::from_service(error, place);
        let new = input.into_new().map_err(refused)?;
        service(context).create_webhook(caller(context), new).await.map(Webhook).map_err(refused)
    }

    /// Changes a webhook of yours, wholly or not at all.
    async fn update_webhook(&self, context: &Context<'_>, input: UpdateWebhookInput) -> Result<Webhook> {
        let place = input.place();
        let refused = |error| refusal::from_service(error, place);
        let id = input.webhook_id.clone();
        let patch = input.into_patch().map_err(refused)?;
        service(context).update_webhook(caller(context), &id, patch).await.map(Webhook).map_err(refused)
    }

    /// Disables a webhook of yours, which makes it UNHEALTHY. What is owed to it rests until it is enabled again.
    async fn disable_webhook(&self, context: &Context<'_>, input: DisableWebhookInput) -> Result<MutationResult> {
        let disabled = service(context).disable_webhook(caller(context), &input.webhook_id).await;
        disabled.map(|_| MutationResult::done()).map_err(|error| refusal::from_service(error, Place::Input))
    }

    /// Hooksieve's: gives a webhook of yours another signing secret. The one before signs beside it for 24 hours.
    async fn rotate_webhook_secret(
        &self,
        context: &Context<'_>,
        input: RotateWebhookSecretInput,
    ) -> Result<RotatedWebhookSecret> {
        let secret = input.secret.map(Secret::new);
        let rotated = service(context).rotate_secret(caller(context), &input.webhook_id, secret).await;
        rotated.map(Into::into).map_err(|error| refusal::from_service(error, Place::Input))
    }

    /// Hooksieve's: sends a webhook of yours the example of an event type, on the path that live events take.
    async fn test_webhook(&self, context: &Context<'_>, input: TestWebhookInput) -> Result<WebhookTest> {
        let event = input.event.as_deref();
        let sent = service(context).test_webhook(caller(context), &input.webhook_id, event).await;
        sent.map(Into::into).map_err(|error| refusal::from_service(error, Place::Input))
    }

    /// Deletes a webhook of yours. What is still owed to it is canceled.
    async fn delete_webhook(&self, context: &Context<'_>, input: DeleteWebhookInput) -> Result<MutationResult> {
        let deleted = service(context).delete_webhook(caller(context), &input.webhook_id).await;
        deleted.map(|()| MutationResult::done()).map_err(|error| refusal::from_service(error, Place::Input))
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::SDLExportOptions;

    use super::*;

    #[test]
    fn the_committed_schema_is_the_one_that_is_executed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
        let options = SDLExportOptions::new().prefer_single_line_descriptions().use_space_ident();
        let made = schema().sdl_with_options(options);

        if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
            std::fs::write(path, &made).unwrap();
        }

        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == made,
            "host/schema.graphql is not the schema; look at the change after \
             `UPDATE_SNAPSHOTS=1 cargo test -p hooksieve graphql`"
        );
    }
}
