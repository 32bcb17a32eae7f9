//! The header of a proof: its type, its algorithm, and the public key that it brings along (RFC 9449 §4.2).

use super::{Fault, ProofCheck, ProofRules, Watch};
use crate::error::Reason;
use crate::jose::alg::Algorithm;
use crate::jose::compact::Unverified;
use crate::jose::header::Header;
use crate::jose::json::Object;
use crate::jose::jwk::Jwk;
use crate::jose::public_keys::is_public_test_key;

/// The type of a proof, which no other JWT has (RFC 8725 §3.11).
const TYPE: &str = "dpop+jwt";

/// The header of a proof that has held, with its key. A client sends the same header with each proof, letter for letter.
#[derive(Debug)]
pub(crate) struct KnownProof {
    text: Box<str>,
    key: ProofKey,
}

impl KnownProof {
    /// Whether this is the header that `text` spells.
    pub(super) fn is_of(&self, text: &str) -> bool {
        *self.text == *text
    }
}

/// The key of a proof, for the one algorithm that it is used with.
#[derive(Debug)]
struct ProofKey {
    algorithm: Algorithm,
    jwk: Jwk,
}

/// The header of the proof at hand.
pub(super) enum Head<'h> {
    Known(&'h KnownProof),
    New(KnownProof),
}

impl<'h> Head<'h> {
    /// Reads the header of a proof, unless it is the known one.
    pub(super) fn read(
        rules: &ProofRules,
        text: &str,
        proof: &Unverified<'_>,
        known: Option<&'h KnownProof>,
        watch: &mut impl Watch,
    ) -> Result<Self, Fault> {
        let header = text.split('.').next().unwrap_or_default();
        if let Some(known) = known.filter(|known| known.is_of(header)) {
            return Ok(Self::Known(known));
        }
        let key = ProofKey::read(rules, proof.header_text(), watch)?;
        Ok(Self::New(KnownProof { text: header.into(), key }))
    }

    const fn key(&self) -> &ProofKey {
        match self {
            Self::Known(known) => &known.key,
            Self::New(new) => &new.key,
        }
    }

    /// The thumbprint of its key (RFC 7638).
    pub(super) const fn thumbprint(&self) -> &[u8; 32] {
        self.key().jwk.thumbprint().digest()
    }

    /// Whether its key has signed the proof.
    pub(super) fn has_signed(&self, proof: &Unverified<'_>) -> bool {
        let ProofKey { algorithm, jwk } = self.key();
        jwk.public().verify(*algorithm, proof).is_some()
    }

    /// What was not known of it.
    pub(super) fn learnt(self) -> Option<KnownProof> {
        match self {
            Self::Known(_) => None,
            Self::New(new) => Some(new),
        }
    }
}

impl ProofKey {
    /// RFC 9449 §4.3 (4), (5), (7).
    fn read(rules: &ProofRules, json: &[u8], watch: &mut impl Watch) -> Result<Self, Fault> {
        let malformed = Fault::Proof(Reason::ProofMalformed);
        let shown = || String::from_utf8_lossy(json).into_owned();
        let (Ok(header), Ok(object)) = (Header::parse(json), Object::parse(json)) else {
            watch.saw(ProofCheck::Type, false, || {
                (shown(), "a header that is one JSON object, no member twice, `alg` a string".to_owned())
            });
            return Err(malformed);
        };
        let is_proof = header.is_type(TYPE) && !header.is_critical() && !header.is_nested();
        watch.require(ProofCheck::Type, is_proof, Reason::ProofMalformed, || {
            let found = header.typ().map_or_else(|| "no typ".to_owned(), |typ| format!("typ {typ}"));
            (found, format!("typ {TYPE}, and neither crit nor cty"))
        })?;
        let algorithm = header.algorithm().filter(|algorithm| rules.algorithms.contains(*algorithm));
        watch.saw(ProofCheck::Algorithm, algorithm.is_some(), || {
            let names: Vec<_> = rules.algorithms.iter().map(Algorithm::name).collect();
            (format!("alg {}", header.algorithm_name()), format!("one of {}", names.join(", ")))
        });
        let algorithm = algorithm.ok_or_else(|| malformed.clone())?;
        let Some(jwk) = object.get("jwk").filter(|jwk| jwk.as_object().is_some()) else {
            watch.saw(ProofCheck::Key, false, || ("no jwk".to_owned(), "a public key as `jwk`".to_owned()));
            return Err(malformed);
        };
        let read = Jwk::parse_for(jwk, algorithm);
        let is_published =
            !rules.public_test_keys && read.as_ref().is_ok_and(|jwk| is_public_test_key(jwk.thumbprint()));
        watch.saw(ProofCheck::Key, read.is_ok() && !is_published, || {
            let found = match &read {
                Ok(_) if is_published => "a key whose private half is published".to_owned(),
                Ok(_) => "a public key".to_owned(),
                Err(unusable) => format!("a key that cannot be used: {unusable}"),
            };
            (found, format!("a public key for {algorithm}, and nothing of a private one"))
        });
        match read {
            Ok(jwk) if !is_published => Ok(Self { algorithm, jwk }),
            Ok(_) | Err(_) => Err(Fault::Proof(Reason::ProofKey)),
        }
    }
}
