"""The live view of a gateway in headless Chromium."""

from __future__ import annotations

import pytest
from programs import SECRET, Browser, Stage
from selenium.webdriver.common.keys import Keys

SIZES = [(width, dark) for width in (1280, 360) for dark in (False, True)]


def enter(browser: Browser, running: Stage, width: int = 1280, dark: bool = False) -> None:
    """Types the secret, with the keyboard alone."""
    browser.open(f"{running.gateway.addresses['admin']}/live", width, dark)
    browser.wait("the focus", "document.activeElement.id === 'secret'")
    browser.paste(SECRET)
    browser.type(Keys.ENTER)
    browser.wait("the view", "!document.getElementById('view').hidden")


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_an_operator_sees_decisions_keys_and_refusals(browser: Browser, running: Stage, width: int, dark: bool) -> None:
    token, expired = running.token(), running.token(defect="expired")
    enter(browser, running, width, dark)
    assert browser.script("return document.activeElement.id") == "rates-title"
    assert [running.ask("/orders/s3cr3t", token), running.ask("/orders/s3cr3t", expired)] == [200, 401]
    assert running.ask("/s3cr3t", token) == 403
    browser.wait("the refusal", "document.getElementById('refusals').innerText.includes('auth.no_route')")
    browser.wait("the route", "document.getElementById('routes').innerText.includes('GET /orders')")
    refusals = browser.text("refusals")
    assert "GET /orders" in refusals
    assert "expired" in refusals
    issuers = browser.text("issuers")
    assert running.issuer in issuers
    assert "fresh" in issuers
    assert "min" in issuers
    whole = browser.script("return document.documentElement.outerHTML")
    assert "s3cr3t" not in whole
    assert SECRET not in whole
    assert token not in whole
    assert browser.findings() == []
    assert browser.errors() == []


def test_a_wrong_secret_shows_nothing(browser: Browser, running: Stage) -> None:
    browser.open(f"{running.gateway.addresses['admin']}/live")
    browser.wait("the focus", "document.activeElement.id === 'secret'")
    browser.paste(SECRET[:-1] + "0")
    browser.type(Keys.ENTER)
    browser.wait("the refusal", "!document.getElementById('refused').hidden")
    assert "not the secret" in browser.text("refused")
    assert browser.script("return document.getElementById('view').hidden")
    assert browser.findings() == []
    # The browser itself tells of the answer.
    assert all("401" in error for error in browser.errors())


def test_the_secret_is_gone_with_the_page(browser: Browser, running: Stage) -> None:
    enter(browser, running)
    assert browser.script("return localStorage.length + sessionStorage.length + document.cookie.length") == 0
    assert browser.script("return document.getElementById('secret').value") == ""
    browser.script("document.getElementById('leave').click()")
    assert browser.script("return document.getElementById('view').hidden")
    enter(browser, running)
    browser.driver.refresh()
    browser.wait("the page", "document.getElementById('login') !== null")
    assert browser.script("return document.getElementById('view').hidden")
    assert browser.errors() == []
    assert SECRET not in running.gateway.log()
