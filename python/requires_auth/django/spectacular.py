"""Shows the access token in the OpenAPI document of drf-spectacular. `requires_auth.django` loads it by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema

__all__ = ["AccessTokenScheme"]


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The security scheme of `AccessTokenAuthentication` and its subclasses: a bearer token, which is a JWT."""

    target_class = "requires_auth.django.rest_framework.AccessTokenAuthentication"
    match_subclasses = True
    name = "accessToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """The scheme (OpenAPI 3.0, Security Scheme Object)."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
