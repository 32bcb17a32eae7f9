"""Keys that have to be fetched: first need, outages, rotation, forks, signals, asynchronous code."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from requires_auth import (
    AudienceMismatch,
    IssuerUnavailable,
    KeyUnknown,
    Refusal,
    RequiresAuth,
    TokenMalformed,
    TokenOpaque,
)
from requires_auth._core import TestIssuer

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture
def remote(issuer: TestIssuer) -> Iterator[RequiresAuth]:
    url = issuer.serve()
    yield RequiresAuth(url, issuer.audience)
    issuer.stop()


def in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_keys_are_fetched_on_first_need(issuer: TestIssuer, remote: RequiresAuth) -> None:
    [health] = remote.health()
    assert (health["state"], health["source"], health["keys"]) == ("missing", None, 0)
    token = issuer.token()
    assert remote.verify_now(token) is None
    assert remote.admit_now("GET", "/", [("authorization", f"Bearer {token}")]) is None
    assert remote.verify(token).iss == issuer.issuer
    assert remote.verify_now(token) is not None
    [health] = remote.health()
    assert (health["state"], health["source"], health["keys"]) == ("fresh", "fetched", 1)
    assert health["next_refresh"] > 0
    assert health["age"] < 60


def test_what_needs_no_key_waits_for_none(issuer: TestIssuer, remote: RequiresAuth) -> None:
    with pytest.raises(TokenOpaque):
        remote.verify_now(issuer.token(defect="opaque"))
    with pytest.raises(TokenMalformed):
        remote.verify_now(issuer.token(defect="malformed"))
    assert isinstance(remote.admit_now("GET", "/", []), Refusal)
    assert remote.health()[0]["state"] == "missing"


def test_warm(issuer: TestIssuer, remote: RequiresAuth) -> None:
    remote.warm()
    assert remote.verify_now(issuer.token()) is not None


def test_rotation_is_noticed_within_the_request(issuer: TestIssuer, remote: RequiresAuth) -> None:
    assert remote.verify(issuer.token())
    issuer.rotate()
    assert remote.verify(issuer.token())
    assert remote.health()[0]["keys"] == 2
    with pytest.raises(KeyUnknown):
        remote.verify(issuer.token(defect="key_unknown"))


def test_an_outage_is_no_refusal(issuer: TestIssuer, remote: RequiresAuth) -> None:
    issuer.stop()
    token = issuer.token()
    with pytest.raises(IssuerUnavailable) as caught:
        remote.verify(token)
    assert (caught.value.status, caught.value.code) == (503, "auth.issuer_unavailable")
    assert caught.value.retry_after >= 1
    assert ("retry-after", str(caught.value.retry_after)) in caught.value.headers
    refused = remote.admit("GET", "/", [("authorization", f"Bearer {token}")])
    assert isinstance(refused, Refusal)
    assert isinstance(refused.error, IssuerUnavailable)
    with pytest.raises(IssuerUnavailable, match="hint"):
        remote.warm()
    [health] = remote.health()
    assert health["last_error"]["hint"]
    assert "fetch" in remote.explain(token)["error"]["code"] or remote.explain(token)["error"]["status"] == 503


def test_keys_outlive_their_issuer(issuer: TestIssuer, remote: RequiresAuth) -> None:
    remote.warm()
    token = issuer.token()
    issuer.stop()
    assert remote.verify(token)


def test_a_state_file_survives_a_restart(issuer: TestIssuer, tmp_path: Path) -> None:
    file = tmp_path / "keys.state"
    url = issuer.serve()
    RequiresAuth(url, issuer.audience, state_file=file).warm()
    assert within(5, file.exists)
    issuer.stop()
    restarted = RequiresAuth(url, issuer.audience, state_file=file)
    assert restarted.verify(issuer.token())
    assert restarted.health()[0]["source"] == "state_file"


def test_saved_keys_are_refreshed_although_nothing_has_to_be_fetched(issuer: TestIssuer, tmp_path: Path) -> None:
    file = tmp_path / "keys.state"
    url = issuer.serve()
    RequiresAuth(url, issuer.audience, state_file=file).warm()
    assert within(5, file.exists)
    restarted = RequiresAuth(url, issuer.audience, state_file=file)
    assert restarted.verify_now(issuer.token())
    assert within(5, lambda: restarted.health()[0]["source"] == "fetched")
    issuer.stop()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


# --- asynchronous code


def test_fetches_are_awaited(issuer: TestIssuer, remote: RequiresAuth) -> None:
    async def main() -> None:
        tokens = [issuer.token(sub=str(number)) for number in range(50)]
        verified = await asyncio.gather(*map(remote.verify_async, tokens))
        assert [token.sub for token in verified] == [str(number) for number in range(50)]
        with pytest.raises(AudienceMismatch):
            await remote.verify_async(issuer.token(audience="x"))

    asyncio.run(main())


def test_the_loop_runs_while_keys_are_fetched() -> None:
    with silent_server() as url:
        guard = RequiresAuth(url, "a", jwks_uri=f"{url}/jwks")
        token = TestIssuer("a").token(claims={"iss": url})

        async def main() -> None:
            asked = asyncio.ensure_future(guard.admit_async("GET", "/", [("authorization", f"Bearer {token}")]))
            await asyncio.sleep(0.05)
            assert not asked.done()
            asked.cancel()

        asyncio.run(asyncio.wait_for(main(), 30))


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


# --- threads and signals


def test_other_threads_run_while_one_waits() -> None:
    with silent_server() as url:
        guard = RequiresAuth(url, "a", jwks_uri=f"{url}/jwks")
        token = TestIssuer("a").token(claims={"iss": url})
        raised: list[BaseException] = []

        def wait() -> None:
            try:
                guard.verify(token)
            except IssuerUnavailable as error:
                raised.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        steps = 0
        while waiting.is_alive():
            time.sleep(0.01)
            steps += 1
        assert raised
        assert steps > 100


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer signals")
def test_ctrl_c_ends_the_wait() -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with silent_server() as url:
        guard = RequiresAuth(url, "a", jwks_uri=f"{url}/jwks")
        token = TestIssuer("a").token(claims={"iss": url})
        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            started = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(KeyboardInterrupt):
                guard.verify(token)
            assert time.monotonic() - started < 2
        finally:
            signal.signal(signal.SIGALRM, before)


def test_keys_are_replaced_under_load_without_a_refusal(issuer: TestIssuer, remote: RequiresAuth) -> None:
    remote.warm()
    tokens = [issuer.token()]
    stop = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                remote.verify(tokens[-1])
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        issuer.rotate()
        tokens.append(issuer.token())
        time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert remote.health()[0]["keys"] == 2


# --- forks


def forked(work: Callable[[], None]) -> int:
    """Runs `work` in a forked child, and returns its exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(20)
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_verifies_with_a_guard_that_its_parent_has_used(issuer: TestIssuer, remote: RequiresAuth) -> None:
    first, second = issuer.token(), issuer.token()
    assert remote.verify(first)

    def child() -> None:
        assert remote.verify(first)
        assert remote.verify(second)
        assert remote.health()[0]["source"] == "fetched"

    assert [forked(child) for _ in range(4)] == [0] * 4
    assert remote.verify(second)


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_of_a_child(issuer: TestIssuer, remote: RequiresAuth) -> None:
    token = issuer.token()

    def child() -> None:
        assert remote.verify(token)
        assert forked(lambda: remote.verify(token) and None) == 0

    assert forked(child) == 0


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_while_a_fetch_is_on_its_way(issuer: TestIssuer) -> None:
    """The child's guard must not wait for a fetch that only its parent makes."""
    with silent_server() as url:
        guard = RequiresAuth(url, "a", jwks_uri=f"{url}/jwks")
        token = TestIssuer("a").token(claims={"iss": url})

        def wait() -> None:
            with pytest.raises(IssuerUnavailable):
                guard.verify(token)

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.2)

        def child() -> None:
            with pytest.raises(IssuerUnavailable):
                guard.verify(token)
            issuer.serve()
            assert RequiresAuth(issuer.issuer, issuer.audience).verify(issuer.token())

        assert forked(child) == 0
        waiting.join()


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_drops_what_it_has_inherited(issuer: TestIssuer) -> None:
    guards = [RequiresAuth(issuer.serve(), issuer.audience)]
    guards[0].warm()
    assert forked(guards.clear) == 0
    issuer.stop()


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_multiprocessing(issuer: TestIssuer, remote: RequiresAuth) -> None:
    token = issuer.token(sub="bob")
    remote.warm()
    fork = multiprocessing.get_context("fork")
    results = fork.SimpleQueue()
    children = [fork.Process(target=lambda: results.put(remote.verify(token).sub)) for _ in range(3)]
    for child in children:
        child.start()
    assert [results.get() for _ in children] == ["bob"] * 3
    for child in children:
        child.join()
        assert child.exitcode == 0


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system does not list threads")
def test_static_keys_start_no_thread(issuer: TestIssuer) -> None:
    out = run(
        """
        import os, sys
        from requires_auth import RequiresAuth
        def threads(): return len(os.listdir("/proc/self/task"))
        before = threads()
        guard = RequiresAuth(sys.argv[1], sys.argv[2], jwks=sys.argv[3])
        guard.verify(sys.argv[4]); guard.warm(); guard.health(); guard.explain(sys.argv[4])
        print(threads() - before)
        """,
        issuer.issuer,
        issuer.audience,
        issuer.jwks,
        issuer.token(),
    )
    assert out == "0\n"


def test_the_interpreter_ends_while_the_runtime_runs(issuer: TestIssuer) -> None:
    url = issuer.serve()
    out = run(
        """
        import sys
        from requires_auth import RequiresAuth
        guard = RequiresAuth(sys.argv[1], sys.argv[2])
        print(guard.verify(sys.argv[3]).sub)
        """,
        url,
        issuer.audience,
        issuer.token(sub="bob"),
    )
    assert out == "bob\n"
    issuer.stop()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="before 3.12 an extension cannot tell interpreters apart")
def test_sub_interpreters_are_refused_in_words() -> None:
    out = run(
        """
        import requires_auth
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        other = interpreters.create()
        code = '''
        try:
            import requires_auth
        except ImportError as error:
            print(error)
        '''
        import textwrap
        interpreters.run_string(other, textwrap.dedent(code))
        """
    )
    assert "subinterpreter" in out.lower()
