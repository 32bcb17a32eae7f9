"""The programs of these tests: an issuer, a gateway, the inspector, and a browser, all on loopback."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(os.environ.get("REQUIRES_AUTH_BIN", ROOT / "target" / "debug" / "requires-auth"))
RULES = (Path(__file__).parent / "rules.js").read_text()
SECRET = "0123456789abcdef0123456789abcdef"

CONFIGURATION = """
public_url = "https://api.example.com"

[issuers.main]
issuer = "{issuer}"
audience = "https://api.example.com"

[server]
listen = "127.0.0.1:0"
admin = "127.0.0.1:0"
admin_token = {{ file = "admin-token" }}

[forward_auth]
dialects = ["caddy"]

[[routes]]
match = ["GET /orders", "GET /orders/{{id}}"]
scopes = ["read:orders"]

[[routes]]
match = "POST /orders"
scopes = ["write:orders"]

[[routes]]
match = "GET /health"
public = true
"""


class Missing(Exception):
    """A program that is not there; the text says what to install."""


class Served:
    """A command that serves: the first line of its output says where."""

    def __init__(self, *arguments: str | Path) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process)
        command = [str(part) for part in (COMMAND, *arguments, "--output", "json")]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{command} has ended:\n{self.log()}")
        self.addresses: dict[str, str] = json.loads(line)

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


class Stage:
    """An issuer, a configuration that trusts it, and the gateway and the inspector of that."""

    def __init__(self, folder: Path) -> None:
        self._issuer = Served("issuer", "--port", "0")
        self.issuer = self._issuer.addresses["issuer"]
        (folder / "admin-token").write_text(SECRET)
        self.file = folder / "gateway.toml"
        self.file.write_text(CONFIGURATION.format(issuer=self.issuer))
        self.gateway = Served("serve", self.file)
        self.inspector = Served("inspect", "-vv", self.file)
        self.url = self.inspector.addresses["url"]

    def token(self, scope: str = "read:orders", defect: str | None = None) -> str:
        command: list[str | Path] = [COMMAND, "token", "--issuer", self.issuer, "--sub", "alice", "--scope", scope]
        command += ["--defect", defect] if defect else []
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()

    def ask(self, path: str, token: str | None = None, method: str = "GET") -> int:
        """Asks the gateway about a request, as a proxy does."""
        connection = http.client.HTTPConnection(self.gateway.addresses["listen"].removeprefix("http://"), timeout=20)
        headers = {"X-Forwarded-Method": method, "X-Forwarded-Uri": path}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        with contextlib.closing(connection):
            connection.request("GET", "/forward-auth/caddy", headers=headers)
            return connection.getresponse().status

    def stop(self) -> None:
        for served in (self.inspector, self.gateway, self._issuer):
            served.stop()


class Browser:
    """Headless Chromium."""

    def __init__(self) -> None:
        chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
        if not (chromium and driver):
            raise Missing("browser needs chromium and chromium-driver (apt-get)")
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--no-proxy-server",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        self.driver.set_script_timeout(20)

    def open(self, url: str, width: int = 1280, dark: bool = False, height: int = 900) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get("about:blank")
        self.driver.get(url)

    def script(self, text: str, *arguments: Any) -> Any:
        return self.driver.execute_script(text, *arguments)

    def text(self, element: str) -> str:
        return str(self.script("return document.getElementById(arguments[0]).innerText", element))

    def wait(self, what: str, condition: str, *arguments: Any) -> None:
        """Waits until an expression of the page is true."""
        until = time.monotonic() + 30
        while not self.script(f"return {condition}", *arguments):
            if time.monotonic() > until:
                raise AssertionError(f"{what} has not come: {self.script('return document.body.innerText')}")
            time.sleep(0.05)

    def type(self, *keys: str) -> None:
        """Presses keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def control(self, key: str) -> None:
        """Presses a key while Control is held."""
        self._hold(Keys.CONTROL, key)

    def back(self) -> None:
        """Moves the focus to the control before."""
        self._hold(Keys.SHIFT, Keys.TAB)

    def _hold(self, held: str, key: str) -> None:
        ActionChains(self.driver).key_down(held).send_keys(key).key_up(held).perform()

    def paste(self, text: str) -> None:
        """Puts a text where the focus is, as the clipboard does."""
        self.driver.execute_cdp_cmd("Input.insertText", {"text": text})

    def findings(self) -> list[str]:
        """What is wrong with the page, by the rules of `rules.js`."""
        return list(self.script(RULES))

    def errors(self) -> list[str]:
        """What the console has, since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def stop(self) -> None:
        self.driver.quit()


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    started = Stage(folder)
    try:
        yield started
    finally:
        started.stop()
