"""What settings of the vectors need: introspection endpoints, each of which answers what its case says, and files."""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import tempfile
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        answer = _ANSWERS[int(self.path.removeprefix("/"))]
        if not asked.startswith(b"token=") or not self.headers["Authorization"].startswith("Basic "):
            answer = {"status": 418, "body": ""}
        body = answer["body"].encode()
        self.send_response(answer["status"])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # the name is that of the base class
        """Says nothing."""


_ANSWERS: list[dict[str, Any]] = []


@cache
def _server() -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _file_of(entries: list[dict[str, Any]]) -> Path:
    """A file with these entries, one in each line."""
    lines = "".join(f"{json.dumps(entry)}\n" for entry in entries)
    path = _folder() / f"{hashlib.sha256(lines.encode()).hexdigest()}.jsonl"
    path.write_text(lines)
    return path


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="requires-auth-vectors-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def settings_of(config: dict[str, Any]) -> dict[str, Any]:
    """The settings of a case: its endpoint is one on loopback that answers as it says, and its files are there."""
    settings = dict(config.get("settings", {}))
    if "answer" in config:
        _ANSWERS.append(config["answer"])
        endpoint = f"http://127.0.0.1:{_server().server_port}/{len(_ANSWERS) - 1}"
        settings["introspection"] = {**settings["introspection"], "endpoint": endpoint}
    if "revocations" in settings:
        settings["revocations"] = _file_of(settings["revocations"])
    if isinstance(settings.get("dpop"), dict):
        settings["dpop"] = dict(_in_python(*member) for member in settings["dpop"].items())
    return settings


def _in_python(name: str, value: Any) -> tuple[str, Any]:
    """A member of a table, which a case writes as a file has it."""
    if isinstance(value, dict):
        [(place, where)] = value.items()
        return f"{name}_{place}", where
    return name, int(value[:-1]) if name in ("max_age", "future") else value
