//! What a proxy's own file is made of: where the gateway and the application are, and what to copy.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What the proxy's side is made of.
#[derive(Debug)]
pub(crate) struct ProxySide {
    pub(crate) gateway: Place,
    /// Host and port of the application.
    pub(crate) application: String,
    /// The port that the proxy listens on, if not its usual one.
    pub(crate) port: Option<u16>,
    /// The names of the identity headers, as they are usually written.
    pub(crate) headers: Vec<String>,
    /// The headers that the gateway reads for a token in another place than `Authorization`, in lower case.
    pub(crate) token_headers: Vec<String>,
    /// Why the application must not get `Authorization`, as a comment, if it must not.
    pub(crate) clears_authorization: Option<&'static str>,
    /// Whether proofs of keys are for the gateway alone.
    pub(crate) takes_proofs: bool,
    /// Whether answers tell clients the nonce of their next proof.
    pub(crate) tells_nonces: bool,
    /// What the resources have the proxy do beside; nothing without any.
    pub(crate) resources: Option<OfResources>,
    /// Whether a route is for some hosts alone.
    pub(crate) names_hosts: bool,
}

/// What resources need of a proxy.
#[derive(Debug)]
pub(crate) struct OfResources {
    /// Paths of documents that are elsewhere than below [`WELL_KNOWN`].
    pub(crate) documents: Vec<String>,
    /// Whether one of them is an MCP server, whose answers may be streams that last for hours.
    pub(crate) is_mcp: bool,
}

/// What the paths of metadata documents begin with (RFC 9728 §3).
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What the way to the documents is for, as a comment.
pub(super) const DOCUMENTS: &str =
    "# The metadata of the resources (RFC 9728) is public, and the gateway answers it.";

/// Where the proxy finds the gateway.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// `x-auth-subject` as people write it: `X-Auth-Subject`.
pub(crate) fn title_case(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// Why an MCP server gets no `Authorization`.
pub(crate) const NOT_FOR_MCP: &str =
    "# A token is for the gateway alone: an MCP server must not get that of its client.";

/// Why `Authorization` is taken away where no token is read there.
pub(crate) const UNJUDGED: &str = "# No token is read from Authorization (`token_from`), so nobody has judged what it says: it must not reach the application.";

/// Why the application must not get the header `DPoP`.
pub(super) const PROVEN: &str = "# A proof is for the gateway, which has used it up.";

/// Where clients find the nonce of their next proof, as a comment.
pub(super) const NONCE: &str = "# The nonce that clients are to use from now on (RFC 9449, 8.2).";

/// The first lines of what is printed.
pub(super) fn preamble(proxy: &str, note: &str) -> String {
    format!(
        "# Made by `requires-auth config emit {proxy}`: make it anew when [server] or [headers] change.\n# {note}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_written_as_people_do() {
        assert_eq!(title_case("x-auth-subject"), "X-Auth-Subject");
        assert_eq!(title_case("x--a-"), "X--A-");
    }
}
