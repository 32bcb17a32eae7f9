"""Everything that is raised: one class per code and per reason of the library's tables.

    RequiresAuthError
    ├── ConfigError                     a mistake in the settings; never at run time
    ├── IssuerUnavailable               503: the token was never judged
    ├── StateUnavailable                503: a store is full or out of reach
    └── AuthError                       the request is refused
        ├── AuthorizationHeaderMissing, InsufficientScope, ...
        └── InvalidToken
            └── TokenExpired, AudienceMismatch, ...

Status, message and hint of each come from the tables in Rust; a test holds the classes against these. A new code or
reason is a class here and a line in `__all__`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from requires_auth import _core

__all__ = [
    "AccessDenied",
    "AlgorithmNotAllowed",
    "AudienceMismatch",
    "AuthError",
    "AuthorizationHeaderMissing",
    "AuthorizationTokenInvalidFormat",
    "AuthorizationTokenTypeNotSupported",
    "BindingMismatch",
    "ClaimMalformed",
    "ClaimMissing",
    "ConfigError",
    "ConfigProblem",
    "CriticalHeader",
    "CrossSite",
    "InsufficientScope",
    "InsufficientUserAuthentication",
    "InvalidDpopProof",
    "InvalidRequest",
    "InvalidToken",
    "IssuerMismatch",
    "IssuerUnavailable",
    "KeyUnknown",
    "McpBodyEncoded",
    "McpBodyNotJson",
    "McpBodyTooLarge",
    "McpHeaderMismatch",
    "McpMessageInvalid",
    "McpOperationUnknown",
    "ProofKeyInvalid",
    "ProofMalformed",
    "ProofMethodMismatch",
    "ProofMissing",
    "ProofReused",
    "ProofSignatureMismatch",
    "ProofTimeInvalid",
    "ProofTokenMismatch",
    "ProofUrlMismatch",
    "RequiresAuthError",
    "SignatureMismatch",
    "StateUnavailable",
    "TokenEncrypted",
    "TokenExpired",
    "TokenInactive",
    "TokenMalformed",
    "TokenNotYetValid",
    "TokenOpaque",
    "TokenRevoked",
    "TokenTooLarge",
    "TooManyProofs",
    "TypeNotAllowed",
    "UseDpopNonce",
]
"""The one list of what this package raises: `requires_auth` exports it as it is."""

_CODES = {code: (status, message, hint) for code, status, message, hint in _core.error_codes()}
_REASONS = {reason: (message, hint) for reason, _, message, hint in _core.reasons()}


class RequiresAuthError(Exception):
    """Everything that this package raises."""


class ConfigProblem(NamedTuple):
    """One mistake in the settings."""

    field: str
    """The setting, such as `issuer`; of a configuration file with its line: `auth.toml:7: issuers.main.issuer`."""

    found: str
    """What was given."""

    expected: str
    """What kind of value is expected."""

    hint: str
    """What to do about it."""

    def __str__(self) -> str:
        """Two lines: what is wrong, and what to do."""
        return f"{self.field}: expected {self.expected}, found {self.found}\n  hint: {self.hint}"


class ConfigError(RequiresAuthError, ValueError):
    """Settings that cannot work, with all mistakes at once. It is raised when something is made, never at run time."""

    problems: tuple[ConfigProblem, ...]
    """Every mistake; at least one."""

    def __init__(self, problems: Iterable[Sequence[str]]) -> None:
        self.problems = tuple(ConfigProblem(*problem) for problem in problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """All mistakes, each with a hint."""
        count = "a problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        return "\n".join([f"the configuration has {count}", *map(str, self.problems)])


class _Denied(RequiresAuthError):
    """A request that was not let through, with what its answer says."""

    code: ClassVar[str]
    """The code of the answer. Match on this or on the class: it never changes, messages may."""

    reason: ClassVar[str | None] = None
    """Why the token is invalid; None unless the code is `invalid_token`."""

    status: ClassVar[int]
    """The HTTP status of the answer."""

    hint: ClassVar[str]
    """What to do about it, for the person who debugs."""

    _message: ClassVar[str]

    message: str
    """One fixed sentence for the client. It never carries a configured value or anything of the token."""

    headers: list[tuple[str, str]]
    """The headers of the answer, names in lower case; empty if the exception does not come from a guard."""

    def __init__(self, message: str | None = None, *, headers: Iterable[tuple[str, str]] = ()) -> None:
        self.message = self._message if message is None else message
        self.headers = list(headers)
        super().__init__(self.message)

    def __init_subclass__(cls, code: str | None = None, reason: str | None = None) -> None:
        if code is not None:
            cls.code = code
            cls.status, cls._message, cls.hint = _CODES[code]
        if reason is not None:
            cls.reason = reason
            cls._message, cls.hint = _REASONS[reason]


class _Undecided(_Denied):
    """Nobody could tell at the moment whether the request may pass: 503."""

    retry_after: int
    """After how many seconds to try again."""

    def __init__(
        self,
        message: str | None = None,
        *,
        headers: Iterable[tuple[str, str]] = (),
        retry_after: int = 1,
    ) -> None:
        super().__init__(message, headers=headers)
        self.retry_after = retry_after


class IssuerUnavailable(_Undecided, code="auth.issuer_unavailable"):
    """The keys of the issuer are out of reach, so the token was never judged: 503. This is not an `AuthError`."""


class StateUnavailable(_Undecided, code="auth.state_unavailable"):
    """A store, such as that of used DPoP proofs, is full or out of reach: 503. This is not an `AuthError`."""


class AuthError(_Denied):
    """A request that is refused for what it shows, or does not show. Each code and each reason has a class."""


class AccessDenied(AuthError, code="access_denied"):
    """A claim rule of the policy does not hold: 403."""


class AmbiguousPath(AuthError, code="auth.ambiguous_path"):
    """The gateway can read the path in more than one way: 400."""


class AmbiguousRequest(AuthError, code="auth.ambiguous_request"):
    """The gateway can read a header in more than one way, or it says another thing than the proxy does: 400."""


class AuthorizationHeaderMissing(AuthError, code="auth.authorization_header_missing"):
    """The request has no Authorization header: 401."""


class AuthorizationTokenInvalidFormat(AuthError, code="auth.authorization_token_invalid_format"):
    """The Authorization header is not exactly a scheme and one token: 401."""


class AuthorizationTokenTypeNotSupported(AuthError, code="auth.authorization_token_type_not_supported"):
    """The Authorization header uses a scheme other than Bearer: 401."""


class CrossSite(AuthError, code="auth.cross_site"):
    """A token in a cookie, on a request that another site may have caused: 403."""


class InsufficientScope(AuthError, code="insufficient_scope"):
    """A scope that the route needs is missing: 403."""

    scope: str | None
    """The scopes that the route needs, separated by spaces. The challenge has `base_scopes` of the guard as well."""

    def __init__(
        self, message: str | None = None, *, headers: Iterable[tuple[str, str]] = (), scope: str | None = None
    ) -> None:
        super().__init__(message, headers=headers)
        self.scope = scope


class InsufficientUserAuthentication(AuthError, code="insufficient_user_authentication"):
    """The login is too weak or too old for the route: 401 (RFC 9470)."""


class InvalidDpopProof(AuthError, code="invalid_dpop_proof"):
    """The DPoP proof does not hold: 401 (RFC 9449). Each reason has a class."""


class InvalidRequest(AuthError, code="invalid_request"):
    """The request carries more than one access token: 400."""


class McpBodyEncoded(AuthError, code="auth.mcp_body_encoded"):
    """MCP: the body of a message has a content encoding, or a charset that is not UTF-8: 415."""


class McpBodyNotJson(AuthError, code="auth.mcp_body_not_json"):
    """MCP: the body of a message is not JSON without duplicate members: 400."""


class McpBodyTooLarge(AuthError, code="auth.mcp_body_too_large"):
    """MCP: the body of a message is longer than the limit: 413."""


class McpHeaderMismatch(AuthError, code="auth.mcp_header_mismatch"):
    """MCP: `Mcp-Method` or `Mcp-Name` says another thing than the body: 400."""


class McpHeadersInsufficient(AuthError, code="auth.mcp_headers_insufficient"):
    """MCP: only headers are seen, and they do not say which operation is asked for: 403."""


class McpMessageInvalid(AuthError, code="auth.mcp_message_invalid"):
    """MCP: the body is JSON, but not a message that every server reads in the same way: 400."""


class McpOperationUnknown(AuthError, code="auth.mcp_operation_unknown"):
    """MCP: no rule is for the tool, prompt or resource: 403."""


class NoRoute(AuthError, code="auth.no_route"):
    """No route of the gateway matches: 403."""


class TooManyProofs(AuthError, code="auth.too_many_proofs"):
    """The client has used up its share of the store of used DPoP proofs: 429."""


class UseDpopNonce(AuthError, code="use_dpop_nonce"):
    """The DPoP proof needs a nonce of this server: 401 (RFC 9449)."""


class InvalidToken(AuthError, code="invalid_token"):
    """The token failed a check: 401. Each reason has a class."""


class AlgorithmNotAllowed(InvalidToken, reason="algorithm_not_allowed"):
    """The header's algorithm is unknown, not in the list, or not one of the named key."""


class AudienceMismatch(InvalidToken, reason="audience_mismatch"):
    """`aud` does not name this API."""


class BindingMismatch(InvalidToken, reason="binding_mismatch"):
    """The token is bound to a key or certificate that the request did not prove."""


class ClaimMalformed(InvalidToken, reason="claim_malformed"):
    """A claim has the wrong type or is out of range."""


class ClaimMissing(InvalidToken, reason="claim_missing"):
    """A claim that the profile requires is absent."""


class CriticalHeader(InvalidToken, reason="critical_header"):
    """The header has `crit`, or an unencoded payload."""


class TokenEncrypted(InvalidToken, reason="encrypted"):
    """The token is a JWE: five parts."""


class TokenExpired(InvalidToken, reason="expired"):
    """`exp` has passed."""


class TokenInactive(InvalidToken, reason="inactive"):
    """The issuer was asked about the token, and says that it is not active (RFC 7662)."""


class IssuerMismatch(InvalidToken, reason="issuer_mismatch"):
    """`iss` is not the configured issuer."""


class KeyUnknown(InvalidToken, reason="key_unknown"):
    """No usable key of the set has the token's `kid`, or fits its algorithm."""


class TokenMalformed(InvalidToken, reason="malformed"):
    """The token is not three base64url parts of well-formed JSON."""


class TokenNotYetValid(InvalidToken, reason="not_yet_valid"):
    """`nbf` or `iat` lies in the future."""


class TokenOpaque(InvalidToken, reason="opaque"):
    """The token has no dot: an opaque token."""


class ProofKeyInvalid(InvalidDpopProof, reason="proof_key"):
    """The key in the header of the DPoP proof cannot be used."""


class ProofMalformed(InvalidDpopProof, reason="proof_malformed"):
    """The DPoP proof is not one well-formed JWT with an allowed algorithm and all its claims."""


class ProofMethodMismatch(InvalidDpopProof, reason="proof_method"):
    """`htm` of the DPoP proof is not the method of the request."""


class ProofMissing(InvalidDpopProof, reason="proof_missing"):
    """The token came by the scheme DPoP, and without a proof."""


class ProofReused(InvalidDpopProof, reason="proof_reused"):
    """The DPoP proof was used before."""


class ProofSignatureMismatch(InvalidDpopProof, reason="proof_signature"):
    """The key of the DPoP proof has not signed it."""


class ProofTimeInvalid(InvalidDpopProof, reason="proof_time"):
    """`iat` of the DPoP proof is too long ago, or lies in the future."""


class ProofTokenMismatch(InvalidDpopProof, reason="proof_token"):
    """`ath` of the DPoP proof is not the hash of the token."""


class ProofUrlMismatch(InvalidDpopProof, reason="proof_url"):
    """`htu` of the DPoP proof is not the URL of the request."""


class TokenRevoked(InvalidToken, reason="revoked"):
    """The token has been revoked."""


class SignatureMismatch(InvalidToken, reason="signature_mismatch"):
    """No key that fits verifies the signature."""


class TokenTooLarge(InvalidToken, reason="too_large"):
    """The token is longer than the limit."""


class TypeNotAllowed(InvalidToken, reason="type_not_allowed"):
    """`typ`, `cty` or the claims say that this is not an access token."""


NEVER_RAISED: tuple[type[AuthError], ...] = (
    AmbiguousPath,
    AmbiguousRequest,
    McpHeadersInsufficient,
    NoRoute,
)
"""Codes that only the gateway gives. They can be imported, and are in no
`__all__`: a handler of them never runs."""

_CLASSES: dict[tuple[str, str | None], type[AuthError]] = {
    (error.code, error.reason): error
    for error in [*AuthError.__subclasses__(), *InvalidToken.__subclasses__(), *InvalidDpopProof.__subclasses__()]
}


def from_denial(
    code: str,
    reason: str | None,
    headers: list[tuple[str, str]],
    retry_after: int | None,
    scope: str | None,
) -> AuthError | IssuerUnavailable | StateUnavailable:
    """Makes the exception for a refusal of the library."""
    if code == IssuerUnavailable.code:
        return IssuerUnavailable(headers=headers, retry_after=retry_after or 1)
    if code == StateUnavailable.code:
        return StateUnavailable(headers=headers, retry_after=retry_after or 1)
    error = _CLASSES[code, reason]
    if issubclass(error, InsufficientScope):
        return error(headers=headers, scope=scope)
    return error(headers=headers)
