//! Between the interface's three functions and a [`Sieve`].

use std::cell::RefCell;

use crate::bindings::hooksieve::filter::types::Field;
use crate::{Config, ConfigError, Sieve, Value, Verdict};

/// A configured filter. There is one in each module instance.
#[derive(Debug)]
pub struct Instance<F> {
    filter: F,
    pointers: usize,
}

/// Configures the filter of this instance and declares its fields.
///
/// # Errors
///
/// If the configuration is refused.
pub fn configure<F: Sieve>(slot: &RefCell<Option<Instance<F>>>, config: &str) -> Result<Vec<Field>, String> {
    let (filter, pointers) = F::Config::parse(config).and_then(F::configure).map_err(ConfigError::into_text)?;
    *slot.borrow_mut() = Some(Instance { filter, pointers: pointers.len() });
    Ok(pointers.into_iter().map(|pointer| Field { pointer: pointer.into_string() }).collect())
}

/// Decides on each event.
pub fn decide<F: Sieve>(slot: &RefCell<Option<Instance<F>>>, events: Vec<Vec<Value>>) -> Vec<Verdict> {
    let slot = slot.borrow();
    events
        .into_iter()
        .map(|values| match &*slot {
            None => Verdict::Error("the host asked for a verdict before it configured the filter".into()),
            Some(instance) if values.len() != instance.pointers => {
                Verdict::Error("the host sent other values than the filter declared".into())
            }
            Some(instance) => instance.filter.decide(values),
        })
        .collect()
}

/// Makes a [`Sieve`] the filter that this module exports. Call it once, at the crate's root.
#[macro_export]
macro_rules! export {
    ($filter:ty) => {
        // Compiled natively for the tests, where nothing is exported but everything is checked.
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() -> $crate::About = <$filter as $crate::Sieve>::about;

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings::exports::hooksieve::filter::sieve;

            ::std::thread_local! {
                static INSTANCE: ::core::cell::RefCell<::core::option::Option<$crate::export::Instance<$filter>>> =
                    const { ::core::cell::RefCell::new(::core::option::Option::None) };
            }

            struct Exported;

            impl sieve::Guest for Exported {
                fn describe() -> sieve::About {
                    <$filter as $crate::Sieve>::about()
                }

                fn configure(
                    config: ::std::string::String,
                ) -> ::core::result::Result<::std::vec::Vec<sieve::Field>, ::std::string::String> {
                    INSTANCE.with(|slot| $crate::export::configure(slot, &config))
                }

                fn decide(events: ::std::vec::Vec<::std::vec::Vec<sieve::Value>>) -> ::std::vec::Vec<sieve::Verdict> {
                    INSTANCE.with(|slot| $crate::export::decide(slot, events))
                }
            }

    $crate::bindings::__export_filter!(Exported with_types_in $crate::bindings);
        };
    };
}
