//! `mint ALGORITHM COUNT FOLDER [SECONDS]`: writes `tokens.txt`, one token a line, and `keys.json`, the key set for them.
//! They live for a day, or for so many seconds.

use std::fs;
use std::path::PathBuf;
use std::thread;

use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://api.example.com";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(count), Some(folder)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        panic!("mint ALGORITHM COUNT FOLDER [SECONDS]");
    };
    let algorithm = match name.as_str() {
        "RS256" => Algorithm::Rs256,
        "ES256" => Algorithm::Es256,
        "ES384" => Algorithm::Es384,
        other => panic!("{other} is not measured"),
    };
    let lifetime: i64 = arguments.next().map_or(86_400, |seconds| seconds.parse().expect("seconds"));
    let (count, folder): (usize, PathBuf) = (count.parse().expect("a number"), folder.into());
    let key = SigningKey::generate(algorithm);
    fs::write(folder.join("keys.json"), jwk_set([&key]).to_string()).expect("keys.json can be written");
    let forge = Forge::new(ISSUER, AUDIENCE, key);
    let mint = |number: usize| {
        let token = forge.token().subject(format!("subject-{number}")).client_id("m7qzwu6yvpd3k9x1n5bt");
        token.scope("read:orders write:orders").lifetime(lifetime).mint()
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let tokens: Vec<String> = thread::scope(|scope| {
        let mint = &mint;
        let parts: Vec<_> = (0..cores)
            .map(|core| scope.spawn(move || (core..count).step_by(cores).map(mint).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("the minting thread")).collect()
    });
    fs::write(folder.join("tokens.txt"), tokens.join("\n") + "\n").expect("tokens.txt can be written");
}
