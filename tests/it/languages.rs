//! Filters in other languages than Rust: `sdk/other` as its README builds it, in a host.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hooksieve::wire::{NewEvent, NewWebhook, Outcome, ReasonClass, UploadQuery};
use tempfile::TempDir;

use crate::app::{PROJECT, TestApp, filtered, problem, raw, verdict};
use crate::clients::installed;
use crate::receiver::Receiver;

const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk");
const README: &str = include_str!("../../sdk/other/README.md");
/// The fuel of a verdict, in parts of which the filters take at most one.
const FUEL_PARTS: u64 = 4;

/// A copy of a language's folder, where its tools find the interface.
fn project(language: &str) -> (TempDir, PathBuf) {
    let top = TempDir::new().unwrap();
    let (from, to) = (Path::new(SDK), top.path().join("other").join(language));
    fs::create_dir_all(&to).unwrap();
    fs::create_dir(top.path().join("wit")).unwrap();
    fs::copy(from.join("wit/filter.wit"), top.path().join("wit/filter.wit")).unwrap();
    for entry in fs::read_dir(from.join("other").join(language)).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
    (top, to)
}

fn built(command: &mut Command, folder: &Path) -> Vec<u8> {
    let output = command.current_dir(folder).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
    fs::read(folder.join("moved_to.wasm")).unwrap()
}

fn javascript() -> Vec<u8> {
    let (_top, folder) = project("javascript");
    let packages = installed::npm("javascript", &folder);
    std::os::unix::fs::symlink(packages, folder.join("node_modules")).unwrap();
    assert!(README.contains("\nnpm run build\n"), "the guide builds it so");
    built(Command::new("npm").args(["run", "build"]), &folder)
}

fn python() -> Vec<u8> {
    let (_top, folder) = project("python");
    let tool = installed::pip("python-filter", &folder).with_file_name("componentize-py");
    let arguments = "--wit-path ../../wit --world filter componentize moved_to --stub-wasi --output moved_to.wasm";
    assert!(README.contains(&format!("\nvenv/bin/componentize-py {arguments}\n")), "the guide builds it so");
    built(Command::new(tool).args(arguments.split(' ')), &folder)
}

fn moved(id: &str, before: &str, now: &str) -> NewEvent {
    let record = |title: &str| Some(raw(&format!(r#"{{"id":"r1","todoList":{{"title":{title}}}}}"#)));
    NewEvent {
        id: Some(id.to_owned()),
        previous_value: record(before),
        current_value: record(now),
        ..NewEvent::new("TODO_MOVED", PROJECT)
    }
}

/// One after the other: an interpreter takes the compiler most of a minute in a development build.
#[tokio::test]
async fn filters_in_javascript_and_python_decide_within_the_limits() {
    for (language, wasm) in [("JavaScript", javascript()), ("Python", python())] {
        // The machine may be busy with other tests.
        let app = TestApp::start_with(|config| config.filter.compile_secs_max = 300).await;
        let receiver = Receiver::start().await;
        let user = app.user("u1").await;
        let bytes = wasm.len();
        let began = std::time::Instant::now();

        let filter = user.upload_filter(&UploadQuery::default(), wasm).await.unwrap();

        println!("{language}: {bytes} bytes, uploaded in {:?}", began.elapsed());
        let with = |config| {
            let new = filtered(&receiver.url("/a"), &filter.id, Some(config));
            NewWebhook { events: vec!["TODO_MOVED".to_owned()], ..new }
        };
        let refused = problem(user.create_webhook(&with(r#"{"list":5}"#)).await);
        assert!(refused.errors[0].detail.contains("/list: the title of a list is expected"), "{language}: {refused:?}");
        let webhook = user.create_webhook(&with(r#"{"list":"Review"}"#)).await.unwrap();
        for (id, before, now, outcome, reason) in [
            ("e1", r#""Doing""#, r#""Review""#, Outcome::Delivered, None),
            ("e2", r#""Review""#, r#""Review""#, Outcome::Filtered, Some("it is in Review")),
            ("e3", r#""Review""#, r#""Zürich 🏔""#, Outcome::Filtered, Some("it is in Zürich 🏔")),
            ("e4", r#""Review""#, "5", Outcome::FilterError, Some("the list's title is integer")),
        ] {
            let event = app.send(&moved(id, before, now)).await;

            let verdict = verdict(&user, &event, &webhook).await;
            println!("{language}: {:?} fuel, {:?} µs", verdict.fuel, verdict.duration_us);
            assert_eq!((verdict.outcome, verdict.reason.as_deref()), (outcome, reason), "{language}: {verdict:?}");
            let is_error = outcome == Outcome::FilterError;
            assert_eq!(verdict.reason_class, is_error.then_some(ReasonClass::Error), "{language}: {verdict:?}");
            let fuel = hooksieve::filter::FilterLimits::default().fuel;
            assert!(verdict.fuel.unwrap() * FUEL_PARTS <= fuel, "{language}: {verdict:?}");
        }
        assert_eq!(receiver.on("/a").len(), 1, "{language}");
    }
}
