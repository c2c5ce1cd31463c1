//! From the values of an event to the struct of a filter's author.

use std::fmt;
use std::vec;

use crate::value::join;
use crate::{Change, FromValue, IntoVerdict, Mismatch, Pointer, Selects, Value, Verdict};

/// A struct whose attributes name the fields that a filter wants to see; derive it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which fields it wants",
    note = "write `#[derive(Fields)]` on the struct and `#[field(\"/currentValue/…\")]` on each of its fields"
)]
pub trait Fields: Sized {
    /// The pointers to declare, in order.
    fn pointers() -> Vec<Pointer>;

    /// Reads the values at those pointers, in the same order.
    ///
    /// # Errors
    ///
    /// If a value is not of its field's type.
    fn read(values: Vec<Value>) -> Result<Self, FieldError>;
}

/// The values of one event, taken one after the other.
#[derive(Debug)]
pub struct Values(vec::IntoIter<Value>);

impl Values {
    /// Begins with the first value.
    #[must_use]
    pub fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// The next value. The host sends one for each pointer; after the last, all is absent.
    fn take(&mut self) -> Value {
        self.0.next().unwrap_or(Value::Absent)
    }
}

/// A type that a field of a [`Fields`] struct can have: any [`FromValue`], or a [`Change`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a field can have",
    note = "use bool, an integer, f64, String, Option<_>, Maybe<_>, Vec<_> (with `*` in the pointer), \
            Change<_>, or Json<_> for arrays and objects"
)]
pub trait FieldType: Sized {
    /// Whether its pointer begins inside the record instead of at the event.
    const IN_RECORD: bool;
    /// Whether its pointer has a `*` segment.
    const SELECTS: Selects;

    /// Adds the pointers it reads.
    fn declare(pointer: &str, pointers: &mut Vec<Pointer>);

    /// Reads the values at the pointers it declared.
    ///
    /// # Errors
    ///
    /// If a value is not of this type.
    fn read(values: &mut Values, name: &str, pointer: &str) -> Result<Self, FieldError>;
}

impl<T: FromValue> FieldType for T {
    const IN_RECORD: bool = false;
    const SELECTS: Selects = T::SELECTS;

    fn declare(pointer: &str, pointers: &mut Vec<Pointer>) {
        pointers.push(Pointer::checked("", pointer));
    }

    fn read(values: &mut Values, name: &str, pointer: &str) -> Result<Self, FieldError> {
        T::from_value(values.take()).map_err(|mismatch| FieldError::new(name, "", pointer, &mismatch))
    }
}

impl<T: FromValue> FieldType for Change<T> {
    const IN_RECORD: bool = true;
    const SELECTS: Selects = T::SELECTS;

    fn declare(pointer: &str, pointers: &mut Vec<Pointer>) {
        pointers.push(Pointer::checked("/previousValue", pointer));
        pointers.push(Pointer::checked("/currentValue", pointer));
    }

    fn read(values: &mut Values, name: &str, pointer: &str) -> Result<Self, FieldError> {
        let mut side = |prefix| {
            Option::from_value(values.take()).map_err(|mismatch| FieldError::new(name, prefix, pointer, &mismatch))
        };
        Ok(Self { previous: side("/previousValue")?, current: side("/currentValue")? })
    }
}

/// A value that is not of its field's type:
/// ``field `done` (/currentValue/done): expected boolean, found text``.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError(String);

impl FieldError {
    fn new(name: &str, prefix: &str, pointer: &str, mismatch: &Mismatch) -> Self {
        Self(join(&["field `", name, "` (", prefix, pointer, "): ", mismatch.as_str()]))
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl IntoVerdict for FieldError {
    fn into_verdict(self) -> Verdict {
        Verdict::Error(self.0)
    }
}
