//! A token made from one of the vectors: its JSON edited, signed (or not), and the result damaged (or not).

mod base;
mod damage;
mod edit;
mod value;

use arbitrary::Arbitrary;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use requires_auth_testkit::SigningKey;

use self::base::BASES;
pub use self::damage::Damage;
pub use self::edit::{Edit, Part};
use crate::setting::{KEYS, Setting};

/// More edits only make a token worse.
const MAX_EDITS: usize = 6;

/// How to make a token, and what to judge it by. Of nothing but zeros comes a good token.
#[derive(Arbitrary, Clone, Debug)]
pub struct Plan {
    base: u16,
    nameless_keys: bool,
    edits: Vec<Edit>,
    signer: Signer,
    damage: Vec<Damage>,
}

/// Who signs.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
enum Signer {
    /// The key that the header asks for.
    Asked,
    Ed25519,
    Es256,
    /// A key that is in no set.
    Stranger,
    /// Nobody: the signature is empty.
    Nobody,
    /// A signature of the right length that is nobody's.
    Zeros,
}

impl Plan {
    /// A plan that does no more than sign one of the vectors.
    pub fn encode_base(index: u16) -> Vec<u8> {
        let [low, high] = index.to_le_bytes();
        let mut plan = vec![0; 16];
        (plan[0], plan[1]) = (low, high);
        plan
    }

    /// How many vectors there are to start from.
    pub fn bases() -> usize {
        BASES.len()
    }

    /// What the plan is about, so that seeds can be told apart: the signer, the edits and the damage.
    pub fn kind(&self) -> String {
        let edits: Vec<_> = self.edits.iter().map(Edit::kind).collect();
        let damage: Vec<_> = self.damage.iter().map(Damage::kind).collect();
        format!("{:?} {edits:?} {damage:?}", self.signer)
    }

    /// Makes the token.
    pub fn carry_out(&self) -> (String, Setting) {
        let base = &BASES[usize::from(self.base) % BASES.len()];
        let setting = Setting { kids: !self.nameless_keys, ..base.setting.clone() };
        let (mut header, mut claims) = (Part::new(&base.header), Part::new(&base.claims));
        for edit in self.edits.iter().take(MAX_EDITS) {
            edit.apply(&mut header, &mut claims, &setting);
        }
        let (header, claims) = (header.into_text(), claims.into_text());
        let signing_input =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(&claims));
        let signature = self.signer.sign(&header, signing_input.as_bytes());
        let token = format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature));
        let token = self.damage.iter().take(MAX_EDITS).fold(token, |token, damage| damage.apply(&token));
        (token, setting)
    }
}

impl Signer {
    fn sign(self, header: &[u8], message: &[u8]) -> Vec<u8> {
        let key: &SigningKey = match self {
            Self::Asked if contains(header, b"ES256") => KEYS.es256,
            Self::Asked | Self::Ed25519 => KEYS.ed25519,
            Self::Es256 => KEYS.es256,
            Self::Stranger => KEYS.stranger,
            Self::Nobody => return Vec::new(),
            Self::Zeros => return vec![0; 64],
        };
        key.sign(message)
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}
