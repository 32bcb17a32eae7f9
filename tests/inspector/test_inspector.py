"""The inspector in headless Chromium: with the keyboard alone, at two widths, dark and light."""

from __future__ import annotations

import base64
import urllib.parse

import pytest
from programs import Browser, Stage
from selenium.webdriver.common.keys import Keys

SIZES = [(width, dark) for width in (1280, 360) for dark in (False, True)]
STATES = "return [...document.querySelectorAll('#ladder > li')].map((rung) => rung.querySelector('.state').innerText)"


def check(browser: Browser, token: str, state: str) -> None:
    """Pastes a token and checks it, with the keyboard alone."""
    if browser.script("return document.activeElement === document.body"):
        browser.type(Keys.TAB, Keys.ENTER)
    while browser.script("return !['token', ''].includes(document.activeElement.id)"):
        browser.back()
    browser.wait("the focus", "document.activeElement.id === 'token'")
    browser.control("a")
    browser.type(Keys.DELETE)
    browser.paste(token)
    browser.control(Keys.ENTER)
    browser.wait("the verdict", "document.querySelector(`#verdict.${arguments[0]}`) !== null", state)


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_a_token_is_checked_with_the_keyboard_alone(browser: Browser, running: Stage, width: int, dark: bool) -> None:
    browser.open(running.url, width, dark)
    browser.wait("the choices", "!document.getElementById('route-field').hidden")
    assert browser.findings() == []

    good = running.token()
    check(browser, good, "passed")
    assert "Allowed" in browser.text("verdict")
    states = browser.script(STATES)
    assert len(states) > 15
    assert set(states) == {"passed"}
    assert "alice" in browser.text("claims")
    assert "in 59 min" in browser.text("claims") or "in 60 min" in browser.text("claims")
    assert browser.findings() == []

    browser.open(running.url, width, dark)
    expired = running.token(defect="expired")
    check(browser, expired, "failed")
    verdict = browser.text("verdict")
    assert "401 invalid_token" in verdict
    assert "expired" in verdict
    assert "What to do" in verdict
    states = browser.script(STATES)
    assert states.count("failed") == 1
    failed = states.index("failed")
    assert set(states[:failed]) == {"passed"}
    assert set(states[failed + 1 :]) == {"not reached"}
    rung = browser.script("return document.querySelector('#ladder .failed').innerText")
    assert all(word in rung for word in ("exp", "found", "expected", "What to do"))
    assert browser.findings() == []
    assert browser.errors() == []


def test_a_route_is_asked_about(browser: Browser, running: Stage) -> None:
    browser.open(running.url)
    browser.wait("the choices", "!document.getElementById('route-field').hidden")
    browser.script("document.getElementById('route').focus()")
    browser.type(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert browser.script("return [document.getElementById('method').value, document.getElementById('url').value]") == [
        "POST",
        "/orders",
    ]
    check(browser, running.token(), "failed")
    assert "403 insufficient_scope" in browser.text("verdict")
    assert "POST /orders" in browser.text("verdict")
    curl = browser.text("curl")
    assert curl == 'curl -i -X POST -H "Authorization: Bearer $TOKEN" https://api.example.com/orders'
    assert "passed" in browser.script("return document.querySelector('#ladder > li').innerText")
    assert browser.errors() == []


def test_nothing_of_a_token_is_kept(browser: Browser, running: Stage) -> None:
    browser.open(running.url)
    token = running.token()
    check(browser, token, "passed")
    kept = (
        "return JSON.stringify([location.href, document.cookie, {...localStorage}, {...sessionStorage}, history.state])"
    )
    assert token not in browser.script(kept)
    assert browser.script("return localStorage.length + sessionStorage.length") == 0
    browser.script("document.getElementById('forget').click()")
    assert browser.script("return document.getElementById('token').value") == ""
    assert "alice" not in browser.script("return document.documentElement.innerHTML")
    check(browser, token, "passed")
    browser.driver.get("about:blank")
    browser.driver.back()
    browser.wait("the page", "document.getElementById('token') !== null")
    assert browser.script("return document.getElementById('token').value") == ""
    assert token not in running.inspector.log()
    assert token.rsplit(".")[-1] not in running.inspector.log()


def test_what_a_token_says_is_a_text(browser: Browser, running: Stage) -> None:
    """A token of a stranger runs nothing, and turns no other text around."""
    browser.open(running.url)
    header = '{"alg":"ES256","kid":"<img src=x onerror=alert(1)>","a\\u202eb":"</dd><script>window.ran = 1</script>"}'
    encoded = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")
    check(browser, f"{encoded}.{encoded}.AAAA", "failed")
    assert browser.script("return document.querySelectorAll('#told img, #told script').length") == 0
    assert browser.script("return window.ran") is None
    assert "a\\u{202e}b" in browser.text("header")
    assert "<img src=x onerror=alert(1)>" in browser.text("header")
    assert browser.errors() == []


def test_the_focus_goes_through_the_page_and_is_seen(browser: Browser, running: Stage) -> None:
    browser.open(running.url)
    browser.wait("the choices", "!document.getElementById('route-field').hidden")
    order = []
    for _ in range(9):
        browser.type(Keys.TAB)
        own = browser.script("return document.activeElement.id || document.activeElement.localName")
        outline = browser.script("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", own
        order.append(own)
    assert order == ["a", "token", "issuer", "route", "method", "url", "summary", "check", "forget"]


def test_the_rules_find_what_is_wrong(browser: Browser) -> None:
    page = """<html><body><h1>a</h1><h3 id=x>b</h3><p id=x style="color:#999;background:#fff">pale</p><input>
    <label for=nothing>c</label><button></button><table><tr><td>d</td></tr></table><svg></svg><p tabindex=2>e</p>
    <div style="width:3000px">f</div></body></html>"""
    browser.open("data:text/html," + urllib.parse.quote(page))
    found = "\n".join(browser.findings())
    for expected in (
        "no name: <input",
        "no name: <button",
        "twice the id x",
        "for of <label> c finds nothing",
        "no language",
        "no title",
        "not one main part",
        "left out before <h3 id=x>",
        "a table without heads",
        "a picture without a text",
        "an order of its own",
        "contrast 2.85: <p id=x> pale",
        "the page is",
        "stands out: <div>",
    ):
        assert expected in found
    browser.errors()
