"""The access-token guard for your API: the resource-server side of OAuth 2.0 and OpenID Connect, in Rust.

    from requires_auth import RequiresAuth

    auth = RequiresAuth("https://tenant-id.logto.app/oidc", "https://api.example.com")
    token = auth.verify("eyJhbGciOiJFUzM4NCIs...")
    print(token.sub, token.has_scope("read:orders"))

Each framework has a module of its own, `requires_auth.flask`, `.fastapi`, `.starlette` and `.django`, and
tests have `requires_auth.testing`.
"""

from requires_auth import _errors
from requires_auth._core import AccessToken, Admission, MetadataAnswer, Policy, Refusal, __version__
from requires_auth._errors import *  # noqa: F403  # the list of what is raised is there
from requires_auth._errors import AmbiguousPath as AmbiguousPath  # these four are never raised
from requires_auth._errors import AmbiguousRequest as AmbiguousRequest
from requires_auth._errors import McpHeadersInsufficient as McpHeadersInsufficient
from requires_auth._errors import NoRoute as NoRoute
from requires_auth._guard import RequiresAuth
from requires_auth._issuer import Issuer

__all__ = ["AccessToken", "Admission", "Issuer", "MetadataAnswer", "Policy", "Refusal", "RequiresAuth", "__version__"]
__all__ += _errors.__all__


def __getattr__(name: str) -> object:
    if name == "requires_auth":
        raise ImportError(
            "the ready instance belongs to a framework: import requires_auth from requires_auth.flask, "
            "requires_auth.django or requires_auth.fastapi"
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
