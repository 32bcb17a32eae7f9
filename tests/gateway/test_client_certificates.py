"""Tokens that are bound to a certificate of the client (RFC 8705), through each proxy with the file printed for it."""

import base64
import hashlib
import json
import re
import socket
import ssl
import subprocess
import textwrap
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import DIALECTS, ITSELF
from programs import DOCS, GATEWAY, PROXIES, Gateway, Missing
from wire import PATIENCE, read_answer
from wire import ask as plain_ask

SWITCH = "client_certificates = true\n"

# The header of each dialect, and its format. Over gRPC Envoy tells the certificate beside the headers, too.
FORMATS = {"nginx": "escaped-pem", "caddy": "rfc9440", "haproxy": "rfc9440", "envoy": "xfcc", "envoy-grpc": "xfcc"}
HEADERS = {
    "nginx": "X-SSL-Client-Cert",
    "caddy": "Client-Cert",
    "haproxy": "Client-Cert",
    "envoy": "X-Forwarded-Client-Cert",
    "envoy-grpc": "X-Forwarded-Client-Cert",
}
BESIDE_HEADERS = "envoy-grpc-peer"


def certificate(folder: Path, name: str) -> Path:
    """A certificate that nobody else has issued, with its key in the same file."""
    file, key = folder / f"{name}.crt", folder / f"{name}.key"
    options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:api.example.com"]
    command = ["openssl", "req", *options, "-keyout", str(key), "-out", str(file), *names]
    subprocess.run(command, check=True, capture_output=True)
    both = folder / f"{name}.pem"
    both.write_text(key.read_text() + file.read_text())
    return both


def der(file: Path) -> bytes:
    [_, pem] = file.read_text().split("-----BEGIN CERTIFICATE-----")
    return base64.b64decode(pem.split("-----END")[0])


def ask(port: int, target: str, *headers: str, token: str, shown: Path | None = None):
    """One request over TLS, with this certificate of the client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if shown:
        context.load_cert_chain(shown)
    lines = ["Host: api.example.com", f"Authorization: Bearer {token}", *headers, "Connection: close"]
    head = f"GET {target} HTTP/1.1\r\n" + "".join(f"{line}\r\n" for line in lines) + "\r\n"
    stream = socket.create_connection(("127.0.0.1", port), PATIENCE)
    with closing(context.wrap_socket(stream, server_hostname="api.example.com")) as stream:
        stream.sendall(head.encode())
        return read_answer(stream.makefile("rb"))


class WithCertificates(Gateway):
    """A gateway that looks at certificates, in front of which a proxy ends TLS, or that ends it itself."""

    def __init__(self, folder, issuer, header=None, own=None, **options):
        self._header, self._own = header, own
        super().__init__(folder, issuer, **options)

    def write(self, change=lambda text: text):
        super().write(lambda text: change(self._with_certificates(text)))

    def _with_certificates(self, text):
        if self._own:
            tls = f'tls = {{ certificate = "{self._own.with_suffix(".crt")}", key = "{self._own.with_suffix(".key")}", '
            text = text.replace("[server]\n", f'[server]\n{tls}client_certificates = "any" }}\n')
        return SWITCH + named(text, self._header)


def named(text, header):
    dialect = next((dialect for dialect, own in HEADERS.items() if own == header), None)
    table = f'client_certificate = {{ header = "{header}", format = "{FORMATS[dialect]}" }}\n' if header else ""
    return re.sub(r"^dialects = .*$", lambda line: f"{line[0]}\n{table}", text, flags=re.M)


def on_tls(server: Path):
    """Puts a certificate of the server into the file of a proxy, where its own one goes."""

    def change(text):
        text = re.sub(r"/etc/[a-z]+/tls/certificate\.pem", str(server.with_suffix(".crt")), text)
        text = text.replace("/etc/haproxy/tls/site.pem", str(server))
        text = re.sub(r"/etc/[a-z]+/tls/key\.pem", str(server.with_suffix(".key")), text)
        own = f"    tls {server.with_suffix('.crt')} {server.with_suffix('.key')} {{\n        # Clients may"
        return text.replace("    tls {\n        # Clients may", own)

    return change


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return {name: certificate(folder, name) for name in ("alice", "mallory", "server")}


@pytest.fixture(scope="module")
def bound(issuer, files):
    """Tokens of alice: bound to her certificate, and to nothing."""

    def token(*more):
        command = [str(GATEWAY), "token", "--issuer", issuer.url, "--scope", "read:orders", "--sub", "alice", *more]
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()

    return {"bound": token("--certificate", str(files["alice"].with_suffix(".crt"))), "plain": token()}


def behind(name, folder, application, issuer, files, weaken=lambda text: text):
    """The programs of a proxy that shows the gateway certificates, the proxy last. `weaken` changes its file."""
    if name == ITSELF:
        return [WithCertificates(folder, issuer.url, own=files["server"], upstream=application.port)]
    kind = "envoy-grpc" if name == BESIDE_HEADERS else name
    dialect = DIALECTS[kind]
    header = None if name == BESIDE_HEADERS else HEADERS[dialect]
    settings = folder / "printed.toml"
    settings.write_text(SWITCH + named((DOCS / "requires-auth.toml").read_text(), header))

    class Printed(PROXIES[kind]):
        def printed(self, _name):
            command = [GATEWAY, "config", "emit", dialect, settings]
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            # The usual ports without TLS are those that are looked for.
            return (
                text.replace("listen 443 ssl;", "listen 80;")
                .replace(":443 {", ":80 {")
                .replace("port_value: 8443", "port_value: 8000")
                .replace("bind :443 ssl", "bind :80\n    # ssl")
            )

    def change(text):
        text = text.replace("\n    # ssl", " ssl")
        text = re.sub(r"listen (127\.0\.0\.1:\d+);", r"listen \1 ssl;", text)
        text = text.replace("http://127.0.0.1:", "https://127.0.0.1:", 1) if dialect == "caddy" else text
        text = text.replace(", http://api", ", https://api")
        return weaken(on_tls(files["server"])(text))

    gateway = WithCertificates(folder, issuer.url, header=header)
    try:
        return [gateway, Printed(folder, gateway.port, application.port, change)]
    except Missing as missing:
        gateway.kill()
        pytest.skip(f"{name}: {missing}")


@pytest.fixture(scope="module", params=[*DIALECTS, BESIDE_HEADERS, ITSELF])
def proxy(request, issuer, application, files, tmp_path_factory):
    started = behind(request.param, tmp_path_factory.mktemp("bound"), application, issuer, files)
    application.take()
    # Envoy overwrites its own header also where the gateway does not look at it.
    kind = "envoy" if request.param == BESIDE_HEADERS else DIALECTS.get(request.param)
    started[-1].header = HEADERS.get(kind, "Client-Cert")
    started[-1].gateway = started[0]
    yield started[-1]
    for program in reversed(started):
        program.kill()


def test_a_token_counts_for_the_client_with_its_certificate(proxy, application, bound, files):
    for _ in range(2):
        answer = ask(proxy.port, "/orders/1", token=bound["bound"], shown=files["alice"])
        assert answer.status == 200, (answer, proxy.log())
        [received] = application.take()
        assert received.folded("X-Auth-Subject") == ["alice"]
    for shown in (None, files["mallory"]):
        answer = ask(proxy.port, "/orders/1", token=bound["bound"], shown=shown)
        assert answer.status == 401, (shown, answer, proxy.gateway.log())
        assert answer.code == "invalid_token"
        assert answer.one("WWW-Authenticate").startswith('Bearer error="invalid_token"')
        assert json.loads(answer.body)["reason"] == "binding_mismatch"
    for shown in (None, files["mallory"]):
        assert ask(proxy.port, "/orders/1", token=bound["plain"], shown=shown).status == 200
    assert len(application.take()) == 2


def forgeries(header: str, stolen: Path) -> list[list[str]]:
    """What a client may write to show a certificate whose key it has not."""
    content = der(stolen)
    plain = base64.b64encode(content).decode()
    lines = "\n".join(textwrap.wrap(plain, 64))
    pem = quote(f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n", safe="")
    values = [f":{plain}:", pem, plain, f"Hash={hashlib.sha256(content).hexdigest()}", f'Cert="{pem}"']
    names = {header, header.lower(), header.upper(), header.replace("-", "_"), header.replace("-", ".")}
    names |= set(HEADERS.values())
    once = [[f"{name}: {value}"] for name in sorted(names) for value in values]
    return once + [[f"{header}: {value}", f"{header}: {value}"] for value in values]


def test_a_client_shows_no_certificate_by_a_header(proxy, application, bound, files):
    mallory = files["mallory"]
    for lines in forgeries(proxy.header, files["alice"]):
        for shown in (None, mallory):
            answer = ask(proxy.port, "/orders/1", *lines, token=bound["bound"], shown=shown)
            assert answer is None or answer.status in (400, 401), (lines, answer)
    assert application.take() == []


def test_the_application_gets_no_header_of_a_certificate(proxy, application, bound, files):
    for token, shown in (("bound", files["alice"]), ("plain", None), ("plain", files["mallory"])):
        for lines in [[]] + [[line] for [line, *_] in forgeries(proxy.header, files["alice"])[:10]]:
            ask(proxy.port, "/orders/1", *lines, token=bound[token], shown=shown)
            for received in application.take():
                assert received.folded(proxy.header) == [], (lines, received)


def test_whoever_reaches_a_gateway_beside_its_proxy_may_not_ask(issuer, application, files, bound, tmp_path):
    gateway = WithCertificates(tmp_path, issuer.url, header="Client-Cert", dialects='["caddy"]')
    gateway.write(
        lambda text: re.sub(r"^trusted_peers = .*$", "", text, flags=re.M).replace(
            "[forward_auth]\n", '[forward_auth]\ntrusted_peers = ["192.0.2.1"]\n'
        )
    )
    gateway.kill()
    gateway.start()
    try:
        value = base64.b64encode(der(files["alice"])).decode()
        question = ["X-Forwarded-Method: GET", "X-Forwarded-Uri: /orders/1", f"Client-Cert: :{value}:"]
        answer = plain_ask(gateway.port, "/forward-auth/caddy", *question, token=bound["bound"])
        assert answer.status == 403
    finally:
        gateway.kill()


def test_without_its_line_in_the_file_of_nginx_a_forgery_would_count(issuer, application, files, bound, tmp_path):
    def leave_out(text):
        weakened = text.replace("proxy_set_header X-Ssl-Client-Cert $ssl_client_escaped_cert;", "")
        assert weakened != text
        return weakened

    programs = behind("nginx-debian", tmp_path, application, issuer, files, leave_out)
    application.take()
    try:
        answers = [
            ask(programs[-1].port, "/orders/1", *lines, token=bound["bound"])
            for lines in forgeries("X-SSL-Client-Cert", files["alice"])
        ]
        assert 200 in [answer.status for answer in answers]
        assert len(application.take()) > 0
    finally:
        for program in reversed(programs):
            program.kill()
