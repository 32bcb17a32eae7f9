"""A page of another origin, in headless Chromium: its script reads the refusal, then the answer."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adapters import EXAMPLES, Server, free_port, python, serving

from requires_auth.testing import TestIssuer

TESTS = Path(__file__).parent
PAGE = b"<!doctype html><title>another origin</title>"
ASK = """
const [url, token, done] = arguments;
const headers = token ? { Authorization: `Bearer ${token}` } : {};
fetch(url, { headers })
  .then(async (answer) => done({
    status: answer.status,
    challenge: answer.headers.get("WWW-Authenticate"),
    body: await answer.json(),
  }))
  .catch((error) => done({ error: String(error) }));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="browser needs selenium (pip)")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("browser needs chromium and chromium-driver (apt-get)")
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
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    started.set_script_timeout(20)
    yield started
    started.quit()


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def issuer() -> Iterator[TestIssuer]:
    issuer = TestIssuer()
    issuer.serve()
    yield issuer
    issuer.stop()


@pytest.fixture(scope="module", params=["flask", "fastapi"])
def api(request: pytest.FixtureRequest, issuer: TestIssuer) -> Iterator[Server]:
    port = free_port()
    environment = {"REQUIRES_AUTH_ISSUER": issuer.issuer, "REQUIRES_AUTH_AUDIENCE": issuer.audience}
    if request.param == "flask":
        command = python("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "warning", "guide_app:app")
        folder = TESTS
    else:
        command = python("-m", "uvicorn", "--port", str(port), "--log-level", "warning", "fastapi_app:app")
        folder = EXAMPLES
    with serving(command, environment, folder, port) as server:
        yield server


def test_the_page_reads_the_refusal_then_the_answer(browser: Any, page: str, api: Server, issuer: TestIssuer) -> None:
    browser.get(page)
    url = f"{api.url}/user/info"

    # No preflight: a plain GET.
    missing = browser.execute_async_script(ASK, url, None)
    assert missing["status"] == 401
    assert missing["challenge"] == "Bearer"
    assert missing["body"]["code"] == "auth.authorization_header_missing"

    # The header makes the browser ask first.
    expired = browser.execute_async_script(ASK, url, issuer.token(defect="expired"))
    assert expired["status"] == 401
    assert expired["challenge"] == 'Bearer error="invalid_token", error_description="the token has expired"'
    assert expired["body"]["reason"] == "expired"

    allowed = browser.execute_async_script(ASK, url, issuer.token(sub="user-1"))
    assert allowed == {"status": 200, "challenge": None, "body": allowed["body"]}
    assert "user-1" in allowed["body"].values()
