"""All vectors of requests and of proofs, asked of an adapter in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from adapters import Case, vectors
from test_dpop_vectors import METHODS, outcome_of, scope_of, steps

from requires_auth import RequiresAuth

__all__ = ["METHODS", "Ask", "Told", "asgi", "check_vectors", "run", "scope_of"]


@dataclass(frozen=True)
class Told:
    """The answer to a request, and what its handler has seen."""

    status: int
    headers: dict[str, str]
    body: bytes
    ran: bool
    claims: dict[str, Any] | None = None


Ask = Callable[[Case, RequiresAuth, Case], Awaitable[Told]]
"""Asks a request of an application that is guarded by this guard, as the second case says."""


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


async def check_vectors(
    ask: Ask, differs: dict[str, str], skip: Callable[[Case], bool] = lambda case: False, least: int = 1200
) -> None:
    """Every vector has its answer, but for those that this adapter cannot express, each of which does differ.

    At least so many are asked.
    """
    seen: set[str] = set()
    asked = 0
    for case, guard in vectors():
        if skip(case):
            continue
        asked += 1
        seen.add(case.id)
        await _check(ask, case, guard, case.id in differs)
    for before, case in steps():
        if skip(case):
            continue
        asked += 1
        seen.add(case.id)
        guard = case.guard()
        assert guard is not None, case.id
        for request, outcome in before:
            told = await ask(request, guard, case)
            assert outcome_of((told.status, told.headers, told.body, told.ran)) == outcome, case.id
        await _check(ask, case, guard, case.id in differs)
    assert asked > least
    assert differs.keys() <= seen


async def _check(ask: Ask, case: Case, guard: RequiresAuth, differs: bool) -> None:
    told = await ask(case, guard, case)
    try:
        case.check(told.status, told.headers, told.body, told.ran)
        if case.expect.get("claims") and told.ran:
            assert told.claims == case.expect["claims"], case.id
    except (AssertionError, ValueError) as error:
        if not differs:
            raise AssertionError(f"{case.id}: {told}") from error
    else:
        assert not differs, f"{case.id} need not be in the table"


async def asgi(app: Any, case: Case, **given: Any) -> tuple[int, dict[str, str], bytes]:
    """The answer of an ASGI application."""
    sent: list[Any] = []
    asked = False

    async def receive() -> Any:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    own = {"scheme": "https", "server": ("testserver", 443), "client": ("127.0.0.1", 1), "extensions": {}, **given}
    await app({**scope_of(case), **own}, receive, send)
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], headers, b"" if case.method == "HEAD" else body
