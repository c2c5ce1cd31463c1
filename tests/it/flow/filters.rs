//! Filters that fail, seen from the webhook that has them and from its neighbours.

use hooksieve::client::Client;
use hooksieve::wire::{
    FilterChoice, FilterStatus, NewWebhook, OnError, Outcome, PatchWebhook, ReasonClass, UploadQuery, Verdict, Webhook,
};

use crate::app::{TestApp, created, filtered, marked, problem, raw, verdict, webhook};
use crate::guests::HOSTILE;
use crate::receiver::Receiver;

/// The id of the filter that misbehaves as it is told, uploaded by this user.
async fn hostile(user: &Client) -> String {
    user.upload_filter(&UploadQuery::default(), HOSTILE.to_vec()).await.unwrap().id
}

fn choice(filter: &str, deed: &str, on_error: OnError) -> FilterChoice {
    let config = raw(&format!(r#"{{"do":"{deed}"}}"#));
    FilterChoice { id: filter.to_owned(), config: Some(config), on_error: Some(on_error) }
}

async fn status(user: &Client, webhook: &Webhook) -> FilterStatus {
    user.get_webhook(&webhook.id).await.unwrap().filter.unwrap().status
}

#[tokio::test]
async fn a_failing_filter_skips_or_delivers_as_its_webhook_says() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let filter = hostile(&user).await;
    let with = |path, on_error| {
        let filter = Some(choice(&filter, "trap", on_error));
        NewWebhook { filter, ..webhook(&receiver.url(path)) }
    };
    let skipping = user.create_webhook(&with("/skip", OnError::Skip)).await.unwrap();
    let delivering = user.create_webhook(&with("/deliver", OnError::Deliver)).await.unwrap();

    let event = app.send(&created("e1")).await;

    assert_eq!(["/skip", "/deliver"].map(|path| receiver.on(path).len()), [0, 1]);
    let (skipped, delivered) = (verdict(&user, &event, &skipping).await, verdict(&user, &event, &delivering).await);
    assert_eq!((skipped.outcome, skipped.reason_class), (Outcome::FilterError, Some(ReasonClass::Trap)));
    assert_eq!((delivered.outcome, delivered.reason_class), (Outcome::Delivered, Some(ReasonClass::Trap)));
}

#[tokio::test]
async fn each_way_to_fail_is_told_by_its_class_and_neighbours_do_not_notice() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, neighbour) = (app.user("u1").await, app.user("u2").await);
    let filter = hostile(&user).await;
    neighbour.create_webhook(&webhook(&receiver.url("/plain"))).await.unwrap();
    let changed = filtered(&receiver.url("/changed"), "changed-fields", Some(r#"{"fields":["/title"]}"#));
    neighbour.create_webhook(&changed).await.unwrap();
    let mut misbehaving = Vec::new();
    for (deed, class) in [
        ("loop", ReasonClass::Fuel),
        ("alloc", ReasonClass::MemoryLimit),
        ("panic", ReasonClass::Trap),
        ("huge-reason", ReasonClass::BadResult),
        ("error", ReasonClass::Error),
    ] {
        let filter = Some(choice(&filter, deed, OnError::Skip));
        let new = NewWebhook { filter, ..webhook(&receiver.url("/hostile")) };
        misbehaving.push((user.create_webhook(&new).await.unwrap(), class));
    }

    let event = app.send(&created("e1")).await;

    for (webhook, class) in &misbehaving {
        let verdict = verdict(&user, &event, webhook).await;
        assert_eq!((verdict.outcome, verdict.reason_class), (Outcome::FilterError, Some(*class)), "{verdict:?}");
    }
    assert_eq!(["/hostile", "/plain", "/changed"].map(|path| receiver.on(path).len()), [0, 1, 1]);
}

#[tokio::test]
async fn an_owner_whose_filters_use_up_the_fuel_for_one_event_is_told_so_and_others_get_theirs() {
    const WEBHOOKS: usize = 120;
    let (app, receiver) = (TestApp::start_with(|config| config.filter.fuel = 100_000).await, Receiver::start().await);
    let (user, neighbour) = (app.user("u1").await, app.user("u2").await);
    let filter = hostile(&user).await;
    for number in 0..WEBHOOKS {
        // Half of them are the same to the host, and share their calls.
        let number = if number % 2 == 0 { 0 } else { number };
        let config = Some(raw(&format!(r#"{{"do":"loop","number":{number}}}"#)));
        let looping = Some(FilterChoice { id: filter.clone(), config, on_error: Some(OnError::Skip) });
        user.create_webhook(&NewWebhook { filter: looping, ..webhook(&receiver.url("/hostile")) }).await.unwrap();
    }
    let behaving = filtered(&receiver.url("/neighbour"), "changed-fields", Some(r#"{"fields":["/title"]}"#));
    neighbour.create_webhook(&behaving).await.unwrap();

    let event = app.send(&created("e1")).await;

    assert_eq!(["/hostile", "/neighbour"].map(|path| receiver.on(path).len()), [0, 1]);
    let mut verdicts = user.list_event_verdicts(&event).await.unwrap().items;
    verdicts.sort_by(|left, right| left.webhook_id.cmp(&right.webhook_id));
    assert_eq!(verdicts.len(), WEBHOOKS);
    let told = "the filters of this webhook's owner used up the fuel for one event";
    let is_beyond = |verdict: &Verdict| verdict.reason.as_deref() == Some(told);
    let end = verdicts.iter().position(is_beyond).unwrap();
    // `configure` is charged as well, so it is a little less than a hundred calls.
    assert!((90..=100).contains(&end), "{end}");
    assert!(verdicts[end..].iter().all(|verdict| is_beyond(verdict) && verdict.fuel == Some(0)));
    for verdict in &verdicts {
        assert_eq!((verdict.outcome, verdict.reason_class), (Outcome::FilterError, Some(ReasonClass::Fuel)));
    }
    let again = app.send(&created("e2")).await;
    let beyond_again = user.list_event_verdicts(&again).await.unwrap().items;
    assert_eq!(beyond_again.iter().filter(|verdict| is_beyond(verdict)).count(), WEBHOOKS - end);
}

#[tokio::test]
async fn webhooks_with_the_same_filter_and_configuration_share_its_verdict_and_each_is_told_it() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (user, neighbour) = (app.user("u1").await, app.user("u2").await);
    let mut webhooks = Vec::new();
    for path in ["/a", "/b", "/c"] {
        webhooks.push(user.create_webhook(&filtered(&receiver.url(path), "done-records", None)).await.unwrap());
    }
    let neighbours = filtered(&receiver.url("/d"), "done-records", None);
    let neighbours = neighbour.create_webhook(&neighbours).await.unwrap();
    let other = filtered(&receiver.url("/e"), "changed-fields", Some(r#"{"fields":["/title"]}"#));
    user.create_webhook(&other).await.unwrap();

    let event = app.send(&marked("e1", false)).await;

    let first = verdict(&user, &event, &webhooks[0]).await;
    assert_eq!((first.outcome, first.reason.as_deref()), (Outcome::Filtered, Some("the record is not done")));
    assert!(first.fuel.unwrap() > 0);
    let mut others = vec![verdict(&neighbour, &event, &neighbours).await];
    for webhook in &webhooks[1..] {
        others.push(verdict(&user, &event, webhook).await);
    }
    for other in others {
        assert_eq!((other.outcome, &other.reason, other.fuel), (first.outcome, &first.reason, first.fuel));
    }
    let metrics = app.operator().get_metrics().await.unwrap();
    let calls = metrics.lines().find_map(|line| line.strip_prefix("hooksieve_filter_calls_total ")).unwrap();
    // One of `done-records` for each owner at the most, and one of `changed-fields`.
    assert!(["2", "3"].contains(&calls), "{calls}");
}

#[tokio::test]
async fn a_filter_counts_as_failing_after_three_failures_and_recovers_with_its_next_verdict() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let filter = hostile(&user).await;
    let new = NewWebhook { filter: Some(choice(&filter, "error", OnError::Skip)), ..webhook(&receiver.url("/a")) };
    let webhook = user.create_webhook(&new).await.unwrap();

    let mut statuses = Vec::new();
    for id in ["e1", "e2", "e3"] {
        app.send(&created(id)).await;
        statuses.push(status(&user, &webhook).await);
    }
    let behave = Some(Some(choice(&filter, "deliver", OnError::Skip)));
    user.update_webhook(&webhook.id, &PatchWebhook { filter: behave, ..Default::default() }).await.unwrap();
    app.send(&created("e4")).await;

    assert_eq!(statuses, [FilterStatus::Ok, FilterStatus::Ok, FilterStatus::Failing]);
    assert_eq!(status(&user, &webhook).await, FilterStatus::Ok);
    assert_eq!(receiver.on("/a").len(), 1);
}

#[tokio::test]
async fn each_event_gets_fresh_state_in_the_whole_flow() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let filter = hostile(&user).await;
    let new = NewWebhook { filter: Some(choice(&filter, "count", OnError::Skip)), ..webhook(&receiver.url("/a")) };
    let webhook = user.create_webhook(&new).await.unwrap();

    for id in ["e1", "e2", "e3"] {
        let event = app.send(&created(id)).await;

        assert_eq!(verdict(&user, &event, &webhook).await.reason.unwrap(), "event number 1");
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_used_changes_nothing_through_any_door() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let token = crate::app::member(&app.operator(), "u1").await;
    let user = app.client(&token);
    let filter = hostile(&user).await;
    let kept = user.create_webhook(&filtered(&receiver.url("/a"), "done-records", None)).await.unwrap();
    let graphql = async |query: String| {
        let request = crate::app::http().post(app.url("/graphql")).bearer_auth(&token);
        let body = serde_json::json!({ "query": query }).to_string();
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        serde_json::from_str::<serde_json::Value>(&answer.text().await.unwrap()).unwrap()
    };

    for (id, config, words) in [
        // Never ends, is refused, and has more than it takes.
        (filter.as_str(), r#"{"do":"configure-loop"}"#, "`configure` failed (fuel)"),
        ("field-match", r#"{"pointer":"/currentValue/done","operator":"equals","value":true}"#, "unknown operator"),
        ("done-records", "1", "refuses its configuration"),
    ] {
        let choice = FilterChoice { id: id.to_owned(), config: Some(raw(config)), on_error: None };
        let patch = PatchWebhook {
            name: Some(Some("renamed".to_owned())),
            filter: Some(Some(choice.clone())),
            ..Default::default()
        };
        let new = NewWebhook { filter: Some(choice), ..webhook(&receiver.url("/a")) };
        // Names of members are the same in GraphQL's own notation, but for the quotes.
        let config = config.replace("\"do\"", "do").replace("\"pointer\"", "pointer");
        let config = config.replace("\"operator\"", "operator").replace("\"value\"", "value");
        let input = format!(r#"name: "renamed", filter: {{ id: "{id}", config: {config} }}"#);
        let update =
            format!(r#"mutation {{ updateWebhook(input: {{ webhookId: "{}", {input} }}) {{ id }} }}"#, kept.id);
        let create = format!(r#"mutation {{ createWebhook(input: {{ url: "{}", {input} }}) {{ id }} }}"#, new.url);

        let refusals = [problem(user.create_webhook(&new).await), problem(user.update_webhook(&kept.id, &patch).await)];
        let told = [graphql(create).await, graphql(update).await];

        for refused in refusals {
            assert_eq!((refused.status, refused.errors[0].pointer.as_str()), (400, "/filter/config"), "{refused:?}");
            assert!(refused.detail.contains(words), "{refused:?}");
        }
        for answer in told {
            let error = &answer["errors"][0];
            assert_eq!(error["extensions"]["field"], "input.filter.config", "{answer}");
            assert!(error["message"].as_str().unwrap().contains(words), "{answer}");
        }
    }

    let shown = user.list_webhooks(&Default::default()).await.unwrap().items;
    let [only] = shown.as_slice() else { panic!("{shown:?}") };
    assert_eq!((only.name.as_ref(), only.updated_at), (None, kept.updated_at));
    assert_eq!(only.filter.as_ref().unwrap().id, "done-records");
    app.send(&crate::app::marked("done", true)).await;
    app.send(&crate::app::marked("open", false)).await;
    assert_eq!(receiver.on("/a").len(), 1);
}
