//! Paths into an event, as expressions and as pointers.

use cel::common::ast::{Expr, LiteralValue, operators};

/// A path from a member of the event.
pub(crate) struct Path {
    pub(crate) pointer: String,
    /// As an expression writes it.
    pub(crate) name: String,
    /// Whether it stands in `has(…)`.
    pub(crate) is_test: bool,
}

impl Path {
    /// The path that an expression is; `bound` are the variables of the macros around it, which begin none.
    pub(crate) fn of(expr: &Expr, bound: &[String]) -> Option<Self> {
        match expr {
            Expr::Ident(name) if !bound.contains(name) => {
                Some(Self { pointer: format!("/{name}"), name: name.clone(), is_test: false })
            }
            Expr::Select(select) => {
                let path = Self::of(&select.operand.expr, bound)?.then(&select.field)?;
                Some(Self { is_test: select.test, ..path })
            }
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let [of, key] = call.args.as_slice() else { return None };
                let Expr::Literal(LiteralValue::String(key)) = &key.expr else { return None };
                Self::of(&of.expr, bound)?.then(key.inner())
            }
            _ => None,
        }
    }

    /// The path to a member of what is there; `None` if a pointer would mean an element as well.
    fn then(self, key: &str) -> Option<Self> {
        let is_element = key == "*" || (!key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit()));
        let is_plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (!self.is_test && !is_element).then(|| Self {
            pointer: format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1")),
            name: if is_plain { format!("{}.{key}", self.name) } else { format!("{}[{key:?}]", self.name) },
            is_test: false,
        })
    }
}
