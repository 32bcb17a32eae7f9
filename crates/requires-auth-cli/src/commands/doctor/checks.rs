//! What is looked at, but for MCP, whose checks have a table of their own: what is right, and what to do where it is not so.

/// One thing that is looked at.
#[derive(Debug)]
pub(super) struct Check {
    /// Its name, for programs.
    pub(super) code: &'static str,
    /// What is so where all is well.
    #[cfg(test)]
    pub(super) right: &'static str,
    /// What to do where it is not so.
    #[cfg(test)]
    pub(super) otherwise: &'static str,
}

macro_rules! checks {
    ($($(#[$doc:meta])* $name:ident { $($code:literal: $right:literal, $otherwise:literal;)* })*) => {
        $($(#[$doc])* pub(super) const $name: &[Check] = &[$(Check {
            code: $code,
            #[cfg(test)] right: $right,
            #[cfg(test)] otherwise: $otherwise,
        }),*];)*
    };
}

checks! {
    /// Of each issuer, in the order in which they are made.
    ISSUERS {
        "discovery.reached": "the metadata of the issuer are fetched with status 200",
            "the issuer is to be what its tokens have in `iss`; open the way to it from this machine";
        "discovery.issuer": "the metadata name the issuer that is configured, byte for byte",
            "configure the issuer as its metadata spell it, if it is the one that you trust";
        "discovery.scopes": "the scopes of the routes are among `scopes_supported`",
            "many providers announce no scopes of APIs; else look for a slip of the pen";
        "provider": "a provider that is known is named, with what tokens of it need",
            "read the page of the provider, and set `provider` to the one that it is";
        "keys.origin": "the keys are on the host of the issuer",
            "if another host is right, set `jwks_uri` to it: then the metadata cannot name a third";
        "keys.reached": "the key set is fetched over https with status 200",
            "open the way from this machine to the issuer";
        "keys.usable": "the key set has keys that verify tokens",
            "without a usable key every token is refused";
        "keys.skipped": "each key of the set is used",
            "nothing to do unless tokens are signed with that key; a private key in the set must be withdrawn";
        "keys.algorithms": "there are keys for each of the configured `algorithms`",
            "name only what the issuer uses";
        "keys.caching": "what the issuer says about how long its keys may be kept",
            "nothing to do: without `Cache-Control` the guard's own time to live holds";
        "tls.certificate": "the certificate of the issuer holds for 14 more days or longer",
            "let it be renewed: once it has expired, no keys can be fetched";
        "clock": "the clocks of the issuer and of this machine differ by 5 seconds at most",
            "set the clock by NTP; more than the leeway is a failure";
    }
    /// Of the guard that the configuration makes.
    GUARD {
        "guard.keys": "the guard itself gets the keys of each issuer",
            "see the checks of that issuer";
        "issuer.introspection": "an issuer that is asked about tokens answers, and takes the credentials of this API",
            "see `introspection` in the settings: its URL, and the client with its secret";
        "gateway.envoy": "nobody can see from here what Envoy does while the gateway gives no answer",
            "see that Envoy's file says `failure_mode_allow: false`";
        "guard.token_from": "tokens in headers, cookies or the query are kept from other sites and from the application",
            "name `cookie_origins` or `public_url`; see that the application neither logs nor repeats tokens";
        "guard.token": "the guard accepts the token that is given with `--token`",
            "`requires-auth explain` tells every check";
    }
    /// Of the public side of an API, with `--url` and `--path`.
    PROBES {
        "probe.reached": "the API answers",
            "give the URL that clients use; it must be reachable from here";
        "probe.no_token": "a request without a token is 401 with a challenge `Bearer`",
            "the request reaches the application unguarded: look at whether the proxy asks the gateway here";
        "probe.garbage": "what is not a token is refused, wherever the guard reads tokens",
            "as for `probe.no_token`";
        "probe.alg_none": "a token without a signature is refused, wherever the guard reads tokens",
            "as for `probe.no_token`";
        "probe.two_credentials": "a request with two tokens is refused",
            "refuse requests with two `Authorization` headers";
        "probe.identity": "a client that sends the headers of an identity is refused all the same",
            "delete identity headers that clients send, in the proxy";
        "probe.original_uri": "a client cannot choose the path that the guard sees, by a header such as `X-Original-URI`",
            "overwrite these headers in the proxy, as `config emit` does";
        "probe.path": "other spellings of the path are refused: slashes, dots, escapes, letter case",
            "guard everything, and let the proxy refuse such paths";
        "probe.options": "a preflight gets CORS headers at most",
            "look at who answers, and set `preflight = \"deny\"` if the API serves no browser";
        "probe.method_override": "`X-HTTP-Method-Override` does not get a request past the guard",
            "the guard and the application must see the same method, and all methods must be guarded";
        "probe.trace": "`TRACE` is refused",
            "switch it off: it sends headers back";
        "probe.admin": "the pages for operators are not on the public side",
            "keep them on a listener of their own";
        "probe.token_passes": "the token that is given with `--token` gets an answer of success",
            "see `guard.token`; a token in the subprotocols of a WebSocket is not sent";
        "probe.admin_port": "the port of the admin pages is closed on the host of the API",
            "let `admin` listen on loopback or a unix socket, or close the port to the outside";
    }
}

/// Whether a finding may have this name.
pub(super) fn is_known(code: &str) -> bool {
    let is = |check: &Check| check.code == code;
    code.starts_with("mcp.") || [ISSUERS, GUARD, PROBES].iter().any(|table| table.iter().any(is))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Every text in quotes of the code beside this file, and of the dialects, that looks like the name of a check.
    fn named() -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let files = fs::read_dir(folder.join("commands/doctor")).expect("a folder");
        let files = files.map(|file| file.expect("a file").path());
        let files = files.filter(|file| file.extension().is_some() && !file.ends_with("checks.rs"));
        let files = files.chain([folder.join("gateway/dialect/envoy.rs")]);
        let is_name = |text: &&str| {
            let is_part = |part: &str| {
                !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            };
            let parts: Vec<_> = text.split('.').collect();
            let groups = ["discovery", "keys", "tls", "guard", "issuer", "gateway", "probe"];
            (parts.len() == 2 && groups.contains(&parts[0]) && is_part(parts[1]))
                || ["clock", "provider"].contains(text)
        };
        let mut found = BTreeSet::new();
        for file in files {
            let text = fs::read_to_string(file).expect("a file");
            found.extend(text.split('"').filter(is_name).map(str::to_owned));
        }
        found
    }

    #[test]
    fn each_check_of_the_code_is_in_the_table_and_each_of_the_table_is_made() {
        let all: Vec<_> =
            [ISSUERS, GUARD, PROBES].into_iter().flatten().map(|check| check.code.to_owned()).collect();
        let unique: BTreeSet<_> = all.iter().cloned().collect();
        assert_eq!(unique.len(), all.len());
        let mut named = named();
        // The names of a host and of a file.
        named.retain(|name| !["issuer.example", "gateway.toml"].contains(&name.as_str()));
        assert_eq!(named, unique);
        assert!(!is_known("keys.unheard_of") && is_known("mcp.url"));
    }

    #[test]
    fn each_check_says_what_to_do() {
        for check in [ISSUERS, GUARD, PROBES].into_iter().flatten() {
            assert!(!check.right.is_empty() && !check.right.ends_with('.'), "{check:?}");
            assert!(!check.otherwise.is_empty() && check.otherwise.len() < 160, "{check:?}");
        }
    }
}
