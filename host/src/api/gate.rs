//! Who is let in how often: a rate for each token, and one for each address that fails to authenticate.
//!
//! A token's rate keeps one caller from taking all that the host can do. An address's keeps guesses and
//! broken clients from costing a look into the database each. Whoever shares that address (all, behind a
//! proxy) and calls with a token that was valid before is not held up by it.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::ApiError;
use super::rate::{Limiter, Rate};
use crate::metrics::Metrics;
use crate::model::token::Caller;
use crate::service::ServiceError;

/// The address that a request came from; of a proxy, if there is one before the host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// How often who may call.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// One user's token.
    pub user: Rate,
    /// One operator's token.
    pub operator: Rate,
    /// One address, requests without a valid token.
    pub failures: Rate,
}

/// What counts requests.
#[derive(Debug)]
pub(super) struct Gate {
    users: Limiter,
    operators: Limiter,
    failures: Limiter,
    /// Keys cannot be made to collide by whoever does not know the hasher's own.
    hasher: RandomState,
    began: Instant,
    metrics: Arc<Metrics>,
}

impl Gate {
    pub(super) fn new(limits: RateLimits, metrics: Arc<Metrics>) -> Self {
        Self {
            users: Limiter::new(limits.user),
            operators: Limiter::new(limits.operator),
            failures: Limiter::new(limits.failures),
            hasher: RandomState::new(),
            began: Instant::now(),
            metrics,
        }
    }

    /// Before a token is looked up.
    ///
    /// # Errors
    /// When too many from this address failed, and this token was not valid before.
    pub(super) fn before_lookup(&self, peer: Option<Peer>, token_id: &str) -> Result<(), ApiError> {
        let Some(Peer(address)) = peer else { return Ok(()) };
        let Some(wait) = self.failures.is_exhausted(self.key(&network(address)), self.now()) else { return Ok(()) };
        let token = self.key(&token_id);
        if self.users.knows(token) || self.operators.knows(token) { Ok(()) } else { Err(self.too_many_failures(wait)) }
    }

    /// Counts a request without a valid token; what to answer it.
    pub(super) fn failed(&self, peer: Option<Peer>) -> ApiError {
        let taken = match peer {
            Some(Peer(address)) => self.failures.take(self.key(&network(address)), self.now()),
            None => Ok(()),
        };
        match taken {
            Ok(()) => ServiceError::Unauthenticated.into(),
            Err(wait) => self.too_many_failures(wait),
        }
    }

    /// Counts a request with a valid token.
    ///
    /// # Errors
    /// When it is one too many.
    pub(super) fn passed(&self, caller: &Caller, token_id: &str) -> Result<(), ApiError> {
        let limiter = match caller {
            Caller::Operator => &self.operators,
            Caller::User(_) => &self.users,
        };
        limiter.take(self.key(&token_id), self.now()).map_err(|wait| {
            self.metrics.rate_limited.count("token");
            ApiError::rate_limited("this token has made too many requests", wait)
        })
    }

    fn too_many_failures(&self, wait: Duration) -> ApiError {
        self.metrics.rate_limited.count("address");
        ApiError::rate_limited("too many requests without a valid token came from this address", wait)
    }

    fn key(&self, of: &impl std::hash::Hash) -> u64 {
        self.hasher.hash_one(of)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

/// What one machine can call from: an address, or in IPv6 the 64 bits that all addresses of one link share.
fn network(address: IpAddr) -> [u8; 8] {
    let octets = match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets().split_at(8).1.try_into(),
        IpAddr::V6(address) => address.octets().split_at(8).0.try_into(),
    };
    octets.expect("an address has twice eight octets")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::UserId;

    const ADDRESS: Option<Peer> = Some(Peer(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)));

    /// So slow that no second request comes in time, however long a test takes.
    fn gate(user: u32) -> Gate {
        let once = Rate { per_second: 1, burst: 1 };
        let limits = RateLimits {
            user: Rate { per_second: user, burst: 2 },
            operator: Rate { per_second: 0, burst: 1 },
            failures: Rate { burst: 3_600, ..once },
        };
        Gate::new(limits, Arc::default())
    }

    fn code(error: &ApiError) -> &str {
        &error.problem().code
    }

    fn exhaust(gate: &Gate) {
        for _ in 0..3_600 {
            gate.failed(ADDRESS);
        }
    }

    #[test]
    fn an_address_that_fails_too_often_is_told_to_wait_and_another_is_not() {
        let gate = gate(0);
        assert_eq!(code(&gate.failed(ADDRESS)), "UNAUTHENTICATED");

        exhaust(&gate);

        assert_eq!(code(&gate.failed(ADDRESS)), "RATE_LIMITED");
        assert_eq!(code(&gate.before_lookup(ADDRESS, "guess").unwrap_err()), "RATE_LIMITED");
        let other = Some(Peer("192.0.2.1".parse().unwrap()));
        assert_eq!(code(&gate.failed(other)), "UNAUTHENTICATED");
        assert!(gate.before_lookup(other, "guess").is_ok());
    }

    #[test]
    fn a_token_that_was_valid_before_passes_an_address_that_fails_too_often() {
        let gate = gate(0);
        gate.passed(&Caller::Operator, "op").unwrap();
        gate.passed(&Caller::User(UserId::parse("u1").unwrap()), "user").unwrap();

        exhaust(&gate);

        assert!(gate.before_lookup(ADDRESS, "op").is_ok() && gate.before_lookup(ADDRESS, "user").is_ok());
        assert!(gate.before_lookup(ADDRESS, "new").is_err());
    }

    #[test]
    fn each_users_token_has_a_rate_and_an_operators_none() {
        let gate = gate(1);
        let user = Caller::User(UserId::parse("u1").unwrap());

        assert!(gate.passed(&user, "a").is_ok() && gate.passed(&user, "a").is_ok());
        let refused = gate.passed(&user, "a").unwrap_err();
        assert_eq!((refused.problem().status, code(&refused)), (429, "RATE_LIMITED"));
        assert!(refused.problem().detail.contains("try again in 1 s"), "{:?}", refused.problem());
        assert!(gate.passed(&user, "b").is_ok(), "another token of the same user");
        for _ in 0..1_000 {
            gate.passed(&Caller::Operator, "op").unwrap();
        }
        assert!(gate.metrics.to_text(None).contains("hooksieve_http_requests_rate_limited_total{by=\"token\"} 1\n"));
    }

    #[test]
    fn addresses_of_one_ipv6_link_count_as_one_and_a_mapped_one_as_its_ipv4() {
        let network = |text: &str| network(text.parse().unwrap());

        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:2"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.2"), network("192.0.2.1"));
    }
}
