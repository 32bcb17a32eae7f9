//! The flags of `conformance`, and what they choose.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use requires_auth_testkit::Algorithm;

use super::case::Case;
use super::profile::Profile;
use crate::curl;
use crate::error::Failure;
use crate::ports::ISSUER_PORT;

const EXAMPLES: &str = "\
Examples:
  requires-auth conformance http://127.0.0.1:8000/api/items \\
    --scope read:items --wait 60
  requires-auth conformance http://127.0.0.1:8000/api/items \\
    --profile rfc9068 --html report.html
  requires-auth conformance http://127.0.0.1:8000/api/items --case expired
  requires-auth conformance https://api.example.com/items \\
    --signing-key key.pem --issuer https://id.example.com
  requires-auth conformance --list --profile dpop

Before, the API has to trust the issuer http://127.0.0.1:9100/oidc for the audience https://api.example.com.
Every start makes a fresh key, so start the API while this command waits for it, or keep the key in a file:
  --signing-key issuer.pem --new-key    the first time; then without --new-key

Exit codes: 0 all right, 1 something is wrong or dangerous, 2 the API could not be judged.";

/// The flags of `conformance`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConformanceArgs {
    /// A route of the API that needs a token, and answers with success to a good one
    #[arg(value_name = "URL", required_unless_present = "list")]
    pub(super) url: Option<String>,

    /// Signed JWTs by RFC 6750, 7519 and 8725; then also as RFC 9068 has them, bound to a key (RFC 9449), or for an MCP server
    #[arg(long, value_enum, default_value_t)]
    pub(super) profile: Profile,

    /// The port of the development issuer on 127.0.0.1, which this command runs
    #[arg(long, value_name = "PORT", default_value_t = ISSUER_PORT)]
    pub(super) issuer_port: u16,

    /// Run no issuer, and make tokens of this one with its key (--signing-key)
    #[arg(long, value_name = "URL", requires = "signing_key", conflicts_with = "issuer_port")]
    pub(super) issuer: Option<String>,

    /// The private key of the issuer, PKCS#8 in PEM [default: a fresh one]
    #[arg(long, value_name = "FILE")]
    pub(super) signing_key: Option<PathBuf>,

    /// Make the key in the file of --signing-key: one that exists is not written over
    #[arg(long, requires = "signing_key", conflicts_with = "issuer")]
    pub(super) new_key: bool,

    /// The name of the key in its key set [default: its thumbprint]
    #[arg(long, value_name = "KID")]
    pub(super) kid: Option<String>,

    /// The signature algorithm [default: RS256, which every server supports by RFC 9068, or what the key is for]
    #[arg(long, value_name = "ALG")]
    pub(super) alg: Option<Algorithm>,

    /// `aud` of the tokens [default: `https://api.example.com`; with --profile mcp the URL]
    #[arg(long, value_name = "AUD")]
    pub(super) audience: Option<String>,

    /// The scopes that the route needs; repeatable or space-separated
    #[arg(long, value_name = "SCOPE", value_delimiter = ' ')]
    pub(super) scope: Vec<String>,

    /// The method of the requests [default: GET; with --profile mcp POST]
    #[arg(long, value_name = "METHOD")]
    pub(super) method: Option<String>,

    /// A header that each request has; repeatable
    #[arg(long, value_name = "NAME: VALUE")]
    pub(super) header: Vec<String>,

    /// The body of each request
    #[arg(long, value_name = "TEXT")]
    pub(super) data: Option<String>,

    /// Judge these cases alone, and show each with a curl line; repeatable
    #[arg(long, value_name = "NAME")]
    pub(super) case: Vec<String>,

    /// With --case, let the issuer go on until ctrl-c, so that the curl lines can be sent
    #[arg(long, requires = "case", conflicts_with = "issuer")]
    pub(super) keep: bool,

    /// List the cases of the profile, and what is not judged, and send nothing
    #[arg(long)]
    pub(super) list: bool,

    /// Write the report as JSON into this file
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,

    /// Write the report as JUnit XML into this file
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,

    /// Write the report as a page into this file
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,

    /// How long to wait until the API takes a good token, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(super) wait: u64,

    /// How long each request may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(super) timeout: u64,

    /// How many requests are sent at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub(super) parallel: u16,
}

impl ConformanceArgs {
    /// The cases that are asked for.
    pub(super) fn cases(&self) -> Result<Vec<&'static Case>, Failure> {
        let all: Vec<_> = self.profile.cases().collect();
        if self.case.is_empty() {
            return Ok(all);
        }
        let find = |name: &String| {
            let wanted = name.replace('_', "-");
            all.iter().copied().find(|case| case.name == wanted).ok_or_else(|| {
                Failure::new(format!("the profile {} has no case `{name}`", self.profile.name()))
                    .hint(format!("see `requires-auth conformance --list --profile {}`", self.profile.name()))
            })
        };
        self.case.iter().map(find).collect()
    }

    /// The command that repeats a case, without its name: with each flag that was given and matters.
    pub(super) fn again(&self, url: &str) -> String {
        let given = |is_given: bool, value: &str| is_given.then(|| value.to_owned());
        let path = |path: &PathBuf| path.display().to_string();
        let flags = [
            ("profile", given(self.profile != Profile::default(), self.profile.name())),
            ("scope", given(!self.scope.is_empty(), &self.scope.join(" "))),
            ("issuer-port", given(self.issuer_port != ISSUER_PORT, &self.issuer_port.to_string())),
            ("issuer", self.issuer.clone()),
            ("signing-key", self.signing_key.as_ref().map(path)),
            ("kid", self.kid.clone()),
            ("alg", self.alg.map(|alg| alg.name().to_owned())),
            ("audience", self.audience.clone()),
            ("method", self.method.clone()),
            ("data", self.data.clone()),
        ];
        let headers = self.header.iter().map(|line| ("header", line.clone()));
        let mut line = format!("requires-auth conformance {}", curl::word(url));
        for (name, value) in flags.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(headers)
        {
            // Writing to a string cannot fail.
            let _ = write!(line, " --{name} {}", curl::word(&value));
        }
        line
    }
}
