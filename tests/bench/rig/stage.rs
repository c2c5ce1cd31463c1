//! The user, the project and the webhooks that a run needs.

use hooksieve::client::Client;
use hooksieve::wire::{CreateToken, FilterChoice, NewWebhook, PutProject, PutUser, Webhook};
use serde_json::value::RawValue;

use super::event;

/// The project of all events.
pub const PROJECT: &str = "clakt90vu000bvt64hhffqleq";
/// The user whose webhooks get them.
pub const USER: &str = "claksl2ye0000vtas0h0ln71e";

/// The project with one member; their client.
pub async fn member(operator: &Client) -> Client {
    operator.put_user(USER, &PutUser::default()).await.unwrap();
    operator.put_project(PROJECT, &PutProject::default()).await.unwrap();
    operator.add_member(PROJECT, USER).await.unwrap();
    let token = operator.create_token(USER, &CreateToken::default()).await.unwrap().token;
    operator.with_token(&token)
}

/// Registers a webhook for all events, or for those that `field-match` lets through with this rule.
pub async fn register(user: &Client, url: String, rule: Option<&str>) -> Webhook {
    user.create_webhook(&webhook(url, rule)).await.unwrap()
}

/// What is registered so.
pub fn webhook(url: String, rule: Option<&str>) -> NewWebhook {
    let filter = rule.map(|rule| {
        let config = RawValue::from_string(rule.to_owned()).unwrap();
        FilterChoice { id: "field-match".to_owned(), config: Some(config), on_error: None }
    });
    let events = vec![event::TYPE.to_owned()];
    NewWebhook { url, events, filter, ..NewWebhook::default() }
}
