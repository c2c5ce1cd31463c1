//! How a host name becomes the addresses that may be dialled.
//!
//! The policy judges every address of a name before any is used, at registration and at each attempt,
//! and what was judged is what is dialled: a name cannot answer differently in between.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::egress::{self, Policy, Refused, Target};
use crate::model::limits::LOOKUPS_MAX;

/// How long a lookup may take, the wait for its turn included.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);
/// The lookups of the whole process: what they take up, blocking threads, is the whole process's too.
static LOOKUPS: Semaphore = Semaphore::const_new(LOOKUPS_MAX);

/// Where names are looked up.
#[derive(Clone, Debug)]
pub enum Resolver {
    /// The machine's own resolver.
    System,
    /// A fixed table, which is all there is: for tests and for `check-url --resolver-table`.
    Table(Arc<HashMap<String, Vec<IpAddr>>>),
}

/// Why there are no addresses to dial.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ResolveError {
    /// The policy refuses an address.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name does not resolve, or not in time.
    #[error("the name cannot be resolved: {0}")]
    Lookup(String),
}

impl Resolver {
    /// The addresses of `target` that the policy allows.
    ///
    /// # Errors
    /// When the name does not resolve within 3 s, or one of its addresses is refused.
    pub async fn resolve(&self, target: &Target, policy: &Policy) -> Result<Vec<SocketAddr>, ResolveError> {
        let addresses = self.look_up(target).await?;
        egress::judge_addresses(target, &addresses, policy)?;
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, target.port())).collect())
    }

    async fn look_up(&self, target: &Target) -> Result<Vec<IpAddr>, ResolveError> {
        if let Some(literal) = target.literal() {
            return Ok(vec![literal]);
        }
        let name = target.host();
        let addresses: Vec<IpAddr> = match self {
            Self::Table(table) => table.get(name).cloned().unwrap_or_default(),
            Self::System => {
                let wanted = (name.to_owned(), target.port());
                look_up_blocking(&LOOKUPS, move || {
                    wanted.to_socket_addrs().map(|found| found.map(|address| address.ip()).collect())
                })
                .await?
            }
        };
        if addresses.is_empty() {
            return Err(ResolveError::Lookup("the name has no addresses".to_owned()));
        }
        Ok(addresses)
    }
}

/// Runs `lookup` on a blocking thread. It keeps its place among `places` until it ends, which may be long
/// after the caller gave up: nothing can stop it.
async fn look_up_blocking(
    places: &'static Semaphore,
    lookup: impl FnOnce() -> io::Result<Vec<IpAddr>> + Send + 'static,
) -> Result<Vec<IpAddr>, ResolveError> {
    let answer = tokio::time::timeout(LOOKUP_TIMEOUT, async {
        let place = places.acquire().await.expect("the semaphore is never closed");
        let looking = tokio::task::spawn_blocking(move || {
            let found = lookup();
            drop(place);
            found
        });
        looking.await.unwrap_or_else(|ended| Err(io::Error::other(ended)))
    });
    match answer.await {
        Err(_) => Err(ResolveError::Lookup("no answer within 3 s".to_owned())),
        Ok(found) => found.map_err(|error| ResolveError::Lookup(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::mpsc;

    use super::*;

    static ONE: Semaphore = Semaphore::const_new(1);

    fn answer() -> io::Result<Vec<IpAddr>> {
        Ok(vec![Ipv4Addr::new(192, 0, 2, 1).into()])
    }

    #[tokio::test]
    async fn a_lookup_that_hangs_keeps_its_place_until_it_ends() {
        let (end, ended) = mpsc::channel::<()>();

        let hanging = look_up_blocking(&ONE, move || {
            assert!(ended.recv().is_err(), "ended by dropping the sender");
            answer()
        });
        let given_up = tokio::time::timeout(Duration::ZERO, hanging).await;
        let places_meanwhile = ONE.available_permits();
        drop(end);
        let next = look_up_blocking(&ONE, answer).await;

        assert!(given_up.is_err());
        assert_eq!(places_meanwhile, 0);
        assert_eq!(next.unwrap(), answer().unwrap());
    }
}
