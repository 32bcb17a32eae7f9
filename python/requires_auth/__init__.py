"""The access-token guard for your API: the resource-server side of OAuth 2.0 and OpenID Connect, in Rust.

    from requires_auth import RequiresAuth

    auth = RequiresAuth("https://tenant-id.logto.app/oidc", "https://api.example.com")
    token = auth.verify("eyJhbGciOiJFUzM4NCIs...")
    print(token.sub, token.has_scope("read:orders"))

Each framework has a module of its own, `requires_auth.flask`, `.fastapi`, `.starlette` and `.django`, and
tests have `requires_auth.testing`.
"""

from requires_auth._core import AccessToken, Admission, Policy, Refusal, __version__
from requires_auth._errors import (
    AccessDenied,
    AlgorithmNotAllowed,
    AmbiguousPath,
    AmbiguousRequest,
    AudienceMismatch,
    AuthError,
    AuthorizationHeaderMissing,
    AuthorizationTokenInvalidFormat,
    AuthorizationTokenTypeNotSupported,
    BindingMismatch,
    ClaimMalformed,
    ClaimMissing,
    ConfigError,
    ConfigProblem,
    CriticalHeader,
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidDpopProof,
    InvalidRequest,
    InvalidToken,
    IssuerMismatch,
    IssuerUnavailable,
    KeyUnknown,
    NoRoute,
    RequiresAuthError,
    SignatureMismatch,
    TokenEncrypted,
    TokenExpired,
    TokenMalformed,
    TokenNotYetValid,
    TokenOpaque,
    TokenRevoked,
    TokenTooLarge,
    TypeNotAllowed,
    UseDpopNonce,
)
from requires_auth._guard import Issuer, RequiresAuth

__all__ = [
    "AccessDenied",
    "AccessToken",
    "Admission",
    "AlgorithmNotAllowed",
    "AmbiguousPath",
    "AmbiguousRequest",
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
    "InsufficientScope",
    "InsufficientUserAuthentication",
    "InvalidDpopProof",
    "InvalidRequest",
    "InvalidToken",
    "Issuer",
    "IssuerMismatch",
    "IssuerUnavailable",
    "KeyUnknown",
    "NoRoute",
    "Policy",
    "Refusal",
    "RequiresAuth",
    "RequiresAuthError",
    "SignatureMismatch",
    "TokenEncrypted",
    "TokenExpired",
    "TokenMalformed",
    "TokenNotYetValid",
    "TokenOpaque",
    "TokenRevoked",
    "TokenTooLarge",
    "TypeNotAllowed",
    "UseDpopNonce",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name == "requires_auth":
        raise ImportError(
            "the ready instance belongs to a framework: import requires_auth from requires_auth.flask, "
            "requires_auth.django or requires_auth.fastapi"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
