//! base64url without padding (RFC 7515 §2): one spelling for each text, decoded many characters at a time.

use std::sync::LazyLock;

use base64::engine::general_purpose::NO_PAD;
use base64::{DecodeError, Engine as _};

// What the processor can do is looked up once. `NO_PAD` refuses padding and, after RFC 4648 §3.5, stray bits in the
// last character.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: LazyLock<base64::engine::simd::Simd> =
    LazyLock::new(|| base64::engine::simd::Simd::url_safe(NO_PAD));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD));

/// The bytes of `text`.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, DecodeError> {
    ENGINE.decode(text)
}

/// Adds the bytes of `text` to `bytes`.
pub(crate) fn decode_onto(bytes: &mut Vec<u8>, text: &str) -> Result<(), DecodeError> {
    ENGINE.decode_vec(text, bytes)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The quick engine takes and refuses what the plain one does, wherever the odd character stands.
        #[test]
        fn agrees_with_the_plain_engine(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            place in any::<prop::sample::Index>(),
            odd in any::<u8>(),
        ) {
            let mut text = URL_SAFE_NO_PAD.encode(&bytes);
            prop_assert_eq!(decode(&text), Ok(bytes));
            if !text.is_empty() && odd.is_ascii() {
                let place = place.index(text.len());
                text.replace_range(place..=place, &char::from(odd).to_string());
            }
            prop_assert_eq!(decode(&text), URL_SAFE_NO_PAD.decode(&text));
        }
    }
}
