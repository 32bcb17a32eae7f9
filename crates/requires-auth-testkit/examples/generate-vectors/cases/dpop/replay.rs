//! Row V17: a proof counts once.

use requires_auth_testkit::{Algorithm, ProofDefect, SigningKey};

use super::{Asked, ask, bound};
use crate::case::Finished;
use crate::tokens::NOW;

pub fn cases() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V17", about);
    let reused = |asked: Asked| asked.refused("proof_reused");
    let named = |jti: &'static str| move |asked: Asked| asked.proof(|proof| proof.claim("jti", jti));
    vec![
        reused(ask("dpop-replayed", "the same request again").after_allowed(Asked::proven).proven()),
        ask("dpop-replayed-three-times", "the same request a third time")
            .after_allowed(Asked::proven)
            .after_refused(Asked::proven)
            .proven()
            .refused("proof_reused"),
        ask("dpop-another-proof", "the same request with another proof")
            .after_allowed(named("first"))
            .proven()
            .allow(),
        reused(
            ask("dpop-replayed-with-query", "the same proof for another query of the same URL")
                .after_allowed(Asked::proven)
                .url("/items?page=2")
                .proven(),
        ),
        reused(
            ask("dpop-replayed-spelling", "the same jti with the URL in another spelling")
                .after_allowed(Asked::proven)
                .proof(|proof| proof.claim("htu", "https://API.example.test:443/items")),
        ),
        reused(
            ask("dpop-replayed-method", "the same jti for another method of the same URL")
                .after_allowed(Asked::proven)
                .method("POST")
                .proven(),
        ),
        reused(
            ask("dpop-replayed-later", "the same jti, made a second later")
                .after_allowed(Asked::proven)
                .proof(|proof| proof.claim("iat", NOW - 1)),
        ),
        reused(
            ask("dpop-replayed-other-token", "the same jti with another token of the same key")
                .after_allowed(|asked| asked.token(bound().claim("jti", "another")).proven())
                .proven(),
        ),
        ask("dpop-other-url", "the same jti for another URL (RFC 9449 §11.1)")
            .after_allowed(|asked| asked.url("/orders").proven())
            .proven()
            .allow(),
        ask("dpop-other-client", "the same jti of another client: one cannot use up those of others")
            .after_allowed(|asked| asked.key(SigningKey::second(Algorithm::Es256)).proven())
            .proven()
            .allow(),
        ask("dpop-case-of-jti", "a jti that differs in its case")
            .after_allowed(named("DPOP-CASE-OF-JTI"))
            .proven()
            .allow(),
        ask("dpop-refused-is-not-used", "a proof that was refused for its signature has used up nothing")
            .after_refused(|asked| asked.proof(|proof| proof.defect(ProofDefect::Signature)))
            .proven()
            .allow(),
        ask(
            "dpop-refused-method-is-not-used",
            "a proof that was sent with another method has used up nothing",
        )
        .after_refused(|asked| asked.proven().method("POST"))
        .proven()
        .allow(),
        ask("dpop-bearer-is-not-used", "a proof beside a token by Bearer has used up nothing")
            .after_refused(|asked| asked.bearer().proven())
            .proven()
            .allow(),
        ask("dpop-pass", "with pass, the application behind remembers proofs")
            .dpop("mode", "pass")
            .after_allowed(Asked::proven)
            .proven()
            .allow(),
    ]
}
