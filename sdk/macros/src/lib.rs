//! The macros of the Hooksieve SDK. They are documented, with the rest of it, in the `hooksieve-sdk` crate.
//!
//! They only write down what an author would otherwise write by hand, against public items of the SDK. What
//! they refuse, they refuse at the place in the author's code, and say what to write instead.

mod doc;
mod fields;
mod filter;
mod rename;
mod schema;
mod serde;

use proc_macro::TokenStream;
use quote::{ToTokens, quote};
use syn::{DeriveInput, Item, parse_macro_input};

/// Makes a struct the fields that a filter wants to see, each at the pointer of its `#[field("/…")]`.
#[proc_macro_derive(Fields, attributes(field))]
pub fn derive_fields(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    fields::expand(&input).unwrap_or_else(|error| with(error, fields::stub(&input))).into()
}

/// Makes the JSON Schema of a configuration, of a part of it, or of an enum of names in it.
#[proc_macro_derive(Schema, attributes(serde))]
pub fn derive_schema(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    schema::expand(&input).unwrap_or_else(|error| with(error, schema::stub(&input))).into()
}

/// Makes a function the filter of this crate.
///
/// It takes its fields (a struct that derives `Fields`), then perhaps its configuration by reference, and
/// answers with a `Verdict` or a `Result` of one. Name and version come from `Cargo.toml`, the description
/// from the function's doc comment (else from `Cargo.toml`), the JSON Schema of the configuration from its type's
/// `Schema`; `#[filter(name = "…", version = "…", description = "…", config_schema = include_str!("…"))]` says
/// otherwise.
///
/// The macro also makes a type of the function's name, by which the test kit knows the filter.
#[proc_macro_attribute]
pub fn filter(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as filter::Options);
    let item = parse_macro_input!(item as Item);
    filter::expand(&options, &item).unwrap_or_else(|error| with(error, item.to_token_stream())).into()
}

/// The error, beside what keeps it from making more errors elsewhere: a mistake is told once.
fn with(error: syn::Error, stub: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let error = error.into_compile_error();
    quote!(#error #stub)
}
