//! `#[derive(Schema)]`: the JSON Schema of what serde reads into a type.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, Result, Token, Type, Variant};

use crate::doc::first_paragraph;
use crate::serde::Serde;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a configuration has no generics"));
    }
    let own = Serde::read(&input.attrs)?;
    let members = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => object(&input.ident, &fields.named, &own)?,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => members_of(&fields.unnamed[0].ty),
            _ => {
                return Err(Error::new_spanned(
                    &input.ident,
                    "a configuration is an object: name its fields, as in `struct Config { limit: u32 }`",
                ));
            }
        },
        Data::Enum(data) => names(&input.ident, &data.variants, &own)?,
        Data::Union(_) => return Err(Error::new_spanned(&input.ident, "a configuration is a struct")),
    };
    let name = &input.ident;
    let description = first_paragraph(&input.attrs).map(|text| described(&text));
    let description = description.iter();
    Ok(quote! {
        impl ::hooksieve_sdk::Schema for #name {
            const MEMBERS: &'static [::hooksieve_sdk::Part] = &[#members];
            const DESCRIPTION: &'static [::hooksieve_sdk::Part] = &[#(::hooksieve_sdk::Part::Text(#description))*];
        }
    })
}

/// An implementation that only keeps the compiler from saying that there is none.
pub(crate) fn stub(input: &DeriveInput) -> TokenStream {
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    quote! {
        impl #generics ::hooksieve_sdk::Schema for #name #arguments #bounds {
            const MEMBERS: &'static [::hooksieve_sdk::Part] = &[];
        }
    }
}

/// An object with these members and no others, as the SDK reads it.
fn object(name: &Ident, fields: &Punctuated<Field, Token![,]>, own: &Serde) -> Result<TokenStream> {
    let (mut parts, mut required) = (TokenStream::new(), Vec::new());
    for field in fields {
        let serde = Serde::read(&field.attrs)?;
        if serde.is_skipped {
            continue;
        }
        if mentions(field.ty.to_token_stream(), name) {
            return Err(Error::new_spanned(
                &field.ty,
                "a type that contains itself has no schema that a host takes: give one by hand that leaves this place \
                 open, `#[filter(config_schema = r#\"{…}\"#)]`",
            ));
        }
        let ident = field.ident.as_ref().expect("a named field has a name").to_string();
        let key = quoted(&serde.rename.unwrap_or_else(|| own.case.of_field(ident.trim_start_matches("r#"))));
        let comma = if parts.is_empty() { "" } else { "," };
        let open = format!("{comma}{key}:{{");
        parts.extend(match first_paragraph(&field.attrs) {
            Some(text) => {
                let open = format!("{open}{}", described(&text));
                let members = members_of(&field.ty);
                quote!(::hooksieve_sdk::Part::Text(#open), #members)
            }
            None => {
                let all = description_and_members_of(&field.ty);
                quote!(::hooksieve_sdk::Part::Text(#open), #all)
            }
        });
        parts.extend(quote!(::hooksieve_sdk::Part::Text("}"),));
        if !(serde.has_default || own.has_default || is_option(&field.ty)) {
            required.push(key);
        }
    }
    let end = match required.as_slice() {
        [] => r#"},"additionalProperties":false"#.to_owned(),
        some => format!(r#"}},"required":[{}],"additionalProperties":false"#, some.join(",")),
    };
    Ok(quote! {
        ::hooksieve_sdk::Part::Text(r#""type":"object","properties":{"#),
        #parts
        ::hooksieve_sdk::Part::Text(#end),
    })
}

/// One of these names.
fn names(name: &Ident, variants: &Punctuated<Variant, Token![,]>, own: &Serde) -> Result<TokenStream> {
    let mut names = Vec::new();
    for variant in variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(
                variant,
                "an enum is read as one of its names here: move what the variant holds into a field of its own, or \
                 give the schema by hand, `#[filter(config_schema = r#\"{…}\"#)]`",
            ));
        }
        let serde = Serde::read(&variant.attrs)?;
        if !serde.is_skipped {
            names.push(quoted(&serde.rename.unwrap_or_else(|| own.case.of_variant(&variant.ident.to_string()))));
        }
    }
    if names.is_empty() {
        return Err(Error::new_spanned(name, "an enum without names cannot be configured"));
    }
    let members = format!(r#""enum":[{}]"#, names.join(","));
    Ok(quote!(::hooksieve_sdk::Part::Text(#members),))
}

fn members_of(ty: &Type) -> TokenStream {
    quote_spanned!(ty.span()=> ::hooksieve_sdk::Part::Parts(<#ty as ::hooksieve_sdk::Schema>::MEMBERS),)
}

fn description_and_members_of(ty: &Type) -> TokenStream {
    let members = members_of(ty);
    // Of the two, only one is spanned: a type without a schema is told once.
    quote!(::hooksieve_sdk::Part::Parts(<#ty as ::hooksieve_sdk::Schema>::DESCRIPTION), #members)
}

/// Serde looks at the value; this can only look at the name, which is the same unless somebody renames `Option`.
fn is_option(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Option"))
}

/// Whether the type's name, or `Self`, is among the tokens.
fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name || ident == "Self",
        TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
}

/// The member `description`, with the comma behind it.
fn described(text: &str) -> String {
    format!(r#""description":{},"#, quoted(text))
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
