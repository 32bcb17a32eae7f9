"""scripts/release.sh, on a copy of the tree: what it changes, and what it refuses."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEXT = "0.9.0"
DAY = "2031-02-03"
TOOLS = "0.0.0"  # the version of what is never released
CHANGELOG = """# Changelog

About it.

## Unreleased

### Added

- A new thing.

## 0.0.9 - 2020-01-01

- An old thing.
"""


def listed() -> list[str]:
    """Manifests, lock files, pages, and the sources that cargo looks for: all that a version concerns."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    ends = (".toml", ".lock", ".md", ".rs", ".sh", ".yaml", ".yml")
    return [path for path in listed if path.endswith(ends) and (ROOT / path).is_file()]


class Copy:
    """A copy of the tree, in a repository of its own, with a changelog that is known."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name in listed():
            copy = path / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy)
        (path / "CHANGELOG.md").write_text(CHANGELOG)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("a copy")
        self.present = self.release("--version").stdout.strip()

    def git(self, *arguments: str) -> str:
        person = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        command = ["git", "-C", str(self.path), *person, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self, message: str) -> None:
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message", message)

    def release(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = ["env", f"RELEASE_DATE={DAY}", str(self.path / "scripts/release.sh"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def refused(self, why: str, *arguments: str) -> None:
        run = self.release(*arguments)
        assert run.returncode == 2, run.stdout + run.stderr
        assert why in run.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_a_release_changes_the_version_wherever_it_stands(tree: Copy) -> None:
    (tree.path / "docs/image.md").write_text(f"requires-auth:{tree.present} and requires-auth:{tree.present}1\n")
    tree.commit("a page that names an image")
    run = tree.release(NEXT)
    assert run.returncode == 0, run.stdout + run.stderr
    root, python = (tree.path / "Cargo.toml").read_text(), (tree.path / "python/Cargo.toml").read_text()
    for manifest in (root, python):
        assert re.findall(r'^version = "(.*)"$', manifest, re.MULTILINE) == [NEXT]
        assert re.findall(r'^requires-auth.*path = .*version = "(.*?)"', manifest, re.MULTILINE) == [NEXT] * 2
    before = (ROOT / "Cargo.toml").read_text()
    assert others(root) == others(before)
    locks = tree.git("ls-files", "*Cargo.lock").split()
    assert len(locks) > 4
    for lock in locks:
        found = re.findall(
            r'^name = "requires-auth.*"\nversion = "(.*)"$', (tree.path / lock).read_text(), re.MULTILINE
        )
        # A server that is guarded by another library has nothing of ours.
        expected = set() if lock.startswith("tests/conformance/") else {NEXT}
        assert set(found) - {TOOLS} == expected, lock
    page = (tree.path / "docs/image.md").read_text()
    assert page == f"requires-auth:{NEXT} and requires-auth:{tree.present}1\n"
    assert tree.release("--version").stdout.strip() == NEXT


def test_the_changelog_gets_a_section_and_the_notes_are_that_section(tree: Copy) -> None:
    run = tree.release(NEXT)
    changelog = (tree.path / "CHANGELOG.md").read_text()
    assert changelog == CHANGELOG.replace("## Unreleased\n", f"## Unreleased\n\n## {NEXT} - {DAY}\n")
    assert "- A new thing." in run.stdout
    assert "- An old thing." not in run.stdout
    assert tree.release("--notes", NEXT).stdout == "### Added\n\n- A new thing.\n"
    assert tree.release("--holds", f"v{NEXT}").returncode == 0
    tree.refused(f"the manifests have {NEXT}", "--holds", "v0.0.9")
    assert tree.release("--notes", "0.0.9").stdout == "- An old thing.\n"


def test_a_dry_run_says_the_same_and_changes_nothing(tree: Copy) -> None:
    run = tree.release(NEXT, "--dry-run")
    assert run.returncode == 0, run.stderr
    assert f'+version = "{NEXT}"' in run.stdout
    assert "- A new thing." in run.stdout
    assert tree.git("status", "--porcelain") == ""


def test_the_first_release_may_have_the_version_that_is_there(tree: Copy) -> None:
    run = tree.release(tree.present, "--dry-run")
    assert run.returncode == 0, run.stderr


def test_what_is_released_is_not_released_again(tree: Copy) -> None:
    tree.refused("0.0.9 is in CHANGELOG.md already", "0.0.9")
    tree.refused("older than", "0.0.8")
    tree.refused("older than", f"{tree.present}-rc.1")
    tree.git("tag", f"v{NEXT}")
    tree.refused(f"v{NEXT} is a tag already", NEXT)


def test_a_dirty_tree_and_an_empty_changelog_are_refused(tree: Copy) -> None:
    (tree.path / "new.txt").write_text("new")
    tree.refused("the tree is dirty", NEXT)
    (tree.path / "new.txt").unlink()
    (tree.path / "CHANGELOG.md").write_text(CHANGELOG.replace("### Added\n\n- A new thing.\n\n", ""))
    tree.commit("nothing is new")
    tree.refused("nothing is in CHANGELOG.md", NEXT)


def test_a_malformed_version_is_refused(tree: Copy) -> None:
    for version in ("0.2", "1.2.3.4", "01.2.3", "0.2.0-next", "0.2.0; true", "v0.2.0"):
        tree.refused("is not a version", version)
    tree.refused("scripts/release.sh VERSION", "latest")


def others(manifest: str) -> list[str]:
    """The lines that name other people's packages."""
    return [line for line in manifest.splitlines() if not line.startswith(("version", "requires-auth"))]
