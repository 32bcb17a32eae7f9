"""The workflows call scripts that exist, may do no more than they need, and give nobody else a token."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
# What a job may ask for beyond reading the repository, and why it says so beside it.
PERMISSIONS = {"contents", "id-token", "attestations", "packages"}


def each() -> list[str]:
    assert [path.name for path in WORKFLOWS] == ["release.yml", "test.yml"]
    return [path.read_text(encoding="utf-8") for path in WORKFLOWS]


def test_each_script_that_is_called_is_there_and_runs() -> None:
    for text in each():
        scripts = set(re.findall(r"\bscripts/[a-z-]+\.\w+", text))
        assert len(scripts) > 1
        for script in scripts:
            assert os.access(ROOT / script, os.X_OK), script


def test_a_job_may_only_read_unless_it_says_otherwise() -> None:
    for text in each():
        assert "\npermissions:\n  contents: read\n" in text
        for block in re.findall(r"^    permissions:\n((?:      .*\n)+)", text, re.MULTILINE):
            names = {line.split(":")[0].strip() for line in block.splitlines()}
            assert names <= PERMISSIONS
        assert "write-all" not in text
        assert "pull_request_target" not in text


def test_a_checkout_leaves_no_token_behind() -> None:
    for text in each():
        kept = re.findall(r"actions/checkout@v\d+\n(?!        with:\n          persist-credentials: false\n)", text)
        assert kept == []


def test_text_from_outside_reaches_a_script_through_the_environment_alone() -> None:
    for text in each():
        for line in re.findall(r"run: (.*)", text):
            assert "${{" not in line


def test_actions_are_pinned() -> None:
    for text in each():
        for action, version in re.findall(r"uses: ([\w./-]+)@(\S+)", text):
            assert re.search(r"^(v\d+|release/v1|[0-9a-f]{40})$", version), action


def test_the_parts_of_the_tests_are_all_run() -> None:
    parts = re.search(r"PARTS=\(([^)]*)\)", (ROOT / "scripts/test.sh").read_text(encoding="utf-8"))
    matrix = re.search(r"part: \[([^\]]*)\]", (ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    assert parts
    assert matrix
    assert set(re.findall(r"\w+", matrix[1])) == set(parts[1].split())


def test_every_lock_file_is_checked() -> None:
    """Each workspace has one: cargo-deny looks at those that it is told of."""
    script = (ROOT / "scripts/supply-chain.sh").read_text(encoding="utf-8")
    lists = re.findall(r"^readonly (?:SHIPPED|TOOLS)=\(([^)]*)\)", script, re.MULTILINE)
    told = [Path(workspace) for listed in lists for workspace in listed.split()]
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "*Cargo.lock"], check=True, capture_output=True, text=True
    ).stdout.split()
    assert sorted(told) == sorted(Path(lock).parent for lock in tracked)
