//! From a tree to the author's type, by serde.
//!
//! Each level that an error passes on its way out adds its own segment, so the error ends with the pointer of the
//! place, and reading what is right costs nothing for it.

use std::fmt::Display;

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

use super::ConfigError;
use super::parse::Node;
use crate::value::join;

impl Error for ConfigError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new("", message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
            Unexpected::Float(_) => "number",
            Unexpected::Str(_) | Unexpected::Char(_) => "text",
            Unexpected::Unit | Unexpected::Option => "null",
            Unexpected::Seq => "list",
            Unexpected::Map => "object",
            _ => "something else",
        };
        Self::new("", join(&["expected ", &expected.to_string(), ", found ", found]))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new("", join(&["expected ", &expected.to_string()]))
    }
}

impl ConfigError {
    /// The same error, seen from one level further out.
    fn inside(mut self, segment: &str) -> Self {
        let segment = segment.replace('~', "~0").replace('/', "~1");
        self.pointer = join(&["/", &segment, &self.pointer]);
        self
    }
}

impl Node<'_> {
    /// The error that it is not what the visitor wants.
    fn refuse(&self, expected: &dyn Expected) -> ConfigError {
        let found = match self {
            Self::Null => Unexpected::Unit,
            Self::Boolean(boolean) => Unexpected::Bool(*boolean),
            Self::Number(text) if text.contains(['.', 'e', 'E']) => Unexpected::Float(0.0),
            Self::Number(_) => Unexpected::Signed(0),
            Self::Text(text) => Unexpected::Str(text),
            Self::Array(_) => Unexpected::Seq,
            Self::Object(_) => Unexpected::Map,
        };
        ConfigError::invalid_type(found, expected)
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
            self.integer(visitor)
        }
    )*};
}

impl<'a> Node<'a> {
    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        let Self::Number(text) = self else {
            return Err(self.refuse(&visitor));
        };
        match text.parse() {
            Ok(integer) => visitor.visit_i64(integer),
            Err(_) => Err(self.refuse(&visitor)),
        }
    }
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = ConfigError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Boolean(boolean) => visitor.visit_bool(boolean),
            Self::Number(text) if text.parse::<i64>().is_ok() => self.integer(visitor),
            Self::Number(_) => self.deserialize_f64(visitor),
            Self::Text(text) => visitor.visit_string(text),
            Self::Array(_) => self.deserialize_seq(visitor),
            Self::Object(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self {
            Self::Boolean(boolean) => visitor.visit_bool(boolean),
            other => Err(other.refuse(&visitor)),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        let Self::Number(text) = self else {
            return Err(self.refuse(&visitor));
        };
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => visitor.visit_f64(number),
            _ => Err(self.refuse(&visitor)),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self {
            Self::Text(text) => visitor.visit_string(text),
            other => Err(other.refuse(&visitor)),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self {
            Self::Null => visitor.visit_none(),
            some => visitor.visit_some(some),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self {
            Self::Null => visitor.visit_unit(),
            other => Err(other.refuse(&visitor)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ConfigError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self {
            Self::Array(items) => {
                let length = items.len();
                let mut items = Items { items: items.into_iter(), index: 0 };
                let list = visitor.visit_seq(&mut items)?;
                match items.items.next() {
                    None => Ok(list),
                    Some(_) => Err(ConfigError::new("", format!("the list is too long, with {length} elements"))),
                }
            }
            other => Err(other.refuse(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ConfigError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match self {
            Self::Object(members) => visitor.visit_map(Members { members: members.into_iter(), value: None }),
            other => Err(other.refuse(&visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        match self {
            Self::Text(name) => visitor.visit_enum(name.into_deserializer()),
            Self::Object(members) if members.len() == 1 => {
                let member = members.into_iter().next().expect("it has one member");
                visitor.visit_enum(Variant(member))
            }
            other => Err(other.refuse(&visitor)),
        }
    }

    /// Nobody asked for it.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ConfigError> {
        Err(ConfigError::new("", "the filter knows no such member"))
    }
}

/// The elements of an array.
struct Items<'a> {
    items: std::vec::IntoIter<Node<'a>>,
    index: usize,
}

impl<'de> SeqAccess<'de> for &mut Items<'_> {
    type Error = ConfigError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ConfigError> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let read = seed.deserialize(item).map_err(|error| error.inside(&self.index.to_string()))?;
        self.index += 1;
        Ok(Some(read))
    }
}

/// The members of an object.
struct Members<'a> {
    members: std::vec::IntoIter<(String, Node<'a>)>,
    /// The member whose key was read last.
    value: Option<(String, Node<'a>)>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = ConfigError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ConfigError> {
        let Some((key, node)) = self.members.next() else {
            return Ok(None);
        };
        let name: StringDeserializer<ConfigError> = key.clone().into_deserializer();
        let read = seed.deserialize(name).map_err(|error| error.inside(&key))?;
        self.value = Some((key, node));
        Ok(Some(read))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ConfigError> {
        let (key, node) = self.value.take().expect("serde asks for a value after its key");
        seed.deserialize(node).map_err(|error| error.inside(&key))
    }
}

/// An object with one member, as an enum variant with its content.
struct Variant<'a>((String, Node<'a>));

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = ConfigError;
    type Variant = Content<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'a>), ConfigError> {
        let (key, node) = self.0;
        let name: StringDeserializer<ConfigError> = key.clone().into_deserializer();
        Ok((seed.deserialize(name).map_err(|error| error.inside(&key))?, Content { key, node }))
    }
}

/// What is inside a variant.
struct Content<'a> {
    key: String,
    node: Node<'a>,
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = ConfigError;

    fn unit_variant(self) -> Result<(), ConfigError> {
        match self.node {
            Node::Null => Ok(()),
            other => Err(other.refuse(&"null").inside(&self.key)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ConfigError> {
        seed.deserialize(self.node).map_err(|error| error.inside(&self.key))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ConfigError> {
        self.node.deserialize_seq(visitor).map_err(|error| error.inside(&self.key))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, ConfigError> {
        self.node.deserialize_map(visitor).map_err(|error| error.inside(&self.key))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use crate::{Config, ConfigError};

    #[derive(Debug, PartialEq, Deserialize)]
    struct All {
        boolean: bool,
        small: u8,
        float: f64,
        text: String,
        letter: char,
        none: Option<i64>,
        some: Option<i64>,
        pair: (bool, String),
        unit: (),
        wrapped: Wrapped,
        map: BTreeMap<String, i64>,
        kinds: Vec<Kind>,
        any: serde_json::Value,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(Vec<bool>);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Unit,
        New(i64),
        Tuple(i64, i64),
        Struct { field: bool },
    }

    const ALL: &str = r#"{"boolean":true,"small":255,"float":1,"text":"t","letter":"l","none":null,"some":-5,
        "pair":[false,"p"],"unit":null,"wrapped":[true],"map":{"k":1},
        "kinds":["unit",{"unit":null},{"new":1},{"tuple":[1,2]},{"struct":{"field":true}}],
        "any":{"a":[1,1.5,"x",null,true]}}"#;

    fn refusal(from: &str, to: &str) -> String {
        assert!(ALL.contains(from), "{from}");
        All::parse(&ALL.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn what_serde_json_reads_is_read_the_same() {
        assert_eq!(All::parse(ALL).unwrap(), serde_json::from_str::<All>(ALL).unwrap());
    }

    #[test]
    fn a_refusal_names_the_place_and_both_types() {
        for (from, to, expected) in [
            ("true", "1", "/boolean: expected a boolean, found integer"),
            ("255", "256", "/small: expected u8"),
            ("255", "2.5", "/small: expected u8, found number"),
            ("\"float\":1", "\"float\":\"1\"", "/float: expected f64, found text"),
            ("\"t\"", "null", "/text: expected a string, found null"),
            ("\"l\"", "\"long\"", "/letter: expected a character"),
            ("-5", "[]", "/some: expected i64, found list"),
            ("[false,\"p\"]", "[false]", "/pair: invalid length 1, expected a tuple of size 2"),
            ("\"p\"]", "\"p\",1]", "/pair: the list is too long, with 3 elements"),
            ("[true]", "[true,{}]", "/wrapped/1: expected a boolean, found object"),
            ("\"k\":1", "\"a/~\":\"x\"", "/map/a~1~0: expected i64, found text"),
            ("[\"unit\"", "[\"new\"", "/kinds/0: expected newtype variant, found something else"),
            (
                "{\"new\":1}",
                "{\"old\":1}",
                "/kinds/2/old: unknown variant `old`, expected one of `unit`, `new`, `tuple`, `struct`",
            ),
            ("{\"new\":1}", "{\"new\":\"1\"}", "/kinds/2/new: expected i64, found text"),
            ("{\"unit\":null}", "{\"unit\":1}", "/kinds/1/unit: expected null, found integer"),
            ("\"field\":true", "\"field\":true,\"more\":1", "/kinds/4/struct/more: the filter knows no such member"),
            ("\"boolean\":true,", "", "missing field `boolean`"),
            ("{\"boolean\"", "{\"bolean\":1,\"boolean\"", "/bolean: the filter knows no such member"),
            ("{\"boolean\"", "{\"small\":1,\"boolean\"", "duplicate field `small`"),
            ("{\"boolean\"", "[\"boolean\"", "it is no JSON, or nested too deep"),
        ] {
            assert_eq!(refusal(from, to), expected);
        }
    }

    #[test]
    fn no_configuration_is_an_empty_one_unless_the_type_takes_null() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Optional {
            limit: Option<i64>,
        }

        assert_eq!(Optional::parse("null"), Ok(Optional { limit: None }));
        assert_eq!(Option::<Optional>::parse("null"), Ok(None));
        assert_eq!(Wrapped::parse("null"), Err(ConfigError::new("", "expected a sequence, found object")));
    }
}
