use proptest::prelude::*;

use super::{Flaw, canonicalise, without_order};
use crate::model::limits::{JSON_DEPTH_MAX, JSON_ERROR_POINTER_BYTES_MAX};

fn canonical(input: &str) -> String {
    canonicalise(input.as_bytes()).expect(input)
}

/// The flaw of a document and the pointer to it.
fn refusal(input: impl AsRef<[u8]>) -> (Flaw, String) {
    let error = canonicalise(input.as_ref()).expect_err("a refused document");
    (error.flaw, error.pointer)
}

fn syntax_flaw_expects(input: &str) -> (&'static str, usize) {
    let error = canonicalise(input.as_bytes()).expect_err(input);
    match error.flaw {
        Flaw::Syntax { expected } => (expected, error.offset),
        other => panic!("{input}: {other}"),
    }
}

#[test]
fn blanks_between_tokens_are_dropped() {
    assert_eq!(canonical(" {\t\"a\" :\r\n[ 1 , true,null , { } , [ ] ] } "), r#"{"a":[1,true,null,{},[]]}"#);
}

#[test]
fn keys_stay_in_order_but_array_indices_come_first() {
    assert_eq!(
        canonical(r#"{"b":1,"10":2,"a":3,"2":4,"01":5,"4294967295":6,"4294967294":7,"-1":8}"#),
        r#"{"2":4,"10":2,"4294967294":7,"b":1,"a":3,"01":5,"4294967295":6,"-1":8}"#
    );
}

#[test]
fn of_duplicate_keys_the_last_value_stands_in_the_first_place() {
    assert_eq!(canonical(r#"{"a":1,"b":2,"\u0061":{"c":1,"c":2}}"#), r#"{"a":{"c":2},"b":2}"#);
}

#[test]
fn a_large_object_with_duplicates_is_ordered_like_a_small_one() {
    let pairs = |values: &[(usize, usize)]| {
        let members: Vec<String> = values.iter().map(|(key, value)| format!("\"k{key}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let sent: Vec<(usize, usize)> = (0..300).map(|place| (place % 100, place)).collect();
    let kept: Vec<(usize, usize)> = (0..100).map(|key| (key, key + 200)).collect();

    assert_eq!(canonical(&pairs(&sent)), pairs(&kept));
}

#[test]
fn without_order_documents_that_differ_in_the_order_of_members_alone_are_the_same() {
    let one = canonical(r#"{"b":[{"y":1,"x":{"10":1,"9":2}},"b"],"a":"\u0062","2":null}"#);
    let other = canonical(r#"{"2":null,"a":"b","b":[{"x":{"9":2,"10":1.0},"y":1},"b"]}"#);

    assert_ne!(one, other);
    assert_eq!(without_order(&one), without_order(&other));
    for different in [r#"{"a":["x","y"]}"#, r#"{"a":["y","x"]}"#, r#"{"a":{"x":"y"}}"#, r#"{"a":null}"#, "{}"] {
        assert_eq!(without_order(different), different, "what is in order already comes back as it is");
    }
}

#[test]
fn proto_is_a_key_like_any_other() {
    assert_eq!(canonical(r#"{"__proto__":{"__proto__":1}}"#), r#"{"__proto__":{"__proto__":1}}"#);
}

#[test]
fn numbers_are_spelled_as_javascript_spells_them() {
    let cases = [
        ("-0", "0"),
        ("-0.0", "0"),
        ("1.0", "1"),
        ("1e2", "100"),
        ("1E+21", "1e+21"),
        ("123456789012345680000", "123456789012345680000"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"),
        ("1e-400", "0"),
        ("0e99999999999999999999", "0"),
        ("0.1234567890123456789", "0.12345678901234568"),
        ("9007199254740992.4", "9007199254740992"),
        ("100000000000000000000000", "1e+23"),
        ("-9007199254740991", "-9007199254740991"),
        ("999999999999999", "999999999999999"),
    ];
    for (sent, printed) in cases {
        assert_eq!(canonical(sent), printed, "{sent}");
    }
}

#[test]
fn a_whole_number_that_a_double_changes_is_refused_with_its_place_and_the_remedy() {
    for literal in [
        "9007199254740993",
        "12345678901234567890",
        "-9007199254740993",
        "9007199254740993.0",
        "9.007199254740993e15",
        "1152921504606846976",
    ] {
        let document = format!(r#"{{"a/b":[0,{{"~":{literal}}}]}}"#);

        let (flaw, pointer) = refusal(&document);

        assert_eq!(flaw, Flaw::NumberChanges { literal: literal.to_owned() });
        assert_eq!(pointer, "/a~1b/1/~0");
        assert!(flaw.to_string().contains("send it as a string"));
    }
}

#[test]
fn a_number_beyond_a_double_is_refused() {
    for literal in ["1e400", "-1e400", "1e99999999999999999999"] {
        assert_eq!(refusal(literal).0, Flaw::NumberOverflows { literal: literal.to_owned() });
    }
}

#[test]
fn an_error_repeats_only_the_start_of_a_long_number() {
    let (flaw, _) = refusal("123456789".repeat(30));

    assert!(flaw.to_string().len() < 120, "{flaw}");
    assert!(flaw.to_string().contains('…'));
}

#[test]
fn strings_keep_only_the_escapes_that_stringify_writes() {
    assert_eq!(
        canonical(r#""\/\u002F\u00e9\u0022\\\b\f\n\r\t\u0008\u001F\u007f\u2028\ud83d\ude00""#),
        "\"//é\\\"\\\\\\b\\f\\n\\r\\t\\b\\u001f\u{7f}\u{2028}😀\""
    );
}

#[test]
fn every_bare_control_character_is_refused_wherever_it_stands() {
    for control in 0..0x20_u8 {
        for before in ["", "abc", "abcdefghijk"] {
            for after in ["", "abcdefghijk"] {
                let document = format!("\"{before}{}{after}\"", char::from(control));

                let (expected, offset) = syntax_flaw_expects(&document);

                assert_eq!(expected, "an escape, not a bare control character", "{document:?}");
                assert_eq!(offset, before.len() + 1, "{document:?}");
            }
        }
    }
    assert_eq!(canonical("\" !\u{7f}\u{80}ab#[]ü\""), "\" !\u{7f}\u{80}ab#[]ü\"");
}

#[test]
fn lone_surrogates_are_refused_in_values_and_in_keys() {
    assert_eq!(refusal(r#"{"a":"\ud83d"}"#), (Flaw::LoneSurrogate { unit: 0xd83d }, "/a".to_owned()));
    assert_eq!(refusal(r#"["\ude00\ud83d"]"#), (Flaw::LoneSurrogate { unit: 0xde00 }, "/0".to_owned()));
    assert_eq!(refusal(r#""\ud83d\u0041""#).0, Flaw::LoneSurrogate { unit: 0xd83d });
    assert_eq!(refusal(r#"{"a":{"\udfff":1}}"#), (Flaw::LoneSurrogate { unit: 0xdfff }, "/a".to_owned()));
}

#[test]
fn nesting_is_refused_from_one_level_over_the_bound() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));

    assert_eq!(canonical(&nested(JSON_DEPTH_MAX)), nested(JSON_DEPTH_MAX));
    assert_eq!(refusal(nested(JSON_DEPTH_MAX + 1)), (Flaw::TooDeep, "/0".repeat(JSON_DEPTH_MAX)));
    assert_eq!(refusal("{\"a\":".repeat(1_000_000)).0, Flaw::TooDeep);
}

#[test]
fn bytes_that_are_not_utf8_are_refused_where_they_stand() {
    assert_eq!(refusal(b"{\"a\":[1,\"x\xff\"]}"), (Flaw::InvalidUtf8, "/a/1".to_owned()));
    assert_eq!(refusal(b"[1]\xc3").0, Flaw::InvalidUtf8);
    assert_eq!(refusal(b"\"\xed\xa0\xbd\"").0, Flaw::InvalidUtf8);
}

#[test]
fn a_byte_order_mark_is_refused() {
    assert_eq!(refusal("\u{feff}{}").0, Flaw::ByteOrderMark);
}

#[test]
fn anything_after_the_document_is_refused() {
    assert_eq!(refusal("{} {}").0, Flaw::TrailingData);
    assert_eq!(refusal("01").0, Flaw::TrailingData);
}

#[test]
fn a_syntax_error_says_what_was_expected_and_at_which_byte() {
    let cases = [
        ("", "a value", 0),
        ("[1,]", "a value", 3),
        ("[1 2]", "a comma or the end of the array", 3),
        (r#"{"a":1 "b""#, "a comma or the end of the object", 7),
        (r#"{"a":1,}"#, "a key in double quotes", 7),
        (r#"{"a" 1}"#, "a colon", 5),
        ("nul", "null", 3),
        ("trUe", "true", 2),
        ("-", "a digit", 1),
        ("1.", "a digit", 2),
        ("1e+", "a digit", 3),
        (r#""\x""#, "an escape of RFC 8259", 2),
        (r#""\u12g4""#, "a hexadecimal digit", 5),
        ("\"a\nb\"", "an escape, not a bare control character", 2),
        ("\"a", "the end of the string", 2),
        ("NaN", "a value", 0),
    ];
    for (document, expected, offset) in cases {
        assert_eq!(syntax_flaw_expects(document), (expected, offset), "{document}");
    }
}

#[test]
fn a_pointer_too_long_for_a_message_is_cut_back_to_an_ancestor() {
    let long = "k".repeat(JSON_ERROR_POINTER_BYTES_MAX);

    assert_eq!(refusal(format!(r#"{{"a":{{"{long}":x}}}}"#)).1, "/a");
}

#[test]
fn keys_chosen_to_be_slow_cost_no_more_than_sorting_them() {
    let keys: Vec<String> = (0..50_000).map(|number| format!("\"{}\":{}", 49_999 - number, number % 2)).collect();
    let nested = format!("{{\"a\":{{{}}}}}", keys.join(","));

    let ordered = canonical(&nested);

    assert!(ordered.starts_with(r#"{"a":{"0":1,"1":0,"2":1"#));
    assert_eq!(ordered.len(), nested.len());
}

/// Text that is often JSON, with keys that meet again, and sometimes not.
fn nearly_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
        "\"([ -!#-\\[\\]-~é😀]|\\\\[\"\\\\/bfnrt]|\\\\u00[0-9a-f]{2}){0,12}\"",
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        let key = prop_oneof!["\"[a-c]\"", "\"[0-9]{1,2}\"", Just(r#""\u0061""#.to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::vec((key, inner), 0..8).prop_map(|members| {
                let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", members.join(",\n"))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn canonical_text_comes_back_unchanged(document in nearly_json()) {
        if let Ok(once) = canonicalise(document.as_bytes()) {
            prop_assert_eq!(canonicalise(once.as_bytes()), Ok(once));
        }
    }

    #[test]
    fn no_input_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), document in nearly_json(), cut in 0usize..200) {
        let _ = canonicalise(&bytes).is_ok();
        let cut = document.floor_char_boundary(cut);
        let _ = canonicalise([&document.as_bytes()[..cut], &bytes].concat().as_slice()).is_ok();
    }
}
