//! The proxies that the environment names are for others: what a proxy dials nobody has judged.

use tempfile::TempDir;

use super::Trap;
use crate::app::{created, member, webhook};
use crate::process::Process;
use crate::receiver::Receiver;

#[tokio::test]
async fn a_proxy_of_the_environment_is_never_asked() {
    let (receiver, data) = (Receiver::start().await, TempDir::new().unwrap());
    let trap = Trap::beside(&receiver);
    let proxy = format!("http://{}", trap.address());
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let mut settings: Vec<(&str, &str)> = names.iter().map(|name| (*name, proxy.as_str())).collect();
    // Everything goes through the proxy, by these.
    settings.extend([("NO_PROXY", "nothing.example"), ("no_proxy", "nothing.example")]);
    let process = Process::start(data.path(), &settings).await;
    let operator = process.operator();
    let user = process.client(&member(&operator, "u1").await);
    user.create_webhook(&webhook(&receiver.url("/a"))).await.unwrap();

    operator.send_event(&created("e1")).await.unwrap();
    receiver.wait_for("/a", 1).await;

    trap.assert_never_dialled("proxy");
}
