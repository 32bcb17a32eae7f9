"""Every Python block of the two READMEs runs, and does what the text beside it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from requires_auth._core import TestIssuer

FOLDERS = Path(__file__).parents[1:3]
READMES = "".join((folder / "README.md").read_text("utf-8") for folder in FOLDERS)
BLOCKS = re.findall(r"^```python\n(.*?)^```$", READMES, re.MULTILINE | re.DOTALL)

CHECKS = {
    "requires_auth.init_app": """
import os
import pytest
from flask import g
from requires_auth import ConfigError
orders.get("/orders")(lambda: {"sub": g.access_token.sub})
names = ("REQUIRES_AUTH_ISSUER", "REQUIRES_AUTH_AUDIENCE")
config = {name: os.environ.pop(name) for name in names}
with pytest.raises(ConfigError, match="REQUIRES_AUTH_ISSUER in app.config"):
    create_app({})
client = create_app(config | {"REQUIRES_AUTH_LEEWAY": 30}).test_client()
def ask(token): return client.get("/orders", headers={"Authorization": "Bearer " + token})
assert client.get("/orders").status_code == 401
assert ask(POOR).status_code == 403
assert ask(GOOD).json == {"sub": "alice"}
""",
    "error_body=": """
from flask import Flask
from requires_auth import AuthError
app = Flask(__name__)
app.get("/")(auth(lambda: "secret"))
app.get("/by-hand", endpoint="by_hand")(lambda: auth.verify("opaque").sub)
app.errorhandler(401)(lambda error: ("mine", 401))
app.errorhandler(AuthError)(lambda error: ("mine", 401))
refused = app.test_client().get("/")
assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
assert refused.json == {"error": "auth.authorization_header_missing", "reason": None}
assert app.test_client().get("/by-hand").text == "mine"
""",
    "REQUIRES_AUTH_EXEMPT =": """
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path
from rest_framework.settings import api_settings
from requires_auth.django.rest_framework import HasAccessToken
urlpatterns = [path(name, lambda request: HttpResponse(request.path)) for name in ("health", "admin/x", "orders")]
names = ("MIDDLEWARE", "REQUIRES_AUTH_EXEMPT", "REQUIRES_AUTH_USER", "REST_FRAMEWORK")
call_command("migrate", verbosity=0, run_syncdb=True)
with override_settings(ROOT_URLCONF=__name__, **{name: globals()[name] for name in names}):
    assert api_settings.DEFAULT_PERMISSION_CLASSES == [HasAccessToken]
    client = Client(enforce_csrf_checks=True)
    def ask(path, **headers): return client.post(path, headers=headers).status_code
    assert client.get("/health").status_code == client.get("/admin/x").status_code == 200
    assert (ask("/orders"), ask("/orders", Authorization="Bearer " + GOOD)) == (401, 403)
    get_user_model().objects.create(username="alice")
    assert ask("/orders", Authorization="Bearer " + GOOD) == 200
""",
    "HasScope": """
from django.test import RequestFactory, override_settings
from requires_auth.django.rest_framework import AccessTokenAuthentication
Orders.authentication_classes = [AccessTokenAuthentication]
def ask(**headers): return Orders.as_view()(RequestFactory().get("/", **headers))
assert ask().status_code == 401
assert ask(HTTP_AUTHORIZATION="Bearer " + POOR).status_code == 403
assert ask(HTTP_AUTHORIZATION="Bearer " + GOOD).data == {"sub": "alice", "user": "alice"}
""",
    "AccessTokenAuth": """
from django.test import Client, override_settings
from django.urls import path
urlpatterns = [path("", api.urls)]
with override_settings(ROOT_URLCONF=__name__):
    def ask(**headers): return Client().get("/orders", headers=headers)
    assert ask().json()["code"] == "auth.authorization_header_missing"
    assert ask(Authorization="Bearer " + POOR).status_code == 403
    assert ask(Authorization="Bearer " + GOOD).json() == {"sub": "alice"}
    assert "bearer" in Client().get("/openapi.json").content.decode()
""",
    "requires_auth.configure": """
import os
from fastapi import Depends
from fastapi.testclient import TestClient
app = create_app("https://other.example", os.environ["REQUIRES_AUTH_AUDIENCE"])
app.get("/", dependencies=[Depends(requires_auth)])(lambda: "fine")
def ask(): return TestClient(app).get("/", headers={"Authorization": "Bearer " + GOOD})
assert ask().json()["reason"] == "issuer_mismatch"
create_app(os.environ["REQUIRES_AUTH_ISSUER"], os.environ["REQUIRES_AUTH_AUDIENCE"])
assert ask().json() == "fine"
""",
    "RequiresAuthMiddleware": """
from fastapi.testclient import TestClient
for path in ("/health", "/static/app.css", "/orders"):
    app.get(path)(lambda: "fine")
client = TestClient(app)
assert client.get("/health").json() == client.get("/static/app.css").json() == "fine"
refused = client.get("/orders", headers={"Origin": "https://app.example.com"})
assert refused.status_code == 401
assert refused.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
assert client.get("/orders", headers={"Authorization": "Bearer " + GOOD}).json() == "fine"
""",
    "requires_auth.flask": """
client = app.test_client()
def ask(**headers): return client.get("/user/info", headers=headers)
refused = ask(Origin="https://app.example")
assert refused.status_code == 401 and refused.json["code"] == "auth.authorization_header_missing"
assert refused.headers["WWW-Authenticate"] == "Bearer" and "Access-Control-Allow-Origin" in refused.headers
allowed = ask(Authorization="Bearer " + GOOD)
assert (allowed.status_code, allowed.json) == (200, {"sub": "alice"})
""",
    "requires_auth.fastapi": """
from fastapi.testclient import TestClient
client = TestClient(app)
def ask(token): return client.get("/orders", headers={"Authorization": "Bearer " + token})
assert client.get("/orders").status_code == 401
assert ask(GOOD).json() == {"sub": "alice"}
assert ask(POOR).json()["code"] == "insufficient_scope"
assert "read:orders" in str(client.get("/openapi.json").json())
""",
    "requires_auth.django": """
from django.test import RequestFactory
def ask(**headers): return orders(RequestFactory().get("/orders", **headers))
assert ask().status_code == 401
assert ask(HTTP_AUTHORIZATION="Bearer " + GOOD).content == b'{"sub": "alice"}'
assert ask(HTTP_AUTHORIZATION="Bearer " + POOR).status_code == 403
""",
    "def profile": """
from requires_auth import RequiresAuth
token = RequiresAuth.from_env().verify(GOOD)
assert profile(token) == {"email": None, "scopes": ["read:orders"], "writer": False}
""",
    "def who": """
assert who("") == "refused: auth.authorization_token_invalid_format, None"
assert who("opaque") == "refused: invalid_token, opaque"
""",
    "Policy.all_of": """
assert policy.scope == "write:orders"
""",
}
"""What is asserted of a block, by what is in it."""

DJANGO = """
from django.conf import settings
settings.configure(
    ALLOWED_HOSTS=["testserver"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "requires_auth.django"],
)
import django
django.setup()
"""


def find_check(block: str) -> str:
    return next((check for mark, check in CHECKS.items() if mark in block), "")


@pytest.mark.parametrize("block", [block for block in BLOCKS if "def test_" not in block])
def test_block(block: str, issuer: TestIssuer, tmp_path: Path) -> None:
    check = find_check(block)
    assert check, f"nothing is known of this block:\n{block}"
    keys = tmp_path / "keys.json"
    keys.write_text(issuer.jwks)
    tokens = f"GOOD = {issuer.token('read:orders')!r}\nPOOR = {issuer.token()!r}\n"
    code = "\n".join([DJANGO if "django" in block else "", block, tokens, check])
    environment = {
        **os.environ,
        "REQUIRES_AUTH_ISSUER": issuer.issuer,
        "REQUIRES_AUTH_AUDIENCE": issuer.audience,
        "REQUIRES_AUTH_JWKS": str(keys),
    }
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", [block for block in BLOCKS if "def test_" in block])
def test_the_block_with_a_test(block: str, tmp_path: Path) -> None:
    (tmp_path / "test_block.py").write_text(block)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("mark", ["requires_auth.flask", "requires_auth.fastapi", "requires_auth.django"])
def test_a_framework_takes_ten_lines(mark: str) -> None:
    blocks = [block for block in BLOCKS if mark in block and "def test_" not in block]
    assert blocks
    for block in blocks:
        assert len([line for line in block.splitlines() if line.strip()]) <= 10
