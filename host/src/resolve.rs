//! How a host name becomes the addresses that may be dialled.
//!
//! The policy judges every address of a name before any is used, at registration and at each attempt,
//! and what was judged is what is dialled: a name cannot answer differently in between.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::egress::{self, Policy, Refused, Target};

/// How long a lookup may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

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
                let lookup = tokio::net::lookup_host((name, target.port()));
                match tokio::time::timeout(LOOKUP_TIMEOUT, lookup).await {
                    Err(_) => return Err(ResolveError::Lookup("no answer within 3 s".to_owned())),
                    Ok(Err(error)) => return Err(ResolveError::Lookup(error.to_string())),
                    Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
                }
            }
        };
        if addresses.is_empty() {
            return Err(ResolveError::Lookup("the name has no addresses".to_owned()));
        }
        Ok(addresses)
    }
}
