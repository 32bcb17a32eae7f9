"""One verification by each verifier, side by side: short turns, each round begins with another one."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median
from typing import TYPE_CHECKING

from requires_auth._core import TestIssuer

import subjects

if TYPE_CHECKING:
    from collections.abc import Iterable

ALGORITHMS = ("ES384", "ES256", "RS256", "EdDSA")
OURS = ("requires-auth, cold", "requires-auth, first sight", "requires-auth, warm")

TURN = 0.02
"""How long one turn is to take, in seconds."""

MOST_CALLS = 400
"""In one turn, so that there are fresh tokens for every turn of the first sight."""

WARM_CALLS = 20_000


@dataclass
class Cell:
    """One verifier."""

    name: str
    micros: float | None = None
    to_fastest: float | None = None
    """Times the fastest peer: the median of the ratios of the rounds."""
    why: str = ""
    """Why it was not measured."""


@dataclass
class Column:
    """One algorithm."""

    algorithm: str
    token_bytes: int
    rounds: int
    fastest: str
    cells: list[Cell]


def mint(issuer: TestIssuer, count: int) -> list[str]:
    """Tokens in the shape of Logto's, all different."""
    scope = "read:orders write:orders"
    return [issuer.token(scope, "rjd9xfxdl6gh", "m7qzwu6yvpd3k9x1n5bt", lifetime=86_400) for _ in range(count)]


def measure(algorithm: str, quick: bool) -> Column:
    """Measures every verifier that can do this algorithm."""
    print(f"verifications, {algorithm}", file=sys.stderr)
    issuer = TestIssuer(algorithm=algorithm)
    rounds = 3 if quick else 25
    known, why = subjects.made(issuer, algorithm)
    some = mint(issuer, 50)
    calls = {name: calls_of(verifier, some) for name, verifier in known.items()}
    fresh = iter(mint(issuer, calls[OURS[1]] * (rounds + 1)))
    times: dict[str, list[float]] = {name: [] for name in known}
    names = list(known)
    for at in range(rounds):
        for name in names[at % len(names) :] + names[: at % len(names)]:
            tokens = fresh if name == OURS[1] else cycle(some)
            times[name].append(turn(known[name], tokens, calls[name]))
    peers = [name for name in names if name not in OURS]
    fastest = min(peers, key=lambda name: median(times[name]))
    cells = [
        Cell(name, median(own) * 1e6, median(a / b for a, b in zip(own, times[fastest], strict=True)))
        for name, own in times.items()
    ]
    cells += [Cell(name, why=reason) for name, reason in why.items()]
    return Column(algorithm, len(some[0]), rounds, fastest, cells)


def calls_of(verifier: subjects.Verify, tokens: list[str]) -> int:
    """How many calls make a turn. It is also the warm-up."""
    per_call = min(turn(verifier, cycle(tokens), len(tokens)) for _ in range(2))
    most = WARM_CALLS if per_call < 3e-6 else MOST_CALLS
    return max(1, min(most, int(TURN / per_call)))


def turn(verifier: subjects.Verify, tokens: Iterable[str], calls: int) -> float:
    """Seconds of the processor for one call."""
    batch = list(islice(tokens, calls))
    started = time.thread_time()
    for token in batch:
        verifier(token)
    return (time.thread_time() - started) / calls
