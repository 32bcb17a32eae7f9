"""Servers on one core, and the load on the other."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

SERVER_CORE, LOAD_CORE = "0", "1"
PATIENCE = 20.0  # seconds
CONNECTIONS = 16


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Server:
    """A process that listens."""

    def __init__(self, command: list[str], port: int, core: str = SERVER_CORE) -> None:
        self.port = port
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process)
        self._process = subprocess.Popen(
            ["taskset", "-c", core, *command],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        started = time.monotonic()
        while time.monotonic() - started < PATIENCE and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{command} does not listen on {port}:\n{self.log()}")

    def log(self) -> str:
        """The end of what it has written."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-2000:]

    def signal(self, number: int) -> None:
        """Sends it a signal."""
        self._process.send_signal(number)

    def memory(self) -> float:
        """Resident memory of it and its children, in MiB. What they share is counted once for each."""
        pages = 0
        for process in self._family():
            with contextlib.suppress(OSError):
                pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def _family(self) -> list[int]:
        family = [self._process.pid]
        for process in family:
            with contextlib.suppress(OSError):
                family += map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())
        return family

    def kill(self) -> None:
        """Ends it and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def wrk(port: int, path: str, tokens: Path, headers: dict[str, str], seconds: float) -> dict[str, float]:
    """What wrk makes of it: decisions per second, latencies in milliseconds, errors."""
    script = Path(__file__).with_name("wrk.lua")
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", "-s", str(script)]
    command += [f"http://127.0.0.1:{port}{path}", "--", str(tokens)]
    command += [part for pair in headers.items() for part in pair]
    return last_line(command)


def grpc(tools: Path, port: int, tokens: Path, seconds: float) -> dict[str, float]:
    """The same of `grpc_load`, with as many streams as wrk has connections."""
    command = ["taskset", "-c", LOAD_CORE, str(tools / "grpc_load")]
    return last_line([*command, f"127.0.0.1:{port}", str(seconds), str(CONNECTIONS), str(tokens)])


def last_line(command: list[str]) -> dict[str, float]:
    """The JSON in the last line of what a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])
