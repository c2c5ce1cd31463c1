//! Canonical JSON: what it makes is JSON, stays as it is when it is made canonical again, and means the same as what was
//! given; a refusal has its place inside the input.

#![no_main]

use hooksieve::json::canonicalise;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    match canonicalise(input) {
        Ok(canonical) => {
            assert_eq!(canonicalise(canonical.as_bytes()).as_deref(), Ok(canonical.as_str()));
            let made: Value = serde_json::from_str(&canonical).expect("canonical JSON is JSON");
            let given: Value = serde_json::from_slice(input).expect("what is taken is JSON");
            assert!(is_same(&made, &given), "{given} became {made}");
        }
        Err(error) => assert!(error.offset() <= input.len()),
    }
});

/// Numbers are compared as the doubles that JavaScript reads.
fn is_same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| is_same(left, right)))
        }
        _ => left == right,
    }
}
