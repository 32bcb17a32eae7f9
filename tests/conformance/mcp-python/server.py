"""An MCP server of the Python SDK behind its own guard, `AuthSettings` and `TokenVerifier`, as its documentation says.

The SDK leaves the token itself to the verifier. Here PyJWT verifies it, as PyJWT's documentation shows: the key from
the key set of the issuer, and issuer and audience given to `jwt.decode`. Then `validate_token_resource=False` is what
the SDK's documentation says for a verifier that checks the audience itself.
"""

import os

import jwt
import uvicorn
from anyio import to_thread
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from pydantic import AnyHttpUrl

ISSUER = os.environ["ISSUER"]
RESOURCE = os.environ["AUDIENCE"]
PORT = int(os.environ["PORT"])


class JwtVerifier(TokenVerifier):
    def __init__(self) -> None:
        self.jwks_client = jwt.PyJWKClient(f"{ISSUER}/jwks")

    def claims(self, token: str) -> dict:
        key = self.jwks_client.get_signing_key_from_jwt(token)
        return jwt.decode(token, key, algorithms=["RS256"], audience=RESOURCE, issuer=ISSUER)

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            claims = await to_thread.run_sync(self.claims, token)
        except jwt.PyJWTError:
            return None
        return AccessToken(
            token=token,
            client_id=claims.get("client_id", ""),
            scopes=claims.get("scope", "").split(),
            expires_at=claims.get("exp"),
            resource=RESOURCE,
            subject=claims.get("sub"),
        )


server = MCPServer(
    "items",
    token_verifier=JwtVerifier(),
    auth=AuthSettings(
        issuer_url=AnyHttpUrl(ISSUER),
        resource_server_url=AnyHttpUrl(RESOURCE),
        required_scopes=["read:items"],
        validate_token_resource=False,
    ),
)


@server.tool()
def list_items() -> str:
    """Lists the items."""
    return "items: 1, 2"


uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=PORT, log_level="warning")
