//! No secret and no token lies anywhere but with its owner: one host lives through all that it does with them, at
//! the log's most talkative level, and then everything that it wrote or said is searched.

mod encodings;
mod life;

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use encodings::{Needles, encodings};
use life::Life;

/// Everything in a folder, except for the one file that is the secret's place.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().unwrap() != "sealing.key" {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn no_secret_and_no_token_is_found_in_anything_that_a_host_writes_or_says() {
    let life = Life::live().await;

    let mut needles = Needles::default();
    for (name, secret) in &life.secrets {
        needles.add(name, secret.as_bytes());
        if let Some(key) = secret.strip_prefix("whsec_") {
            needles.add(&format!("{name}'s key in base64"), key.as_bytes());
            needles.add(&format!("{name}'s key"), &STANDARD.decode(key).unwrap());
        }
    }
    let sealing = fs::read_to_string(life.folder().join("data/sealing.key")).unwrap();
    needles.add("sealing key's text", sealing.as_bytes());
    needles.add("sealing key", &hex::decode(sealing.trim()).unwrap());
    let searcher = needles.searcher();
    let (mut searched, mut hits) = (Vec::new(), Vec::new());
    for path in files(life.folder()) {
        let hay = fs::read(&path).unwrap();
        let name = path.strip_prefix(life.folder()).unwrap().display().to_string();
        hits.extend(searcher.found_in(&hay).into_iter().map(|label| format!("{label}, in {name}")));
        searched.push((name, hay.len()));
    }

    println!("{} needles of {} secrets, {} files:", needles.count(), life.secrets.len(), searched.len());
    searched.iter().for_each(|(name, bytes)| println!("  {bytes:>9} bytes  {name}"));
    assert!(hits.is_empty(), "\n{}\n", hits.join("\n"));
    for part in [
        "data/hooksieve.db",
        "moment/hooksieve.db-wal",
        "moment/hooksieve.db-shm",
        "compiled/",
        "backup.db",
        "log",
        "answers",
    ] {
        assert!(
            searched.iter().any(|(name, bytes)| name.contains(part) && *bytes > 0),
            "{part} is not in {searched:?}"
        );
    }
    life.assert_that_it_was_lived();
}

#[test]
fn a_planted_secret_is_found_in_each_encoding_wherever_it_lies() {
    for secret in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", life::CHOSEN_SECRET] {
        let mut needles = Needles::default();
        needles.add("it", secret.as_bytes());
        let searcher = needles.searcher();

        assert!(searcher.found_in(b"nothing to be found here, at any length").is_empty());
        for (encoding, bytes) in encodings(secret.as_bytes()) {
            let label = format!("it {encoding}");
            let hay = [b"noise \0\xff\"".as_slice(), &bytes, b"\" more noise"].concat();
            assert!(searcher.found_in(&hay).contains(&label.as_str()), "{label}");
        }
        // In the middle of something that was encoded as a whole.
        for (before, behind) in (0..7).flat_map(|before| (0..4).map(move |behind| (before, behind))) {
            let whole = [&vec![b'<'; before][..], secret.as_bytes(), &vec![b'>'; behind]].concat();
            let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&whole);
            for hay in [STANDARD.encode(&whole), url_safe, hex::encode(&whole), hex::encode_upper(&whole)] {
                assert!(
                    !searcher.found_in(hay.as_bytes()).is_empty(),
                    "{before} bytes before it, {behind} behind it: {hay}"
                );
            }
            let json = serde_json::to_vec(&serde_json::json!({ "x": String::from_utf8_lossy(&whole) })).unwrap();
            assert!(!searcher.found_in(&json).is_empty());
        }
    }
}
