//! The configurations on the pages of the documentation: `check` finds nothing wrong with them.

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;
use std::path::Path;

use self::support::requires_auth;

/// The pages, each with the languages of its blocks. Those in Rust are documentation tests of the library, those in Python
/// tests of the package.
const PAGES: [(&str, &[&str]); 8] = [
    ("claims.md", &["toml", "toml"]),
    ("client-certificates.md", &["toml", "toml", "toml", "rust", "python"]),
    ("fapi.md", &["toml"]),
    ("inspector.md", &["sh", "sh", "sh", "toml", "sh"]),
    ("issuers-and-keys.md", &["rust", "toml", "python", "rust", "toml", "python", "rust", "python", "toml"]),
    ("opaque-tokens.md", &["toml", "rust", "python"]),
    ("revocation.md", &["toml", "json", "sh", "console", "rust", "python", "toml", "console"]),
    ("token-places.md", &["python", "js", "python", "rust", "toml", "toml", "toml"]),
];

/// The blocks of a page, each with its language.
fn blocks(page: &str) -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let page = fs::read_to_string(page).expect("the page");
    let fenced = page.split("```").skip(1).step_by(2);
    let parts = fenced.map(|block| block.split_once('\n').expect("a language and a body"));
    parts.map(|(language, body)| (language.to_owned(), body.to_owned())).collect()
}

/// Whether a configuration is right, and what is told of it.
fn check(name: &str, text: &str) -> (bool, String) {
    let folder = std::env::temp_dir().join(format!("requires-auth-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    // What the pages say is there.
    fs::write(folder.join("revoked.jsonl"), "").expect("a file");
    fs::write(folder.join("admin-token"), "0123456789abcdef\n").expect("a file");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
    for name in ["cert.pem", "clients.pem", "ca.pem"] {
        fs::write(folder.join(name), made.cert.pem()).expect("a file");
    }
    let file = folder.join("gateway.toml");
    fs::write(&file, text).expect("a file");
    let mut command = requires_auth(&["check", file.to_str().expect("UTF-8")]);
    let output = command.env("ORDERS_API_SECRET", "a-secret").output().expect("the command runs");
    fs::remove_dir_all(&folder).expect("it goes");
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&told).into_owned())
}

#[test]
fn every_configuration_is_right_and_every_block_is_known() {
    for (page, languages) in PAGES {
        let blocks = blocks(page);
        let found: Vec<_> = blocks.iter().map(|(language, _)| language.as_str()).collect();
        assert_eq!(found, languages, "{page}: a block that no test runs?");
        for (place, (_, block)) in blocks.iter().enumerate().filter(|(_, (language, _))| language == "toml") {
            let (is_right, told) = check(&format!("{page}-{place}"), block);
            assert!(is_right, "{page}: {block}\n{told}");
        }
    }
}

#[test]
fn a_block_with_a_mistake_is_found() {
    for (page, _) in PAGES {
        let blocks = blocks(page);
        let (_, block) = blocks.iter().find(|(language, _)| language == "toml").expect("a configuration");
        let (is_right, told) = check(&format!("{page}-wrong"), &block.replace("audience =", "audiense ="));
        assert!(!is_right && told.contains("audiense"), "{page}: {told}");
    }
}

/// The examples that are files of their own.
#[test]
fn the_example_with_resources_is_right_and_its_tests_hold() {
    let text = include_str!("../../../docs/gateway/resources.toml");
    let (is_right, told) = check("resources", text);
    assert!(is_right && told.contains("2 resources, 2 routes, 4 tests, 0 failed"), "{told}");
    // A token for one resource does not open the other, and this is not because nothing does.
    let audience = "aud = \"https://api.example.com/mcp\", scope = \"read:orders read:stock\"";
    assert!(text.contains(audience));
    let (is_right, told) =
        check("resources-wrong", &text.replace(audience, &audience.replace("/mcp", "/stock")));
    assert!(!is_right && told.contains("expected 401 invalid_token, got 200"), "{told}");
}
