//! What the architecture promises, read off the sources themselves.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "support/sources.rs"]
mod files;

/// Ring 0: pure. No async, no IO, no clock, no framework.
const RING_0: [&str; 17] = [
    "error",
    "request",
    "credential",
    "jose",
    "client_certificate",
    "introspection",
    "claims",
    "binding",
    "revocation",
    "verify",
    "providers",
    "policy",
    "metadata",
    "challenge",
    "mcp",
    "explain",
    "settings",
];

/// Ring 2: adapters. They decide nothing.
const ADAPTERS: [&str; 4] = ["tower", "axum", "tonic", "actix"];

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The sources by module path such as `jose/alg`, without comments and without their tests.
fn sources() -> files::Sources {
    files::sources(&source_root())
}

fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap_or(file)
}

fn modules_of_lib() -> Vec<String> {
    let lib = fs::read_to_string(source_root().join("lib.rs")).expect("lib.rs");
    let declared = lib.lines().filter_map(|line| {
        let line = line.trim_start_matches("pub ");
        line.strip_prefix("mod ")?.strip_suffix(';').map(ToOwned::to_owned)
    });
    declared.collect()
}

/// The crate's own modules that a source names: `crate::verify::...`, also within braces.
fn used_modules(code: &str) -> Vec<&str> {
    let after = code.split("crate::").skip(1);
    after
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
        .collect()
}

#[test]
fn ring_0_is_pure() {
    let forbidden = [
        "async ",
        ".await",
        "tokio",
        "reqwest",
        "http::",
        "hyper",
        "axum::",
        "tower",
        "tracing",
        "arc_swap",
        "metrics",
        "SystemTime::now",
        "Instant::now",
        "std::fs",
        "std::net",
        "std::env",
        "std::thread",
        "static ",
        "unsafe",
    ];
    for (file, code) in sources().iter().filter(|(file, _)| RING_0.contains(&module_of(file))) {
        let code = code.replace("&'static ", "").replace("'static", "");
        // What the processor can do is looked up once; it changes no answer.
        let code = if file == "jose/base64url" { code.replace("static ENGINE", "") } else { code };
        for word in forbidden {
            assert!(!code.contains(word), "{file} is in ring 0 and has `{word}`");
        }
    }
}

#[test]
fn a_module_uses_only_modules_above_it() {
    let order = modules_of_lib();
    let place = |module: &str| order.iter().position(|other| other == module);
    for (file, code) in &sources() {
        let Some(own) = place(module_of(file)) else { continue };
        for used in used_modules(code) {
            if let Some(used_place) = place(used) {
                assert!(used_place <= own, "{file} uses `{used}`, which stands below it in lib.rs");
            }
        }
    }
}

#[test]
fn within_jose_a_module_uses_only_modules_above_it() {
    let jose = fs::read_to_string(source_root().join("jose/mod.rs")).expect("jose/mod.rs");
    let order: Vec<_> =
        jose.lines().filter_map(|line| line.strip_prefix("pub(crate) mod ")?.strip_suffix(';')).collect();
    assert!(order.len() > 5);
    for (file, code) in sources().iter().filter(|(file, _)| file.starts_with("jose/")) {
        let own = order.iter().position(|module| file == &format!("jose/{module}")).expect("declared");
        for used in code.split("super::").skip(1) {
            let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().expect("a name");
            let used_place = order.iter().position(|module| *module == used).expect("a module of jose");
            assert!(used_place < own, "{file} uses `{used}`, which stands below it");
        }
    }
}

#[test]
fn no_file_of_the_settings_uses_itself_by_way_of_others() {
    let all = sources();
    assert_eq!(files::circles(&all, |file| ["settings", "config"].contains(&module_of(file))), [""; 0]);
    let upward = files::upward(&all, "lib");
    let is_ours = |told: &&String| told.starts_with("settings") || told.starts_with("config");
    assert_eq!(upward.iter().filter(is_ours).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn architecture_names_the_modules_in_order() {
    let architecture =
        fs::read_to_string(source_root().join("../../../ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let mut from = 0;
    for module in modules_of_lib() {
        let named = format!("`{module}`");
        let at = architecture[from..]
            .find(&named)
            .unwrap_or_else(|| panic!("{named} is not named, or not in order"));
        from += at;
    }
}

#[test]
fn four_modules_alone_name_the_crypto_crate() {
    let named: Vec<_> =
        sources().into_iter().filter(|(_, code)| code.contains("aws_lc_rs")).map(|(file, _)| file).collect();
    assert_eq!(named, ["introspect/secret_key", "jose/digest", "jose/signature", "shared/tls"]);
}

#[test]
fn only_the_error_table_spells_a_code() {
    let codes = requires_auth::ErrorCode::ALL.iter().map(|code| code.as_str());
    let reasons = requires_auth::Reason::ALL.iter().map(|reason| reason.as_str());
    let names: Vec<_> = codes.chain(reasons).map(|name| format!("\"{name}\"")).collect();
    for (file, code) in sources().iter().filter(|(file, _)| *file != "error") {
        for name in &names {
            // The limit of a fetch happens to be called like the limit of a token.
            let is_a_fetch = file == "discovery" && name == "\"too_large\"";
            // Which kinds of tokens are taken has a word in common with why one is refused.
            let is_a_kind = ["settings/table", "verify/rules"].contains(&&**file) && name == "\"opaque\"";
            assert!(!code.contains(name.as_str()) || is_a_fetch || is_a_kind, "{file} spells {name}");
        }
    }
}

#[test]
fn only_the_verifier_builds_an_access_token() {
    for (file, code) in &sources() {
        let builds = code.contains("AccessToken::new(") || code.contains("AccessToken {");
        let is_an_impl = code.contains("for AccessToken {") && !code.contains("AccessToken::new(");
        assert!(!builds || is_an_impl || file.starts_with("verify"), "{file} builds an AccessToken");
    }
}

#[test]
fn one_place_vouches_for_claims_and_asks_for_the_proof_of_a_signature() {
    let vouching = |code: &str| code.contains("Vouched<'t> {");
    let makers: Vec<_> =
        sources().into_iter().filter(|(_, code)| vouching(code)).map(|(file, _)| file).collect();
    assert_eq!(makers, ["claims"]);
    let sources = sources();
    let callers: Vec<_> =
        sources.iter().filter(|(_, code)| code.contains("Vouched::signed(")).map(|(file, _)| file).collect();
    assert_eq!(callers, ["verify"]);
    let with = |word: &str| -> Vec<&String> {
        sources.iter().filter(|(_, code)| code.contains(word)).map(|(file, _)| file).collect()
    };
    assert_eq!(with("Vouched::answered("), ["verify/introspected"]);
    assert_eq!(with("Active {"), ["introspection/answer"]);
}

/// Who judges a token, or takes one out of the cache, looks at its binding, too.
#[test]
fn no_token_gets_around_the_check_of_its_binding() {
    let sources = sources();
    let with = |words: &[&str]| -> Vec<&str> {
        // Where a line is broken is a matter of its length.
        let in_one_line = |code: &String| code.split_whitespace().collect::<Vec<_>>().join(" ");
        let has_one = |code: &String| words.iter().any(|word| in_one_line(code).contains(word));
        sources.iter().filter(|(_, code)| has_one(code)).map(|(file, _)| file.as_str()).collect()
    };
    let makers = with(&["= judge(", "match judge(", "{ judge("]);
    assert_eq!(makers, ["explain", "guard/flow", "verify"]);
    assert_eq!(with(&["proof.at("]), ["guard/flow"]);
    let checkers = with(&[
        "policy .decide(&token, credential, ",
        "policy.decide(&token, credential, ",
        "check_binding(&token, ",
    ]);
    assert_eq!(checkers, makers);
    assert_eq!(with(&["Binding::new("]), ["verify"]);
}

#[test]
fn only_one_place_proves_a_signature() {
    let makers: Vec<_> =
        sources().into_iter().filter(|(_, code)| code.contains("Verified {")).map(|(file, _)| file).collect();
    assert_eq!(makers, ["jose/signature"]);
}

#[test]
fn adapters_decide_nothing() {
    let forbidden =
        ["crate::claims", "crate::jose", "judge(", "has_scope", ".claim(", ".claims(", "Rules", "Denial::"];
    let adapters = |file: &str| ADAPTERS.contains(&module_of(file));
    for (file, code) in sources().iter().filter(|(file, _)| adapters(file)) {
        for word in forbidden {
            assert!(!code.contains(word), "the adapter {file} has `{word}`");
        }
    }
}

#[test]
fn explain_is_not_a_second_verifier() {
    let sources = sources();
    assert!(sources["explain"].contains("judge("));
    for (file, code) in sources.iter().filter(|(file, _)| module_of(file) == "explain") {
        for word in ["crate::claims", "Unverified", "Header", "verify_sig", ".find(algorithm"] {
            assert!(!code.contains(word), "{file} has `{word}`");
        }
    }
}

/// The text from an opening parenthesis to its closing one.
fn within_parentheses(text: &str) -> &str {
    let mut depth = 0;
    let closes = |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ')' && depth == 0
    };
    &text[..text.find(closes).unwrap_or(text.len())]
}

#[test]
fn logs_take_no_token() {
    for (file, code) in &sources() {
        for macro_name in
            ["tracing::debug!", "tracing::info!", "tracing::warn!", "tracing::error!", "tracing::event!"]
        {
            for call in code.split(macro_name).skip(1) {
                let arguments = within_parentheses(call);
                for word in ["bearer", "payload", ".token()", "claims", "header(", "subject", "kid"] {
                    assert!(!arguments.contains(word), "{file} logs `{word}`");
                }
            }
        }
    }
}

#[test]
fn logic_files_stay_small() {
    let mut files = Vec::new();
    files::rust_files(&source_root(), &mut files);
    for path in files {
        let text = fs::read_to_string(&path).expect("a source");
        let lines = text.split("#[cfg(test)]\nmod tests").next().expect("a first part").lines().count();
        assert!(lines <= 500, "{} has {lines} lines before its tests", path.display());
    }
}

#[test]
fn the_guard_knows_every_fixed_key_of_the_testkit() {
    let public_keys = fs::read_to_string(source_root().join("jose/public_keys.rs")).expect("public_keys.rs");
    let (_, public_keys) = public_keys.split_once("const TESTKIT_KEYS").expect("the table of the testkit");
    let listed = public_keys.lines().filter(|line| line.trim_start().starts_with('"')).count();
    let fixed = requires_auth_testkit::keys::fixed_thumbprints();
    assert_eq!(listed, fixed.len());
    for thumbprint in fixed {
        assert!(public_keys.contains(&format!("\"{thumbprint}\"")), "{thumbprint} is missing");
    }
}
