//! `#[filter]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, FnArg, Ident, ItemFn, Lit, Meta, Result, ReturnType, Token, Type};

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
                        key,
                        "`#[filter]` takes name, version, description and config_schema",
                    ));
                }
            };
            *slot = Some(input.parse()?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

/// What the function takes: its fields, and its configuration if it has one.
struct Parameters<'a> {
    fields: &'a Type,
    config: Option<&'a Type>,
}

pub(crate) fn expand(options: &Options, function: &ItemFn) -> Result<TokenStream> {
    let Parameters { fields, config } = parameters(function)?;
    let about = about(options, function);
    let name = &function.sig.ident;
    let visibility = &function.vis;
    let doc = format!("The filter [`{name}`]({name}()) as a type, for the test kit.");
    let no_config = syn::parse_quote!(::hooksieve_sdk::NoConfig);
    let (config, call) = match config {
        Some(config) => (config, quote!(#name(fields, &self.config))),
        None => (&no_config, quote!(#name(fields))),
    };
    // Spanned, so that a wrong type of answer is shown at the answer's type.
    let verdict = quote_spanned! {function.sig.output.span()=>
        ::hooksieve_sdk::IntoVerdict::into_verdict(#call)
    };
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

fn about(options: &Options, function: &ItemFn) -> TokenStream {
    let or = |option: &Option<Expr>, default: TokenStream| match option {
        Some(expression) => quote!(#expression),
        None => default,
    };
    let name = or(&options.name, quote!(::core::env!("CARGO_PKG_NAME")));
    let version = or(&options.version, quote!(::core::env!("CARGO_PKG_VERSION")));
    let description = or(
        &options.description,
        match first_paragraph(function) {
            Some(text) => quote!(#text),
            None => quote!(::core::env!("CARGO_PKG_DESCRIPTION")),
        },
    );
    let schema = match &options.config_schema {
        Some(expression) => quote!(::core::option::Option::Some(#expression)),
        None => quote!(::core::option::Option::None),
    };
    quote!(::hooksieve_sdk::about(#name, #version, #description, #schema))
}

fn parameters(function: &ItemFn) -> Result<Parameters<'_>> {
    let signature = &function.sig;
    if let Some(word) = &signature.asyncness {
        return Err(Error::new_spanned(word, "a filter has nothing to wait for: remove `async`"));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new_spanned(&signature.generics, "a filter has no generics"));
    }
    if matches!(signature.output, ReturnType::Default) {
        return Err(Error::new_spanned(
            signature,
            "a filter answers with a verdict: write `-> Verdict` and end with `deliver()` or `skip(\"why\")`",
        ));
    }
    let mut types = signature.inputs.iter().map(|input| match input {
        FnArg::Typed(typed) => Ok(&*typed.ty),
        FnArg::Receiver(receiver) => Err(Error::new_spanned(receiver, "a filter is a free function")),
    });
    let Some(fields) = types.next().transpose()? else {
        return Err(Error::new_spanned(
            signature,
            format!("a filter takes its fields: write `fn {}(record: Record) -> Verdict`", signature.ident),
        ));
    };
    if let Type::Reference(reference) = fields {
        return Err(Error::new_spanned(reference, "a filter owns its fields: remove the `&`"));
    }
    let config = match types.next().transpose()? {
        None => None,
        Some(Type::Reference(reference)) if reference.mutability.is_none() => Some(&*reference.elem),
        Some(other) => {
            return Err(Error::new_spanned(
                other,
                "the configuration is the same for all events, so it comes by reference: write `config: &Config`",
            ));
        }
    };
    match types.next().transpose()? {
        Some(third) => {
            Err(Error::new_spanned(third, "a filter takes its fields and its configuration, and nothing else"))
        }
        None => Ok(Parameters { fields, config }),
    }
}

/// The doc comment's first paragraph, on one line.
fn first_paragraph(function: &ItemFn) -> Option<String> {
    let lines = function.attrs.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let text = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    Some(text).filter(|text| !text.is_empty())
}
