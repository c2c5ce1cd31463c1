use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const NOW: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const TOLERANCE: Duration = Duration::from_secs(300);

fn secrets(texts: &[&str]) -> Vec<Secret> {
    texts.iter().map(|text| Secret::new(*text)).collect()
}

fn signed(texts: &[&str], body: &[u8]) -> BTreeMap<&'static str, String> {
    headers(&secrets(texts), ID, NOW, body).into_iter().collect()
}

fn received<'a>(headers: &'a BTreeMap<&'static str, String>, body: &'a [u8]) -> Received<'a> {
    Received::new(body, |name| headers.get(name).map(String::as_str))
}

fn verified_standard(headers: &BTreeMap<&'static str, String>, secret: &str) -> Result<(), VerifyError> {
    received(headers, BODY).verify_standard(&Secret::new(secret), NOW, TOLERANCE)
}

#[test]
fn the_published_vectors_come_out() {
    let standard = signed(&[STANDARD_SECRET], BODY);
    let hex = signed(&["It's a Secret to Everybody"], b"Hello, World!");

    assert_eq!(standard[WEBHOOK_SIGNATURE], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_eq!(standard[WEBHOOK_ID], ID);
    assert_eq!(standard[WEBHOOK_TIMESTAMP], "1614265330");
    assert_eq!(hex[X_SIGNATURE], "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
}

#[test]
fn a_generated_secret_is_whsec_and_its_random_bytes_in_base64() {
    let secret = generate_secret(&[0xff; 32]);

    assert_eq!(secret.expose(), "whsec_//////////////////////////////////////////8=");
    assert_eq!(*standard_key(&secret), [0xff; 32]);
}

#[test]
fn a_secret_chosen_by_a_user_signs_with_its_own_bytes() {
    for text in ["secret", "whsec_", "whsec_not base64", "whsec_AAA", "WHSEC_AAAA", "ключ"] {
        assert_eq!(*standard_key(&Secret::new(text)), text.as_bytes(), "{text}");
    }
    assert_eq!(*standard_key(&Secret::new("whsec_AAAA")), [0; 3]);
}

#[test]
fn during_a_rotation_both_secrets_sign_and_the_newest_signs_x_signature() {
    let rotated = signed(&["new", "old"], BODY);

    assert_eq!(rotated[X_SIGNATURE], signed(&["new"], BODY)[X_SIGNATURE]);
    assert_eq!(rotated[WEBHOOK_SIGNATURE].split(' ').count(), 2);
    assert!(rotated[WEBHOOK_SIGNATURE].starts_with(&signed(&["new"], BODY)[WEBHOOK_SIGNATURE]));
    assert_eq!(verified_standard(&rotated, "new"), Ok(()));
    assert_eq!(verified_standard(&rotated, "old"), Ok(()));
    assert_eq!(verified_standard(&rotated, "other"), Err(VerifyError::WrongSignature { header: WEBHOOK_SIGNATURE }));
}

#[test]
fn a_missing_header_is_named() {
    for header in [WEBHOOK_ID, WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE] {
        let mut headers = signed(&[STANDARD_SECRET], BODY);
        headers.remove(header);

        assert_eq!(verified_standard(&headers, STANDARD_SECRET), Err(VerifyError::MissingHeader { header }));
    }
    let nothing = Received::new(BODY, |_| None);
    assert_eq!(nothing.verify_x_signature(&Secret::new("s")), Err(VerifyError::MissingHeader { header: X_SIGNATURE }));
}

#[test]
fn a_header_that_cannot_be_read_is_malformed_and_not_wrong() {
    let cases = [
        (WEBHOOK_TIMESTAMP, "yesterday"),
        (WEBHOOK_TIMESTAMP, ""),
        (WEBHOOK_SIGNATURE, ""),
        (WEBHOOK_SIGNATURE, "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (WEBHOOK_SIGNATURE, "v1,g0hM9SsE+OTPJTGt?"),
    ];
    for (header, value) in cases {
        let mut headers = signed(&[STANDARD_SECRET], BODY);
        headers.insert(header, value.to_owned());

        let refused = verified_standard(&headers, STANDARD_SECRET);

        assert!(
            matches!(refused, Err(VerifyError::MalformedHeader { header: named, .. }) if named == header),
            "{value}"
        );
    }
    for value in ["", "75", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"] {
        let refused = Received::new(BODY, |_| Some(value)).verify_x_signature(&Secret::new("s"));

        assert!(matches!(refused, Err(VerifyError::MalformedHeader { header: X_SIGNATURE, .. })), "{value}");
    }
}

#[test]
fn signatures_of_other_versions_are_passed_over() {
    let mut headers = signed(&[STANDARD_SECRET], BODY);
    let own = headers[WEBHOOK_SIGNATURE].clone();
    headers.insert(WEBHOOK_SIGNATURE, format!("v1a,AAAA v1,!  {own} v2,x"));

    assert_eq!(verified_standard(&headers, STANDARD_SECRET), Ok(()));
}

#[test]
fn a_timestamp_is_stale_from_one_second_beyond_the_tolerance_on_either_side() {
    let headers = signed(&["s"], BODY);
    let at = |now| received(&headers, BODY).verify_standard(&Secret::new("s"), now, TOLERANCE);

    assert_eq!(at(NOW + 300), Ok(()));
    assert_eq!(at(NOW - 300), Ok(()));
    let late = at(NOW + 301).expect_err("stale");
    let early = at(NOW - 301).expect_err("stale");
    assert!(late.to_string().contains("is 301 s in the past"), "{late}");
    assert!(early.to_string().contains("is 301 s in the future"), "{early}");
    assert!(matches!(at(i64::MIN), Err(VerifyError::StaleTimestamp { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_verifies_and_any_change_to_it_does_not(
        secret in "[ -~]{1,40}",
        body in prop::collection::vec(any::<u8>(), 1..100),
        place in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let headers = signed(&[&secret], &body);
        let key = Secret::new(secret.as_str());
        let mut changed = body.clone();
        changed[place.index(body.len())] ^= 1 << bit;

        let (intact, changed) = (received(&headers, &body), received(&headers, &changed));

        prop_assert_eq!(intact.verify_x_signature(&key), Ok(()));
        prop_assert_eq!(intact.verify_standard(&key, NOW, TOLERANCE), Ok(()));
        prop_assert_eq!(changed.verify_x_signature(&key), Err(VerifyError::WrongSignature { header: X_SIGNATURE }));
        prop_assert_eq!(
            changed.verify_standard(&key, NOW, TOLERANCE),
            Err(VerifyError::WrongSignature { header: WEBHOOK_SIGNATURE })
        );
        let other = Secret::new(format!("{secret}."));
        prop_assert!(intact.verify_x_signature(&other).is_err());
        prop_assert!(intact.verify_standard(&other, NOW, TOLERANCE).is_err());
    }

    #[test]
    fn another_message_id_or_time_does_not_verify(other_id in "msg_[a-z]{4}", seconds in 1i64..300) {
        let headers = signed(&["s"], BODY);
        let wrong = Err(VerifyError::WrongSignature { header: WEBHOOK_SIGNATURE });

        let mut moved = headers.clone();
        moved.insert(WEBHOOK_TIMESTAMP, (NOW + seconds).to_string());
        prop_assert_eq!(verified_standard(&moved, "s"), wrong.clone());

        let mut renamed = headers;
        renamed.insert(WEBHOOK_ID, other_id);
        prop_assert_eq!(verified_standard(&renamed, "s"), wrong);
    }
}
