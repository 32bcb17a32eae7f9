"""A client that holds a key: tokens that are bound to it, and proofs (RFC 9449), made without the package."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from requires_auth.testing import TestIssuer


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Client:
    """A client with a key of its own."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        jwk: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        self.jwk = {name: jwk[name] for name in ("crv", "kty", "x", "y")}

    @property
    def thumbprint(self) -> str:
        """RFC 7638."""
        text = json.dumps(self.jwk, separators=(",", ":"), sort_keys=True)
        return encoded(hashlib.sha256(text.encode()).digest())

    def token(self, issuer: TestIssuer, scope: str = "", **claims: Any) -> str:
        """A token that is bound to the key."""
        return issuer.token(scope, claims={"cnf": {"jkt": self.thumbprint}, **claims})

    def proof(self, method: str, url: str, token: str, at: float | None = None, **claims: Any) -> str:
        """A proof for one request."""
        own = {
            "jti": str(uuid.uuid4()),
            "htm": method,
            "htu": url,
            "iat": int(time.time() if at is None else at),
            "ath": encoded(hashlib.sha256(token.encode()).digest()),
        }
        return jwt.encode({**own, **claims}, self.key, "ES256", headers={"typ": "dpop+jwt", "jwk": self.jwk})

    def headers(self, method: str, url: str, token: str, at: float | None = None, **claims: Any) -> dict[str, str]:
        """What a request with a proof has."""
        return {"Authorization": f"DPoP {token}", "DPoP": self.proof(method, url, token, at, **claims)}
