"""DPoP clients of others at an API behind each proxy, and a thief of what they send; the files are printed for proofs."""

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


class Proving(Gateway):
    """A gateway that takes tokens with proofs alone, for the URL that clients know."""

    public = 0
    secret = None

    def settings(self):
        nonces = f", nonce_secret = {{ file = {json.dumps(str(self.secret))} }}" if self.secret else ""
        return f'public_url = "http://127.0.0.1:{self.public}"\ndpop = {{ mode = "required"{nonces} }}\n'

    def write(self, change=lambda text: text):
        super().write(lambda text: self.settings() + change(text))

    def become(self, port):
        """Starts anew for clients that know this port."""
        self.public = port
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
    secret = folder / "nonces"
    secret.write_text("a secret that makes the nonces of this test")
    made = []

    class Here(Proving):
        pass

    Here.secret = secret if has_nonces else None

    def gateway(**more):
        made.append(Here(folder, issuer.url, **more))
        return made[0]

    def change(text):
        return Here.settings(Here) + text

    with with_other_settings(name, folder, application, gateway, change) as proxy:
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
