"""Blocks of shell: which of their commands run, with a development issuer beside them, and which are only known."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import settings
from blocks import ROOT, Block, blocks, parse

PATIENCE = 60
ISSUER_IN_PAGES = "http://127.0.0.1:9100"

SERVERS = ("issuer", "serve", "demo", "inspect")
"""Commands that stay until they are stopped: `serve` is checked instead, of the others the flags are looked at."""

ASKING = ("doctor", "conformance")
"""Commands that ask a server: it is not here, so their flags are looked at alone."""

HARMLESS = re.compile(r"(?:export |[A-Z_]+=|echo |mkdir -p |cat |touch |printf |openssl )")
"""What runs beside the command itself."""

INSTALLED = re.compile(
    r"""(?:sudo\ )?(?:
      pip\ install\ | cargo\ (?:add|install|run|test|bench|doc|build)\b | npm\ | npx\ | rustup\ |
      apt(?:-get)?\ | systemctl\ | install\ - | tar\ | cd\ | editor\ |
      nginx\b | caddy\ | traefik\ | envoy\ | haproxy\ | skopeo\ |
      docker\ | podman\ | kubectl\ | helm\ | git\ (?:clone|diff|apply)\ |
      flask\ | uvicorn\ | gunicorn\ | hypercorn\ | daphne\ | litestar\ | fastapi\ |
      pytest\b | django-admin\ | redis-server\b |
      python3?\ (?:-m\ (?:http\.server|pytest|venv|pip|flask|uvicorn)|manage\.py|app\.py|[\w/]+\.py)
    )""",
    re.VERBOSE,
)
"""What installs or starts something: it is known, and does not run here."""

ASKS_THIS_MACHINE = re.compile(
    r"(?:[A-Z]+=\$\()?curl (?:(?!https?://|--url ).)*'?\"?(?:http://)?(?:localhost|127\.0\.0\.1|\[::1\])[:/]"
)
CALL = re.compile(r"(?:^|[|;&(]\s*)requires-auth ((?:[^|;&<>()\n]|&(?=\S))+)")
SCRIPT = re.compile(r"(?:\./)?((?:scripts|bench|python|tests|examples)/[\w./-]+\.(?:sh|py))\b")


@dataclass(frozen=True)
class Issuer:
    """The development issuer that is beside the blocks."""

    url: str
    audience: str
    keys: str


@dataclass
class Done:
    """What became of the commands of a block."""

    ran: int = 0
    wrong: list[str] = field(default_factory=list)
    said: str = ""


def a_block(text: str) -> list[Block]:
    """A block with these commands, on a page of its own."""
    return parse("page.md", f"```sh\n{text}\n```\n")


def commands_of(block: Block) -> list[str]:
    """The commands of a block, each in one line. Of a console, those behind `$`."""
    lines = block.text.splitlines()
    if block.language == "console":
        lines = _typed(lines)
    commands: list[str] = []
    document = ""
    for line in lines:
        if document:
            commands[-1] += "\n" + line
            document = "" if line == document else document
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if commands and commands[-1].endswith("\\"):
            commands[-1] = commands[-1][:-1].rstrip() + " " + line.strip()
        else:
            commands.append(line.strip())
        if found := re.search(r"<<-? ?['\"]?(\w+)['\"]?$", line):
            document = found[1]
    return [_without_comment(command) for command in commands]


def _typed(lines: list[str]) -> list[str]:
    typed: list[str] = []
    for line in lines:
        if line.startswith("$ "):
            typed.append(line[2:])
        elif typed and typed[-1].endswith("\\"):
            typed.append(line)
    return typed


def _without_comment(command: str) -> str:
    return command if "\n" in command else re.sub(r"\s{1,}#\s.*$", "", command).rstrip()


def is_known(command: str) -> bool:
    """Whether a command may stand on a page: it runs here, or it is one that readers run."""
    if "\n" not in command and " && " in command:
        return all(is_known(part) for part in _parts(command))
    if script := SCRIPT.match(command):
        return (ROOT / script[1]).is_file()
    return bool(_runs(command) or INSTALLED.match(command) or ASKS_THIS_MACHINE.match(command))


def _parts(command: str) -> list[str]:
    return [command] if "\n" in command else [part.strip() for part in command.split(" && ")]


def _runs(command: str) -> bool:
    return command.startswith("requires-auth ") or bool(
        HARMLESS.match(command) and not re.search(r"\bcurl\b|\brm\b|http\.server", command)
    )


def flags_that_are_not_there(command: str, program: str) -> list[str]:
    """The flags of a call of `requires-auth` that its help does not name."""
    wrong = []
    for call in CALL.findall(command):
        try:
            words = shlex.split(call)
        except ValueError:
            words = call.split()
        names = [word for word in words[:2] if re.fullmatch(r"[a-z-]+", word)]
        known = help_of(program, tuple(names)) or help_of(program, tuple(names[:1]))
        wrong += [
            flag
            for flag in (word.split("=")[0] for word in words if word.startswith("--") and word != "--")
            if not re.search(rf"(?<![\w-]){flag}(?![\w-])", known)
        ]
    return wrong


@cache
def help_of(program: str, names: tuple[str, ...]) -> str:
    """The help of a command; empty if there is no such command."""
    done = subprocess.run([program, *names, "--help"], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def run(block: Block, command: str, issuer: Issuer, folder: Path) -> Done:
    """Runs what may run of a block, in one shell."""
    done = Done()
    lines = [_here(part) for line in commands_of(block) for part in _parts(line) if _runs(part)]
    lines = [line for line in lines if line]
    done.ran = sum(line.startswith("requires-auth") or "$(requires-auth" in line for line in lines)
    if not done.ran:
        return done
    prepare(block, command, issuer, folder)
    script = ["exec 3>codes.txt"]
    for line in lines:
        script += [line.replace(ISSUER_IN_PAGES, issuer.url.removesuffix("/oidc")), "echo $? >&3"]
    shell = subprocess.run(
        ["sh", "-c", "\n".join(script)],
        cwd=folder,
        env=environment(issuer, folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    done.said = shell.stdout + shell.stderr
    codes = [int(code) for code in (folder / "codes.txt").read_text().split()]
    # 1 is a refusal, which a page may show; 2 is a mistake.
    done.wrong = [f"{line}: status {code}" for line, code in zip(lines, codes, strict=True) if code > 1]
    return done


def _here(line: str) -> str:
    """A command as it can run in a folder of a test; empty if it is one that would not end."""
    line = re.sub(r"\s*&$", "", line)
    line = re.sub(r"(?<=[ =<>'\"])/etc/", "etc/", line)
    line = re.sub(r"\| sh$", "| sh -n", line)
    words = line.split()
    if words[:1] == ["requires-auth"] and words[1] in SERVERS:
        if words[1] == "demo" and "--once" in words:
            return f"{line} --port 0 --issuer-port 0"
        if words[1] == "serve":
            files = [word for word in words[2:] if word.endswith(".toml")]
            return f"requires-auth check {files[0]}" if files else ""
        return ""
    if words[:1] == ["requires-auth"] and (words[1] in ASKING or "--admin" in words):
        return ""  # its flags are looked at: what it asks is not here
    return line


def prepare(block: Block, command: str, issuer: Issuer, folder: Path) -> None:
    """What the commands of a page find: the configuration that stands above them, keys, a token."""
    for name in ("etc/requires-auth", "etc/nginx/conf.d", "etc/haproxy", "bin"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    above = [
        settings.completed(other.text)
        for other in blocks("toml")
        if other.page == block.page and other.line < block.line and not settings.is_of_others(other)
    ]
    text = above[-1] if above else settings.ISSUER
    if "config emit" in block.text and "[forward_auth]" not in text:
        init = [command, "config", "init", "-", "--issuer", issuer.url, "--audience", issuer.audience]
        text = subprocess.run(init, capture_output=True, text=True, check=True).stdout
        text = text.replace('dialects = ["nginx"]', 'dialects = ["haproxy", "nginx"]')
    if "config init gateway.toml" not in block.text:
        for name in ("gateway.toml", "requires-auth.toml", "etc/requires-auth/gateway.toml"):
            settings.prepare(text, (folder / name).parent)
            (folder / name).write_text(settings.FILE_ELSEWHERE.sub(r'"\1"', text))
    (folder / "revoked.jsonl").touch()
    (folder / "keys.json").write_text(issuer.keys)
    wrapper = folder / "bin" / "requires-auth"
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in\n  token*--issuer*) ;;\n  token*) set -- "$@" --issuer {issuer.url} ;;\nesac\n'
        f'exec {shlex.quote(str(Path(command).resolve()))} "$@"\n'
    )
    wrapper.chmod(0o755)
    if not (folder / "token.txt").exists():
        made = subprocess.run([wrapper, "token", "--scope", "read:orders"], capture_output=True, text=True, check=True)
        (folder / "token.txt").write_text(made.stdout)


def environment(issuer: Issuer, folder: Path) -> dict[str, str]:
    """The environment of the commands of a page."""
    return {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "REQUIRES_AUTH_ISSUER": issuer.url,
        "REQUIRES_AUTH_AUDIENCE": issuer.audience,
        "TOKEN": (folder / "token.txt").read_text().strip(),
        **dict.fromkeys(settings.SECRETS, settings.SECRET),
    }
