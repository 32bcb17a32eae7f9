"""The same proofs to this package, to oauth4webapi and to auth0-api-python: what each says, beside what is right.

    python compare.py            prints the table, and exits 1 where this package differs from what is right
    python compare.py --write    writes it into docs/dpop.md

It needs this package, what is in requirements.txt, Node, and `npm ci` here. The proofs are made by code of their own,
which shares nothing with this package or its test kit.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auth0_api_python import ApiClient, ApiClientOptions
from auth0_api_python.errors import BaseAuthError
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from requires_auth import RequiresAuth

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs" / "dpop.md"
BEGIN, END = "<!-- compared -->", "<!-- /compared -->"

ISSUER, AUDIENCE, ORIGIN = "https://issuer.example.test/", "https://api.example.test", "https://api.example.test"

OPEN = "§4.3 (5) leaves it open"

Json = dict[str, Any]


def encode(data: bytes | str | Json) -> str:
    if isinstance(data, dict):
        data = json.dumps(data)
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def digest(text: str) -> str:
    return encode(hashlib.sha256(text.encode()).digest())


class Key:
    """A private key with its JWK."""

    def __init__(self, alg: str) -> None:
        self.alg = alg
        if alg in ("ES256", "ES384"):
            curve, name, size = (ec.SECP256R1(), "P-256", 32) if alg == "ES256" else (ec.SECP384R1(), "P-384", 48)
            self.private: Any = ec.generate_private_key(curve)
            numbers = self.private.public_key().public_numbers()
            point = [encode(number.to_bytes(size, "big")) for number in (numbers.x, numbers.y)]
            self.jwk = {"kty": "EC", "crv": name, "x": point[0], "y": point[1]}
            self.size = size
        elif alg == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
            public = self.private.public_key().public_bytes_raw()
            self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": encode(public)}
        else:
            self.private = rsa.generate_private_key(65537, 2048)
            modulus = self.private.public_key().public_numbers().n.to_bytes(256, "big")
            self.jwk = {"kty": "RSA", "n": encode(modulus), "e": "AQAB"}

    @property
    def thumbprint(self) -> str:
        return digest(json.dumps(self.jwk, sort_keys=True, separators=(",", ":")))

    def sign(self, message: bytes) -> bytes:
        if self.alg == "EdDSA":
            return bytes(self.private.sign(message))
        if self.alg in ("ES256", "ES384"):
            chosen = SHA256() if self.alg == "ES256" else SHA384()
            pair = decode_dss_signature(self.private.sign(message, ec.ECDSA(chosen)))
            return b"".join(number.to_bytes(self.size, "big") for number in pair)
        if self.alg == "PS256":
            return bytes(self.private.sign(message, padding.PSS(padding.MGF1(SHA256()), 32), SHA256()))
        return bytes(self.private.sign(message, padding.PKCS1v15(), SHA256()))


AUTHORITY = Key("RS256")
CLIENT, OTHER = Key("ES256"), Key("ES256")
JWKS = {"keys": [{**AUTHORITY.jwk, "kid": "a", "use": "sig", "alg": "RS256"}]}


def jwt(key: Key, header: Json | str, claims: Json | str) -> str:
    message = f"{encode(header)}.{encode(claims)}"
    return f"{message}.{encode(key.sign(message.encode()))}"


def token(cnf: Any = None) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "iat": now, "exp": now + 600, "jti": os.urandom(8).hex()}
    claims |= {"client_id": "app", "scope": "read"} | ({} if cnf is None else {"cnf": cnf})
    return jwt(AUTHORITY, {"alg": "RS256", "typ": "at+jwt", "kid": "a"}, claims)


@dataclass
class Request:
    """A request that is good as it is; a case changes it."""

    key: Key = CLIENT
    method: str = "GET"
    path: str = "/items"
    scheme: str = "DPoP"
    cnf: Any = ...
    header: Json | str | None = None
    claims: Json | str | None = None
    signer: Key | None = None
    mangle: Callable[[str], str | None] = str

    def __post_init__(self) -> None:
        self.token = token({"jkt": self.key.thumbprint} if self.cnf is ... else self.cnf)
        self.base_header: Json = {"typ": "dpop+jwt", "alg": self.key.alg, "jwk": self.key.jwk}
        self.base_claims: Json = {
            "jti": os.urandom(12).hex(),
            "htm": self.method,
            "htu": f"{ORIGIN}{self.path.partition('?')[0]}",
            "iat": int(time.time()),
            "ath": digest(self.token),
        }

    def build(self) -> tuple[str, str, dict[str, str]]:
        """Method, URL and headers."""

        def changed(base: Json, change: Json | str | None) -> Json | str:
            if isinstance(change, str):
                return change
            merged = base | (change or {})
            return {name: value for name, value in merged.items() if value is not ...}

        header, claims = changed(self.base_header, self.header), changed(self.base_claims, self.claims)
        proof = self.mangle(jwt(self.signer or self.key, header, claims))
        headers = {"authorization": f"{self.scheme} {self.token}"}
        return self.method, f"{ORIGIN}{self.path}", headers | ({} if proof is None else {"dpop": proof})


@dataclass
class Case:
    """What is asked, and what the RFC says about it."""

    about: str
    section: str
    is_good: bool
    requests: list[tuple[str, str, dict[str, str]]]


def case(about: str, section: str, is_good: bool, **changes: Any) -> Case:
    return Case(about, section, is_good, [Request(**changes).build()])


def twice(text: str, member: str, value: str) -> str:
    """The JSON with a member twice."""
    return text[:-1] + f', "{member}": {json.dumps(value)}}}'


def with_hmac(proof: str) -> str:
    """HS256 whose secret is the public key that everybody sees."""
    message = proof.rpartition(".")[0]
    secret = json.dumps(CLIENT.jwk).encode()
    return f"{message}.{encode(hmac.digest(secret, message.encode(), 'sha256'))}"


def flipped(proof: str) -> str:
    message, _, signature = proof.rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[-1] ^= 1
    return f"{message}.{encode(bytes(raw))}"


def headers_of_proofs() -> list[Case]:
    good = "§4.3"
    algorithms = [case(f"a proof by {alg}", OPEN, True, key=Key(alg)) for alg in ("ES256", "ES384", "EdDSA", "PS256")]
    return [
        *algorithms,
        case(
            "Ed25519 under its own name (RFC 9864)",
            OPEN,
            True,
            key=Key("EdDSA"),
            header={"alg": "Ed25519"},
        ),
        case("the scheme in lower case", "RFC 9110 §11.1", True, scheme="dpop"),
        case("no proof", "§7.1", False, mangle=lambda _: None),
        case("two proofs, joined by a comma", "§4.3 (1)", False, mangle=lambda proof: f"{proof}, {proof}"),
        case("two parts", "§4.3 (2)", False, mangle=lambda proof: proof.rpartition(".")[0]),
        case("padding behind the signature", "RFC 7515 §2", False, mangle=lambda proof: f"{proof}=="),
        case("typ JWT", "§4.3 (4)", False, header={"typ": "JWT"}),
        case("no typ", "§4.3 (4)", False, header={"typ": ...}),
        case("typ with application/", "RFC 7515 §4.1.9", True, header={"typ": "application/dpop+jwt"}),
        case("alg none", "§4.3 (5)", False, header={"alg": "none"}, mangle=lambda p: p.rpartition(".")[0] + "."),
        case("alg HS256, the public key as the secret", "§4.3 (5)", False, header={"alg": "HS256"}, mangle=with_hmac),
        case("a critical extension", "RFC 7515 §4.1.11", False, header={"crit": ["x"], "x": 1}),
        case("typ twice", "RFC 7515 §4", False, header=twice(json.dumps(Request().base_header), "typ", "dpop+jwt")),
        case("no jwk", "§4.2", False, header={"jwk": ..., "kid": "a"}),
        case("jwk with a private part", "§4.3 (7)", False, header={"jwk": CLIENT.jwk | {"d": digest("x")}}),
        case("jwk with k", "§4.3 (7)", False, header={"jwk": CLIENT.jwk | {"k": "AAAA"}}),
        case("jwk for encryption", "RFC 7517 §4.2", False, header={"jwk": CLIENT.jwk | {"use": "enc"}}),
        case("jwk for another algorithm", "RFC 7517 §4.4", False, header={"jwk": CLIENT.jwk | {"alg": "ES384"}}),
        case("one bit of the signature flipped", "§4.3 (6)", False, mangle=flipped),
        case("signed by another key", "§4.3 (6)", False, signer=OTHER),
        case("a good proof", good, True),
    ]


def claims_of_proofs() -> list[Case]:
    def claim(about: str, section: str, is_good: bool, **claims: Any) -> Case:
        return case(about, section, is_good, claims=claims)

    now = int(time.time())
    return [
        claim("no jti", "§4.3 (3)", False, jti=...),
        claim("an empty jti", "§4.2", False, jti=""),
        claim("jti a number", "§4.2", False, jti=1),
        claim("no htm", "§4.3 (3)", False, htm=...),
        claim("htm in lower case", "§4.3 (8), RFC 9110 §9.1", False, htm="get"),
        claim("another htm", "§4.3 (8)", False, htm="POST"),
        claim("no iat", "§4.3 (3)", False, iat=...),
        claim("iat a string", "RFC 7519 §4.1.6", False, iat=str(now)),
        claim("iat with a fraction", "RFC 7519 §2", True, iat=now - 0.5),
        claim("an hour old", "§4.3 (11)", False, iat=now - 3600),
        claim("an hour ahead", "§4.3 (11)", False, iat=now + 3600),
        claim("no ath", "§4.3 (12)", False, ath=...),
        claim("ath of another token", "§4.3 (12)", False, ath=digest("another")),
        claim("a claim that nobody knows", "§4.2", True, x={"y": 1}),
        claim("a nonce that nobody has asked for", "§4.3 (10)", True, nonce="n"),
        case("htm twice", "RFC 7519 §4", False, claims=twice(json.dumps(Request().base_claims), "htm", "GET")),
    ]


def targets() -> list[Case]:
    def htu(about: str, section: str, is_good: bool, url: str, path: str = "/items") -> Case:
        return case(about, section, is_good, claims={"htu": url}, path=path)

    same, other = "§4.3 (9): SHOULD, RFC 3986 §6.2.2", "§4.3 (9)"
    return [
        case("no htu", "§4.3 (3)", False, claims={"htu": ...}),
        case("a request with a query", other, True, path="/items?page=2"),
        htu("the host of htu in upper case", same, True, "https://API.EXAMPLE.TEST/items"),
        htu("the port of the scheme in htu", "§4.3 (9): SHOULD, RFC 3986 §6.2.3", True, f"{ORIGIN}:443/items"),
        htu("dot segments in htu", same, True, f"{ORIGIN}/a/../items"),
        htu("an escape in htu that need not be one", same, True, f"{ORIGIN}/%69tems"),
        htu("escapes of htu in lower case", same, True, f"{ORIGIN}/caf%c3%a9", path="/caf%C3%A9"),
        htu("htu of another path", other, False, f"{ORIGIN}/orders"),
        htu("htu with the path in upper case", other, False, f"{ORIGIN}/ITEMS"),
        htu("a slash at the end of htu", other, False, f"{ORIGIN}/items/"),
        htu("a slash in htu that is escaped in the request", other, False, f"{ORIGIN}/a/b", path="/a%2Fb"),
        htu("htu of another host", other, False, "https://other.example.test/items"),
        htu("htu of http", other, False, "http://api.example.test/items"),
        htu("htu of another port", other, False, f"{ORIGIN}:8443/items"),
        htu("a user in htu", other, False, "https://alice@api.example.test/items"),
        htu("a query in htu", "§4.2; §4.3 (9) lets a server ignore it", False, f"{ORIGIN}/items?page=2"),
        htu("a fragment in htu", "§4.2; §4.3 (9) lets a server ignore it", False, f"{ORIGIN}/items#top"),
        htu("htu a path alone", "§4.2", False, "/items"),
        htu("a backslash in htu", "RFC 3986 §2", False, "https://api.example.test\\items"),
    ]


def tokens() -> list[Case]:
    jkt = CLIENT.thumbprint
    key = case("a good proof by another key", "§7.1, figure 16", False, header={"jwk": OTHER.jwk}, signer=OTHER)
    return [
        key,
        case("a token that is bound to nothing", "§7.1", False, cnf=None),
        case("a bound token by Bearer, without a proof", "§7.2", False, scheme="Bearer", mangle=lambda _: None),
        case("a bound token by Bearer, with its proof", "§7.2", False, scheme="Bearer"),
        case("another member in cnf beside jkt", "RFC 7800 §3.1", True, cnf={"jkt": jkt, "kc-jkt-type": "rfc9449"}),
        case("a certificate in cnf beside jkt", "RFC 8705 §3", False, cnf={"jkt": jkt, "x5t#S256": jkt}),
        case("a key as jwk in cnf beside jkt", "RFC 7800 §3.2", False, cnf={"jkt": jkt, "jwk": OTHER.jwk}),
        case("a token with a certificate alone, by Bearer", "RFC 8705 §3", False, scheme="Bearer",
             cnf={"x5t#S256": jkt}, mangle=lambda _: None),
        case("jkt of another length", "§6.1", False, cnf={"jkt": jkt[:-1]}),
    ]  # fmt: skip


def replays() -> list[Case]:
    once = Request()
    same = once.build()
    elsewhere = Request(path="/orders", claims={"jti": once.base_claims["jti"]})
    elsewhere.token = once.token
    elsewhere.base_claims["ath"] = once.base_claims["ath"]
    with_query = (same[0], f"{same[1]}?page=2", same[2])
    return [
        Case("the same request a second time", "§11.1", False, [same, same]),
        Case("the same proof for another query", "§11.1", False, [same, with_query]),
        Case("the same jti for another URL", "§11.1", True, [same, elsewhere.build()]),
    ]


def by_us(case: Case) -> bool:
    guard = RequiresAuth(ISSUER, AUDIENCE, jwks=JWKS, dpop="allowed", public_url=ORIGIN)
    answers = [guard.admit(method, url[len(ORIGIN) :], list(headers.items())) for method, url, headers in case.requests]
    return bool(answers[-1])


def by_auth0(case: Case) -> bool:
    async def fetch(url: str) -> Json:
        return JWKS if url.endswith("jwks") else {"issuer": ISSUER, "jwks_uri": f"{ISSUER}jwks"}

    async def judge() -> None:
        client = ApiClient(ApiClientOptions(domain="issuer.example.test", audience=AUDIENCE, custom_fetch=fetch))
        for method, url, headers in case.requests:
            await client.verify_request(headers, http_method=method, http_url=url)

    try:
        asyncio.run(judge())
    except (BaseAuthError, ValueError, KeyError, TypeError):
        return False
    return True


def by_oauth4webapi(cases: list[Case]) -> list[bool]:
    common = {"jwks": JWKS, "issuer": ISSUER, "audience": AUDIENCE}
    asked = [
        {"method": method, "url": url, "headers": headers, **common}
        for case in cases
        for method, url, headers in case.requests[-1:]
    ]
    lines = "".join(f"{json.dumps(line)}\n" for line in asked)
    answer = subprocess.run(["node", "judge.mjs"], cwd=FOLDER, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) == "accepted" for line in answer.stdout.splitlines()]


def table() -> tuple[str, list[str]]:
    """The table of differences, and where this package is the one that differs."""
    cases = [*headers_of_proofs(), *claims_of_proofs(), *targets(), *tokens(), *replays()]
    names = ("requires-auth", "oauth4webapi", "auth0-api-python")
    verdicts = list(zip(map(by_us, cases), by_oauth4webapi(cases), map(by_auth0, cases), strict=True))
    words = {True: "accepts", False: "refuses"}
    rows, wrong, differing = [], [], [0, 0, 0]
    for case, verdict in zip(cases, verdicts, strict=True):
        differs = [found != case.is_good for found in verdict]
        differing = [count + found for count, found in zip(differing, differs, strict=True)]
        if differs[0]:
            wrong.append(case.about)
        if any(differs):
            cells = [
                f"**{words[found]}**" if other else words[found] for found, other in zip(verdict, differs, strict=True)
            ]
            rows.append(f"| {case.about} | {case.section} | {words[case.is_good]} | {' | '.join(cells)} |")
    head = f"| what | decided by | right | {' | '.join(names)} |\n| --- | --- | --- | --- | --- | --- |"
    counts = ", ".join(f"{name} {count}" for name, count in zip(names, differing, strict=True))
    summary = (
        f"Of {len(cases)} requests, answered otherwise than is right here: {counts}. Only those are listed in which "
        "one differs. A section without an RFC is one of RFC 9449. The other two leave it to their caller to remember "
        "proofs."
    )
    return f"{summary}\n\n{head}\n" + "\n".join(rows), wrong


def main() -> int:
    logging.disable()  # each refusal would be a line
    text, wrong = table()
    if "--write" in sys.argv:
        page = PAGE.read_text()
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
    else:
        print(text)
    for about in wrong:
        print(f"this package differs: {about}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
