"""The verifiers: each one takes an issuer's keys, and makes a function that verifies one token or raises."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

from requires_auth import RequiresAuth
from requires_auth._core import TestIssuer

Verify = Callable[[str], Any]
Make = Callable[[dict[str, Any], str, str, str], Verify]
"""From the JWK, the algorithm, the issuer and the audience."""


def jose_ecdsa(jwk: dict[str, Any], alg: str, iss: str, aud: str) -> Verify:
    """python-jose in pure Python: the key is made by its backend, whatever else is installed."""
    from jose import jwt
    from jose.backends.ecdsa_backend import ECDSAECKey
    from jose.backends.rsa_backend import RSAKey

    key = (ECDSAECKey if alg.startswith("ES") else RSAKey)(jwk, alg)
    return lambda token: jwt.decode(token, key, algorithms=[alg], issuer=iss, audience=aud)


def jose_cryptography(jwk: dict[str, Any], alg: str, iss: str, aud: str) -> Verify:
    """python-jose over cryptography."""
    from jose import jwt
    from jose.backends.cryptography_backend import CryptographyECKey, CryptographyRSAKey

    key = (CryptographyECKey if alg.startswith("ES") else CryptographyRSAKey)(jwk, alg)
    return lambda token: jwt.decode(token, key, algorithms=[alg], issuer=iss, audience=aud)


def pyjwt(jwk: dict[str, Any], alg: str, iss: str, aud: str) -> Verify:
    """PyJWT with a PyJWK kept ready."""
    import jwt

    key = jwt.PyJWK(jwk, alg)
    return lambda token: jwt.decode(token, key, algorithms=[alg], issuer=iss, audience=aud)


def joserfc(jwk: dict[str, Any], alg: str, iss: str, aud: str) -> Verify:
    """The library joserfc."""
    from joserfc import jwt
    from joserfc.jwk import import_key

    key = import_key(jwk)
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": iss}, aud={"essential": True, "value": aud}, exp={"essential": True}
    )
    return lambda token: registry.validate(jwt.decode(token, key, algorithms=[alg]).claims)


def authlib(jwk: dict[str, Any], alg: str, iss: str, aud: str) -> Verify:
    """The library Authlib."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it points to joserfc, which is in the table too
        from authlib.jose import JsonWebKey, JsonWebToken

    key, jwt = JsonWebKey.import_key(jwk), JsonWebToken([alg])
    options = {name: {"essential": True, "value": value} for name, value in (("iss", iss), ("aud", aud))}
    options["exp"] = {"essential": True}
    return lambda token: jwt.decode(token, key, claims_options=options).validate()


def ryjwt(jwk: dict[str, Any], alg: str, iss: str, aud: str) -> Verify:
    """The library ryjwt."""
    import ryjwt as library

    return library.PublicKey.from_jwks({"keys": [jwk]}, algorithms=[alg], issuer=iss, audience=aud).decode


def oxyjwt(jwk: dict[str, Any], alg: str, iss: str, aud: str) -> Verify:
    """The library oxyjwt."""
    import oxyjwt as library

    key = library.PyJWK.from_dict(jwk, alg).key
    return lambda token: library.decode(token, key, algorithms=[alg], issuer=iss, audience=aud)


PEERS: dict[str, Make] = {
    "python-jose[ecdsa]": jose_ecdsa,
    "python-jose[cryptography]": jose_cryptography,
    "PyJWT, PyJWK": pyjwt,
    "joserfc": joserfc,
    "Authlib": authlib,
    "ryjwt": ryjwt,
    "oxyjwt": oxyjwt,
}


def made(issuer: TestIssuer, algorithm: str) -> tuple[dict[str, Verify], dict[str, str]]:
    """The verifiers by name, and why others cannot do this algorithm. The issuer serves its keys from here on."""
    url = issuer.serve()
    [jwk] = json.loads(issuer.jwks)["keys"]
    arguments = (jwk, algorithm, issuer.issuer, issuer.audience)
    candidates: dict[str, Callable[[], Verify]] = {
        name: lambda make=make: make(*arguments)  # type: ignore[misc]
        for name, make in PEERS.items()
    }
    candidates["PyJWT, PyJWKClient"] = lambda: pyjwt_client(f"{url}/jwks", *arguments[1:])
    trust = (issuer.issuer, issuer.audience)
    candidates["requires-auth, cold"] = lambda: RequiresAuth(*trust, jwks=issuer.jwks, cache=0).verify
    candidates["requires-auth, first sight"] = lambda: RequiresAuth(*trust, jwks=issuer.jwks).verify
    candidates["requires-auth, warm"] = lambda: RequiresAuth(*trust, jwks=issuer.jwks).verify
    known, why = {}, {}
    for name, make in candidates.items():
        try:
            known[name] = checked(make(), issuer)
        except Exception as error:  # whatever a peer raises for what it cannot do
            why[name] = f"cannot: {type(error).__name__}"
    return known, why


def pyjwt_client(url: str, alg: str, iss: str, aud: str) -> Verify:
    """PyJWT with its client, which fetches the keys once and looks the right one up for each token."""
    import jwt

    client = jwt.PyJWKClient(url, cache_keys=True)

    def verify(token: str) -> Any:
        key = client.get_signing_key_from_jwt(token)
        return jwt.decode(token, key, algorithms=[alg], issuer=iss, audience=aud)

    return verify


def checked(verify: Verify, issuer: TestIssuer) -> Verify:
    """A verifier that takes a good token, and none with a defect."""
    verify(issuer.token())
    for defect in ("expired", "audience_mismatch", "issuer_mismatch", "signature_mismatch"):
        try:
            verify(issuer.token(defect=defect))
        except Exception:
            continue
        raise AssertionError(f"it takes a token with the defect {defect}")
    return verify
