"""Requests per second of a route without a guard, and behind one, under wrk: the server has one core, wrk the other."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from requires_auth._core import TestIssuer

from verify import mint

if TYPE_CHECKING:
    from collections.abc import Iterator

GUNICORN = ("gunicorn", "--worker-class=gthread", "--threads=2", "--workers=1", "--keep-alive=75", "--log-level=error")
SERVERS = {
    "flask": ("Flask, gunicorn (gthread)", (*GUNICORN, "--bind=127.0.0.1:{port}", "apps:app"), ("open", "guarded")),
    "fastapi": (
        "FastAPI, uvicorn",
        ("uvicorn", "--no-access-log", "--log-level=error", "--port={port}", "apps:app"),
        ("open", "depends", "guarded"),
    ),
    "django": ("Django, gunicorn (gthread)", (*GUNICORN, "--bind=127.0.0.1:{port}", "apps:app"), ("open", "guarded")),
}


@dataclass
class Served:
    """One server."""

    key: str
    name: str
    rates: dict[str, float] = field(default_factory=dict)
    """Requests per second by route: the medians."""
    to_open: float | None = None
    """The guarded route, times the open one: the median of the ratios of the rounds."""
    to_depends: float | None = None
    """The same, times the route behind a dependency that does nothing."""
    why: str = ""


def measure(quick: bool) -> list[Served]:
    """Measures the three frameworks."""
    served = []
    for key, (name, command, routes) in SERVERS.items():
        if not shutil.which("wrk"):
            served.append(Served(key, name, why="wrk is missing"))
            continue
        print(f"routes, {name}", file=sys.stderr)
        served.append(measure_one(key, name, command, routes, 2 if quick else 15))
    return served


def measure_one(key: str, name: str, command: tuple[str, ...], routes: tuple[str, ...], rounds: int) -> Served:
    """Each round begins with another route."""
    issuer = TestIssuer()
    token = mint(issuer, 1)[0]
    with tempfile.TemporaryDirectory() as folder, serving(key, command, issuer, Path(folder)) as port:
        for route in routes:
            wrk(port, route, token)
        rates: dict[str, list[float]] = {route: [] for route in routes}
        for at in range(rounds):
            for route in routes[at % len(routes) :] + routes[: at % len(routes)]:
                rates[route].append(wrk(port, route, token))

    def ratio(base: str) -> float | None:
        if base not in rates:
            return None
        return median(own / other for own, other in zip(rates["guarded"], rates[base], strict=True))

    medians = {route: median(own) for route, own in rates.items()}
    return Served(key, name, medians, ratio("open"), ratio("depends"))


@contextmanager
def serving(key: str, command: tuple[str, ...], issuer: TestIssuer, folder: Path) -> Iterator[int]:
    """Runs a server on the first core until the context ends."""
    keys = folder / "keys.json"
    keys.write_text(issuer.jwks)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    environment = {
        **os.environ,
        "BENCH_APP": key,
        "REQUIRES_AUTH_ISSUER": issuer.issuer,
        "REQUIRES_AUTH_AUDIENCE": issuer.audience,
        "REQUIRES_AUTH_JWKS": str(keys),
    }
    program = [sys.executable, "-m", *(part.format(port=port) for part in command)]
    process = subprocess.Popen(on_core(0, program), cwd=Path(__file__).parent, env=environment)
    try:
        for _ in range(200):
            if process.poll() is not None:
                raise RuntimeError(f"{key}: the server ended with {process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def wrk(port: int, route: str, token: str) -> float:
    """Requests per second within one second; an answer other than 200 is an error."""
    command = ["wrk", "--threads=1", "--connections=8", "--duration=1s", "--header", f"Authorization: Bearer {token}"]
    address = f"http://127.0.0.1:{port}/{route}"
    said = subprocess.run(on_core(1, [*command, address]), capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"{address}: {said}")
    found = re.search(r"Requests/sec:\s*([\d.]+)", said)
    if found is None:
        raise RuntimeError(said)
    return float(found[1])


def on_core(place: int, command: list[str]) -> list[str]:
    """The command, kept on one core if there is a program that does that."""
    cores = sorted(os.sched_getaffinity(0))
    if not shutil.which("taskset"):
        return command
    return ["taskset", "--cpu-list", str(cores[place % len(cores)]), *command]
