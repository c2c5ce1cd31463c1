//! `#[derive(Fields)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, LitStr, Result, Type};

/// One field of the struct and where its value is.
struct Declared<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    pointer: LitStr,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let declared = declared(input)?;
    let name = &input.ident;
    let checks = declared.iter().map(check);
    let declare = declared.iter().map(|Declared { ty, pointer, .. }| {
        quote_spanned! {ty.span()=>
            <#ty as ::hooksieve_sdk::FieldType>::declare(#pointer, &mut pointers);
        }
    });
    let read = declared.iter().map(|Declared { ident, ty, pointer }| {
        let text = ident.to_string();
        let text = text.trim_start_matches("r#");
        quote! {
            #ident: <#ty as ::hooksieve_sdk::FieldType>::read(&mut values, #text, #pointer)?,
        }
    });
    Ok(quote! {
        #(#checks)*

        impl ::hooksieve_sdk::Fields for #name {
            fn pointers() -> ::std::vec::Vec<::hooksieve_sdk::Pointer> {
                let mut pointers = ::std::vec::Vec::new();
                #(#declare)*
                pointers
            }

            fn read(
                values: ::std::vec::Vec<::hooksieve_sdk::Value>,
            ) -> ::core::result::Result<Self, ::hooksieve_sdk::FieldError> {
                let mut values = ::hooksieve_sdk::Values::new(values);
                ::core::result::Result::Ok(Self { #(#read)* })
            }
        }
    })
}

/// An implementation that only keeps the compiler from saying that there is none.
pub(crate) fn stub(input: &DeriveInput) -> TokenStream {
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    quote! {
        impl #generics ::hooksieve_sdk::Fields for #name #arguments #bounds {
            fn pointers() -> ::std::vec::Vec<::hooksieve_sdk::Pointer> {
                ::core::unreachable!()
            }

            fn read(
                _: ::std::vec::Vec<::hooksieve_sdk::Value>,
            ) -> ::core::result::Result<Self, ::hooksieve_sdk::FieldError> {
                ::core::unreachable!()
            }
        }
    }
}

/// Asks the SDK about the pointer while the filter compiles; the answer depends on the field's type.
fn check(Declared { ty, pointer, .. }: &Declared<'_>) -> TokenStream {
    quote_spanned! {pointer.span()=>
        const _: () = if let ::core::option::Option::Some(reason) = ::hooksieve_sdk::check(
            #pointer,
            <#ty as ::hooksieve_sdk::FieldType>::IN_RECORD,
            <#ty as ::hooksieve_sdk::FieldType>::SELECTS,
        ) {
            ::core::panic!("{}", reason)
        };
    }
}

fn declared(input: &DeriveInput) -> Result<Vec<Declared<'_>>> {
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a filter's fields have no generics"));
    }
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "a filter's fields are a struct"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(
            &input.ident,
            "a filter's fields have names: write `struct Record { #[field(\"/currentValue/done\")] done: bool }`",
        ));
    };
    fields.named.iter().map(declare).collect()
}

fn declare(field: &Field) -> Result<Declared<'_>> {
    let ident = field.ident.as_ref().expect("a named field has a name");
    let mut attributes = field.attrs.iter().filter(|attribute| attribute.path().is_ident("field"));
    let Some(attribute) = attributes.next() else {
        return Err(Error::new_spanned(
            field,
            format!("where is `{ident}` in the event? write `#[field(\"/currentValue/{ident}\")]` above it"),
        ));
    };
    if let Some(second) = attributes.next() {
        return Err(Error::new_spanned(second, "a field is in one place: remove one of the attributes"));
    }
    let pointer = attribute.parse_args::<LitStr>().map_err(|_| {
        Error::new_spanned(
            attribute,
            format!("a JSON pointer in quotes is expected: write `#[field(\"/currentValue/{ident}\")]`"),
        )
    })?;
    Ok(Declared { ident, ty: &field.ty, pointer })
}
