"""scripts/release.sh, on a copy of the tree: what it changes, and what it refuses. `python3 -m unittest` runs it."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

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


class Release(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.mkdtemp(prefix="requires-auth-release-")
        self.addCleanup(shutil.rmtree, folder)
        self.tree = Path(folder)
        for path in self.listed():
            copy = self.tree / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, copy)
        (self.tree / "CHANGELOG.md").write_text(CHANGELOG)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("a copy")
        self.present = self.release("--version").stdout.strip()

    @staticmethod
    def listed() -> list[str]:
        """Manifests, lock files, pages, and the sources that cargo looks for: all that a version concerns."""
        command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        ends = (".toml", ".lock", ".md", ".rs", ".sh", ".yaml", ".yml")
        return [path for path in listed if path.endswith(ends) and (ROOT / path).is_file()]

    def git(self, *arguments: str) -> str:
        person = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        command = ["git", "-C", str(self.tree), *person, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self, message: str) -> None:
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message", message)

    def release(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = ["env", f"RELEASE_DATE={DAY}", str(self.tree / "scripts/release.sh"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def refused(self, why: str, *arguments: str) -> None:
        run = self.release(*arguments)
        self.assertEqual(run.returncode, 2, run.stdout + run.stderr)
        self.assertIn(why, run.stderr)

    def test_a_release_changes_the_version_wherever_it_stands(self) -> None:
        (self.tree / "docs/image.md").write_text(f"requires-auth:{self.present} and requires-auth:{self.present}1\n")
        self.commit("a page that names an image")
        run = self.release(NEXT)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        root, python = (self.tree / "Cargo.toml").read_text(), (self.tree / "python/Cargo.toml").read_text()
        for manifest in (root, python):
            self.assertEqual(re.findall(r'^version = "(.*)"$', manifest, re.MULTILINE), [NEXT])
            self.assertEqual(
                re.findall(r'^requires-auth.*path = .*version = "(.*?)"', manifest, re.MULTILINE), [NEXT] * 2
            )
        before = (ROOT / "Cargo.toml").read_text()
        self.assertEqual(self.others(root), self.others(before))
        locks = self.git("ls-files", "*Cargo.lock").split()
        self.assertGreater(len(locks), 4)
        for lock in locks:
            found = re.findall(
                r'^name = "requires-auth.*"\nversion = "(.*)"$', (self.tree / lock).read_text(), re.MULTILINE
            )
            self.assertEqual(set(found) - {TOOLS}, {NEXT}, lock)
        page = (self.tree / "docs/image.md").read_text()
        self.assertEqual(page, f"requires-auth:{NEXT} and requires-auth:{self.present}1\n")
        self.assertEqual(self.release("--version").stdout.strip(), NEXT)

    @staticmethod
    def others(manifest: str) -> list[str]:
        """The lines that name other people's packages."""
        return [line for line in manifest.splitlines() if not line.startswith(("version", "requires-auth"))]

    def test_the_changelog_gets_a_section_and_the_notes_are_that_section(self) -> None:
        run = self.release(NEXT)
        changelog = (self.tree / "CHANGELOG.md").read_text()
        self.assertEqual(changelog, CHANGELOG.replace("## Unreleased\n", f"## Unreleased\n\n## {NEXT} - {DAY}\n"))
        self.assertIn("- A new thing.", run.stdout)
        self.assertNotIn("- An old thing.", run.stdout)
        self.assertEqual(self.release("--notes", NEXT).stdout, "### Added\n\n- A new thing.\n")
        self.assertEqual(self.release("--holds", f"v{NEXT}").returncode, 0)
        self.refused(f"the manifests have {NEXT}", "--holds", "v0.0.9")
        self.assertEqual(self.release("--notes", "0.0.9").stdout, "- An old thing.\n")

    def test_a_dry_run_says_the_same_and_changes_nothing(self) -> None:
        run = self.release(NEXT, "--dry-run")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(f'+version = "{NEXT}"', run.stdout)
        self.assertIn("- A new thing.", run.stdout)
        self.assertEqual(self.git("status", "--porcelain"), "")

    def test_the_first_release_may_have_the_version_that_is_there(self) -> None:
        run = self.release(self.present, "--dry-run")
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_what_is_released_is_not_released_again(self) -> None:
        self.refused("0.0.9 is in CHANGELOG.md already", "0.0.9")
        self.refused("older than", "0.0.8")
        self.refused("older than", f"{self.present}-rc.1")
        self.git("tag", f"v{NEXT}")
        self.refused(f"v{NEXT} is a tag already", NEXT)

    def test_a_dirty_tree_and_an_empty_changelog_are_refused(self) -> None:
        (self.tree / "new.txt").write_text("new")
        self.refused("the tree is dirty", NEXT)
        (self.tree / "new.txt").unlink()
        (self.tree / "CHANGELOG.md").write_text(CHANGELOG.replace("### Added\n\n- A new thing.\n\n", ""))
        self.commit("nothing is new")
        self.refused("nothing is in CHANGELOG.md", NEXT)

    def test_a_malformed_version_is_refused(self) -> None:
        for version in ("0.2", "1.2.3.4", "01.2.3", "0.2.0-next", "0.2.0; true"):
            self.refused("is not a version", version)
        self.refused("scripts/release.sh VERSION", "v0.2.0")


if __name__ == "__main__":
    unittest.main()
