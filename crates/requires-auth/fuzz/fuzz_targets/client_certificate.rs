//! A header with a client certificate, against a decoder that is written a second time.
//!
//! Input: one byte that chooses the format, then the value of the header.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use requires_auth::client_certificate::{ClientCertificate, HeaderFormat};
use requires_auth_fuzz::base64url;

/// The bytes of a text in base64, whose padding is right if it is there.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let plain = text.trim_end_matches('=');
    let is_padded = text.len() % 4 == 0 && text.len() - plain.len() < 3;
    base64url::decode(&plain.replace('+', "-").replace('/', "_"))
        .filter(|_| is_padded && !plain.contains(['-', '_']))
}

/// Without percent escapes, whatever they stand for.
fn unescaped(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut plain = String::new();
    while let Some(byte) = bytes.next() {
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
        let byte =
            if byte == b'%' { digit().zip(digit()).map_or(0, |(h, l)| h << 4 | l) } else { byte.into() };
        plain.push(char::from_u32(byte).expect("a byte"));
    }
    plain
}

fn der_of_pem(text: &str) -> Option<Vec<u8>> {
    let text = unescaped(text).replace(['\r', '\n'], "");
    decoded(text.strip_prefix("-----BEGIN CERTIFICATE-----")?.strip_suffix("-----END CERTIFICATE-----")?)
}

/// What a value tells, as far as it can only tell one thing.
fn is_told(format: HeaderFormat, text: &str, found: ClientCertificate) -> bool {
    let is_found = |der: Option<Vec<u8>>| der.is_some_and(|der| ClientCertificate::from_der(&der) == found);
    match format {
        HeaderFormat::Rfc9440 => {
            is_found(text.strip_prefix(':').and_then(|rest| decoded(rest.strip_suffix(':')?)))
        }
        HeaderFormat::EscapedPem => is_found(der_of_pem(text)),
        HeaderFormat::Traefik => is_found(text.split(',').next().and_then(decoded)),
        HeaderFormat::DerBase64 => is_found(decoded(text)),
        _ => {
            let hash: String = found.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
            let lower = text.to_ascii_lowercase();
            let quoted = text.split('"').any(|part| is_found(der_of_pem(part)));
            let plain = text.split([';', '=']).any(|part| is_found(der_of_pem(part)));
            lower.contains(&format!("hash={hash}"))
                || lower.contains(&format!("hash=\"{hash}\""))
                || quoted
                || plain
        }
    }
}

/// A certificate with these bytes in it.
fn certificate(body: &[u8]) -> Vec<u8> {
    let element = |tag: u8, content: &[u8]| {
        let [high, low] = u16::try_from(content.len()).expect("short").to_be_bytes();
        let length = match content.len() {
            0..=0x7F => vec![low],
            0x80..=0xFF => vec![0x81, low],
            _ => vec![0x82, high, low],
        };
        [&[tag][..], &length, content].concat()
    };
    element(0x30, &[element(0x30, body), element(0x30, &[]), element(0x03, &[0, 1])].concat())
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, value)) = input.split_first() else { return };
    let format = HeaderFormat::ALL[usize::from(choice) % HeaderFormat::ALL.len()];
    if let Ok(Some(found)) = format.read(value) {
        let text = std::str::from_utf8(value).expect("a value that was read is ASCII");
        assert!(is_told(format, text.trim_matches([' ', '\t']), found), "{format}: {text}");
    }

    // What a proxy writes about any certificate is read.
    let der = certificate(&value[..value.len().min(0x2000)]);
    let (base64, expected) = (STANDARD.encode(&der), ClientCertificate::from_der(&der));
    let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    let hash: String = expected.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
    for (format, value) in [
        (HeaderFormat::Rfc9440, format!(":{base64}:")),
        (HeaderFormat::EscapedPem, escaped(&pem)),
        (HeaderFormat::Traefik, format!("{base64},{base64}")),
        (HeaderFormat::Xfcc, format!("Hash={hash};Cert=\"{}\"", escaped(&pem))),
        (HeaderFormat::DerBase64, base64.clone()),
    ] {
        assert_eq!(format.read(value.as_bytes()), Ok(Some(expected)), "{format}");
    }
});
