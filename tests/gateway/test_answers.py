"""What a client sees through each proxy, and what the application learns."""

import re
import tempfile
from pathlib import Path

import pytest
from conftest import ITSELF
from programs import PROXIES, Gateway, Issuer
from wire import ask

SCOPE = 'error="insufficient_scope"'

# name, request, token, status, code, what the challenge says; no challenge where there is none.
ANSWERS = [
    ("allowed", "GET", "/orders/1?a=b", "read", 200, None, None),
    ("public", "GET", "/public/1", None, 200, None, None),
    ("no token", "GET", "/orders/1", None, 401, "auth.authorization_header_missing", "Bearer"),
    ("forged", "GET", "/orders/1", "forged", 401, "invalid_token", 'error="invalid_token"'),
    ("expired", "GET", "/orders/1", "expired", 401, "invalid_token", 'error="invalid_token"'),
    ("scope", "POST", "/orders", "read", 403, "insufficient_scope", SCOPE),
    ("scope of another route", "DELETE", "/orders/1", "read", 403, "insufficient_scope", 'scope="write:orders"'),
    ("no route", "GET", "/elsewhere", "read", 403, "auth.no_route", None),
    ("ambiguous path", "GET", "/orders/..%2fadmin", "admin", 400, "auth.ambiguous_path", None),
]


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case[0])
def test_a_client_sees_what_the_gateway_says(proxy, application, tokens, case):
    _, method, target, token, status, code, challenge = case
    answer = ask(proxy.port, target, method=method, token=token and tokens[token])
    assert answer is not None
    assert (answer.status, answer.code) == (status, code), answer
    challenges = answer.all("WWW-Authenticate")
    if challenge:
        assert len(challenges) == 1
        assert challenge in challenges[0], answer
    else:
        assert challenges == []
    received = application.take()
    assert len(received) == (1 if status == 200 else 0)
    if status == 200:
        assert (received[0].method, received[0].target) == (method, target)


def test_the_application_learns_who_it_is(proxy, application, tokens):
    ask(proxy.port, "/orders/1", token=tokens["read"])
    ask(proxy.port, "/public/1")
    known, nobody = application.take()
    assert known.folded("X-Auth-Subject") == ["alice"]
    assert known.folded("X-Auth-Scope") == ["read:orders"]
    assert known.folded("X-Auth-Issuer") == ["main"]
    # Empty, or not there: never a name.
    assert "".join(nobody.folded("X-Auth-Subject")) == ""


# Envoy makes an answer of its own of every 5xx: the status that its file says, and nothing else.
UNAVAILABLE = {"envoy": (503, None, None)}


@pytest.mark.parametrize("name", [*PROXIES, ITSELF])
def test_without_keys_nothing_passes_and_the_client_is_told_when_to_try_again(name, start, application, tmp_path):
    issuer = Issuer()
    token = issuer.token("read:orders")
    issuer.kill()
    gateway = Gateway(tmp_path, issuer.url, upstream=application.port if name == ITSELF else None)
    try:
        front = gateway if name == ITSELF else start(name, to=gateway)
        application.take()
        answer = ask(front.port, "/orders/1", token=token)
        status, code, retry = UNAVAILABLE.get(name, (503, "auth.issuer_unavailable", "a number"))
        assert answer is not None
        assert (answer.status, answer.code) == (status, code), answer
        assert (answer.one("Retry-After") or "").isdigit() == bool(retry), answer
        assert application.take() == []
        # What needs no keys goes on.
        assert ask(front.port, "/public/1").status == 200
    finally:
        gateway.kill()


# 16 KiB of token, and most of it in one identity header: a user of many groups.
LONG = "a" * 9_000


def test_a_long_token_passes(proxy, application, issuer):
    answer = ask(proxy.port, "/orders/1", token=issuer.token("read:orders", sub=LONG))
    assert answer.status == 200
    assert [received.folded("X-Auth-Subject") for received in application.take()] == [[LONG]]


@pytest.mark.parametrize("setting", ["large_client_header_buffers", "proxy_buffer_size"])
def test_nginx_has_no_room_for_it_unless_it_is_told(setting, start, application, issuer):
    front = start("nginx", change=lambda text: re.sub(rf"^ *({setting}|proxy_bu\w+) .*\n", "", text, flags=re.M))
    application.take()
    answer = ask(front.port, "/orders/1", token=issuer.token("read:orders", sub=LONG))
    assert answer is None or answer.status in (400, 503)
    assert application.take() == []


@pytest.mark.parametrize("name", ["nginx-debian", "nginx-parts"])
@pytest.mark.parametrize("weakened", [False, True])
def test_no_cache_of_nginx_keeps_a_verdict(name, weakened, start, tokens):
    with tempfile.TemporaryDirectory() as folder:
        # The workers are of another user.
        Path(folder).chmod(0o755)

        def cached(text: str) -> str:
            text = text.replace("proxy_cache off;", "") if weakened else text
            return (
                f"proxy_cache_path {folder}/cache keys_zone=all:1m use_temp_path=off;\nproxy_cache all;\n"
                f"proxy_cache_valid any 1m;\nproxy_ignore_headers Cache-Control Expires;\n{text}"
            )

        front = start(name, change=cached)
        assert ask(front.port, "/orders/1", token=tokens["read"]).status == 200
        assert ask(front.port, "/orders/1").status == (200 if weakened else 401)
        front.kill()


def test_a_location_without_its_part_is_guarded_and_told_of_nobody(start, application, tokens):
    def without(text: str) -> str:
        head, _, rest = text.rpartition("auth_request /_requires_auth;")
        assert "location / {" in head
        return head + rest[rest.index("    }") :]

    front = start("nginx-parts", change=without)
    application.take()
    assert ask(front.port, "/orders/1").status == 401
    spoofed = "X-Auth-Subject: mallory"
    assert ask(front.port, "/orders/1", spoofed, token=tokens["read"]).status == 400
    assert application.take() == []
    assert ask(front.port, "/orders/1", token=tokens["read"]).status == 200
    assert [received.folded("X-Auth-Subject") for received in application.take()] == [[]]


def test_no_subject_is_locked_out_or_taken_for_another(proxy, application, issuer):
    for subject, expected in [
        ("Zoë ", "Zo%C3%AB%20"),
        ("a\r\nX-Auth-Scope: admin", "a%0D%0AX-Auth-Scope: admin"),
        ('["root"]', '%5B"root"]'),
    ]:
        assert ask(proxy.port, "/orders/1", token=issuer.token("read:orders", sub=subject)).status == 200
        (received,) = application.take()
        assert received.folded("X-Auth-Subject") == [expected]
        assert received.folded("X-Auth-Scope") == ["read:orders"]
