//! How a host name becomes the addresses that may be dialled.
//!
//! The policy judges every address of a name before any is used, at registration and at each attempt,
//! and what was judged is what is dialled: a name cannot answer differently in between.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::egress::{self, Policy, Refused, Target};
use crate::model::limits::{ADDRESSES_DIALLED_MAX, LOOKUPS_MAX};

/// How long a lookup may take, the wait for its turn included.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);
/// The lookups of the whole process: what they take up, blocking threads, is the whole process's too.
static LOOKUPS: Semaphore = Semaphore::const_new(LOOKUPS_MAX);

/// Where names are looked up.
#[derive(Clone)]
pub enum Resolver {
    /// The machine's own resolver.
    System,
    /// A table, which is all there is: for tests and for `check-url --resolver-table`.
    Table(Arc<dyn Names>),
}

/// What knows the addresses of names, instead of the machine's resolver.
#[async_trait]
pub trait Names: Send + Sync {
    /// The addresses of a name in lower-case ASCII without a dot at its end; none if it is not known.
    async fn addresses(&self, name: &str) -> Vec<IpAddr>;
}

/// A table that never changes.
#[async_trait]
impl Names for HashMap<String, Vec<IpAddr>> {
    async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        self.get(name).cloned().unwrap_or_default()
    }
}

/// Why there are no addresses to dial.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ResolveError {
    /// The policy refuses an address.
    #[error("{0}: {detail}", detail = .0.detail())]
    Refused(Refused),
    /// The name does not resolve, or not in time.
    #[error("the name cannot be resolved: {0}")]
    Lookup(String),
}

impl From<Refused> for ResolveError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl Resolver {
    /// Addresses of `target` to dial, at most [`ADDRESSES_DIALLED_MAX`] of each family. The policy allows all
    /// that there are, those beyond the bound too.
    ///
    /// # Errors
    /// When the name does not resolve within 3 s, or one of its addresses is refused.
    pub async fn resolve(&self, target: &Target, policy: &Policy) -> Result<Vec<SocketAddr>, ResolveError> {
        let addresses = self.look_up(target).await?;
        egress::judge_addresses(target, &addresses, policy)?;
        Ok(to_dial(&addresses, target.port()))
    }

    async fn look_up(&self, target: &Target) -> Result<Vec<IpAddr>, ResolveError> {
        if let Some(literal) = target.literal() {
            return Ok(vec![literal]);
        }
        let name = target.host();
        let looking = async {
            match self {
                Self::Table(table) => Ok(table.addresses(name).await),
                Self::System => {
                    let wanted = (name.to_owned(), target.port());
                    look_up_blocking(&LOOKUPS, move || {
                        wanted.to_socket_addrs().map(|found| found.map(|address| address.ip()).collect())
                    })
                    .await
                }
            }
        };
        match tokio::time::timeout(LOOKUP_TIMEOUT, looking).await {
            Err(_) => Err(ResolveError::Lookup("no answer within 3 s".to_owned())),
            Ok(Err(error)) => Err(ResolveError::Lookup(error.to_string())),
            Ok(Ok(addresses)) if addresses.is_empty() => {
                Err(ResolveError::Lookup("the name has no addresses".to_owned()))
            }
            Ok(Ok(addresses)) => Ok(addresses),
        }
    }
}

/// The first of each family, in their order: a name with a thousand addresses would otherwise have us knock at
/// a thousand doors at each attempt.
fn to_dial(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    let (mut v4, mut v6) = (0, 0);
    let has_room = |address: &&IpAddr| {
        let count = if address.is_ipv4() { &mut v4 } else { &mut v6 };
        *count += 1;
        *count <= ADDRESSES_DIALLED_MAX
    };
    addresses.iter().filter(has_room).map(|&address| SocketAddr::new(address, port)).collect()
}

/// Runs `lookup` on a blocking thread. It keeps its place among `places` until it ends, which may be long
/// after the caller gave up: nothing can stop it.
async fn look_up_blocking(
    places: &'static Semaphore,
    lookup: impl FnOnce() -> io::Result<Vec<IpAddr>> + Send + 'static,
) -> io::Result<Vec<IpAddr>> {
    let place = places.acquire().await.expect("the semaphore is never closed");
    let looking = tokio::task::spawn_blocking(move || {
        let found = lookup();
        drop(place);
        found
    });
    looking.await.unwrap_or_else(|ended| Err(io::Error::other(ended)))
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

    #[test]
    fn of_a_thousand_addresses_a_few_of_each_family_are_dialled_in_their_order() {
        let v6 = (0..1_000_u16).map(|last| IpAddr::from([0x2606, 0x4700, 0, 0, 0, 0, 0, last]));
        let v4 = (0..=255_u8).map(|last| IpAddr::from([8, 8, 8, last]));
        let all: Vec<IpAddr> = v6.chain(v4).collect();

        let dialled = to_dial(&all, 443);

        assert_eq!(dialled.len(), 2 * ADDRESSES_DIALLED_MAX);
        assert_eq!((dialled[0].ip(), dialled[ADDRESSES_DIALLED_MAX].ip()), (all[0], all[1_000]));
        assert!(dialled.iter().all(|address| address.port() == 443));
    }
}
