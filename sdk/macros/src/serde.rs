//! What serde's attributes say of how something is read.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, LitStr, Result, Token, parenthesized, token};

use crate::rename::Case;

/// The attributes of a type, a field or a variant.
#[derive(Default)]
pub(crate) struct Serde {
    /// The name in JSON.
    pub(crate) rename: Option<String>,
    /// The case of the names inside.
    pub(crate) case: Case,
    /// Whether it, or what is inside, may be left out.
    pub(crate) has_default: bool,
    /// Whether it is not read at all.
    pub(crate) is_skipped: bool,
}

impl Serde {
    /// Reads the attributes.
    ///
    /// # Errors
    /// If one changes what is read in another way than those above.
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut serde = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            attribute.parse_nested_meta(|meta| serde.take(&meta))?;
        }
        Ok(serde)
    }

    fn take(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let word = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        match word.as_str() {
            "rename" => self.rename = when_read(meta)?.map(|name| name.value()).or_else(|| self.rename.take()),
            "rename_all" => {
                if let Some(name) = when_read(meta)? {
                    self.case = Case::parse(&name)?;
                }
            }
            "default" => {
                self.has_default = true;
                pass_over(meta)?;
            }
            "skip" | "skip_deserializing" => self.is_skipped = true,
            // They change nothing that is read.
            "bound"
            | "crate"
            | "deny_unknown_fields"
            | "expecting"
            | "serialize_with"
            | "skip_serializing"
            | "skip_serializing_if" => pass_over(meta)?,
            _ => {
                return Err(meta.error(format!(
                    "`{word}` changes what is read in a way that the schema does not follow: leave it out, or give \
                     the schema by hand, `#[filter(config_schema = r#\"{{…}}\"#)]`"
                )));
            }
        }
        Ok(())
    }
}

/// The text of `rename = "…"` or `rename(deserialize = "…")`.
fn when_read(meta: &ParseNestedMeta<'_>) -> Result<Option<LitStr>> {
    if meta.input.peek(Token![=]) {
        return meta.value()?.parse().map(Some);
    }
    let mut text = None;
    meta.parse_nested_meta(|inner| {
        let name = inner.value()?.parse()?;
        if inner.path.is_ident("deserialize") {
            text = Some(name);
        }
        Ok(())
    })?;
    Ok(text)
}

fn pass_over(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(token::Paren) {
        let inside;
        parenthesized!(inside in meta.input);
        inside.parse::<TokenStream>()?;
    }
    Ok(())
}
