"""Runs a container image as a container engine does, with nothing but the kernel: `scripts/try-image.sh` calls it.

Its files are the root of the file system and cannot be written, its user is not root, its network has nothing but a
name server and an identity provider behind TLS. In there the gateway of the image answers: for each way to find the
address of a name, and not where the certificate of the provider is one that the image has no reason to trust.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from layout import Image
from network import NAME, NAME_SERVER, NameServer, Provider

PATIENCE = 20.0  # seconds
AUDIENCE = "https://api.example.com"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
ELSEWHERE = "hosts: resolve [!UNAVAIL=return] files dns\n"


class Container:
    """The image, laid out, with files mounted into it and its command at work in it."""

    def __init__(self, image: Image, libraries: Path | None) -> None:
        self._config = image.config
        self._folder = tempfile.TemporaryDirectory(prefix="requires-auth-image-")
        self.root = Path(self._folder.name) / "root"
        self.root.mkdir()
        self.root.chmod(0o755)
        image.unpack(self.root)
        if libraries:
            self._add_libraries(libraries)
        else:
            # To open this waits for ever: whoever takes the libraries of another C library for his own is found out.
            trap = self.root / "lib/x86_64-linux-gnu/libnss_resolve.so.2"
            trap.parent.mkdir(parents=True)
            os.mkfifo(trap)
        self._process: subprocess.Popen[bytes] | None = None

    def _add_libraries(self, command: Path) -> None:
        """What a command needs that is not static: for tests of what is around it."""
        listed = subprocess.run(["ldd", command], check=True, capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            (self.root / library.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, self.root / library.lstrip("/"))

    def mount(self, path: str, content: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        target.chmod(0o644)

    def _enter(self, arguments: list[str]) -> list[str]:
        user = self._config["User"]
        assert user.split(":")[0].isdigit(), "Kubernetes cannot see whether it is root"
        assert user.split(":")[0] != "0"
        inside = [
            shutil.which("chroot"),
            f"--userspec={user}",
            "--groups=",
            self.root,
            *self._config["Entrypoint"],
            *arguments,
        ]
        # A mount of its own, which nobody can write to.
        script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
        return [
            shutil.which("unshare"),
            "--mount",
            shutil.which("sh"),
            "-ec",
            script,
            str(self.root),
            *map(str, inside),
        ]

    def run(self, *arguments: str) -> str:
        """Runs the command with these arguments; returns what it prints."""
        done = subprocess.run(
            self._enter([*arguments]), env=self._environment(), capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, done
        return done.stdout

    def start(self, **environment: str) -> None:
        """Starts what the image says it starts."""
        self._process = subprocess.Popen(
            self._enter(self._config["Cmd"]),
            env={**self._environment(), **environment},
            stdin=subprocess.DEVNULL,
        )

    def _environment(self) -> dict[str, str]:
        return dict(variable.split("=", 1) for variable in self._config["Env"])

    def stop(self) -> None:
        """Asks it to end, as an engine does, and waits until it has."""
        self._process.terminate()
        assert self._process.wait(PATIENCE) == 0, "it does not end in good order"

    def remove(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


def ask(url: str, **headers: str) -> tuple[int, str]:
    """Status and body; 0 where nobody answers."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def wait_until(url: str, status: int, text: str = "") -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = ask(url)
        if found[0] == status and text in found[1]:
            return
        time.sleep(0.05)
    raise AssertionError(f"{url} is not answered with {status} {text!r}: {found}")


def judge(token: str | None = None) -> int:
    """What nginx is told about a request."""
    headers = {"X_Original_Method": "GET", "X_Original_URI": "/orders/1", "X_Original_Host": "api.example.com"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return ask("http://127.0.0.1:9180/forward-auth/nginx", **headers, X_Original_Proto="https")[0]


@contextlib.contextmanager
def container(image: Image, libraries: Path | None, provider: Provider):
    made = Container(image, libraries)
    try:
        text = made.run("config", "init", "-", "--issuer", provider.url, "--audience", AUDIENCE)
        listen = 'listen = "127.0.0.1:9180"'
        assert listen in text
        made.mount("etc/requires-auth/gateway.toml", text.replace(listen, f'{listen}\nadmin = "127.0.0.1:9181"'))
        made.mount("etc/nsswitch.conf", ELSEWHERE)
        yield made
    finally:
        made.remove()


def answers(image: Image, libraries: Path | None, provider: Provider, files: dict[str, str]) -> None:
    with container(image, libraries, provider) as made:
        for path, content in files.items():
            made.mount(path, content)
        made.mount(CERTIFICATES, provider.certificate.read_text())
        made.start()
        wait_until("http://127.0.0.1:9181/healthz", 200, "alive")
        wait_until("http://127.0.0.1:9181/readyz", 200, "ready")
        assert judge(provider.token("read:orders")) == 200
        assert judge(provider.token("read:other")) == 403
        assert judge() == 401
        made.stop()


def trusts_nobody_else(image: Image, libraries: Path | None, provider: Provider, files: dict[str, str]) -> None:
    """The authorities that the image comes with are no reason to trust this certificate."""
    with container(image, libraries, provider) as made:
        for path, content in files.items():
            made.mount(path, content)
        made.start()
        wait_until("http://127.0.0.1:9181/healthz", 200, "alive")
        wait_until("http://127.0.0.1:9181/readyz", 503, "connect")
        assert judge(provider.token("read:orders")) == 503
        made.stop()


def main() -> None:
    image = Image(Path(sys.argv[1]))
    command = Path(sys.argv[2])
    libraries = command if sys.argv[3:] == ["--libraries"] else None
    assert image.config["StopSignal"] == "SIGTERM"
    assert "org.opencontainers.image.source" in image.config["Labels"]
    names = NameServer()
    by_name_server = {"etc/resolv.conf": f"nameserver {NAME_SERVER}\nsearch invalid\n"}
    by_file = {"etc/hosts": f"127.0.0.1 localhost {NAME}\n"}
    with tempfile.TemporaryDirectory() as folder:
        provider = Provider(command, Path(folder))
        try:
            answers(image, libraries, provider, by_name_server)
            assert NAME in names.asked
            print("ok: a name that the name server knows", flush=True)
            asked = len(names.asked)
            answers(image, libraries, provider, by_file)
            assert len(names.asked) == asked
            print("ok: a name in /etc/hosts", flush=True)
            trusts_nobody_else(image, libraries, provider, by_file)
            print("ok: a certificate that it has no reason to trust", flush=True)
        finally:
            provider.kill()


if __name__ == "__main__":
    main()
