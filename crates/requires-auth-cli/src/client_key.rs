//! Files of a client: the private key of its DPoP proofs, and its certificate.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use requires_auth_testkit::keys::certificate_thumbprint;
use requires_auth_testkit::{Algorithm, SigningKey};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use crate::error::Failure;

/// A file may be this long, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// The algorithms that a key may be of, each of a type or curve of its own.
const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::Es256, Algorithm::Ed25519, Algorithm::Es384, Algorithm::Es512, Algorithm::Rs256];

/// Reads a private key: PKCS#8 in PEM, as `openssl genpkey` writes it. An RSA key signs by RS256, unless `algorithm` says another one.
pub(crate) fn read(path: &Path, algorithm: Option<Algorithm>) -> Result<SigningKey, Failure> {
    let name = path.display();
    let bytes = bytes(path, "key")
        .map_err(|failure| failure.hint(format!("make one: requires-auth token --dpop {name} --new-key")))?;
    let key = PrivatePkcs8KeyDer::from_pem_slice(&bytes).map_err(|_| {
        Failure::new(format!("`{name}` has no private key in PEM")).hint(
            "the file is to begin with -----BEGIN PRIVATE KEY----- (PKCS#8), as `openssl genpkey` writes it",
        )
    })?;
    let der = key.secret_pkcs8_der();
    let found = match algorithm {
        Some(algorithm) => SigningKey::from_pkcs8(algorithm, der).ok(),
        None => ALGORITHMS.into_iter().find_map(|algorithm| SigningKey::from_pkcs8(algorithm, der).ok()),
    };
    found.ok_or_else(|| match algorithm {
        Some(algorithm) => Failure::new(format!("the key in `{name}` is not one of {algorithm}")),
        None => Failure::new(format!("the key in `{name}` is of a type that signs no proof"))
            .hint("make one of P-256, P-384, P-521, Ed25519 or RSA (2048 bits or more)"),
    })
}

/// Makes a fresh key and its file, which only its owner reads. A file that exists stays as it is.
pub(crate) fn create(path: &Path, algorithm: Algorithm) -> Result<SigningKey, Failure> {
    let key = SigningKey::generate(algorithm);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(pem(&key.to_pkcs8()).as_bytes()));
    written.map_err(|error| {
        let name = path.display();
        match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::new(format!("`{name}` exists, and no key is written over"))
                    .hint("leave out --new-key to use the key in it, or name another file")
            }
            _ => Failure::new(format!("the key `{name}` cannot be written: {error}")),
        }
    })?;
    Ok(key)
}

/// The thumbprint of a certificate, PEM or DER: of the first one, which is that of the client where a chain follows.
pub(crate) fn certificate(path: &Path) -> Result<String, Failure> {
    let bytes = bytes(path, "certificate")?;
    let der = match CertificateDer::from_pem_slice(&bytes) {
        Ok(der) => der.to_vec(),
        // DER is one sequence, and PEM never begins with its first byte.
        Err(_) if bytes.first() == Some(&0x30) => bytes,
        Err(_) => {
            return Err(Failure::new(format!("`{}` has no certificate", path.display()))
                .hint("the file is to begin with -----BEGIN CERTIFICATE-----, or to be DER"));
        }
    };
    Ok(certificate_thumbprint(&der))
}

fn bytes(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One byte more than allowed, so that too much is seen as such.
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::new(format!("the {what} `{}` cannot be read: {error}", path.display())))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::new(format!("the {what} `{}` is longer than 64 KiB", path.display())));
    }
    Ok(bytes)
}

/// RFC 7468 §10.
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem + "-----END PRIVATE KEY-----\n"
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// A path that no other test uses, and where nothing is.
    fn path(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("requires-auth-{}-{name}", std::process::id()));
        fs::remove_file(&path).ok();
        path
    }

    #[test]
    fn a_key_is_made_once_and_read_back() {
        for algorithm in ALGORITHMS {
            let path = path(algorithm.name());
            let made = create(&path, algorithm).expect("a new file");
            assert_eq!(read(&path, None).expect("a key").thumbprint(), made.thumbprint(), "{algorithm}");
            assert_eq!(read(&path, None).expect("a key").algorithm(), algorithm);
            assert!(create(&path, algorithm).expect_err("it exists").to_string().contains("exists"));
            assert_eq!(read(&path, None).expect("as it was").thumbprint(), made.thumbprint());
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let rights = fs::metadata(&path).expect("a file").permissions().mode();
                assert_eq!(rights & 0o777, 0o600, "{algorithm}");
            }
            fs::remove_file(&path).expect("our file");
        }
    }

    #[test]
    fn an_rsa_key_signs_by_the_algorithm_that_is_asked_for() {
        let path = path("rsa");
        create(&path, Algorithm::Rs256).expect("a new file");
        assert_eq!(read(&path, Some(Algorithm::Ps256)).expect("a key").algorithm(), Algorithm::Ps256);
        assert!(read(&path, Some(Algorithm::Es256)).is_err());
        fs::remove_file(&path).expect("our file");
    }

    #[test]
    fn what_is_not_a_key_or_a_certificate_is_told_without_its_content() {
        let path = path("wrong");
        for content in ["", "secret", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"] {
            fs::write(&path, content).expect("our file");
            for failure in [read(&path, None).map(drop), certificate(&path).map(drop)] {
                let told = failure.expect_err("not one").to_string();
                assert!(!told.contains("secret") && !told.contains("c2Vj"), "{told}");
            }
        }
        fs::write(&path, vec![b'x'; 64 * 1024 + 1]).expect("our file");
        assert!(read(&path, None).expect_err("too long").to_string().contains("64 KiB"));
        fs::remove_file(&path).expect("our file");
        assert!(read(&path, None).expect_err("gone").to_string().contains("cannot be read"));
    }

    #[test]
    fn the_first_certificate_of_a_chain_counts_in_pem_and_in_der() {
        let made =
            |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate").cert;
        let (leaf, other) = (made("client"), made("authority"));
        let path = path("certificate");
        fs::write(&path, leaf.pem() + &other.pem()).expect("our file");
        assert_eq!(certificate(&path).expect("PEM"), certificate_thumbprint(leaf.der()));
        fs::write(&path, other.der()).expect("our file");
        assert_eq!(certificate(&path).expect("DER"), certificate_thumbprint(other.der()));
        fs::remove_file(&path).expect("our file");
    }
}
