"""What a client may try, through each proxy; and each attempt where something is left out, and it succeeds."""

import re
import socket
import threading
import time
from dataclasses import dataclass

import pytest
from application import Application
from conftest import ITSELF
from naive import Naive
from programs import PROXIES, Gateway
from wire import ask, exchange, read_headers

SUBJECT = "X-Auth-Subject"


@dataclass
class Target:
    """A front, and what is behind it."""

    port: int
    application: Application
    tokens: dict[str, str]

    def reached(self, *arguments, **options):
        """What reaches the application of a request."""
        self.application.take()
        ask(self.port, *arguments, **options)
        return self.application.take()


def spoofs_an_identity(target: Target) -> bool:
    """Says who it is, in every spelling."""
    for name in [SUBJECT, SUBJECT.lower(), "X_Auth_Subject", "X.Auth.Subject", "x-auth_SUBJECT", "X-Auth.Subject"]:
        for lines in [[f"{name}: mallory"], [f"{name}: mallory", f"{name}: mallory"], [f"{name}:", f"{name}: mallory"]]:
            for path, token in [("/public/1", None), ("/orders/1", target.tokens["read"])]:
                for received in target.reached(path, *lines, token=token):
                    if "mallory" in received.folded(SUBJECT):
                        return True
    return False


def takes_the_identity_away(target: Target) -> bool:
    """Names the identity headers in `Connection`, so that a proxy takes them out once they are set."""
    for named in [SUBJECT, f"close, {SUBJECT.lower()}", f"keep-alive,{SUBJECT},X-Auth-Scope"]:
        for lines in [[f"Connection: {named}"], ["Connection: close", f"Connection: {named}"]]:
            for received in target.reached("/orders/1", *lines, token=target.tokens["read"]):
                if received.folded(SUBJECT) != ["alice"]:
                    return True
    return False


def hides_an_identity_in_a_trailer(target: Target) -> bool:
    """Says who it is behind the body."""
    head = (
        f"POST /orders HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer {target.tokens['write']}\r\n"
        f"Connection: close\r\nTransfer-Encoding: chunked\r\nTrailer: {SUBJECT}\r\n\r\n"
    )
    target.application.take()
    exchange(target.port, f"{head}3\r\nabc\r\n0\r\n{SUBJECT}: mallory\r\n\r\n".encode())
    return any("mallory" in received.folded(SUBJECT) for received in target.application.take())


def shows_two_tokens(target: Target) -> bool:
    """One token for the guard, another one for the application."""
    good, bad = (f"Authorization: Bearer {token}" for token in [target.tokens["read"], "x.y.z"])
    return any(
        target.reached("/orders/1", *lines)
        for lines in [[good, bad], [bad, good], [good, good], [f"{good}, {bad}"], [f"{good},{bad}"]]
    )


def names_another_request(target: Target) -> bool:
    """Tells the guard about a public route, and asks the application for one that is not."""
    for name in ["X-Original-URI", "X-Forwarded-Uri", "X-Envoy-Original-Path", "X-Original-URL", "X-Rewrite-URL"]:
        for method in ["X-Original-Method", "X-Forwarded-Method"]:
            lines = [f"{name}: /public/1", f"{method}: GET"]
            for more in [[], lines]:
                if target.reached("/orders/1", *lines, *more):
                    return True
    return False


def sends_another_request_than_it_shows(target: Target) -> bool:
    """A token for one route, and a header that an application takes for another one."""
    names = [
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Envoy-Original-Path",
        "X_Original_URL",
        "X.Rewrite.URL",
        "X_Forwarded_Uri",
    ]
    return any(
        received.folded(name) not in ([], ["/orders/1"])
        for name in names
        for received in target.reached("/orders/1", f"{name}: /admin", token=target.tokens["read"])
    )


def writes_its_method_in_lower_case(target: Target) -> bool:
    """A method for which no rule is made, and which many frameworks write in capitals."""
    return any(
        target.reached(path, method=method, token=target.tokens["read"])
        for method, path in [("get", "/orders/1"), ("Delete", "/orders/1"), ("post", "/orders"), ("get", "/public/1")]
    )


def hides_behind_a_preflight(target: Target) -> bool:
    """A preflight needs no token: one that asks for another method or path is none."""
    preflight = ["Origin: https://app.example", "Access-Control-Request-Method: GET"]
    return any(
        received.folded(header.partition(":")[0]) not in ([], ["/orders/1"])
        for header in ["X-HTTP-Method-Override: DELETE", "X_HTTP_Method_Override: DELETE", "X-Original-URL: /admin"]
        for received in target.reached("/orders/1", *preflight, header, method="OPTIONS")
    )


def asks_with_options(target: Target) -> bool:
    """A method that browsers ask with before they have a token."""
    origin, announced = "Origin: https://app.example", "Access-Control-Request-Method: DELETE"
    return any(target.reached("/orders/1", *lines, method="OPTIONS") for lines in [[], [origin], [announced]])


def asks_for_another_method(target: Target) -> bool:
    """GET for the guard, DELETE for the application."""
    return any(
        received.folded(name)
        for name in [
            "X-HTTP-Method-Override",
            "X-HTTP-Method",
            "X-Method-Override",
            "X_HTTP_Method_Override",
            "X.HTTP.Method.Override",
            "x_method-override",
        ]
        for received in target.reached("/orders/1", f"{name}: DELETE", token=target.tokens["read"])
    )


def brings_its_own_policy(target: Target) -> bool:
    """A query that a guard could take for its own."""
    return any(target.reached(f"/orders/1?{query}") for query in ["scope=none", "deny=403", "public=1"])


def comes_as_a_probe(target: Target) -> bool:
    """The name of a health check."""
    agents = ["kube-probe/1.30", "GoogleHC/1.0", "ELB-HealthChecker/2.0"]
    return any(
        target.reached(path, f"User-Agent: {agent}")
        for agent in agents
        for path in ["/orders/1", "/readyz", "/metrics", "/ping"]
    )


def uses_a_verdict_for_another_route(target: Target) -> bool:
    """A token that is remembered, where it has not the scope."""
    token = target.tokens["read"]
    for _ in range(3):
        assert target.reached("/orders/1", token=token)
        if target.reached("/admin", token=token) or target.reached("/orders", token=token, method="POST"):
            return True
    return False


def smuggles_a_request(target: Target) -> bool:
    """A request within another, for whoever sees its end elsewhere."""
    hidden = "GET /admin HTTP/1.1\r\nHost: api.example.com\r\n\r\n"
    token = target.tokens["write"]
    chunked = f"0\r\n\r\n{hidden}"
    for framing, body in [
        (f"Content-Length: {len(chunked)}\r\nTransfer-Encoding: chunked", chunked),
        (f"Transfer-Encoding: chunked\r\nContent-Length: {len(chunked)}", chunked),
        (f"Content-Length: 0\r\nContent-Length: {len(hidden)}", hidden),
        (f"Content-Length: {len(chunked)}\r\nTransfer-Encoding:\x0bchunked", chunked),
        (f"X: y\r\n Content-Length: {len(hidden)}\r\nContent-Length: 0", hidden),
        ("Upgrade: websocket\r\nConnection: Upgrade", hidden),
    ]:
        head = f"POST /orders HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer {token}\r\n{framing}\r\n\r\n"
        target.application.take()
        exchange(target.port, (head + body).encode())
        if any(received.target == "/admin" for received in target.application.take()):
            return True
    return False


def switches_the_protocol(target: Target) -> bool:
    """Has the application take HTTP/2 on the same connection, whose requests the proxy does not see."""
    for lines in [
        ["Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings"],
        ["Upgrade: H2C", "Connection: upgrade"],
        ["Upgrade: websocket, h2c", "Connection: Upgrade"],
        ["Upgrade: websocket", "Upgrade: h2c", "Connection: Upgrade"],
    ]:
        for received in target.reached("/orders/1", *lines, "HTTP2-Settings: AAMAAABk", token=target.tokens["read"]):
            if any("h2c" in value.lower() for value in received.all("Upgrade")):
                return True
    return False


def floods_with_headers(target: Target) -> bool:
    """Sends as many headers as a proxy takes, so that it has no room for those of the question."""
    for count in range(85, 105):
        target.reached("/orders/1", *[f"X-H{number}: 1" for number in range(count)], token=target.tokens["read"])
    return not target.reached("/orders/1", token=target.tokens["read"])


ATTACKS = [
    spoofs_an_identity,
    takes_the_identity_away,
    hides_an_identity_in_a_trailer,
    shows_two_tokens,
    names_another_request,
    sends_another_request_than_it_shows,
    writes_its_method_in_lower_case,
    hides_behind_a_preflight,
    asks_with_options,
    asks_for_another_method,
    brings_its_own_policy,
    comes_as_a_probe,
    uses_a_verdict_for_another_route,
    smuggles_a_request,
    switches_the_protocol,
    floods_with_headers,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_it_comes_to_nothing(proxy, application, tokens, attack):
    assert not attack(Target(proxy.port, application, tokens))


def unguarded(text: str) -> str:
    """Caddy's file without the line that refuses such a `Connection`."""
    return re.sub(r"^ *respond @named.*$", "", text, flags=re.M)


def with_switches(text: str) -> str:
    """The file without the line that refuses other protocols."""
    return re.sub(r"^ *(respond @switch|http-request return status 400 .*upgrade).*$", "", text, flags=re.M)


def as_is(text: str) -> str:
    return text


def with_chunks(text: str) -> str:
    """HAProxy's file without the line that refuses chunked bodies, which alone have trailers."""
    return re.sub(r"^ *http-request return status 411 .*$", "", text, flags=re.M)


# The attack, a proxy whose guard is the naive service, and what is left out of the proxy's file.
WEAK = [
    (spoofs_an_identity, "envoy", as_is),
    (takes_the_identity_away, "caddy", unguarded),
    (shows_two_tokens, "caddy", as_is),
    (names_another_request, "caddy", as_is),
    (sends_another_request_than_it_shows, "caddy", as_is),
    (writes_its_method_in_lower_case, "caddy", as_is),
    (hides_behind_a_preflight, "caddy", as_is),
    (names_another_request, "nginx", lambda text: text.replace("X-Original-URI", "X-Unused")),
    (asks_with_options, "caddy", as_is),
    (asks_for_another_method, "envoy", as_is),
    (brings_its_own_policy, "caddy", as_is),
    (comes_as_a_probe, "nginx", as_is),
    (uses_a_verdict_for_another_route, "nginx", as_is),
    (asks_for_another_method, "haproxy", as_is),
    (hides_an_identity_in_a_trailer, "haproxy", with_chunks),
    (switches_the_protocol, "haproxy", with_switches),
    (switches_the_protocol, "caddy", with_switches),
]


@pytest.mark.parametrize(("attack", "name", "change"), WEAK, ids=lambda value: getattr(value, "__name__", value))
def test_it_works_where_something_is_left_out(start, application, tokens, attack, name, change):
    naive = Naive({tokens["read"]: "alice", tokens["write"]: "alice"})
    front = start(name, to=naive, change=change)
    assert attack(Target(front.port, application, tokens))


class Relay:
    """A proxy that believes `Content-Length`, hands on what it does not understand, and asks nobody."""

    def __init__(self, application: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port: int = self._listener.getsockname()[1]
        self._application = application
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            stream, _ = self._listener.accept()
            with stream, socket.create_connection(("127.0.0.1", self._application)) as onward:
                reader = stream.makefile("rb")
                line, headers = reader.readline(), read_headers(reader)
                length = int(dict(headers).get("Content-Length", 0))
                lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
                onward.sendall(line + f"{lines}\r\n".encode() + reader.read(length))
                stream.sendall(onward.recv(65536))
                time.sleep(0.05)  # for what the application makes of the rest


@pytest.mark.parametrize("attack", [smuggles_a_request, hides_an_identity_in_a_trailer], ids=lambda a: a.__name__)
def test_it_works_on_a_proxy_that_hands_on_what_it_gets(application, tokens, attack):
    relay = Relay(application.port)
    if attack is hides_an_identity_in_a_trailer:
        # With a length that spans the trailer, for one who believes it.
        body = f"3\r\nabc\r\n0\r\n{SUBJECT}: mallory\r\n\r\n"
        head = f"POST /orders HTTP/1.1\r\nContent-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n\r\n"
        exchange(relay.port, (head + body).encode())
        assert any("mallory" in received.folded(SUBJECT) for received in application.take())
    else:
        assert attack(Target(relay.port, application, tokens))


@pytest.mark.parametrize("name", ["caddy", "haproxy"])
def test_a_websocket_is_no_other_protocol(name, running, application, tokens):
    reached = Target(running(name).port, application, tokens).reached
    lines = [
        "Upgrade: WebSocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
    ]
    (received,) = reached("/orders/1", *lines, token=tokens["read"])
    assert [value.lower() for value in received.all("Upgrade")] == ["websocket"]


# Most proxies do not say that there is a body: only where the gateway learns of it, it is not a preflight.
@pytest.mark.parametrize("name", ["envoy-grpc", ITSELF])
def test_a_preflight_with_a_body_is_none_where_the_body_is_seen(name, running, application, tokens):
    preflight = ["Origin: https://app.example", "Access-Control-Request-Method: DELETE"]
    reached = Target(running(name).port, application, tokens).reached
    assert reached("/orders/1", *preflight, method="OPTIONS")
    assert not reached("/orders/1", *preflight, "Content-Length: 1", method="OPTIONS", body=b"x")


def test_only_trusted_peers_may_ask(issuer, application, tokens, start, tmp_path):
    gateway = Gateway(tmp_path, issuer.url)
    try:
        front = start("caddy", to=gateway)
        ask_for_it = Target(front.port, application, tokens).reached
        assert ask_for_it("/orders/1", token=tokens["read"])
        gateway.kill()
        gateway.write(lambda text: text.replace("# trusted_peers = [", 'trusted_peers = ["192.0.2.0/24"] #'))
        gateway.start()
        assert not ask_for_it("/orders/1", token=tokens["read"])
        assert not ask_for_it("/public/1")
    finally:
        gateway.kill()


@pytest.mark.parametrize("name", ["nginx", ITSELF])
def test_a_token_that_expires_while_it_is_remembered_is_refused(name, issuer, application, start, tmp_path):
    upstream = application.port if name == ITSELF else None
    gateway = Gateway(tmp_path, issuer.url, upstream=upstream)
    try:
        gateway.kill()
        gateway.write(lambda text: text.replace('# leeway = "30s"', 'leeway = "0s"'))
        gateway.start()
        front = gateway if name == ITSELF else start(name, to=gateway)
        token, until = issuer.token("read:orders", lifetime=2), time.time() + 2
        assert ask(front.port, "/orders/1", token=token).status == 200
        while time.time() < until + 10:
            answer = ask(front.port, "/orders/1", token=token)
            if answer.status == 401:
                break
            assert answer.status == 200
            assert time.time() < until + 2
        assert answer.code == "invalid_token"
    finally:
        gateway.kill()


def test_the_question_for_a_refusal_is_never_an_allow(gateway, tokens):
    for target in ["/forward-auth/nginx/deny", "/forward-auth/nginx/deny?x", "/forward-auth/nginx?deny=403"]:
        lines = ["X-Original-Method: GET", "X-Original-URI: /admin"]
        assert ask(gateway.port, target, *lines, token=tokens["read"]).status in (403, 404)
    answer = ask(gateway.port, "/forward-auth/nginx/deny", "X-Original-Method: GET", "X-Original-URI: /public/1")
    assert answer.status == 503


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_admin_pages_are_nowhere_but_on_their_own_port(gateway, path):
    assert ask(gateway.admin, path).status == 200
    assert ask(gateway.port, path).status == 404


def test_no_token_is_in_any_log(gateway, running, application, tokens):
    for name in [*PROXIES, ITSELF]:
        try:
            front = running(name)
        except pytest.skip.Exception:
            continue
        for token in tokens.values():
            ask(front.port, "/orders/1", token=token)
        for token in tokens.values():
            for log in [gateway.log(), front.log()]:
                assert token not in log
                assert token.split(".")[2] not in log
