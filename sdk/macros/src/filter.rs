//! `#[filter]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Expr, FnArg, Ident, Item, ItemFn, PatType, Result, ReturnType, Token, Type};

use crate::doc::first_paragraph;

/// What the attribute says in its parentheses, each an expression of type `&str`.
#[derive(Default)]
pub(crate) struct Options {
    name: Option<Expr>,
    version: Option<Expr>,
    description: Option<Expr>,
    config_schema: Option<Expr>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let slot = match key.to_string().as_str() {
                "name" => &mut options.name,
                "version" => &mut options.version,
                "description" => &mut options.description,
                "config_schema" => &mut options.config_schema,
                _ => {
                    return Err(Error::new_spanned(
                        &key,
                        format!("`#[filter]` knows no `{key}`; it takes name, version, description and config_schema"),
                    ));
                }
            };
            if slot.replace(input.parse()?).is_some() {
                return Err(Error::new_spanned(&key, format!("`{key}` is said twice: remove one of them")));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

/// What the function takes, its fields and its configuration if it has one, and what it answers.
struct Signature<'a> {
    fields: &'a Type,
    config: Option<&'a Type>,
    answer: &'a Type,
}

pub(crate) fn expand(options: &Options, item: &Item) -> Result<TokenStream> {
    let Item::Fn(function) = item else {
        return Err(Error::new_spanned(
            item,
            "`#[filter]` stands above the function that decides; above the struct with its fields stands \
             `#[derive(Fields)]`",
        ));
    };
    if let Some(second) = function.attrs.iter().find(|attribute| attribute.path().is_ident("filter")) {
        return Err(Error::new_spanned(second, "the function is a filter already: remove this `#[filter]`"));
    }
    let Signature { fields, config, answer } = signature(function)?;
    let about = about(options, function, config)?;
    let name = &function.sig.ident;
    let visibility = &function.vis;
    let doc = format!("The filter [`{name}`]({name}()) as a type, for the test kit.");
    let no_config = syn::parse_quote!(::hooksieve_sdk::NoConfig);
    let (config, call) = match config {
        Some(config) => (config, quote!(#name(fields, &self.config))),
        None => (&no_config, quote!(#name(fields))),
    };
    // Named, so that a wrong type of answer is shown at the answer's type.
    let verdict = quote!(<#answer as ::hooksieve_sdk::IntoVerdict>::into_verdict(#call));
    Ok(quote! {
        #function

        #[doc = #doc]
        #[allow(non_camel_case_types)]
        #visibility struct #name {
            #[allow(dead_code)]
            config: #config,
        }

        impl ::hooksieve_sdk::Sieve for #name {
            type Config = #config;

            fn about() -> ::hooksieve_sdk::About {
                #about
            }

            fn configure(
                config: Self::Config,
            ) -> ::core::result::Result<
                (Self, ::std::vec::Vec<::hooksieve_sdk::Pointer>),
                ::hooksieve_sdk::ConfigError,
            > {
                ::core::result::Result::Ok((
                    Self { config },
                    <#fields as ::hooksieve_sdk::Fields>::pointers(),
                ))
            }

            fn decide(&self, values: ::std::vec::Vec<::hooksieve_sdk::Value>) -> ::hooksieve_sdk::Verdict {
                match <#fields as ::hooksieve_sdk::Fields>::read(values) {
                    ::core::result::Result::Ok(fields) => #verdict,
                    ::core::result::Result::Err(error) => {
                        ::hooksieve_sdk::IntoVerdict::into_verdict(error)
                    }
                }
            }
        }

        ::hooksieve_sdk::export!(#name);
    })
}

fn about(options: &Options, function: &ItemFn, config: Option<&Type>) -> Result<TokenStream> {
    let or = |option: &Option<Expr>, default: TokenStream| match option {
        Some(expression) => quote!(#expression),
        None => default,
    };
    let name = or(&options.name, quote!(::core::env!("CARGO_PKG_NAME")));
    let version = or(&options.version, quote!(::core::env!("CARGO_PKG_VERSION")));
    let description = or(
        &options.description,
        match first_paragraph(&function.attrs) {
            Some(text) => quote!(#text),
            None => quote!(::core::env!("CARGO_PKG_DESCRIPTION")),
        },
    );
    let schema = match (&options.config_schema, config) {
        (Some(schema), Some(_)) => quote!(::core::option::Option::Some(#schema)),
        (None, Some(config)) => {
            quote_spanned!(config.span()=> ::core::option::Option::Some(::hooksieve_sdk::schema!(#config)))
        }
        (None, None) => quote!(::core::option::Option::None),
        (Some(schema), None) => {
            return Err(Error::new_spanned(
                schema,
                "this filter takes no configuration: remove `config_schema`, or add the parameter `config: &Config`",
            ));
        }
    };
    Ok(quote!(::hooksieve_sdk::about(#name, #version, #description, #schema)))
}

fn signature(function: &ItemFn) -> Result<Signature<'_>> {
    let signature = &function.sig;
    if let Some(word) = &signature.asyncness {
        return Err(Error::new_spanned(word, "a filter has nothing to wait for: remove `async`"));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(&signature.generics, "a filter has no generics: name its types"));
    }
    let ReturnType::Type(_, answer) = &signature.output else {
        return Err(Error::new_spanned(
            signature,
            "a filter answers with a verdict: write `-> Verdict` and end with `deliver()` or `skip(\"why\")`",
        ));
    };
    let typed: Vec<&PatType> = signature
        .inputs
        .iter()
        .map(|input| match input {
            FnArg::Typed(typed) => Ok(typed),
            FnArg::Receiver(receiver) => {
                Err(Error::new_spanned(receiver, "a filter is a free function: remove `self`"))
            }
        })
        .collect::<Result<_>>()?;
    let (fields, config) = match typed.as_slice() {
        [] => {
            return Err(Error::new_spanned(
                signature,
                format!("a filter takes its fields: write `fn {}(record: Record) -> Verdict`", signature.ident),
            ));
        }
        [fields] => (fields, None),
        [fields, config] => (fields, Some(config)),
        [_, _, third, ..] => {
            return Err(Error::new_spanned(
                third,
                "a filter takes its fields and its configuration, and nothing else: make this a field of one of them",
            ));
        }
    };
    match (&*fields.ty, config.map(|config| &*config.ty)) {
        (Type::Reference(_), Some(second)) if !matches!(second, Type::Reference(_)) => {
            Err(Error::new_spanned(fields, "the fields come first, then the configuration: swap the two parameters"))
        }
        (Type::Reference(reference), _) => {
            Err(Error::new_spanned(reference, "a filter owns its fields: remove the `&`"))
        }
        (Type::ImplTrait(generic), _) | (_, Some(Type::ImplTrait(generic))) => {
            Err(Error::new_spanned(generic, "a filter has no generics: name the type"))
        }
        (fields, None) => Ok(Signature { fields, config: None, answer }),
        (fields, Some(Type::Reference(reference))) if reference.mutability.is_none() => {
            Ok(Signature { fields, config: Some(&reference.elem), answer })
        }
        (_, Some(other)) => Err(Error::new_spanned(
            other,
            "the configuration is the same for all events, so it comes by reference: write `config: &Config`",
        )),
    }
}
