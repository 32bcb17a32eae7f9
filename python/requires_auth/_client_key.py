"""The key of a client, for tests of an API that takes tokens with proofs (DPoP): for `requires_auth.testing`."""

from __future__ import annotations

from requires_auth._core import TestClientKey as _Key

__all__ = ["PROOF_DEFECTS", "ClientKey"]

PROOF_DEFECTS: dict[str, str] = {name: reason for name, reason, _ in _Key.defects()}
"""Everything that can be wrong with a proof, with the reason that an API refuses it for.

A name begins with its reason: `proof_malformed_comma`. `proof_reused` is a proof that is good the first time: send the
same request twice.
"""


class ClientKey:
    """A fresh key of a client, in this process. Tokens are bound to it by `TestIssuer.token(key=...)`."""

    def __init__(self, algorithm: str = "ES256") -> None:
        """Makes a key.

        Args:
            algorithm: how it signs, such as ES256, Ed25519 or PS256.

        Raises:
            ValueError: there is no such algorithm.
        """
        self._key = _Key(algorithm)

    @property
    def thumbprint(self) -> str:
        """Its thumbprint (RFC 7638): `cnf.jkt` of the tokens that are bound to it."""
        return self._key.thumbprint

    def proof(
        self,
        method: str,
        url: str,
        token: str | None = None,
        *,
        nonce: str | None = None,
        issued_at: int | None = None,
        defect: str | None = None,
    ) -> str:
        """Makes a proof for one request: the value of its header `DPoP`. A new one is needed for each.

        Args:
            method: the method of the request.
            url: its URL as the API knows it, which begins with the API's `public_url`.
            token: the access token that goes with it.
            nonce: what the API gave in a header `DPoP-Nonce`.
            issued_at: when it was made, in seconds since 1970; now by default.
            defect: the one thing that is wrong with it, one of `PROOF_DEFECTS`. Where that is a second header, both
                proofs are in the one value, separated by a comma; where it is that there is none, the value is empty.

        Raises:
            ValueError: there is no such defect.
        """
        lines = self._key.proofs(method, url, token, nonce=nonce, issued_at=issued_at, defect=defect)
        return ", ".join(lines)

    def headers(
        self,
        method: str,
        url: str,
        token: str,
        *,
        nonce: str | None = None,
        issued_at: int | None = None,
        defect: str | None = None,
    ) -> dict[str, str]:
        """The headers `Authorization` and `DPoP` of one request; the arguments are those of `proof`.

        Raises:
            ValueError: there is no such defect.
        """
        proof = self.proof(method, url, token, nonce=nonce, issued_at=issued_at, defect=defect)
        return {"Authorization": f"DPoP {token}", **({"DPoP": proof} if proof else {})}
