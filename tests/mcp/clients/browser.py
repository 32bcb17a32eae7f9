"""Stands in for the browser of a client: follows redirects with cookies, and opens the client's callback.

    python browser.py URL

A client that opens `$BROWSER` gets this file; the other clients import `walk`.
"""

import http.client
import sys
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urljoin, urlsplit

PATIENCE = 15  # seconds, for each answer
MOST_STEPS = 10


def get(url: str, cookies: dict[str, str]) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    connection.request("GET", f"{parts.path or '/'}?{parts.query}", headers={"Cookie": cookie} if cookie else {})
    response = connection.getresponse()
    for line in response.headers.get_all("Set-Cookie", []):
        cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
    response.body = response.read()
    return response


def walk(url: str) -> str:
    """Logs in at the provider; returns the callback's URL, which has not been asked."""
    callback = parse_qs(urlsplit(url).query)["redirect_uri"][0]
    cookies: dict[str, str] = {}
    for _ in range(MOST_STEPS):
        response = get(url, cookies)
        location = response.headers.get("Location")
        if not location:
            raise RuntimeError(f"no redirect from {urlsplit(url).path}: {response.status} {response.body[:500]!r}")
        url = urljoin(url, location)
        if url.startswith(callback):
            return url
    raise RuntimeError("too many redirects")


def answer(callback: str) -> dict[str, str]:
    """The parameters of a callback: `code`, `state`, `iss`, or an `error`."""
    return {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}


if __name__ == "__main__":
    get(walk(sys.argv[1]), {})
