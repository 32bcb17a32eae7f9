"""One path for the gateway and for the application, however a client writes it."""

import posixpath
import re
from urllib.parse import unquote

import pytest
from conftest import ITSELF
from naive import Naive
from programs import PROXIES
from wire import ask

# Routes: /public/* is for everybody, /orders/* for `read:orders`, /admin and what is below it for `admin`.
CORPUS = [
    "/a/b?x=1",
    "//admin",
    "/public/../admin",
    "/public/%2e%2e/admin",
    "/public/%2E%2E%2fadmin",
    "/public/..;/admin",
    "/public;x/admin",
    "/admin%2fusers",
    "/%61dmin",
    "/public/..%5cadmin",
    "/public\\..\\admin",
    "/admin#/public",
    "/admin%23/public",
    "/admin%3f/public",
    "/a%00b",
    "/admin%0d%0aX:1",
    "/admin/.",
    "/./admin",
    "/admin//",
    "/ADMIN",
    "/admin%20",
    "/%2561dmin",
    "/caf%c3%a9",
    "/café",
    "http://other.test/admin",
    "/%",
    "/a b",
    "*",
    "?x=/public",
    "/public?a=#/../admin",
    "/admin%c0%af",
    # The same mistakes below routes that let pass.
    "/public/1",
    "/public/1?x=/../admin",
    "/public/caf%c3%a9",
    "/public//admin",
    "/public/./../admin",
    "/public/.%2e/admin",
    "/public/%252e%252e/admin",
    "/public/..%00/admin",
    "/public/..%2f..%2fadmin",
    "/public/1#/../../admin",
    "/public/%c0%ae%c0%ae/admin",
    "/orders/1/../../admin",
    "/orders/%2e%2e/admin",
    "http://api.example.com/public/../admin",
]

# nginx with a path after the port of the application: it passes on what it has decoded and cleaned.
REWRITING = ["nginx, rewriting", "nginx-debian, rewriting"]


def rewriting(text: str) -> str:
    return re.sub(r"(proxy_pass http://127\.0\.0\.1:\d+);", r"\1/;", text)


def readings(target: str) -> set[str]:
    """The path in every way in which an application may read it."""
    path = re.sub(r"^https?://[^/]*", "", target)
    found = set()
    for cut in ["?", "?#"]:
        kept = re.split(f"[{cut}]", path)[0] or "/"
        for decoded in [kept, unquote(kept), unquote(unquote(kept))]:
            for slashed in [decoded, decoded.replace("\\", "/")]:
                for plain in [slashed, re.sub(r";[^/]*", "", slashed), slashed.split("\0")[0]]:
                    found |= {
                        plain,
                        re.sub("/+", "/", plain),
                        posixpath.normpath("/" + plain.lstrip("/")),
                        plain.strip(),
                    }
                    found |= {posixpath.normpath("/" + re.sub("/+", "/", plain).lstrip("/")).lower()}
    return found


def scope_of(path: str) -> str:
    """What a path needs."""
    if path == "/admin" or path.startswith("/admin/"):
        return "admin"
    if path.startswith("/orders/"):
        return "read"
    return "nothing"


def breaches(port: int, application, tokens, targets) -> list[str]:
    """The requests that reached the application as another route's than the one they were let pass for."""
    found = []
    for target in targets:
        for name in [None, "read"]:
            application.take()
            ask(port, target, token=name and tokens[name])
            for received in application.take():
                needs = {scope_of(path) for path in readings(received.target)}
                if needs - {"nothing", name}:
                    found.append(f"{target} with {name or 'no token'} arrived as {received.target}")
    return found


@pytest.mark.parametrize("name", [*PROXIES, *REWRITING, ITSELF])
def test_no_path_reaches_another_route(name, running, start, application, tokens):
    front = start(name.split(",")[0], change=rewriting) if name in REWRITING else running(name)
    assert breaches(front.port, application, tokens, CORPUS) == []


@pytest.mark.parametrize("name", [*PROXIES, *REWRITING, ITSELF])
def test_plain_paths_pass_as_they_came(name, running, start, application, tokens):
    front = start(name.split(",")[0], change=rewriting) if name in REWRITING else running(name)
    for target in ["/public/1", "/public/a-b_c.d~e", "/public/1?x=/../admin", "/orders/1"]:
        application.take()
        answer = ask(front.port, target, token=tokens["read"])
        assert answer.status == 200, target
        assert [received.target for received in application.take()] == [target]


# Where nothing stops them: a prefix of the raw path is compared, and nginx passes on another.
@pytest.mark.parametrize("name", ["nginx-debian", *REWRITING, "traefik-double", "envoy"])
def test_the_same_paths_get_past_a_naive_service(name, start, application, tokens):
    naive = Naive({tokens["read"]: "alice"})
    change = rewriting if name in REWRITING else lambda text: text
    front = start(name.split(",")[0], to=naive, change=change)
    found = breaches(front.port, application, tokens, CORPUS)
    assert len(found) > 3, found
