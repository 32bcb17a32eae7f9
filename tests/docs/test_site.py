"""Each page of the built site in headless Chromium, on a desktop and on a phone."""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
PICTURES = {"start": "index.html", "guide": "guides/flask.html"}
"""What `--screenshots` writes into `docs/images`."""

WIDTHS = """
const width = document.documentElement.clientWidth;
const wide = [...document.querySelectorAll("main *")].filter((element) => {
  if (element.getBoundingClientRect().right <= width + 1) return false;
  for (let outer = element.parentElement; outer; outer = outer.parentElement) {
    const scrolls = getComputedStyle(outer).overflowX !== "visible";
    if (scrolls && outer.getBoundingClientRect().right <= width + 1) return false;
  }
  return getComputedStyle(element).position !== "absolute" && getComputedStyle(element).position !== "fixed";
});
return {
  width,
  scroll: document.documentElement.scrollWidth,
  wide: wide.slice(0, 3).map((element) => element.outerHTML.slice(0, 120)),
};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="the site needs selenium (pip)")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("the site needs chromium and chromium-driver (apt-get)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    handler = functools.partial(Quiet, directory=site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def pages(site: Path) -> list[str]:
    return sorted(str(page.relative_to(site)) for page in site.rglob("*.html"))


def resize(browser: Any, size: tuple[int, int]) -> None:
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def requested(browser: Any) -> list[str]:
    """The URLs that pages have asked for since the last call."""
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


def test_every_page(browser: Any, site: Path, address: str, counts: Counter[str]) -> None:
    browser.get_log("browser")
    browser.get_log("performance")
    wrong = []
    for page in pages(site):
        for number, (name, size) in enumerate(SIZES.items()):
            resize(browser, size)
            if number == 0:
                browser.get(f"{address}/{page}")
            found = browser.execute_script(WIDTHS)
            if found["scroll"] > found["width"] or found["wide"]:
                wrong.append(f"{page}, {name}: wider than the screen: {found}")
            counts[f"pages on a {name}"] += 1
        wrong += [f"{page}: {entry['message']}" for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        elsewhere = {url for url in requested(browser) if not url.startswith((address, "data:", "blob:"))}
        wrong += [f"{page}: asks {url}" for url in elsewhere]
    assert not wrong, "\n".join(wrong)


def test_a_page_that_is_wrong_is_seen(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "wrong.html").write_text(
        "<!doctype html><main><p style='width: 3000px'>wide</main><script>throw new Error('broken')</script>"
    )
    resize(browser, SIZES["phone"])
    browser.get_log("browser")
    browser.get(f"file://{tmp_path}/wrong.html")
    found = browser.execute_script(WIDTHS)
    assert found["wide"]
    assert any("broken" in entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE")


def test_the_search_finds_a_reason(browser: Any, address: str) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    resize(browser, SIZES["desktop"])
    browser.get(f"{address}/reference/codes.html")
    field = browser.find_element(By.CSS_SELECTOR, "input[name=query]")
    browser.execute_script("arguments[0].focus()", field)
    field.send_keys("audience_mismatch")
    selector = ".md-search-result__link"
    WebDriverWait(browser, 15).until(lambda _: browser.find_elements(By.CSS_SELECTOR, selector))
    first = browser.find_element(By.CSS_SELECTOR, selector).get_attribute("href")
    assert first.startswith(address)
    browser.get(first)
    assert "audience_mismatch" in browser.page_source


def test_nothing_of_a_page_comes_from_elsewhere(site: Path) -> None:
    loads = re.compile(r"""<(?:script|img|iframe|link|source)\b[^>]*?\b(?:src|href)=["']?(https?:[^"'> ]+)""")
    for page in pages(site):
        text = (site / page).read_text("utf-8")
        assert not loads.findall(text), page
    assert loads.findall('<link rel="stylesheet" href="https://fonts.example/a.css">')


def test_pictures(browser: Any, address: str, site: Path, pytestconfig: pytest.Config) -> None:
    folder = ROOT / "docs" / "images"
    for picture, page in PICTURES.items():
        assert (site / page).is_file(), page
        for size, (width, height) in SIZES.items():
            file = folder / f"{picture}-{size}.png"
            if pytestconfig.getoption("--screenshots"):
                folder.mkdir(exist_ok=True)
                resize(browser, (width, height))
                browser.get(f"{address}/{page}")
                browser.save_screenshot(str(file))
            # The size stands in the first chunk of a PNG.
            assert struct.unpack(">II", file.read_bytes()[16:24]) == (width, height), "write it with --screenshots"
