"""Two threads beside one, each on a core of its own."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from typing import TYPE_CHECKING, Any

from requires_auth import RequiresAuth
from requires_auth._core import TestIssuer

import subjects
from verify import mint

if TYPE_CHECKING:
    from collections.abc import Callable

TURN = 0.25
"""How long one turn takes, in seconds."""


@dataclass
class Scaling:
    """What a second thread brings, with ES384."""

    name: str
    one: float
    """Calls per second on one thread."""
    ratio: float
    """Times that on two."""


def measure(quick: bool) -> list[Scaling]:
    """The control hashes a large buffer, for which the interpreter releases its lock too."""
    print("two threads beside one", file=sys.stderr)
    issuer = TestIssuer(algorithm="ES384")
    tokens = mint(issuer, 50)
    cold = RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks, cache=0)
    warm = RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks)
    pyjwt = subjects.pyjwt(json.loads(issuer.jwks)["keys"][0], "ES384", issuer.issuer, issuer.audience)
    buffer = b"x" * 65_536
    subject: dict[str, Callable[[str], Any]] = {
        "control: SHA-256 of 64 KiB": lambda _: hashlib.sha256(buffer),
        "requires-auth, cold": cold.verify,
        "requires-auth, warm": warm.verify,
        "PyJWT, PyJWK": pyjwt,
    }
    rounds = 3 if quick else 15
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in subject}
    for _ in range(rounds):
        for name, call in subject.items():
            rates[name].append((rate(call, tokens, 1), rate(call, tokens, 2)))
    return [
        Scaling(name, median(one for one, _ in pairs), median(two / one for one, two in pairs))
        for name, pairs in rates.items()
    ]


def rate(call: Callable[[str], Any], tokens: list[str], count: int) -> float:
    """Calls per second, all threads together."""
    cores = sorted(os.sched_getaffinity(0))
    barrier, rates = threading.Barrier(count), [0.0] * count

    def run(place: int) -> None:
        os.sched_setaffinity(threading.get_native_id(), {cores[place % len(cores)]})
        for token in tokens[:5]:
            call(token)
        barrier.wait()
        calls, started = 0, time.perf_counter()
        for token in cycle(tokens):
            call(token)
            calls += 1
            if calls % 8 == 0 and time.perf_counter() - started > TURN:
                break
        rates[place] = calls / (time.perf_counter() - started)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(rates)
