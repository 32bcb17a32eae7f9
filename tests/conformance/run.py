"""Starts each guard on loopback, judges it with `requires-auth conformance`, and holds the scores against the page.

    python run.py BINARY FOLDER

BINARY is requires-auth, FOLDER has the environments that scripts/conformance.sh makes. The page is docs/conformance.md.

The last line is `N passed, M failed, K skipped`.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "conformance.md"
BEGIN, END = "<!-- scores: written by WRITE_TABLE=1 scripts/conformance.sh -->\n", "<!-- end of scores -->\n"
FIRST_PORT = 18400


@dataclass
class Guard:
    """An API behind a guard, and how it is started."""

    name: str
    folder: pathlib.Path
    command: list[str]
    versions: list[str]
    is_ours: bool = False
    flags: list[str] = field(default_factory=list)
    note: str = ""

    def is_installed(self) -> bool:
        return pathlib.Path(self.command[0]).exists() or self.command[0] == "node"


def guards(folder: pathlib.Path) -> list[Guard]:
    def python(name: str, program: str) -> str:
        return str(folder / name / "bin" / program)

    def examples(name: str) -> Guard:
        example = str(ROOT / "python" / "examples" / f"{name}_app.py")
        return Guard(f"requires-auth in {name}", ROOT, [python("ours", "python"), example], ["ours"], is_ours=True)

    express, fastapi, flask, axum = (
        HERE / name for name in ("express", "fastapi-pyjwt", "flask-guide", "axum-jsonwebtoken")
    )
    return [
        *map(examples, ("flask", "fastapi", "django")),
        Guard(
            "express-oauth2-jwt-bearer in Express",
            express,
            ["node", "server.mjs"],
            of_npm(express, "express-oauth2-jwt-bearer", "express"),
        ),
        Guard(
            "PyJWT in FastAPI, after its tutorial",
            fastapi,
            [
                python("fastapi-pyjwt", "python"),
                "-m",
                "uvicorn",
                "main:app",
                "--log-level",
                "warning",
                "--port",
                "PORT",
            ],
            of_pip(fastapi, "PyJWT", "fastapi"),
        ),
        Guard(
            "python-jose in Flask, after Logto's guide",
            flask,
            [python("flask-guide", "python"), "-m", "waitress", "--listen", "127.0.0.1:PORT", "app:app"],
            of_pip(flask, "python-jose", "flask"),
            flags=["--alg", "ES384"],
        ),
        Guard(
            "jsonwebtoken in axum, after its README",
            axum,
            [str(folder / "axum-jsonwebtoken")],
            of_cargo(axum, "jsonwebtoken", "axum"),
            note="Its `Validation` can do more: `validate_nbf` and `set_required_spec_claims` mend some of these rows. "
            "Here are its defaults, with algorithm, audience and issuer.",
        ),
    ]


def of_npm(folder: pathlib.Path, *names: str) -> list[str]:
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    return [f"{name} {wanted[name]}" for name in names]


def of_pip(folder: pathlib.Path, *names: str) -> list[str]:
    lines = (folder / "requirements.txt").read_text().splitlines()
    versions = {line.split("==")[0].split("[")[0]: line.split("==")[1] for line in lines if "==" in line}
    return [f"{name} {versions[name]}" for name in names]


def of_cargo(folder: pathlib.Path, *names: str) -> list[str]:
    packages = (folder / "Cargo.lock").read_text().split("[[package]]")
    versions = {}
    for package in packages:
        lines = dict(line.split(" = ", 1) for line in package.splitlines() if " = " in line)
        if "name" in lines and "version" in lines:
            versions[lines["name"].strip('"')] = lines["version"].strip('"')
    return [f"{name} {versions[name]}" for name in names]


def judged(binary: str, guard: Guard, port: int) -> dict:
    """Starts a guard, and gives the report of the command about it."""
    issuer_port = port + 100
    settings = {"ISSUER": f"http://127.0.0.1:{issuer_port}/oidc", "AUDIENCE": "https://api.example.com"}
    ours = {f"REQUIRES_AUTH_{name}": value for name, value in settings.items()}
    environment = {**os.environ, **settings, **ours, "PORT": str(port), "NO_PROXY": "127.0.0.1"}
    if guard.is_ours:
        environment["PYTHONPATH"] = str(ROOT / "python")
    command = [part.replace("PORT", str(port)) if "PORT" in part else part for part in guard.command]
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch) / "report.json"
        judge = subprocess.Popen(
            [
                binary, "conformance", f"http://127.0.0.1:{port}/api/items", "--issuer-port", str(issuer_port),
                "--scope", "read:items", "--wait", "60", "--json", str(report), *guard.flags,
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        # The guard starts once the issuer is there: some fetch the keys at their start.
        announced = judge.stderr.readline()
        server = subprocess.Popen(
            command, cwd=guard.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            told = judge.communicate(timeout=120)[1]
        finally:
            server.kill()
            server.wait()
        if not report.exists():
            raise RuntimeError(f"{guard.name} was not judged: {announced}{told}")
        return json.loads(report.read_text())


def table(reports: list[tuple[Guard, dict]]) -> str:
    """The scores, and below them what is not right of each."""
    lines = ["", "| guard | versions | right | wrong | dangerous |", "| --- | --- | --- | --- | --- |"]
    for guard, report in reports:
        counts = " | ".join(str(report[grade]) for grade in ("right", "wrong", "dangerous"))
        lines.append(f"| {guard.name} | {', '.join(guard.versions)} | {counts} |")
    lines += [
        "",
        "What is not right, with its case. `requires-auth conformance URL --scope read:items --case NAME` sends the",
    ]
    lines += ["request to the API of the folder, once that runs, and prints the `curl` line that repeats it.", ""]
    for guard, report in reports:
        findings = [row for row in report["rows"] if row["grade"] != "right"]
        if not findings:
            continue
        flags = f" (with `{' '.join(guard.flags)}`)" if guard.flags else ""
        lines += [f"### {guard.name}", "", f"`--case NAME`{flags}:", ""]
        if guard.note:
            lines += [guard.note, ""]
        lines += ["| | section | case | what was sent, and what came back |", "| --- | --- | --- | --- |"]
        for row in sorted(findings, key=lambda row: row["grade"] != "dangerous"):
            rule = f"{row['rule']}, {row['level']}"
            lines.append(f"| {row['grade']} | {rule} | `{row['case']}` | {row['about']}: {row['what']} |")
        lines.append("")
    return "\n".join(lines) + "\n"


def main() -> int:
    binary, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    passed, failed, skipped, peers, is_complete = 0, 0, 0, [], True
    for index, guard in enumerate(guards(folder)):
        if not guard.is_installed():
            print(f"skipped  {guard.name}: it is not installed")
            skipped, is_complete = skipped + 1, False
            continue
        try:
            report = judged(binary, guard, FIRST_PORT + index)
        except RuntimeError as error:
            print(f"failed  {error}")
            failed, is_complete = failed + 1, False
            continue
        print(f"{report['right']} right, {report['wrong']} wrong, {report['dangerous']} dangerous  {guard.name}")
        if guard.is_ours:
            is_right = report["wrong"] == report["dangerous"] == 0
            passed, failed = passed + is_right, failed + (not is_right)
        else:
            peers.append((guard, report))
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    written, after = rest.split(END)
    found = table(peers)
    if os.environ.get("WRITE_TABLE") and is_complete:
        PAGE.write_text(before + BEGIN + found + END + after)
        passed += 1
    elif not is_complete:
        print("the table is not compared: not all guards were judged")
    elif found == written:
        passed += 1
    else:
        print("the table in docs/conformance.md differs: WRITE_TABLE=1 scripts/conformance.sh")
        failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
