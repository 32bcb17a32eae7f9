"""Tokens that are bound to a certificate of the client (RFC 8705), through each proxy with the file printed for it."""

import base64
import re
import ssl
import subprocess
import textwrap
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import DIALECTS, ITSELF, with_other_settings
from programs import GATEWAY, Gateway, free_port
from wire import PATIENCE, read_answer

SWITCH = "client_certificates = true\n"

# The header of each dialect. Over gRPC Envoy tells the certificate beside the headers, too.
HEADERS = {
    "nginx": "X-SSL-Client-Cert",
    "caddy": "Client-Cert",
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
    stream = ssl.socket.create_connection(("127.0.0.1", port), PATIENCE)
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
    table = f'client_certificate = {{ header = "{header}" }}\n' if header else ""
    return re.sub(r"^dialects = .*$", lambda line: f"{line[0]}\n{table}", text, flags=re.M)


def on_tls(server: Path):
    """Puts a certificate of the server into the file of a proxy, where its own one goes."""

    def change(text):
        text = re.sub(r"/etc/[a-z]+/tls/certificate\.pem", str(server.with_suffix(".crt")), text)
        text = re.sub(r"/etc/[a-z]+/tls/key\.pem", str(server.with_suffix(".key")), text)
        own = f"    tls {server.with_suffix('.crt')} {server.with_suffix('.key')} {{\n        # Clients may"
        return text.replace("    tls {\n        # Clients may", own)

    return change


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return {name: certificate(folder, name) for name in ("alice", "mallory", "server")}
