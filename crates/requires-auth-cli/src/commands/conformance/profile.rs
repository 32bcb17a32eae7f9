//! What a guard is measured by.

use clap::ValueEnum;

use super::case::Case;
use super::cases::{answers, claims, dpop, form, header, keys, mcp, request, rfc9068, scopes, signature};

/// A set of standards. The help of the flag says what each is: texts of variants would stretch it over pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Profile {
    // Bearer tokens that are signed JWTs (RFC 6750, 7515, 7519, 8725)
    #[default]
    Bearer,
    // The same, and access tokens by their profile (RFC 9068)
    Rfc9068,
    // The same as bearer, with tokens that are bound to a key (RFC 9449); each request has a proof
    Dpop,
    // The same as bearer for an MCP server, with its metadata (RFC 9728)
    Mcp,
}

impl Profile {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Rfc9068 => "rfc9068",
            Self::Dpop => "dpop",
            Self::Mcp => "mcp",
        }
    }

    /// Every case of the profile, the general ones first.
    pub(super) fn cases(self) -> impl Iterator<Item = &'static Case> {
        let common = [
            request::CASES,
            answers::CASES,
            form::CASES,
            header::CASES,
            signature::CASES,
            keys::CASES,
            claims::CASES,
            scopes::CASES,
        ];
        let own: &[Case] = match self {
            Self::Bearer => &[],
            Self::Rfc9068 => rfc9068::CASES,
            Self::Dpop => dpop::CASES,
            Self::Mcp => mcp::CASES,
        };
        common.into_iter().flatten().chain(own)
    }

    /// The scheme by which tokens are sent.
    pub(super) const fn scheme(self) -> &'static str {
        match self {
            Self::Dpop => "DPoP",
            _ => "Bearer",
        }
    }

    /// The method of requests, unless another is named.
    pub(super) const fn method(self) -> &'static str {
        match self {
            Self::Mcp => "POST",
            _ => "GET",
        }
    }
}
