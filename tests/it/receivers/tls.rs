//! Receivers behind TLS: certificates that are not to be trusted, and handshakes that are none or never end.

use std::sync::Arc;

use hooksieve::wire::AttemptError::{Broken, Malformed, Timeout, Tls};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::wire::Step::{self, Drip, Flood, Hold, Read, Request, Write};
use super::{Expected, Row, fails, succeeds};

/// Where the receivers are.
const HOST: &str = "127.0.0.1";
/// What a server says that does not like the client: an alert, handshake failure.
const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];
/// An answer that says how long it is.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

/// An authority that the host trusts.
pub struct Pki {
    /// Its certificate, in PEM.
    pub root: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    pub fn new() -> Self {
        let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::default());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = params.self_signed(&key).unwrap().pem();
        Self { root, issuer: Issuer::new(params, key) }
    }

    /// Is behind TLS with a certificate for this host, for these years.
    fn tls(&self, host: &str, years: std::ops::Range<i32>) -> Step {
        let key = KeyPair::generate().unwrap();
        let certificate = params(host, years).signed_by(&key, &self.issuer).unwrap();
        Step::Tls(server(certificate, &key))
    }

    /// The same with a good certificate.
    fn good(&self) -> Step {
        self.tls(HOST, 2020..2100)
    }
}

fn params(host: &str, years: std::ops::Range<i32>) -> CertificateParams {
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    params.not_before = date_time_ymd(years.start, 1, 1);
    params.not_after = date_time_ymd(years.end, 1, 1);
    params
}

fn server(certificate: rcgen::Certificate, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(config.with_single_cert(vec![certificate.into()], key).unwrap())
}

pub fn rows(pki: &Pki) -> Vec<Row> {
    let answer = |tls: Step| vec![tls, Request, Write(ANSWER.to_vec())];
    let mut rows = vec![
        row("a good certificate", answer(pki.good()), succeeds(200).with_response(b"ok")),
        row("a certificate that has expired", answer(pki.tls(HOST, 2020..2021)), fails(Tls)),
        row("a certificate that is not valid yet", answer(pki.tls(HOST, 2090..2100)), fails(Tls)),
        row("a certificate for another host", answer(pki.tls("127.0.0.2", 2020..2100)), fails(Tls)),
        row("a certificate of another authority", answer(Pki::new().good()), fails(Tls)),
        row("a certificate of its own", answer(self_signed()), fails(Tls)),
        row("a good handshake and no answer", vec![pki.good(), Request, Hold], fails(Timeout)),
        row(
            "a good handshake and no HTTP",
            vec![pki.good(), Request, Write(b"hello\r\n\r\n".to_vec()), Hold],
            fails(Malformed),
        ),
        row(
            "an end that is cut off",
            vec![pki.good(), Request, Write(b"HTTP/1.1 200 OK\r\n\r\nhalf".to_vec())],
            fails(Broken).with_status(200).with_response(b"half"),
        ),
    ];
    rows.extend(handshakes());
    rows
}

fn self_signed() -> Step {
    let key = KeyPair::generate().unwrap();
    Step::Tls(server(params(HOST, 2020..2100).self_signed(&key).unwrap(), &key))
}

fn handshakes() -> Vec<Row> {
    // A message of 16 MiB in records of 256 bytes.
    let endless = [[22, 3, 3, 1, 0, 2, 255, 255, 255].as_slice(), &[0; 252]].concat();
    vec![
        row("a handshake that never begins", vec![Hold], fails(Timeout)),
        row("a handshake at a snail's pace", vec![Read(5), Drip(vec![22, 3, 3, 64, 0, 2, 0, 63])], fails(Timeout)),
        row("a handshake message without an end", vec![Read(5), Flood(endless)], fails(Tls)),
        row("a handshake that is refused", vec![Read(5), Write(ALERT.to_vec()), Hold], fails(Tls)),
        row("a handshake that breaks off", vec![Read(5)], fails(Tls)),
        row("a handshake that is reset", vec![Read(5), Step::Reset], fails(Tls)),
        row(
            "HTTP without TLS on a port for TLS",
            vec![Read(5), Write(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()), Hold],
            fails(Tls),
        ),
        row("garbage on a port for TLS", vec![Read(5), Flood(vec![0xff])], fails(Tls)),
        // Not `row`: it is the host that takes it for a port without TLS.
        Row::new("TLS on a port for HTTP", vec![Request, Write(ALERT.to_vec())], fails(Malformed)),
    ]
}

fn row(name: &'static str, steps: Vec<Step>, expected: Expected) -> Row {
    Row { scheme: "https", ..Row::new(name, steps, expected) }
}
