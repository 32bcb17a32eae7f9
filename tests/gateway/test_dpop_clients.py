"""DPoP clients of others at an API behind each proxy, with the file printed for it, and a thief of what they send."""

import json
import shutil
import subprocess

import pytest
from conftest import DIALECTS, ITSELF, with_other_settings
from programs import AUDIENCE, ROOT, Gateway

CLIENTS = ROOT / "tests" / "dpop"
THEFTS = {
    "copied": "401 invalid_dpop_proof proof_reused",
    "elsewhere": "401 invalid_dpop_proof proof_url",
    "without_proof": "401 invalid_dpop_proof proof_missing",
    "as_bearer": "401 invalid_token binding_mismatch",
    "by_stranger": "401 invalid_token binding_mismatch",
}


def settings(port, secret):
    """Tokens count with proofs alone, for the URL that clients know; with a secret, each proof needs a nonce."""
    nonces = f", nonce_secret = {{ file = {json.dumps(str(secret))} }}" if secret else ""
    return f'public_url = "http://127.0.0.1:{port}"\ndpop = {{ mode = "required"{nonces} }}\n'


class Proving(Gateway):
    """A gateway that takes tokens with proofs alone."""

    def __init__(self, secret, *arguments, **more):
        self._secret, self._public = secret, 0
        super().__init__(*arguments, **more)

    def write(self, change=lambda text: text):
        super().write(lambda text: settings(self._public, self._secret) + change(text))

    def become(self, port):
        """Starts anew for clients that know this port."""
        self._public = port
        self.kill()
        self.write()
        self.start()


@pytest.fixture(
    scope="module", params=[(name, nonces) for name in [*DIALECTS, ITSELF] for nonces in (False, True)], ids=str
)
def proxy(request, issuer, application, tmp_path_factory):
    if not shutil.which("node") or not (CLIENTS / "node_modules").is_dir():
        pytest.skip("the DPoP clients need Node, and `npm ci` in tests/dpop")
    name, has_nonces = request.param
    folder = tmp_path_factory.mktemp("proving")
    secret = folder / "nonces" if has_nonces else None
    if secret:
        secret.write_text("a secret that makes the nonces of this test")
    made = []

    def gateway(**more):
        made.append(Proving(secret, folder, issuer.url, **more))
        return made[0]

    with with_other_settings(name, folder, application, gateway, lambda text: settings(0, secret) + text) as proxy:
        made[0].become(proxy.port)
        proxy.has_nonces = has_nonces
        yield proxy


@pytest.mark.parametrize(
    ("client", "algorithm"), [("openid-client", "ES256"), ("oauth4webapi", "Ed25519"), ("dpop", "ES256")]
)
def test_a_client_passes_once_and_a_thief_never(proxy, issuer, application, client, algorithm):
    application.take()
    api = f"http://127.0.0.1:{proxy.port}/orders"
    command = ["node", "client.mjs", client, issuer.url, AUDIENCE, f"{api}/1", algorithm, f"{api}/2"]
    ended = subprocess.run(command, cwd=CLIENTS, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert (answer["type"].lower(), answer["status"], answer["algorithm"]) == ("dpop", 200, algorithm), answer
    # One more where the first answer gave the nonce.
    assert answer["requests"] == (2 if proxy.has_nonces else 1), answer
    assert {theft: answer[theft] for theft in THEFTS} == THEFTS
    assert answer["another_method"].split()[0] in ("401", "403", "405"), answer
    # The application has seen one request, and no proof that it could use up itself.
    [received] = application.take()
    assert (received.method, received.target, received.folded("DPoP")) == ("GET", "/orders/1", [])
