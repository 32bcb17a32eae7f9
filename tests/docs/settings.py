"""Blocks of TOML: which program reads them, and what has to be there so that it can."""

from __future__ import annotations

import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from blocks import Block

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10, where pytest brings it
    import tomli as tomllib

ISSUER = '\n[issuers.main]\nissuer = "https://login.example.com"\naudience = "https://api.example.com"\n'
"""What a fragment without an issuer is completed with."""

PUBLIC_URL = 'public_url = "https://api.example.com"\n'

SECRETS = ("ORDERS_API_SECRET", "REDIS_PASSWORD", "DPOP_NONCE_SECRET", "ADMIN_TOKEN", "REQUIRES_AUTH_ADMIN_TOKEN")
"""The variables that pages name for a secret."""
SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

OF_OTHERS = {"dependencies", "dev-dependencies", "project", "tool", "package", "features"}
"""Tables of `Cargo.toml` and of `pyproject.toml`."""

FILE_ELSEWHERE = re.compile(r'"/((?:var|etc|run|srv)/[^"]*)"')
FILE = re.compile(r'"([\w./-]+\.(?:jsonl|pem|crt|key)|[\w.-]*-token|(?:var|etc|run|srv)/[^"]*)"')


def is_of_others(block: Block) -> bool:
    """Whether the block is of the file of a build tool; that it is TOML is all that is looked at."""
    return bool(OF_OTHERS & tomllib.loads(block.text).keys())


def completed(text: str) -> str:
    """A fragment with what it leaves out: an issuer, and what other settings stand on."""
    tables = tomllib.loads(text)
    if "issuers" not in tables and "issuer" not in tables and "provider" not in tables and "resources" not in tables:
        text += ISSUER
    if "dpop" in tables and "public_url" not in tables:
        text = PUBLIC_URL + text
    return text


def check(command: str, text: str, folder: Path, name: str = "gateway.toml") -> subprocess.CompletedProcess[str]:
    """Runs `requires-auth check` on a configuration, in a folder that has the files that pages name."""
    text = FILE_ELSEWHERE.sub(r'"\1"', text)
    prepare(text, folder)
    path = folder / name
    path.write_text(text)
    environment = {"PATH": "/usr/bin:/bin", **dict.fromkeys(SECRETS, SECRET)}
    return subprocess.run(
        [command, "check", path], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def prepare(text: str, folder: Path) -> None:
    """The files that a configuration names."""
    for name in FILE.findall(text):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        certificate, key = a_certificate()
        if name.endswith((".pem", ".crt", ".key")):
            path.write_text(key if "key" in path.stem else certificate)
        else:
            path.write_text("" if name.endswith(".jsonl") else f"{SECRET}\n")


@cache
def a_certificate() -> tuple[str, str]:
    """A certificate and its key, in PEM."""
    with tempfile.TemporaryDirectory() as folder:
        made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
        command = [*made.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return (Path(folder) / "cert.pem").read_text(), (Path(folder) / "key.pem").read_text()
