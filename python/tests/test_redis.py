"""Instances that share a Redis, in Python: processes that are forked, and what a guard tells of the server."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from proofs import Client
from redis_server import redis_server

from requires_auth import Refusal, RequiresAuth
from requires_auth.testing import TestIssuer

pytest_plugins = ["requires_auth.testing"]
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

URL = "https://api.example"
PATIENCE = 60
"""Seconds. A child that fails says nothing."""
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    with redis_server() as url:
        yield url


def guard_of(issuer: TestIssuer, redis: str, **shared: Any) -> RequiresAuth:
    # A slow machine is no outage. With `future` of a second, proofs pass a second after the server has started.
    state = {"url": redis, "timeout_ms": 5000, **shared}
    dpop = {"mode": "required", "future": 1}
    return RequiresAuth(issuer.issuer, issuer.audience, jwks=issuer.jwks, public_url=URL, dpop=dpop, shared_state=state)


def judged(guard: RequiresAuth, headers: dict[str, str]) -> str:
    outcome = guard.admit("GET", "/", list(headers.items()))
    return (outcome.error.reason or outcome.error.code) if isinstance(outcome, Refusal) else "ok"


def wait_until_it_accepts(guard: RequiresAuth, issuer: TestIssuer, client: Client) -> None:
    """A server that has just started may have forgotten the proofs of the moments before."""
    for _ in range(300):
        said = judged(guard, client.headers("GET", URL + "/", client.token(issuer)))
        if said == "ok":
            return
        assert said == "auth.state_unavailable"
        time.sleep(0.1)
    pytest.fail(f"no proof passes: {guard.shared_state()}")


@needs_fork
def test_forked_processes_connect_by_themselves_and_know_of_each_other(auth_issuer: TestIssuer, redis: str) -> None:
    client = Client()
    guard = guard_of(auth_issuer, redis)
    wait_until_it_accepts(guard, auth_issuer, client)
    before = client.headers("GET", URL + "/", client.token(auth_issuer))
    assert judged(guard, before) == "ok"
    shared = [client.headers("GET", URL + "/", client.token(auth_issuer)) for _ in range(20)]
    own = [[client.headers("GET", URL + "/", client.token(auth_issuer)) for _ in range(5)] for _ in range(3)]
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()

    def child(number: int) -> None:
        said = [judged(guard, headers) for headers in (before, *shared, *own[number])]
        state = guard.shared_state()
        results.put((said, None if state is None else state["status"]))

    # The parent is connected, and goes on with its connection while the children make theirs.
    children = [fork.Process(target=child, args=(number,)) for number in range(3)]
    for process in children:
        process.start()
    in_parent = [judged(guard, headers) for headers in shared]
    told = [results.get(timeout=PATIENCE) for _ in children]
    for process in children:
        process.join(PATIENCE)
        assert process.exitcode == 0
    assert all(status == "up" and said[0] == "proof_reused" for said, status in told)
    for place in range(len(shared)):
        passed = [in_parent[place], *(said[1 + place] for said, _ in told)]
        assert sorted(passed) == ["ok", *["proof_reused"] * 3]
    assert all(said[1 + len(shared) :] == ["ok"] * 5 for said, _ in told)
    assert judged(guard, before) == "proof_reused", "the parent is as it was"


@needs_fork
def test_a_guard_that_was_never_asked_connects_after_the_fork(auth_issuer: TestIssuer, redis: str) -> None:
    client, guard = Client(), guard_of(auth_issuer, redis, namespace="forked")
    state = guard.shared_state()
    assert state is not None
    assert state["status"] == "idle"
    headers = client.headers("GET", URL + "/", client.token(auth_issuer))
    wait_until_it_accepts(guard_of(auth_issuer, redis), auth_issuer, client)
    child = os.fork()
    if child == 0:
        # 0 for a proof that passes and then does not pass again.
        said = [judged(guard, headers) for _ in range(2)]
        os._exit(0 if said == ["ok", "proof_reused"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert judged(guard, headers) == "proof_reused"


@needs_fork
def test_a_forked_process_refuses_what_its_parent_revokes(auth_issuer: TestIssuer, redis: str) -> None:
    guard = guard_of(auth_issuer, redis, namespace="revoked", revocations=True)
    client = Client()
    wait_until_it_accepts(guard, auth_issuer, client)
    fork = multiprocessing.get_context("fork")
    ready, results = fork.Queue(), fork.Queue()

    def child() -> None:
        wait_until_it_accepts(guard, auth_issuer, client)
        ready.put(True)
        said = "ok"
        begun = time.monotonic()
        while said == "ok" and time.monotonic() - begun < 30:
            said = judged(guard, client.headers("GET", URL + "/", client.token(auth_issuer)))
        results.put(said)

    process = fork.Process(target=child)
    process.start()
    ready.get(timeout=PATIENCE)
    guard.revoke(sub="alice", issuer=auth_issuer.issuer)
    assert results.get(timeout=PATIENCE) == "revoked"
    process.join(PATIENCE)
    assert process.exitcode == 0


def test_a_guard_tells_how_the_server_is_doing(auth_issuer: TestIssuer, redis: str) -> None:
    client, guard = Client(), guard_of(auth_issuer, redis)
    assert guard.shared_state() == {"server": redis, "status": "idle", "last_error": None, "warnings": []}
    wait_until_it_accepts(guard, auth_issuer, client)
    assert guard.shared_state() == {"server": redis, "status": "up", "last_error": None, "warnings": []}
    nobody = guard_of(auth_issuer, "redis://127.0.0.1:1")
    headers = client.headers("GET", URL + "/", client.token(auth_issuer))
    assert judged(nobody, headers) == "auth.state_unavailable"
    state = nobody.shared_state()
    assert state is not None
    assert state["status"] == "down"
    assert isinstance(state["last_error"], str)
    assert RequiresAuth(auth_issuer.issuer, auth_issuer.audience, jwks=auth_issuer.jwks).shared_state() is None
