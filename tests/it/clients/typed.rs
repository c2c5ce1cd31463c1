//! A client that is generated from the OpenAPI document: the document has the types that the API has.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::bench::Bench;
use super::installed;
use crate::receiver::Receiver;

/// A folder with the program, the libraries, and the types made of the host's document.
async fn project(bench: &Bench) -> TempDir {
    let folder = installed::beside_packages("typed.ts");
    let client = crate::app::http();
    let document = client.get(format!("{}/openapi.json", bench.host.url())).send().await.unwrap();
    fs::write(folder.path().join("openapi.json"), document.text().await.unwrap()).unwrap();
    let (code, said) = run(folder.path(), &["openapi-typescript/bin/cli.js", "openapi.json", "-o", "api.d.ts"]).await;
    assert_eq!(code, Some(0), "{said}");
    folder
}

/// Runs a script of `node_modules`, or one of the folder.
async fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let script = folder.join("node_modules").join(arguments[0]);
    let script = if script.exists() { script } else { folder.join(arguments[0]) };
    let output = Command::new("node").arg(script).args(&arguments[1..]).current_dir(folder).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// The type checker's word on `typed.ts`, which it also turns into JavaScript. The program has mistakes that it must
/// find, too.
async fn compile(folder: &Path) -> (Option<i32>, String) {
    let options = ["typescript/bin/tsc", "--strict", "--target", "es2022", "--lib", "es2022,dom", "--module", "node16"];
    run(folder, &[&options[..], &["typed.ts"]].concat()).await
}

#[tokio::test]
async fn a_client_generated_from_the_document_registers_a_webhook_and_lists_its_deliveries() {
    let (bench, receiver) = (Bench::start().await, Receiver::start().await);
    let folder = project(&bench).await;

    let (checked, said) = compile(folder.path()).await;
    assert_eq!(checked, Some(0), "{said}");
    let arguments = ["typed.js", bench.host.url(), &bench.user_token, &receiver.url("/a")];
    let (code, said) = run(folder.path(), &arguments).await;

    assert_eq!(code, Some(0), "{said}");
    let told: Value = serde_json::from_str(&said).unwrap();
    assert!(told["secret"].as_str().unwrap().starts_with("whsec_"), "{said}");
    assert_eq!(
        (&told["status"], &told["delivered"], &told["code"]),
        (&"OK".into(), &serde_json::json!([true]), &"BAD_USER_INPUT".into())
    );
    let registered = bench.user.get_webhook(told["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(registered.name.as_deref(), Some("From TypeScript"));
}
