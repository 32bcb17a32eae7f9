"""`bench/gateway.sh`: measures every subject in turn, round after round, and writes what came of it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from subjects import Absent, Bench, Subject, all_of, application

ALGORITHMS = ["RS256", "ES256", "ES384"]
TOKENS = 5_000

# What the gateway is held to: a ratio of two subjects for one algorithm, at least.
CLAIMS = [
    (
        "forward-auth over HTTP, warm / Envoy with its cache",
        "requires-auth, HTTP",
        "Envoy 1.40 jwt_authn, cache",
        "ES384",
        3.0,
    ),
    ("ES384, cache off / nginx-auth-jwt", "requires-auth, HTTP, cache off", "nginx-auth-jwt 0.14.2", "ES384", 3.0),
]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure(bench: Bench, algorithm: str, rounds: int, seconds: float) -> list[dict]:
    """The medians of each subject."""
    say(f"{algorithm}: minting {TOKENS} tokens")
    subprocess.run([bench.tools / "mint", algorithm, str(TOKENS), bench.folder], check=True)
    behind = application(bench)
    subjects: list[Subject] = []
    try:
        for start in all_of(bench, behind):
            try:
                subjects.append(start())
            except Absent as absent:
                say(f"{algorithm}: {absent} is missing, and not measured")
        for subject in subjects:
            # So that a cache has seen every token, and a connection its first request.
            warm_up = subject.ask(max(seconds, 6 if subject.is_warm else 1))
            if warm_up["errors"]:
                raise RuntimeError(f"{subject.name}: {warm_up['errors']} errors\n{subject.server.log()}")
        found: dict[str, list[dict]] = {subject.name: [] for subject in subjects}
        for number in range(rounds):
            for subject in subjects:
                answer = subject.ask(seconds)
                answer["memory_mib"] = subject.server.memory()
                found[subject.name].append(answer)
                say(f"{algorithm}, round {number + 1} of {rounds}: {subject.name}: {answer['per_second']:,.0f}/s")
        return [
            {
                "algorithm": algorithm,
                "subject": subject.name,
                **{key: statistics.median(one[key] for one in found[subject.name]) for key in found[subject.name][0]},
                "rounds": [one["per_second"] for one in found[subject.name]],
            }
            for subject in subjects
        ]
    finally:
        for subject in subjects:
            subject.server.kill()
        behind.kill()


def machine() -> str:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"


def table(rows: list[dict], claims: list[dict], note: str) -> str:
    """What people read."""
    lines = ["# The gateway beside its peers", "", note, ""]
    lines += ["| | ratio | at least | |", "| --- | --- | --- | --- |"]
    for claim in claims:
        verdict = "holds" if claim["holds"] else "**misses**"
        lines.append(f"| {claim['what']} | {claim['ratio']:.2f} | {claim['at_least']:.2f} | {verdict} |")
    for algorithm in ALGORITHMS:
        of_algorithm = [row for row in rows if row["algorithm"] == algorithm]
        lines += ["", f"## {algorithm}", ""]
        lines += [
            "| | decisions/s | p50 ms | p99 ms | memory MiB | errors |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for row in of_algorithm:
            lines.append(
                f"| {row['subject']} | {row['per_second']:,.0f} | {row['p50_ms']:.2f} | {row['p99_ms']:.2f} "
                f"| {row['memory_mib']:.0f} | {row['errors']:.0f} |"
            )
    return "\n".join(lines) + "\n"


def claimed(rows: list[dict]) -> list[dict]:
    rate = {(row["subject"], row["algorithm"]): row["per_second"] for row in rows}
    found = []
    for what, one, other, algorithm, at_least in CLAIMS:
        if (one, algorithm) in rate and (other, algorithm) in rate:
            ratio = rate[one, algorithm] / rate[other, algorithm]
            found.append({"what": what, "ratio": ratio, "at_least": at_least, "holds": ratio >= at_least})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/gateway.sh")
    parser.add_argument("results", type=Path)
    parser.add_argument("--command", type=Path, required=True)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        sys.exit("it needs two cores: one for the server and one for the load")
    rounds, seconds = (1, 1) if options.quick else (3, 4)
    started = time.monotonic()
    rows = []
    for algorithm in ALGORITHMS:
        with tempfile.TemporaryDirectory() as folder:
            # Apache's children are nobody's in particular.
            os.chmod(folder, 0o755)
            rows += measure(Bench(Path(folder), options.command, options.tools), algorithm, rounds, seconds)
    note = (
        f"`bench/gateway.sh{' --quick' if options.quick else ''}`, {time.strftime('%Y-%m-%d')}, {machine()}: one core for the "
        f"server, one for the load (wrk, 16 connections; for gRPC 16 streams of one), {TOKENS:,} different tokens in turn, "
        f"medians of {rounds} interleaved rounds of {seconds} s, {(time.monotonic() - started) / 60:.0f} minutes in all."
    )
    claims = claimed(rows)
    text = table(rows, claims, note)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "gateway.md").write_text(text)
    (options.results / "gateway.json").write_text(
        json.dumps({"note": note, "claims": claims, "rows": rows}, indent=1) + "\n"
    )
    print(text)


if __name__ == "__main__":
    main()
