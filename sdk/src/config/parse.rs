//! From JSON text to a tree.

/// How deep arrays and objects may be nested; the host takes no deeper ones.
const DEPTH_MAX: u32 = 64;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Boolean(bool),
    /// As it is written, for whoever wants it.
    Number(&'a str),
    Text(String),
    Array(Vec<Node<'a>>),
    Object(Vec<(String, Node<'a>)>),
}

/// Reads all of the text; `None` if it is no JSON or nested too deep.
pub(super) fn parse(text: &str) -> Option<Node<'_>> {
    let mut parser = Parser { text, at: 0 };
    let node = parser.value(DEPTH_MAX)?;
    parser.skip_blanks();
    (parser.at == text.len()).then_some(node)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: u32) -> Option<Node<'a>> {
        match self.next()? {
            b'n' => self.word("ull", Node::Null),
            b't' => self.word("rue", Node::Boolean(true)),
            b'f' => self.word("alse", Node::Boolean(false)),
            b'"' => self.text().map(Node::Text),
            b'[' => self.array(depth.checked_sub(1)?),
            b'{' => self.object(depth.checked_sub(1)?),
            b'-' | b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    fn array(&mut self, depth: u32) -> Option<Node<'a>> {
        let mut items = Vec::new();
        if self.takes(b']') {
            return Some(Node::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            match self.next()? {
                b',' => {}
                b']' => return Some(Node::Array(items)),
                _ => return None,
            }
        }
    }

    fn object(&mut self, depth: u32) -> Option<Node<'a>> {
        let mut members = Vec::new();
        if self.takes(b'}') {
            return Some(Node::Object(members));
        }
        loop {
            let key = match self.next()? {
                b'"' => self.text()?,
                _ => return None,
            };
            if self.next()? != b':' {
                return None;
            }
            members.push((key, self.value(depth)?));
            match self.next()? {
                b',' => {}
                b'}' => return Some(Node::Object(members)),
                _ => return None,
            }
        }
    }

    /// The rest of a string, after its opening quote.
    fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
            text.push_str(&rest[..plain]);
            self.at += plain + 1;
            match rest.as_bytes()[plain] {
                b'"' => return Some(text),
                b'\\' => text.push(self.escape()?),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let letter = *self.text.as_bytes().get(self.at)?;
        self.at += 1;
        Some(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    return char::from_u32(unit);
                }
                // The first half of a pair.
                self.at += self.text.as_bytes()[self.at..].starts_with(b"\\u").then_some(2)?;
                let low = self.hex()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                return char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + low);
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
    }

    /// The rest of a number, after its first character.
    fn number(&mut self) -> Option<Node<'a>> {
        let start = self.at - 1;
        let bytes = self.text.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let whole = start + usize::from(bytes[start] == b'-');
        let mut end = whole + digits(whole);
        if end == whole || (bytes[whole] == b'0' && end > whole + 1) {
            return None;
        }
        if bytes.get(end) == Some(&b'.') {
            let fraction = digits(end + 1);
            end += 1 + Some(fraction).filter(|count| *count > 0)?;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            end += 1 + sign + Some(exponent).filter(|count| *count > 0)?;
        }
        self.at = end;
        Some(Node::Number(&self.text[start..end]))
    }

    fn word(&mut self, rest: &str, node: Node<'a>) -> Option<Node<'a>> {
        let is_there = self.text.as_bytes()[self.at..].starts_with(rest.as_bytes());
        self.at += rest.len();
        is_there.then_some(node)
    }

    /// The next byte that is no blank.
    fn next(&mut self) -> Option<u8> {
        self.skip_blanks();
        let byte = *self.text.as_bytes().get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let is_next = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_blanks(&mut self) {
        let blanks = self.text.as_bytes()[self.at..].iter();
        self.at += blanks.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_json_takes_is_taken_and_what_it_refuses_is_refused() {
        for text in [
            "null",
            " true ",
            "false",
            "0",
            "-0",
            "-12.50e+3",
            "1E9",
            "1e-7",
            "\"\"",
            "[]",
            "{}",
            "[ 1 , 2 ]",
            r#"{"a":{"b":[null,"c"]}}"#,
            r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 é""#,
            "{ }",
            "[ ]",
        ] {
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
            assert!(parse(text).is_some(), "{text}");
        }
        for text in [
            "",
            " ",
            "nul",
            "nulls",
            "tru",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "1e+",
            "+1",
            "[1,]",
            "[,1]",
            "[1",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "\"\n\"",
            "1 2",
            "\"\\ud83d",
            "\"\\u+123\"",
            "é",
        ] {
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn texts_are_unescaped() {
        let node = parse(r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 é""#);

        assert_eq!(node, Some(Node::Text("\"\\/\u{8}\u{c}\n\r\té😀 é".into())));
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));

        assert!(parse(&nested(64)).is_some());
        assert_eq!(parse(&nested(65)), None);
        assert_eq!(parse(&"[".repeat(1_000_000)), None);
    }
}
