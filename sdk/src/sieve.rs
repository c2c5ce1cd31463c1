//! The filter itself, as the host's three calls see it.

use crate::{About, Config, ConfigError, Pointer, Value, Verdict};

/// A filter whose pointers may come from its configuration.
///
/// `#[filter]` implements it for a function over a [`Fields`](crate::Fields) struct, which is what most
/// filters want. Implement it yourself where the configuration says which fields to read, and hand the type
/// to [`export!`](crate::export!).
pub trait Sieve: Sized + 'static {
    /// The webhook's configuration; [`NoConfig`](crate::NoConfig) if the filter takes none.
    type Config: Config;

    /// Says what the filter is.
    fn about() -> About;

    /// Takes the configuration and says which pointers to read. The same configuration must give the same
    /// pointers in the same order.
    ///
    /// # Errors
    ///
    /// If the configuration makes no sense; the error says where.
    fn configure(config: Self::Config) -> Result<(Self, Vec<Pointer>), ConfigError>;

    /// Decides on one event, which comes as the values at those pointers, in that order.
    fn decide(&self, values: Vec<Value>) -> Verdict;
}
