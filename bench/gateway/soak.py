"""`bench/soak.sh`: the gateway at half of the load that it can bear, for a long time."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from process import CONNECTIONS, LOAD_CORE, Server, free_port, last_line, wrk
from subjects import AUDIENCE, CACHE, ISSUER, NGINX_ASKS, PATH

TOKENS = 5_000
SEGMENT = 60  # seconds of load between two looks at it
GENERATION = 5  # segments that one key signs tokens for
LIFETIME = 2 * GENERATION * SEGMENT  # of a token: longer than it is used, and over before the end
SAMPLE = 10.0  # seconds
ENDPOINT = "/forward-auth/nginx"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Quiet(SimpleHTTPRequestHandler):
    """Serves the keys."""

    def log_message(self, *_: object) -> None:
        pass


class Provider:
    """Keys that rotate: the new one, and the one before it."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self._folder, self._tools, self._keys = folder, tools, []
        self.tokens = folder
        self.number = 0
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        self.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def rotate(self) -> None:
        self.number += 1
        made = self._folder / str(self.number)
        made.mkdir()
        mint = [self._tools / "mint", "ES256", str(TOKENS), made, str(LIFETIME)]
        subprocess.run(["taskset", "-c", LOAD_CORE, *map(str, mint)], check=True)
        self._keys = [*self._keys[-1:], *json.loads((made / "keys.json").read_text())["keys"]]
        new = self._folder / "jwks.new"
        new.write_text(json.dumps({"keys": self._keys}))
        new.rename(self._folder / "jwks.json")
        self.tokens = made / "tokens.txt"


class Memory:
    """Samples of resident memory, until it is told to stop."""

    def __init__(self, server: Server) -> None:
        self.samples: list[tuple[float, float]] = []
        self._server, self._stop = server, threading.Event()
        self._begun = time.monotonic()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE):
            self.samples.append((time.monotonic() - self._begun, self._server.memory()))

    def stop(self) -> None:
        self._stop.set()

    def after_warm_up(self) -> list[tuple[float, float]]:
        """Without the first sixth: caches fill, and the allocator finds its size."""
        return self.samples[len(self.samples) // 6 :]

    def slope(self) -> float:
        """MiB an hour, by least squares."""
        kept = self.after_warm_up()
        if len(kept) < 2:
            return 0.0
        middle = sum(at for at, _ in kept) / len(kept)
        mean = sum(size for _, size in kept) / len(kept)
        spread = sum((at - middle) ** 2 for at, _ in kept)
        return 3600 * sum((at - middle) * (size - mean) for at, size in kept) / spread


def configuration(port: int, admin: int, provider: Provider, note: str) -> str:
    return f"""# {note}
cache = {CACHE}
[issuers.main]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
jwks_uri = "{provider.url}"
[server]
listen = "127.0.0.1:{port}"
admin = "127.0.0.1:{admin}"
[forward_auth]
dialects = ["nginx"]
[headers]
"X-Auth-Subject" = "sub"
"X-Auth-Scope" = "scope"
[[routes]]
match = "GET /orders/*"
scopes = ["read:orders"]
"""


def paced(port: int, tokens: Path, connections: int, seconds: int) -> dict[str, float]:
    """Load whose rate the number of connections sets."""
    here = Path(__file__).parent
    os.environ["WRK_LUA"] = str(here / "wrk.lua")
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    command += ["-s", str(here / "soak.lua"), f"http://127.0.0.1:{port}{ENDPOINT}", "--", str(tokens)]
    return last_line([*command, *(part for pair in NGINX_ASKS.items() for part in pair)])


def calibrate(port: int, tokens: Path) -> tuple[float, int]:
    """The most that it bears, and how many connections make half of that."""
    wrk(port, ENDPOINT, tokens, NGINX_ASKS, 3)
    most = wrk(port, ENDPOINT, tokens, NGINX_ASKS, 5)["per_second"]
    connections = max(CONNECTIONS, round(most / 2 * 0.0012))
    for _ in range(3):
        found = paced(port, tokens, connections, 3)["per_second"]
        connections = max(1, round(connections * (most / 2) / found))
    return most, connections


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/soak.sh")
    parser.add_argument("minutes", type=int)
    parser.add_argument("results", type=Path)
    parser.add_argument("--command", type=Path, required=True)
    parser.add_argument("--tools", type=Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        provider = Provider(folder, options.tools)
        provider.rotate()
        port, admin, file = free_port(), free_port(), folder / "gateway.toml"
        file.write_text(configuration(port, admin, provider, "first"))
        server = Server([str(options.command), "serve", str(file)], port)
        try:
            soak(options, provider, server, file, admin)
        finally:
            server.kill()


def soak(options: argparse.Namespace, provider: Provider, server: Server, file: Path, admin: int) -> None:
    most, connections = calibrate(server.port, provider.tokens)
    say(f"it bears {most:,.0f} decisions/s; half of that with {connections} connections")
    memory = Memory(server)
    segments, reloads = [], 0
    until = time.monotonic() + options.minutes * 60
    while time.monotonic() < until:
        seconds = max(1, min(SEGMENT, round(until - time.monotonic())))
        found = paced(server.port, provider.tokens, connections, seconds)
        segments.append({**found, "seconds": seconds})
        size = memory.samples[-1][1] if memory.samples else 0
        say(
            f"minute {sum(one['seconds'] for one in segments) / 60:.0f} of {options.minutes}: "
            f"{found['per_second']:,.0f}/s, {found['errors']:.0f} errors, {size:.1f} MiB"
        )
        if len(segments) % GENERATION == 0:
            provider.rotate()
        if len(segments) % GENERATION == 2:
            reloads += 1
            file.write_text(configuration(server.port, admin, provider, f"reload {reloads}"))
            server.signal(signal.SIGHUP)
    memory.stop()
    report(options, provider, memory, segments, most, reloads)


def report(
    options: argparse.Namespace,
    provider: Provider,
    memory: Memory,
    segments: list[dict[str, float]],
    most: float,
    reloads: int,
) -> None:
    requests = sum(one["per_second"] * one["seconds"] for one in segments)
    errors = sum(one["errors"] for one in segments)
    kept = [size for _, size in memory.after_warm_up()]
    slope, rate = memory.slope(), requests / sum(one["seconds"] for one in segments)
    is_flat = abs(slope) < 1
    rows = [
        ("minutes", f"{sum(one['seconds'] for one in segments) / 60:.0f}"),
        ("requests", f"{requests:,.0f}"),
        ("requests a second", f"{rate:,.0f}, {rate / most:.0%} of the most that it bears"),
        ("answers that are no 2xx, or none", f"{errors:.0f}"),
        ("keys that signed the tokens, one after the other", f"{provider.number}"),
        ("reloads", f"{reloads}"),
        ("memory after the warm-up, MiB", f"{min(kept):.1f} to {max(kept):.1f}" if kept else "not sampled"),
        ("its slope, MiB an hour", f"{slope:+.2f}"),
        ("verdict", "holds" if is_flat and not errors else "**misses**"),
    ]
    note = f"`bench/soak.sh {options.minutes}`, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores: `{PATH}` asked about as nginx asks."
    lines = ["# The gateway for a long time", "", note, "", "| | |", "| --- | --- |"]
    text = "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows)]) + "\n"
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "soak.md").write_text(text)
    found = {"note": note, "rows": dict(rows), "segments": segments, "memory": memory.samples}
    (options.results / "soak.json").write_text(json.dumps(found) + "\n")
    print(text)
    if errors or not is_flat:
        sys.exit(1)


if __name__ == "__main__":
    main()
