//! What fails beside filters: receivers that hang, beside receivers that do not; and the host itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hooksieve::client::ClientError;
use hooksieve::model::limits::{COMPILING_PAUSES, HOST_FAULT_PAUSES};
use hooksieve::wire::{FilterStatus, Outcome};
use tempfile::TempDir;

use crate::app::{COMPILER, TestApp, created, filtered, verdict, webhook};
use crate::receiver::{Answer, Receiver};

#[tokio::test]
async fn a_receiver_that_hangs_does_not_delay_another() {
    const EVENTS: usize = 40;
    let (app, hanging, healthy) = (TestApp::start_running().await, Receiver::start().await, Receiver::start().await);
    hanging.always("/a", Answer::held());
    let user = app.user("u1").await;
    user.create_webhook(&webhook(&hanging.url("/a"))).await.unwrap();
    user.create_webhook(&webhook(&healthy.url("/a"))).await.unwrap();

    for number in 0..EVENTS {
        app.operator().send_event(&created(&format!("e{number}"))).await.unwrap();
    }

    healthy.wait_for("/a", EVENTS).await;
    assert_eq!(hanging.on("/a").len(), 8, "no more are under way than one webhook may have");
    hanging.release();
    hanging.wait_for("/a", EVENTS).await;
}

const TITLE: Option<&str> = Some(r#"{"fields":["/title"]}"#);

#[tokio::test]
async fn an_event_waits_for_a_host_that_cannot_run_a_filter_and_loses_nothing() {
    let (app, receiver) = (TestApp::start_running().await, Receiver::start().await);
    let user = app.user("u1").await;
    user.create_webhook(&filtered(&receiver.url("/a"), "changed-fields", TITLE)).await.unwrap();
    user.create_webhook(&webhook(&receiver.url("/b"))).await.unwrap();
    let folder = TempDir::new().unwrap();
    let compiler = folder.path().join("compiler");
    let app = app.reopened(&compiler).await;

    app.send(&created("e1")).await;
    assert_eq!(["/a", "/b"].map(|path| receiver.on(path).len()), [0, 0]);
    std::os::unix::fs::symlink(COMPILER, &compiler).unwrap();
    app.run_after(HOST_FAULT_PAUSES[0] - Duration::from_millis(1)).await;
    assert!(!app.operator().get_event("e1").await.unwrap().dispatched, "the pause is not over");
    app.run_after(Duration::from_millis(1)).await;
    // On a busy machine compiling takes longer than a step waits for it.
    while !app.operator().get_event("e1").await.unwrap().dispatched {
        app.run_after(COMPILING_PAUSES[0]).await;
    }

    assert_eq!(["/a", "/b"].map(|path| receiver.on(path).len()), [1, 1]);
}

/// A compiler that does nothing until it is told to go on.
struct HeldCompiler(TempDir);

impl HeldCompiler {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let (fifo, program) = (folder.path().join("go-on"), folder.path().join("compiler"));
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let text = format!("#!/bin/sh\nread _ <{}\nexec {COMPILER} \"$@\"\n", fifo.display());
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn program(&self) -> PathBuf {
        self.0.path().join("compiler")
    }

    fn go_on(&self) {
        fs::write(self.0.path().join("go-on"), "\n").unwrap();
    }
}

#[tokio::test]
async fn an_event_is_put_off_while_its_filter_is_being_compiled_and_that_goes_on_without_it() {
    let (app, receiver) = (TestApp::start_running().await, Receiver::start().await);
    let user = app.user("u1").await;
    user.create_webhook(&filtered(&receiver.url("/a"), "changed-fields", TITLE)).await.unwrap();
    let compiler = HeldCompiler::new();
    let app = app.reopened(&compiler.program()).await;

    app.send(&created("e1")).await;
    assert!(!app.operator().get_event("e1").await.unwrap().dispatched);
    let held = app.user("u2").await.create_webhook(&filtered(&receiver.url("/b"), "changed-fields", TITLE)).await;
    assert!(matches!(held, Err(ClientError::Refused(problem)) if problem.code == "BUSY"));
    // It waits for the compiler that was started for the event, and there is no other.
    compiler.go_on();
    while !app.operator().get_event("e1").await.unwrap().dispatched {
        app.run_after(COMPILING_PAUSES[0]).await;
    }

    assert_eq!(receiver.on("/a").len(), 1);
}

#[tokio::test]
async fn a_host_that_cannot_run_a_filter_for_long_says_so_and_does_not_blame_the_filter() {
    let (app, receiver) = (TestApp::start_running().await, Receiver::start().await);
    let user = app.user("u1").await;
    let filtered = user.create_webhook(&filtered(&receiver.url("/a"), "changed-fields", TITLE)).await.unwrap();
    user.create_webhook(&webhook(&receiver.url("/b"))).await.unwrap();
    let app = app.reopened(Path::new("/nonexistent/compiler")).await;
    let user = app.user("u1").await;

    for event in ["e1", "e2", "e3"] {
        app.send(&created(event)).await;
        for pause in HOST_FAULT_PAUSES {
            assert!(!app.operator().get_event(event).await.unwrap().dispatched);
            app.run_after(pause).await;
        }
        let verdict = verdict(&user, event, &filtered).await;
        assert_eq!((verdict.outcome, verdict.reason_class), (Outcome::FilterError, None));
        assert!(verdict.reason.unwrap().starts_with("the host could not run the filter"));
    }

    assert_eq!(["/a", "/b"].map(|path| receiver.on(path).len()), [0, 3]);
    assert_eq!(user.get_webhook(&filtered.id).await.unwrap().filter.unwrap().status, FilterStatus::Ok);
}

#[tokio::test]
async fn many_receivers_that_hang_leave_half_of_the_places_to_others() {
    const HANGING: usize = 20;
    const EVENTS: usize = 9;
    let (app, hanging, healthy) = (TestApp::start_running().await, Receiver::start().await, Receiver::start().await);
    let user = app.user("u1").await;
    let paths: Vec<_> = (0..HANGING).map(|number| format!("/{number}")).collect();
    let mut failing = Vec::new();
    for path in &paths {
        hanging.always(path, Answer::status(500));
        failing.push(user.create_webhook(&webhook(&hanging.url(path))).await.unwrap());
    }
    app.operator().send_event(&created("first")).await.unwrap();
    for (path, webhook) in paths.iter().zip(&failing) {
        hanging.wait_for(path, 1).await;
        while user.get_webhook(&webhook.id).await.unwrap().failures_in_a_row == 0 {
            tokio::task::yield_now().await;
        }
        hanging.always(path, Answer::held());
    }
    user.create_webhook(&webhook(&healthy.url("/a"))).await.unwrap();

    for number in 0..EVENTS {
        app.operator().send_event(&created(&format!("e{number}"))).await.unwrap();
    }

    let held = || paths.iter().map(|path| hanging.on(path).len() - 1).sum::<usize>();
    while held() < 128 {
        tokio::task::yield_now().await;
    }
    app.operator().send_event(&created("last")).await.unwrap();

    healthy.wait_for("/a", EVENTS + 1).await;
    assert_eq!(held(), 128, "no more are under way than failing webhooks may have together");
    hanging.release();
    for path in &paths {
        hanging.wait_for(path, 1 + EVENTS + 1).await;
    }
}
