"""Pictures of the inspector and the live view, for the documentation."""

from __future__ import annotations

import argparse
import base64
import io
import tempfile
import threading
import time
from pathlib import Path

from PIL import Image
from programs import ROOT, SECRET, Browser, Stage, stage
from selenium.webdriver.common.keys import Keys

IMAGES = ROOT / "docs" / "images"
DARK = ROOT / "target" / "screenshots"
MOST_BYTES = 150_000
SECONDS = 40


def main() -> None:
    """Makes all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dark", action="store_true", help="dark ones, into target/screenshots")
    dark = parser.parse_args().dark
    folder = DARK if dark else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    browser = Browser()
    try:
        with tempfile.TemporaryDirectory() as name, stage(Path(name)) as running:
            for width, suffix in ((1280, ""), (360, "-phone")):
                inspector(browser, running, width, dark)
                save(browser, folder / f"inspector{suffix}.png", width, 1500)
            traffic = threading.Thread(target=decide, args=(running,), daemon=True)
            traffic.start()
            for width, suffix in ((1280, ""), (360, "-phone")):
                live(browser, running, width, dark)
                save(browser, folder / f"live{suffix}.png", width, 1500)
            traffic.join()
    finally:
        browser.stop()


def inspector(browser: Browser, running: Stage, width: int, dark: bool) -> None:
    """The page with a token that has expired."""
    browser.open(running.url, width, dark)
    browser.wait("the choices", "!document.getElementById('route-field').hidden")
    browser.script("document.getElementById('source').textContent = 'as the gateway of gateway.toml judges it'")
    browser.script("document.getElementById('route').focus()")
    browser.type(Keys.ARROW_DOWN)
    browser.script("document.getElementById('token').focus()")
    browser.paste(running.token(defect="expired"))
    browser.control(Keys.ENTER)
    browser.wait("the verdict", "document.querySelector('#verdict.failed') !== null")
    browser.script("document.activeElement.blur(); document.getElementById('token').scrollTop = 0")


def live(browser: Browser, running: Stage, width: int, dark: bool) -> None:
    """The page after some seconds of decisions."""
    browser.open(f"{running.gateway.addresses['admin']}/live", width, dark)
    browser.paste(SECRET)
    browser.type(Keys.ENTER)
    browser.wait("the view", "!document.getElementById('view').hidden")
    time.sleep(SECONDS / 2 - 4)
    browser.script("document.activeElement.blur()")


def decide(running: Stage) -> None:
    """Has the gateway decide about this and that."""
    good, weak = running.token(), running.token(scope="profile")
    expired, forged = running.token(defect="expired"), running.token(defect="signature_mismatch")
    until = time.monotonic() + SECONDS
    turn = 0
    while time.monotonic() < until:
        turn += 1
        for _ in range(8 + turn % 7):
            running.ask("/orders", good)
        running.ask("/health")
        if turn % 3 == 0:
            running.ask("/orders/7", weak)
        if turn % 4 == 0:
            running.ask("/orders", expired)
        if turn % 11 == 0:
            running.ask("/orders", forged, "POST")
            running.ask("/elsewhere", good)
        time.sleep(0.12)


def save(browser: Browser, path: Path, width: int, most: int) -> None:
    """The upper part of the page, with few colours."""
    height = min(most, browser.script("return document.documentElement.scrollHeight"))
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    made = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    picture = Image.open(io.BytesIO(base64.b64decode(made["data"]))).convert("RGB")
    picture.quantize(96, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {picture.width} x {picture.height}, {size} bytes")
    if size > MOST_BYTES:
        raise SystemExit(f"{path} has more than {MOST_BYTES} bytes")


main()
