//! Uploads: whatever the bytes are, they are refused with a place inside them or are a valid component without imports.

#![no_main]

use hooksieve::filter::validate::{Refusal, validate};
use libfuzzer_sys::fuzz_target;
use wasmparser::Validator;

fuzz_target!(|wasm: &[u8]| {
    match validate(wasm) {
        Ok(valid) => {
            Validator::new().validate_all(&valid.component).expect("what is let through is valid");
            assert_eq!(valid.wit_version, "0.1.0");
        }
        Err(Refusal::Invalid { offset, message }) => {
            assert!(offset <= wasm.len(), "{offset} is beyond {} bytes", wasm.len());
            assert!(!message.is_empty());
        }
        Err(Refusal::Imports { names }) => assert!(!names.is_empty()),
        Err(_) => {}
    }
});
