//! Each format with what proxies write in it, and with what they must not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

/// The certificate of RFC 9440, appendix A, as it stands in the header there.
const APPENDIX: &str = "MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkx\
BIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQ\
gAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEG\
DAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY\
29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=";

/// Its SHA-256, as `openssl dgst` prints it.
const DIGEST: &str = "bfaf1f7e070f9fa8dd62905f158da73f84a1136624fbafcc9393c8f7287a69eb";

fn appendix() -> ClientCertificate {
    ClientCertificate::from_der(&STANDARD.decode(APPENDIX).expect("base64"))
}

fn read(format: HeaderFormat, value: &str) -> Result<Option<ClientCertificate>, CertificateFault> {
    format.read(value.as_bytes())
}

/// Lines of 64 letters between the two of PEM.
fn pem() -> String {
    let lines: Vec<_> = APPENDIX.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line)).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// With an escape for each letter but these.
fn escaped(text: &str, plain: &str) -> String {
    let letter = |letter: char| {
        let is_plain = letter.is_ascii_alphanumeric() || plain.contains(letter);
        if is_plain { letter.to_string() } else { format!("%{:02X}", u32::from(letter)) }
    };
    text.chars().map(letter).collect()
}

/// As nginx and Envoy write it.
fn of_nginx() -> String {
    escaped(&pem(), "-._~")
}

/// As AWS writes it.
fn of_aws() -> String {
    escaped(&pem(), "-._~+=/")
}

#[test]
fn the_example_of_rfc_9440_is_read() {
    let value = format!(":{APPENDIX}:");
    let found = read(HeaderFormat::Rfc9440, &value).expect("readable").expect("a certificate");
    let digest = found.sha256().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    assert_eq!(digest, DIGEST);
    assert_eq!(found, appendix());
    assert_eq!(Certificate::from(found), Certificate::Sha256(*found.sha256()));
    assert_eq!(ClientCertificate::from_sha256(*found.sha256()), found);
    assert_eq!(format!("{found:?}"), "ClientCertificate(..)");
}

#[test]
fn each_format_is_read_as_its_proxy_writes_it() {
    let issuer = STANDARD.encode([0x30, 9, 0x30, 0, 0x30, 0, 0x03, 3, 0, 1, 2]);
    for (format, value) in [
        (HeaderFormat::Rfc9440, format!(":{APPENDIX}:")),
        (HeaderFormat::Rfc9440, format!(" :{APPENDIX}:\t")),
        (HeaderFormat::EscapedPem, of_nginx()),
        (HeaderFormat::EscapedPem, of_aws()),
        (HeaderFormat::EscapedPem, of_nginx().to_lowercase_escapes()),
        (HeaderFormat::EscapedPem, escaped(&pem().replace('\n', "\r\n"), "-")),
        (HeaderFormat::EscapedPem, escaped(pem().trim_end(), "-")),
        (HeaderFormat::Traefik, APPENDIX.to_owned()),
        (HeaderFormat::Traefik, format!("{APPENDIX},{issuer}")),
        (HeaderFormat::Xfcc, format!("Hash={DIGEST}")),
        (HeaderFormat::Xfcc, format!("hash={}", DIGEST.to_uppercase())),
        (HeaderFormat::Xfcc, format!("Cert=\"{}\"", of_nginx())),
        (HeaderFormat::Xfcc, format!("Hash=\"{DIGEST}\";Subject=\"O=a\\, b\\\\\"")),
        (
            HeaderFormat::Xfcc,
            format!(
                "By=spiffe://a/b;Hash={DIGEST};Cert=\"{}\";Subject=\"CN=a\\\",Hash=b;c\";URI=spiffe://c",
                of_nginx()
            ),
        ),
        (HeaderFormat::DerBase64, APPENDIX.to_owned()),
    ] {
        assert_eq!(read(format, &value), Ok(Some(appendix())), "{format}: {value}");
    }
}

trait LowercaseEscapes {
    fn to_lowercase_escapes(&self) -> String;
}

impl LowercaseEscapes for String {
    fn to_lowercase_escapes(&self) -> String {
        let mut parts = self.split('%');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| format!("{text}%{}{}", part[..2].to_lowercase(), &part[2..]))
    }
}

#[test]
fn no_value_is_no_certificate() {
    for format in HeaderFormat::ALL {
        assert_eq!(read(*format, ""), Ok(None), "{format}");
        assert_eq!(read(*format, " \t"), Ok(None), "{format}");
    }
    assert_eq!(read(HeaderFormat::Rfc9440, "::"), Ok(None));
    assert_eq!(read(HeaderFormat::DerBase64, "::"), Err(CertificateFault::Unreadable));
}

#[test]
fn rfc_9440_is_one_byte_sequence_with_its_colons() {
    use CertificateFault::{EscapedPem, NoColons, NotACertificate, Several, Unreadable};
    for (value, fault) in [
        // A chain, and two values that a server before has joined.
        (format!(":{APPENDIX}:, :{APPENDIX}:"), Several),
        (format!(":{APPENDIX}:,:{APPENDIX}"), Several),
        (format!(":{APPENDIX}::{APPENDIX}:"), Several),
        (format!("{APPENDIX},{APPENDIX}"), NoColons),
        // What nginx writes, in the header of RFC 9440.
        (of_nginx(), EscapedPem),
        (pem().replace('\n', " "), EscapedPem),
        (APPENDIX.to_owned(), NoColons),
        (format!(":{APPENDIX}"), NoColons),
        (format!("{APPENDIX}:"), NoColons),
        (":".to_owned(), NoColons),
        (format!(":{APPENDIX}:;a=1"), NoColons),
        (format!(":{}:", of_nginx()), Unreadable),
        // Another alphabet, no padding, and bits that nobody reads.
        (format!(":{}:", APPENDIX.replace('+', "-").replace('/', "_")), Unreadable),
        (format!(":{}:", APPENDIX.trim_end_matches('=')), Unreadable),
        (format!(":{}l=:", &APPENDIX[..APPENDIX.len() - 2]), Unreadable),
        (format!(":{} {}:", &APPENDIX[..8], &APPENDIX[8..]), Unreadable),
        (":AAAA:".to_owned(), NotACertificate),
        (":===:".to_owned(), Unreadable),
    ] {
        assert_eq!(read(HeaderFormat::Rfc9440, &value), Err(fault), "{value}");
    }
}

#[test]
fn a_pem_text_is_one_certificate() {
    use CertificateFault::{NotACertificate, Several, Unreadable};
    let key = pem().replace("CERTIFICATE", "PRIVATE KEY");
    for (text, fault) in [
        (pem() + &pem(), Several),
        (format!("{},{}", pem(), pem()), Several),
        (format!("-----BEGIN CERTIFICATE-----\n{}", pem()), Several),
        (format!("{}-----END CERTIFICATE-----", pem()), Several),
        (format!("text\n{}", pem()), Unreadable),
        (format!("{}text", pem()), Unreadable),
        (key, Unreadable),
        (pem().replace("MIIB", "M,IB"), Several),
        (pem().replace("MIIB", "M IB"), Unreadable),
        (pem().replace("MIIB", "NIIB"), NotACertificate),
        ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----".to_owned(), NotACertificate),
        ("-----BEGIN CERTIFICATE-----".to_owned(), Unreadable),
    ] {
        assert_eq!(read(HeaderFormat::EscapedPem, &escaped(&text, "-")), Err(fault), "{text}");
    }
    for value in ["%", "%2", "%2G", "%+1", "a%", "%C3%A9", "%ff", "\u{e9}", APPENDIX, "%00"] {
        assert_eq!(read(HeaderFormat::EscapedPem, value), Err(Unreadable), "{value}");
    }
    // A plus sign is not a digit, whatever a number may begin with.
    assert_eq!(read(HeaderFormat::EscapedPem, &of_nginx().replace("%0A", "%+A")), Err(Unreadable));
}

#[test]
fn a_list_of_traefik_begins_with_the_client() {
    use CertificateFault::{NotACertificate, Unreadable};
    for (value, fault) in [
        (format!(",{APPENDIX}"), NotACertificate),
        (format!("{APPENDIX},"), NotACertificate),
        (format!("{APPENDIX},*"), Unreadable),
        (of_nginx(), Unreadable),
        (format!("AAAA,{APPENDIX}"), NotACertificate),
    ] {
        assert_eq!(read(HeaderFormat::Traefik, &value), Err(fault), "{value}");
    }
}

#[test]
fn an_xfcc_header_has_one_element_with_one_certificate() {
    use CertificateFault::{Contradiction, NotACertificate, Several, Unreadable};
    let other = DIGEST.replace('0', "1");
    for (value, fault) in [
        (format!("Hash={DIGEST},Hash={DIGEST}"), Several),
        (format!("By=a,Hash={DIGEST}"), Several),
        (format!("Hash={DIGEST};Hash={DIGEST}"), Several),
        // A name in the certificate that goes on as if the proxy had written it.
        (format!("Hash={DIGEST};URI=a;Hash={other}"), Several),
        (format!("Hash={other};Cert=\"{}\"", of_nginx()), Contradiction),
        ("By=a;Subject=\"CN=b\"".to_owned(), NotACertificate),
        ("Hash=".to_owned(), Unreadable),
        (format!("Hash={}", &DIGEST[1..]), Unreadable),
        (format!("Hash=g{}", &DIGEST[1..]), Unreadable),
        (format!("Hash={DIGEST};"), Unreadable),
        (format!("Hash={DIGEST} "), Unreadable),
        (format!("Hash={DIGEST};Subject=\"CN=b"), Unreadable),
        (format!("Hash={DIGEST};Subject=\"CN=b\\"), Unreadable),
        (format!("Hash={DIGEST};Subject=\"CN=b\"c"), Unreadable),
        (format!("Hash={DIGEST};Subject=a\"b\""), Unreadable),
        // A backslash has no meaning but before a quote and a backslash.
        (format!("Cert=\"{}\"", of_nginx().replacen("CERTIFICATE", "CERTI\\FICATE", 1)), Unreadable),
        (format!("Hash=\"\\{DIGEST}\""), Unreadable),
        (format!("Hash={DIGEST};Subject=\"CN=\u{e9}\""), Unreadable),
        (format!("={DIGEST}"), Unreadable),
        (format!("Ha sh={DIGEST}"), Unreadable),
        ("Hash".to_owned(), Unreadable),
        (APPENDIX.to_owned(), Unreadable),
    ] {
        // A space behind the value is cut off with that of the header.
        let value = if value.ends_with(' ') { format!("{value};By=a") } else { value };
        assert_eq!(read(HeaderFormat::Xfcc, &value), Err(fault), "{value}");
    }
}

#[test]
fn a_certificate_is_three_elements_and_ends_with_them() {
    let good = [0x30, 9, 0x30, 0, 0x30, 0, 0x03, 3, 0, 1, 2];
    assert!(ClientCertificate::in_text(&good).is_ok());
    let more = [&good[..], &[0]].concat();
    for der in [
        &more[..],
        &good[..10],
        &[],
        &[0x30, 0],
        &[0x30, 4, 0x30, 0, 0x30, 0],
        &[0x30, 9, 0x30, 0, 0x31, 0, 0x03, 3, 0, 1, 2],
        &[0x30, 11, 0x30, 0, 0x30, 0, 0x03, 3, 0, 1, 2, 0x30, 0],
        // A longer form of the length.
        &[0x30, 0x81, 9, 0x30, 0, 0x30, 0, 0x03, 3, 0, 1, 2],
        b"-----BEGIN CERTIFICATE-----",
    ] {
        assert_eq!(ClientCertificate::in_text(der), Err(CertificateFault::NotACertificate), "{der:x?}");
    }
}

#[test]
fn what_is_large_is_refused_before_it_is_read() {
    let certificate = |length: usize| {
        let [high, low] = u16::try_from(length - 4).expect("short").to_be_bytes();
        let signature = length - 4 - 4 - 4;
        let [first, second] = u16::try_from(signature).expect("short").to_be_bytes();
        let mut der = vec![0x30, 0x82, high, low, 0x30, 0, 0x30, 0, 0x03, 0x82, first, second];
        der.resize(length, 0);
        STANDARD.encode(der)
    };
    assert!(read(HeaderFormat::DerBase64, &certificate(MOST_DER)).is_ok());
    let large = read(HeaderFormat::DerBase64, &certificate(MOST_DER + 1));
    assert_eq!(large, Err(CertificateFault::TooLarge));
    for format in HeaderFormat::ALL {
        assert_eq!(read(*format, &"A".repeat(MOST_TEXT + 1)), Err(CertificateFault::TooLarge), "{format}");
        assert!(read(*format, &"A".repeat(MOST_TEXT)).is_err(), "{format}");
    }
    let longest = "A".repeat(MOST_TEXT);
    assert_eq!(read(HeaderFormat::Rfc9440, &longest), Err(CertificateFault::NoColons));
    assert_eq!(read(HeaderFormat::Xfcc, &longest), Err(CertificateFault::Unreadable));
}

#[test]
fn a_header_is_there_once_or_not_at_all() {
    let header = CertificateHeader::new("Client-Cert", HeaderFormat::Rfc9440);
    assert_eq!((header.name(), header.format()), ("Client-Cert", HeaderFormat::Rfc9440));
    assert_eq!(CertificateHeader::new("X-Cert", HeaderFormat::Xfcc).format(), HeaderFormat::Xfcc);
    let value = format!(":{APPENDIX}:");
    let told = |names: &[&str]| {
        let headers: Vec<_> = names.iter().map(|name| (*name, value.as_str())).collect();
        header.read(&headers)
    };
    assert_eq!(told(&[]), Ok(None));
    assert_eq!(told(&["client-cert"]), Ok(Some(appendix())));
    // Another spelling is another header: an application may take it for this one, the guard does not.
    assert_eq!(told(&["client_cert"]), Ok(None));
    assert_eq!(told(&["client-cert", "CLIENT-CERT"]), Err(CertificateFault::Several));
}

proptest! {
    #[test]
    fn no_value_panics(value in proptest::collection::vec(any::<u8>(), 0..200)) {
        for format in HeaderFormat::ALL {
            if let Ok(Some(found)) = format.read(&value) {
                prop_assert!(value.len() > 11, "{found:?} of too little");
            }
        }
    }

    /// A value with one changed letter is another certificate, or none.
    #[test]
    fn a_changed_letter_changes_the_certificate(place in any::<prop::sample::Index>(), odd in 0x20..0x7F_u8) {
        let values = [
            (HeaderFormat::Rfc9440, format!(":{APPENDIX}:")),
            (HeaderFormat::DerBase64, APPENDIX.to_owned()),
            (HeaderFormat::Traefik, APPENDIX.to_owned()),
        ];
        for (format, value) in values {
            let mut changed = value.clone().into_bytes();
            let place = place.index(changed.len());
            // A space at either end belongs to the header.
            if changed[place] != odd && odd != b' ' {
                changed[place] = odd;
                prop_assert_ne!(format.read(&changed), Ok(Some(appendix())));
            }
        }
    }
}
