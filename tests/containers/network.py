"""The network that a container is in: a name server, and an identity provider behind TLS."""

import http.server
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

NAME = "issuer.example.test"
NAME_SERVER = "127.53.0.1"
PORT = 8443

SIGN = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
SIGN += ["-addext", "basicConstraints=critical,CA:false"]


class NameServer:
    """Answers that `NAME` is on loopback, and that no other name is there."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((NAME_SERVER, 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(512)
            self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode())
            at += length + 1
        question = query[12 : at + 5]
        self.asked.append(".".join(labels))
        if self.asked[-1] != NAME:
            return query[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + question  # no such name
        if question[-4:-2] != b"\0\1":  # another kind of address than IPv4
            return query[:2] + b"\x81\x80\0\1\0\0\0\0\0\0" + question
        address = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + bytes([127, 0, 0, 1])
        return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question + address


class Provider:
    """`requires-auth issuer`, and TLS in front of it, with a certificate that nobody trusts who was not told to."""

    def __init__(self, command: Path, folder: Path) -> None:
        self.url = f"https://{NAME}:{PORT}/oidc"
        self.certificate, key = folder / "issuer.pem", folder / "issuer.key"
        subprocess.run(
            [
                *SIGN,
                "-subj",
                f"/CN={NAME}",
                "-addext",
                f"subjectAltName=DNS:{NAME}",
                "-keyout",
                key,
                "-out",
                self.certificate,
            ],
            check=True,
            capture_output=True,
        )
        self._issuer = subprocess.Popen(
            [command, "issuer", "--url", self.url], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        assert self._issuer.stdout.readline(), "the issuer does not start"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        server = Server(("127.0.0.1", PORT), PassOn)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def token(self, scope: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:9100/oidc/token?scope={scope}", timeout=10) as answer:
            return answer.read().decode().strip()

    def kill(self) -> None:
        self._issuer.kill()
        self._issuer.wait()


class Server(http.server.ThreadingHTTPServer):
    """Says nothing of clients that end the connection because of the certificate: one does."""

    def handle_error(self, *_: object) -> None:
        pass


class PassOn(http.server.BaseHTTPRequestHandler):
    """Gets from the issuer what it is asked for."""

    def do_GET(self) -> None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:9100{self.path}", timeout=10) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
