//! Base64url as RFC 7515 §2 wants it, decoded bit by bit.

/// The bytes of unpadded, canonical base64url; `None` for any other text.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for character in text.bytes() {
        let six = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held).expect("eight bits"));
            bits &= (1 << held) - 1;
        }
    }
    // Six bits left over are a character too many; set bits left over are a second spelling.
    (held < 6 && bits == 0).then_some(bytes)
}
