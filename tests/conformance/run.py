"""Starts each guard on loopback, judges it with `requires-auth conformance`, and holds the scores against the page.

    python run.py BINARY FOLDER [NAME...]

BINARY is requires-auth, FOLDER has the environments that scripts/conformance.sh makes. The page is docs/conformance.md.
With names, only guards whose name has one of them are judged, each finding is printed, and the page is left alone.

The last line is `N passed, M failed, K skipped`.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from guards import ROOT, Guard, guards

PAGE = ROOT / "docs" / "conformance.md"
BEGIN, END = "<!-- scores: written by WRITE_TABLE=1 scripts/conformance.sh -->\n", "<!-- end of scores -->\n"
FIRST_PORT = 18400


def judged(binary: str, guard: Guard, port: int) -> dict:
    """Starts a guard, and gives the report of the command about it."""
    issuer_port = port + 100
    url = f"http://127.0.0.1:{port}{guard.path}"
    audience = url if guard.profile == "mcp" else "https://api.example.com"
    settings = {"ISSUER": f"http://127.0.0.1:{issuer_port}/oidc", "AUDIENCE": audience}
    ours = {f"REQUIRES_AUTH_{name}": value for name, value in settings.items()}
    settings["PORT"] = str(port)
    environment = {**os.environ, **settings, **ours, **guard.environment, "NO_PROXY": "127.0.0.1"}
    if guard.is_ours:
        environment["PYTHONPATH"] = str(ROOT / "python")
    command = guard.command
    for name, value in settings.items():
        command = [part.replace(f"{{{name.lower()}}}", value) for part in command]
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch) / "report.json"
        judge = subprocess.Popen(
            [
                binary, "conformance", url, "--issuer-port", str(issuer_port),
                "--wait", "60", "--json", str(report), *guard.asked(),
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
    lines = [
        "",
        "| guard | profile | versions | right | wrong | dangerous |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for guard, report in reports:
        counts = " | ".join(str(report[grade]) for grade in ("right", "wrong", "dangerous"))
        lines.append(f"| {guard.name} | `{guard.profile}` | {', '.join(guard.versions)} | {counts} |")
    lines += [
        "",
        "What is not right, with its case. The command above each table sends the request to the API of the folder,",
        "once that runs, and prints the `curl` line that repeats it.",
        "",
    ]
    for guard, report in reports:
        findings = [row for row in report["rows"] if row["grade"] != "right"]
        if not findings:
            continue
        lines += [
            f"### {guard.name}",
            "",
            f"`requires-auth conformance URL {' '.join(guard.asked())} --case NAME`:",
            "",
        ]
        if guard.note:
            lines += [guard.note, ""]
        lines += ["| | section | case | what was sent, and what came back |", "| --- | --- | --- | --- |"]
        for row in sorted(findings, key=lambda row: row["grade"] != "dangerous"):
            rule = f"{row['rule']}, {row['level']}"
            lines.append(f"| {row['grade']} | {rule} | `{row['case']}` | {row['about']}: {row['what']} |")
        lines.append("")
    return "\n".join(lines) + "\n"


def main() -> int:
    binary, folder, names = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:]
    passed, failed, skipped, peers, is_complete = 0, 0, 0, [], not names
    for index, guard in enumerate(guards(folder)):
        if names and not any(name in guard.name for name in names):
            continue
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
        for row in report["rows"] if names else []:
            if row["grade"] != "right":
                print(f"  {row['grade']}  {row['case']}  {row['rule']}  {row['about']}: {row['what']}")
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
