//! `cargo xtask`: the README's commands, which must work on a machine that has nothing but cargo.
//!
//! It prepares what cargo itself cannot (a compiler for the filters, what the tests run) and hands over to cargo.
//! Only `guards` builds anything itself, in a folder of its own.

mod guards;
mod readme;
mod setup;
mod tools;

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask <command>

  setup          provide a compiler for the filters, if there is none
  demo [ARGS]    set up, then run `hooksieve demo ARGS`
  test [ARGS]    set up, then run all tests (`cargo test --workspace --locked ARGS`)
  readme         set up, then run the commands of the documents
  guards [WORD]  see that a test fails without each guard of the egress policy; takes long
  fuzz-api       set up, then let schemathesis try the running host for 100 seconds, with a fixed seed;
                 `fuzz-api --long` for 20 minutes, with a seed of its own
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("", arguments.as_slice()),
    };
    let done = match command {
        "setup" if rest.is_empty() => setup::run(&root()).map(|()| ExitCode::SUCCESS),
        "demo" => with_setup(&["run", "--locked", "--package", "hooksieve", "--", "demo"], rest),
        "readme" if rest.is_empty() => {
            setup::run(&root()).and_then(|()| readme::run(&root())).map(|()| ExitCode::SUCCESS)
        }
        "guards" => guards::run(&root(), rest).map(|()| ExitCode::SUCCESS),
        "fuzz-api" if rest.is_empty() => with_setup(&FUZZ, rest),
        "fuzz-api" if rest == ["--long"] => {
            let seed = std::process::id().to_string();
            with_settings(&FUZZ, &[], &[("FUZZ_SECONDS", "1200"), ("FUZZ_SEED", &seed)])
        }
        "test" => with_setup(&["test", "--workspace", "--locked"], rest),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// The one test that is left out elsewhere, built as all tests are.
const FUZZ: [&str; 10] = [
    "test",
    "--workspace",
    "--locked",
    "--test",
    "it",
    "--",
    "--ignored",
    "--exact",
    "clients::fuzz::schemathesis_finds_no_failure",
    "--nocapture",
];

/// Sets up, then runs cargo in the checkout and answers with its exit code.
fn with_setup(cargo: &[&str], rest: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    with_settings(cargo, rest, &[])
}

/// The same with these variables in its environment.
fn with_settings(cargo: &[&str], rest: &[String], settings: &[(&str, &str)]) -> Result<ExitCode, Box<dyn Error>> {
    setup::run(&root())?;
    if cargo[0] == "test" {
        tools::run(&root());
    }
    eprintln!("xtask: cargo {} {}", cargo.join(" "), rest.join(" "));
    let status = self::cargo()
        .args(cargo)
        .args(rest)
        .envs(settings.iter().copied())
        .current_dir(root())
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The cargo that runs this program, as it is without this program around it.
fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    forget_this_package(&mut cargo);
    cargo
}

/// Takes away what cargo tells this program of its own package. Build scripts of dependencies ask for it and run anew
/// when it differs: with it, each change between `cargo xtask` and plain `cargo` would rebuild what stands on them.
fn forget_this_package(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
}

/// The checkout that cargo runs this program from. Asked at run time: checkouts may share a target folder,
/// and so this very program.
fn root() -> PathBuf {
    let xtask = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    xtask.parent().expect("xtask is a folder of the checkout").to_owned()
}
