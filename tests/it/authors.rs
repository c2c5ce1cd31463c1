//! The program as the author of a filter uses it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::app::{PROJECT, filtered, member, raw};
use crate::guests::publishing;
use crate::process::{PROGRAM, Process, printed};
use crate::receiver::Receiver;

/// A folder for new crates in which cargo keeps what it builds from one run of the tests to the next: the
/// libraries of a filter, and on some machines the standard library itself.
fn crates_folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join(".cargo")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("filters");
    let config = format!("[build]\ntarget-dir = {:?}\n", target.to_str().unwrap());
    fs::write(folder.path().join(".cargo/config.toml"), config).unwrap();
    folder
}

/// Runs a command in `folder` as the author of a filter would, whose shell knows nothing of these tests.
async fn author(program: &str, arguments: &[&str], folder: &Path, settings: &[(&str, &str)]) -> String {
    let (code, out, err) = run_in(program, arguments, folder, settings).await;
    assert_eq!(code, Some(0), "{program} {arguments:?}\n{out}\n{err}");
    out
}

/// The same for a command that may fail: its exit code and what it prints.
async fn run_in(
    program: &str,
    arguments: &[&str],
    folder: &Path,
    settings: &[(&str, &str)],
) -> (Option<i32>, String, String) {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_") || name.starts_with("HOOKSIEVE_")) {
        if name != "CARGO_HOME" {
            command.env_remove(name);
        }
    }
    let output = command.args(arguments).current_dir(folder).envs(settings.iter().copied()).output().await.unwrap();
    let (out, err) = printed(&output);
    (output.status.code(), out, err)
}

#[tokio::test]
async fn a_new_filter_is_tested_checked_pushed_and_then_decides_on_an_event() {
    let (data, receiver, folder) = (TempDir::new().unwrap(), Receiver::start().await, crates_folder());
    let process = Process::start(data.path(), &[]).await;
    let operator = process.operator();
    let token = member(&operator, "u1").await;
    let remote = [("HOOKSIEVE_URL", process.url()), ("HOOKSIEVE_TOKEN", token.as_str())];

    author(PROGRAM, &["filter", "new", "my-filter"], folder.path(), &[]).await;
    let crate_folder = folder.path().join("my-filter");
    author("cargo", &["test"], &crate_folder, &[]).await;
    let checked = author(PROGRAM, &["--json", "filter", "check"], &crate_folder, &[]).await;
    author(PROGRAM, &["filter", "test"], &crate_folder, &[]).await;
    let pushed = author(PROGRAM, &["--json", "filter", "push"], &crate_folder, &remote).await;

    let checked: Value = serde_json::from_str(&checked).unwrap();
    let pushed: Value = serde_json::from_str(&pushed).unwrap();
    assert_eq!((&checked["about"]["name"], &checked["digest"]), (&pushed["about"]["name"], &pushed["digest"]));
    let user = process.client(&token);
    let filter = pushed["id"].as_str().unwrap();
    user.create_webhook(&filtered(&receiver.url("/a"), filter, None)).await.unwrap();
    let done = |done| hooksieve::wire::NewEvent {
        previous_value: Some(raw(r#"{"done":false,"title":"a"}"#)),
        current_value: Some(raw(&format!(r#"{{"done":{done},"title":"a"}}"#))),
        ..hooksieve::wire::NewEvent::new("TODO_DONE_STATUS_UPDATED", PROJECT)
    };
    operator.send_event(&done(false)).await.unwrap();
    operator.send_event(&done(true)).await.unwrap();
    receiver.wait_for("/a", 1).await;
    assert_eq!(receiver.only("/a").json()["currentValue"]["done"], true);

    let of_type = ["filter", "test", "--stored", "--limit", "9", "--type", "TODO_DONE_STATUS_UPDATED"];
    let stored = author(PROGRAM, &of_type, &crate_folder, &remote).await;
    let ended = stored.lines().last();
    assert_eq!((stored.lines().count(), ended), (4, Some("1 delivered, 1 skipped, 0 failed")), "{stored}");
    let refusing = ["--json", "filter", "test", "--stored", "--type", "TODO_CREATED"];
    let (code, _, err) = run_in(PROGRAM, &refusing, &crate_folder, &remote).await;
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("the host has no such event"), "{err}");
}

/// A crate whose `src/lib.rs` is that of a new filter from each template in turn: all else is the same, and so is
/// compiled once.
struct Workbench {
    folder: TempDir,
}

impl Workbench {
    async fn new() -> Self {
        let folder = crates_folder();
        author(PROGRAM, &["filter", "new", "bench"], folder.path(), &[]).await;
        Self { folder }
    }

    fn crate_folder(&self) -> PathBuf {
        self.folder.path().join("bench")
    }

    /// Puts a template's code into the crate.
    async fn begin(&self, template: &str) {
        let arguments = ["filter", "new", template, "--template", template];
        author(PROGRAM, &arguments, self.folder.path(), &[]).await;
        let made = self.folder.path().join(template);
        for file in ["Cargo.toml", ".cargo/config.toml"] {
            let [theirs, ours] =
                [made.join(file), self.crate_folder().join(file)].map(|path| fs::read_to_string(path).unwrap());
            assert_eq!(theirs.replace(&format!("{template:?}"), "\"bench\""), ours, "{file}");
        }
        fs::copy(made.join("src/lib.rs"), self.crate_folder().join("src/lib.rs")).unwrap();
    }

    /// What `filter check` says of the crate.
    async fn check(&self, config: &[&str]) -> Value {
        let arguments = [&["--json", "filter", "check"], config].concat();
        serde_json::from_str(&author(PROGRAM, &arguments, &self.crate_folder(), &[]).await).unwrap()
    }
}

#[tokio::test]
async fn every_template_passes_its_own_tests_and_is_clean_to_check_and_to_test() {
    let bench = Workbench::new().await;
    for (template, config) in [
        ("minimal", &[][..]),
        ("config", &["--config", r#"{"lists": ["In progress"]}"#]),
        ("changed-fields", &[]),
        ("list", &[]),
    ] {
        bench.begin(template).await;

        author("cargo", &["test"], &bench.crate_folder(), &[]).await;
        let checked = bench.check(config).await;
        let tested = [&["--json", "filter", "test"], config].concat();
        let tested: Value = serde_json::from_str(&author(PROGRAM, &tested, &bench.crate_folder(), &[]).await).unwrap();

        let examples = &checked["examples"];
        assert_eq!(examples["fuel"].as_array().unwrap().len(), 37, "{template}");
        for warnings in ["nowhere", "failures"] {
            assert_eq!(examples[warnings], json!([]), "{template}");
        }
        assert_eq!(checked["about"]["configSchema"].is_object(), template == "config", "{template}");
        let count =
            |verdict: &str| tested.as_array().unwrap().iter().filter(|tested| tested["verdict"] == verdict).count();
        assert_eq!(count("deliver") + count("skip"), 37, "{template}");
        assert!(count("deliver") > 0 || template == "list", "{template}");
    }
}

/// A filter that fails on an event whose record is not there.
const STRICT: &str = r#"
use hooksieve_sdk::prelude::*;

#[derive(Fields)]
struct Record {
    #[field("/currentValue/done")]
    done: bool,
}

/// Delivers an event when its record is done.
#[filter]
fn verdict(record: Record) -> Verdict {
    if record.done { deliver() } else { skip("not done") }
}
"#;

#[tokio::test]
async fn check_tells_of_a_pointer_that_leads_nowhere_and_of_examples_that_the_filter_fails_on() {
    let bench = Workbench::new().await;
    let library = bench.crate_folder().join("src/lib.rs");

    fs::write(&library, STRICT.replace("/currentValue/done", "/currentValue/dome")).unwrap();
    let nowhere = author(PROGRAM, &["filter", "check"], &bench.crate_folder(), &[]).await;
    fs::write(&library, STRICT).unwrap();
    let failing = author(PROGRAM, &["filter", "check"], &bench.crate_folder(), &[]).await;

    let expected = "warning: no example of the catalogue has /currentValue/dome; did you mean /currentValue/done?";
    assert!(nowhere.contains(expected), "{nowhere}");
    assert!(
        failing.contains(
            "of the examples, as on TODO_DELETED: field `done` (/currentValue/done): expected boolean, found nothing"
        ),
        "{failing}"
    );
}

#[tokio::test]
async fn a_schema_that_no_host_takes_is_told_where_the_filter_is_checked() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("filter.wasm");
    fs::write(&file, publishing(r##"{"items": {"$ref": "#"}}"##)).unwrap();

    let (code, _, err) = run_in(PROGRAM, &["filter", "check", "filter.wasm"], folder.path(), &[]).await;

    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("its `config-schema` cannot be used: `$ref` \"#\" leads back to where it stands"), "{err}");
}
