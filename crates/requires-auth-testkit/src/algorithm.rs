//! The signature algorithms that the testkit signs with, and their JOSE names.

use std::fmt;
use std::str::FromStr;

/// A signature algorithm of a JWS, by its JOSE name (RFC 7518, RFC 8037, RFC 8812, RFC 9964).
///
/// The default is [`Algorithm::Es384`], which is what Logto signs with.
///
/// Test with the algorithm of the real issuer, and once with each that the guard accepts. RSA keys take about a tenth of
/// a second to make; the others are made at once.
///
/// ```
/// use requires_auth_testkit::{Algorithm, Forge, SigningKey};
///
/// for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| algorithm.name().starts_with("ES")) {
///     let key = SigningKey::generate(algorithm);
///     let token = Forge::new("https://issuer.example", "https://api.example", key).token().mint();
///     println!("{algorithm}: {} bytes", token.len());
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519, whose two names `EdDSA` (RFC 8037) and `Ed25519` (RFC 9864) mean the same here.
    Ed25519,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on secp256k1 with SHA-256.
    Es256k,
    /// ECDSA on P-384 with SHA-384.
    #[default]
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// ML-DSA-44 of FIPS 204.
    MlDsa44,
    /// ML-DSA-65 of FIPS 204.
    MlDsa65,
    /// ML-DSA-87 of FIPS 204.
    MlDsa87,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// RSASSA-PKCS1-v1.5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1.5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1.5 with SHA-512.
    Rs512,
}

impl Algorithm {
    /// Every algorithm, in the order of the enum.
    pub const ALL: [Self; 14] = [
        Self::Ed25519,
        Self::Es256,
        Self::Es256k,
        Self::Es384,
        Self::Es512,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// The value of the `alg` header; for Ed25519 the older and more common `EdDSA`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es256k => "ES256K",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads a JOSE name; case counts, and Ed25519 has two names. `none` and HMAC are not here: there is no key that the
/// testkit could publish for them.
///
/// ```
/// use requires_auth_testkit::Algorithm;
///
/// assert_eq!("EdDSA".parse::<Algorithm>(), "Ed25519".parse::<Algorithm>());
/// assert!("HS256".parse::<Algorithm>().is_err());
/// ```
impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        if name == "Ed25519" {
            return Ok(Self::Ed25519);
        }
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| UnknownAlgorithm { name: name.to_owned() })
    }
}

/// A name that is not a signature algorithm of the testkit. `Display` lists all that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm {
    name: String,
}

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown signature algorithm {:?}: expected one of Ed25519", self.name)?;
        Algorithm::ALL.iter().try_for_each(|algorithm| write!(f, ", {algorithm}"))
    }
}

impl std::error::Error for UnknownAlgorithm {}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    #[test]
    fn every_name_reads_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        assert_eq!("Ed25519".parse(), Ok(Algorithm::Ed25519));
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        for name in ["es384", "none", "HS256", "Ed448", ""] {
            let message = name.parse::<Algorithm>().expect_err(name).to_string();
            assert!(message.starts_with(&format!("unknown signature algorithm {name:?}")), "{message}");
            assert!(message.contains("Ed25519, EdDSA, ES256, ES256K"), "{message}");
        }
    }
}
