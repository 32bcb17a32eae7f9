//! ECDSA: the shape of the signature, and numbers out of range.

use requires_auth_testkit::Algorithm;

use crate::case::{Case, Finished};
use crate::key_sets::{KeySet, slug};
use crate::recorded::FOREIGN;
use crate::tokens::{decode, parts, resigned};

/// The order of each curve, in hexadecimal and as long as the field.
const ORDERS: [(Algorithm, &str); 4] = [
    (Algorithm::Es256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
    (Algorithm::Es256k, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
    (
        Algorithm::Es384,
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
    (
        Algorithm::Es512,
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    ),
];

pub fn cases() -> Vec<Finished> {
    ORDERS.into_iter().flat_map(|(algorithm, order)| of(algorithm, &bytes(order))).collect()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks(2);
    digits
        .map(|pair| {
            let pair = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(pair, 16).expect("hexadecimal")
        })
        .collect()
}

fn of(algorithm: Algorithm, order: &[u8]) -> Vec<Finished> {
    let name = slug(algorithm);
    // A recorded one, because the length of DER varies from one signing to the next.
    let token = FOREIGN.token(&format!("{name}-low-s"));
    let case = |what: &str, about: &str| {
        Case::new(format!("{name}-{what}"), "C16", about).alg(algorithm.name()).keys(KeySet::fixed(algorithm))
    };
    let signature = decode(parts(token).2);
    let (r, s) = signature.split_at(order.len());
    let mismatch = |what: &str, about: &str, numbers: &[&[u8]]| {
        case(what, about).token(resigned(token, |_| numbers.concat())).refuse("signature_mismatch")
    };
    let zero = vec![0; order.len()];
    let one = {
        let mut one = zero.clone();
        one[order.len() - 1] = 1;
        one
    };
    let recorded = |what: &str, about: &str| {
        let token = FOREIGN.token(&format!("{name}-{what}"));
        case(what, about).token(token)
    };
    let mut cases = vec![
        mismatch("der", "the signature in DER, as in a certificate", &[&der(r, s)]),
        mismatch("r-zero", "r is 0", &[&zero, s]),
        mismatch("s-zero", "s is 0", &[r, &zero]),
        mismatch("r-one-s-one", "r and s are 1", &[&one, &one]),
        mismatch("r-order", "r is the order of the curve", &[order, s]),
        mismatch("s-order", "s is the order of the curve", &[r, order]),
        mismatch("r-order-s-order", "r and s are the order of the curve", &[order, order]),
        mismatch("r-and-s-swapped", "s comes before r", &[s, r]),
        mismatch("r-only", "half a signature", &[r]),
        mismatch("numbers-padded", "r and s are each one zero byte longer", &[&[0], r, &[0], s]),
        mismatch("twice", "the signature twice in a row", &[r, s, r, s]),
        recorded("low-s", "the smaller of the two values of s that match").accept(),
        recorded("high-s", "the greater of the two values of s that match").accept(),
    ];
    for hash in ["256", "384", "512"] {
        if !name.contains(hash) {
            let what = format!("signed-with-sha{hash}");
            cases.push(
                recorded(&what, "the message was hashed with another function").refuse("signature_mismatch"),
            );
        }
    }
    if algorithm == Algorithm::Es512 {
        // Only here a number above the order still fits the field.
        cases.push(recorded("r-plus-n", "r is greater by the order").refuse("signature_mismatch"));
        cases.push(recorded("s-plus-n", "s is greater by the order").refuse("signature_mismatch"));
    }
    cases
}

/// `ECDSA-Sig-Value` of RFC 3279: a sequence of two integers.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let mut content: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        if content.first().is_none_or(|byte| byte & 0x80 != 0) {
            content.insert(0, 0);
        }
        tagged(2, &content)
    };
    tagged(0x30, &[integer(r), integer(s)].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("shorter than 256 bytes");
    let prefix = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
    [prefix, content.to_vec()].concat()
}
