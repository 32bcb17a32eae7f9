"""Tokens signed with the authorization server's own key: what it would give out, and what it never would."""

import json
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

ALGORITHM = "ES384"
KEY_ID = "signing"
BASE = "read:orders"
EVERYTHING = "read:orders write:orders"


def write_keys(path: Path) -> None:
    key = ECAlgorithm(ECAlgorithm.SHA384).to_jwk(ec.generate_private_key(ec.SECP384R1()), as_dict=True)
    path.write_text(json.dumps({"keys": [{**key, "use": "sig", "alg": ALGORITHM, "kid": KEY_ID}]}))


class Mint:
    """Signs tokens of one issuer for one resource."""

    def __init__(self, keys: Path, issuer: str, resource: str) -> None:
        self.key = jwt.PyJWK(json.loads(keys.read_text())["keys"][0])
        self.issuer = issuer
        self.resource = resource

    def token(self, *, typ: str | None = "at+jwt", **changes) -> str:
        """A good token with `changes`; a change to None takes the claim away."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.resource,
            "sub": "alice",
            "client_id": "client",
            "jti": "one",
            "iat": now,
            "exp": now + 600,
            "scope": BASE,
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.key, algorithm=ALGORITHM, headers={"kid": KEY_ID, "typ": typ})

    def expired(self, **changes) -> str:
        now = int(time.time())
        return self.token(iat=now - 7200, exp=now - 3600, **changes)

    def id_token(self) -> str:
        """As oidc-provider signs one: for the client, without scope, without `typ`."""
        return self.token(typ=None, aud="client", client_id=None, jti=None, scope=None)
