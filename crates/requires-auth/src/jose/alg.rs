//! The signature algorithms, in one table: name, key type and curve, length of a signature.

use std::fmt;
use std::str::FromStr;

/// A signature algorithm that a token may use.
///
/// There is no `none` and no HMAC: neither can be configured (RFC 8725 §3.1, §3.2).
///
/// A guard needs no list of algorithms: each key of the issuer serves those of its type, and a token cannot choose
/// another. A list is for a policy of the house, such as "no RSA"; then give all that the issuer may rotate to. Where a
/// list is a list of names, as in [`Builder::with_algorithms`](crate::guard::Builder::with_algorithms), both of
/// `Algorithm::Es384` and `"ES384"` will do.
///
/// ```
/// use requires_auth::Algorithm;
///
/// // Read a setting of your own, and tell its user what there is.
/// let setting = "HS256";
/// let message = setting.parse::<Algorithm>().unwrap_err().to_string();
/// assert!(message.starts_with("unknown signature algorithm, expected one of EdDSA, Ed25519, ES256"));
///
/// // The two names of Ed25519 are one algorithm.
/// assert_eq!("EdDSA".parse(), Ok(Algorithm::Ed25519));
///
/// // The algorithms on elliptic curves of NIST, without a table of your own.
/// let nist = Algorithm::ALL.iter().filter(|algorithm| matches!(algorithm.name(), "ES256" | "ES384" | "ES512"));
/// assert_eq!(nist.count(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519 (RFC 8037), also under its older name `EdDSA` (RFC 9864 §2.2).
    Ed25519,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// ECDSA on secp256k1 with SHA-256 (RFC 8812 §3.2).
    Es256k,
    /// ECDSA on P-384 with SHA-384 (RFC 7518 §3.4); Logto's default.
    Es384,
    /// ECDSA on P-521 with SHA-512 (RFC 7518 §3.4).
    Es512,
    /// ML-DSA-44 (RFC 9964).
    MlDsa44,
    /// ML-DSA-65 (RFC 9964).
    MlDsa65,
    /// ML-DSA-87 (RFC 9964).
    MlDsa87,
    /// RSASSA-PSS with SHA-256 (RFC 7518 §3.5).
    Ps256,
    /// RSASSA-PSS with SHA-384 (RFC 7518 §3.5).
    Ps384,
    /// RSASSA-PSS with SHA-512 (RFC 7518 §3.5).
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384 (RFC 7518 §3.3).
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512 (RFC 7518 §3.3).
    Rs512,
}

/// The type of a key, with its curve or parameter set: what a JWK must be to serve an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyType {
    /// `kty: AKP`; the parameter set is the algorithm itself (RFC 9964 §3).
    Akp(&'static str),
    /// `kty: EC` with this curve, whose coordinates have this many bytes.
    Ec { curve: &'static str, coordinate_bytes: usize },
    /// `kty: OKP` with this curve.
    Okp(&'static str),
    /// `kty: RSA`.
    Rsa,
}

struct Row {
    name: &'static str,
    key_type: KeyType,
}

const P256: KeyType = KeyType::Ec { curve: "P-256", coordinate_bytes: 32 };
const P384: KeyType = KeyType::Ec { curve: "P-384", coordinate_bytes: 48 };
const P521: KeyType = KeyType::Ec { curve: "P-521", coordinate_bytes: 66 };
const SECP256K1: KeyType = KeyType::Ec { curve: "secp256k1", coordinate_bytes: 32 };

impl KeyType {
    /// That of an elliptic curve, by its name in `crv`.
    pub(crate) fn of_curve(name: &str) -> Option<Self> {
        Self::find(|key_type| matches!(key_type, Self::Ec { curve, .. } if *curve == name))
    }

    /// That of RFC 8037, by its name in `crv`.
    pub(crate) fn of_okp(name: &str) -> Option<Self> {
        Self::find(|key_type| matches!(key_type, Self::Okp(curve) if *curve == name))
    }

    /// That of RFC 9964, by its name in `alg`.
    pub(crate) fn of_akp(name: &str) -> Option<Self> {
        Self::find(|key_type| matches!(key_type, Self::Akp(alg) if *alg == name))
    }

    /// `kty` and, where it has one, `crv`.
    pub(crate) const fn names(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Akp(_) => ("AKP", None),
            Self::Ec { curve, .. } => ("EC", Some(curve)),
            Self::Okp(curve) => ("OKP", Some(curve)),
            Self::Rsa => ("RSA", None),
        }
    }

    fn find(matches: impl Fn(&Self) -> bool) -> Option<Self> {
        Algorithm::ALL.iter().map(|algorithm| algorithm.key_type()).find(matches)
    }
}

impl Algorithm {
    /// Every algorithm, in alphabetical order.
    pub const ALL: &'static [Self] = &[
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

    const fn row(self) -> Row {
        let (name, key_type) = match self {
            Self::Ed25519 => ("Ed25519", KeyType::Okp("Ed25519")),
            Self::Es256 => ("ES256", P256),
            Self::Es256k => ("ES256K", SECP256K1),
            Self::Es384 => ("ES384", P384),
            Self::Es512 => ("ES512", P521),
            Self::MlDsa44 => ("ML-DSA-44", KeyType::Akp("ML-DSA-44")),
            Self::MlDsa65 => ("ML-DSA-65", KeyType::Akp("ML-DSA-65")),
            Self::MlDsa87 => ("ML-DSA-87", KeyType::Akp("ML-DSA-87")),
            Self::Ps256 => ("PS256", KeyType::Rsa),
            Self::Ps384 => ("PS384", KeyType::Rsa),
            Self::Ps512 => ("PS512", KeyType::Rsa),
            Self::Rs256 => ("RS256", KeyType::Rsa),
            Self::Rs384 => ("RS384", KeyType::Rsa),
            Self::Rs512 => ("RS512", KeyType::Rsa),
        };
        Row { name, key_type }
    }

    /// The registered name (`alg`), such as `ES384`; for Ed25519 the name of RFC 9864, not `EdDSA`.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    pub(crate) const fn key_type(self) -> KeyType {
        self.row().key_type
    }

    /// The algorithm of a registered name, compared case-sensitively (RFC 7515 §4.1.1).
    ///
    /// `EdDSA` and `Ed25519` are one algorithm: among the keys that we take, `EdDSA` means nothing else.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        if name == "EdDSA" {
            return Some(Self::Ed25519);
        }
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl AsRef<str> for Algorithm {
    fn as_ref(&self) -> &str {
        self.name()
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name).ok_or(UnknownAlgorithm)
    }
}

/// The name is not that of a signature algorithm that this crate offers. `Display` lists those that are; names are
/// compared with regard to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm;

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown signature algorithm, expected one of EdDSA")?;
        Algorithm::ALL.iter().try_for_each(|algorithm| write!(f, ", {algorithm}"))
    }
}

impl std::error::Error for UnknownAlgorithm {}

/// A set of algorithms, as a list in the configuration names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AlgorithmSet(u16);

impl AlgorithmSet {
    pub(crate) const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & (1 << algorithm as u16) != 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.iter().copied().filter(move |&algorithm| self.contains(algorithm))
    }
}

impl FromIterator<Algorithm> for AlgorithmSet {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        Self(algorithms.into_iter().fold(0, |bits, algorithm| bits | 1 << algorithm as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways_and_case_counts() {
        for &algorithm in Algorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(
                algorithm.name().to_lowercase().parse::<Algorithm>(),
                Err(UnknownAlgorithm),
                "{algorithm}"
            );
        }
        assert_eq!("EdDSA".parse(), Ok(Algorithm::Ed25519));
        for never in ["none", "None", "HS256", "HS384", "HS512", "RSA-OAEP", "Ed448", "", "ES256 "] {
            assert_eq!(never.parse::<Algorithm>(), Err(UnknownAlgorithm), "{never}");
        }
    }

    #[test]
    fn a_set_holds_just_what_was_put_in() {
        let set: AlgorithmSet = [Algorithm::Es384, Algorithm::Rs512].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Algorithm::Es384, Algorithm::Rs512]);
        assert!(!set.contains(Algorithm::Es256));
        let twice: AlgorithmSet = [Algorithm::Es384, Algorithm::Es384].into_iter().collect();
        assert!(twice.contains(Algorithm::Es384), "EdDSA and Ed25519 name one algorithm twice");
        assert_eq!(AlgorithmSet::default().iter().count(), 0);
    }
}
