"""A token verifier for `mcp`, as its documentation asks for one: it checks signature and issuer, and leaves to the SDK
what the SDK has settings for (expiry, scopes, audience). A key set that cannot be fetched raises.
"""

import jwt
from anyio import to_thread
from mcp.server.auth.provider import AccessToken


class Verifier:
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.keys = jwt.PyJWKClient(f"{issuer}/jwks", cache_jwk_set=True)

    def claims(self, token: str) -> dict | None:
        try:
            key = self.keys.get_signing_key_from_jwt(token)
            return jwt.decode(
                token,
                key,
                algorithms=["ES384"],
                issuer=self.issuer,
                options={"verify_aud": False, "verify_exp": False},
            )
        except jwt.PyJWKClientConnectionError:
            raise
        except jwt.PyJWTError:
            return None

    async def verify_token(self, token: str) -> AccessToken | None:
        claims = await to_thread.run_sync(self.claims, token)
        if claims is None:
            return None
        audience = claims.get("aud")
        return AccessToken(
            token=token,
            client_id=claims.get("client_id", ""),
            scopes=claims.get("scope", "").split(),
            expires_at=claims.get("exp"),
            resource=audience if isinstance(audience, str) else None,
            subject=claims.get("sub"),
        )
