"""The workflows call scripts that exist, may do no more than they need, and give nobody else a token."""

import os
import re
import unittest
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
# What a job may ask for beyond reading the repository, and why it says so beside it.
PERMISSIONS = {"contents", "id-token", "attestations", "packages"}
# Scripts that are being written.
COMING = {f"scripts/{name}.sh" for name in ("dist", "try-dist", "image", "try-image", "push-image", "sbom")}


class Workflows(unittest.TestCase):
    def each(self) -> list[str]:
        self.assertEqual([path.name for path in WORKFLOWS], ["release.yml", "test.yml"])
        return [path.read_text(encoding="utf-8") for path in WORKFLOWS]

    def test_each_script_that_is_called_is_there_and_runs(self) -> None:
        for text in self.each():
            scripts = set(re.findall(r"\bscripts/[a-z-]+\.\w+", text))
            self.assertGreater(len(scripts), 1)
            for script in scripts - COMING:
                self.assertTrue(os.access(ROOT / script, os.X_OK), script)

    def test_a_job_may_only_read_unless_it_says_otherwise(self) -> None:
        for text in self.each():
            self.assertIn("\npermissions:\n  contents: read\n", text)
            for block in re.findall(r"^    permissions:\n((?:      .*\n)+)", text, re.MULTILINE):
                names = {line.split(":")[0].strip() for line in block.splitlines()}
                self.assertLessEqual(names, PERMISSIONS)
            self.assertNotIn("write-all", text)
            self.assertNotIn("pull_request_target", text)

    def test_a_checkout_leaves_no_token_behind(self) -> None:
        for text in self.each():
            kept = re.findall(r"actions/checkout@v\d+\n(?!        with:\n          persist-credentials: false\n)", text)
            self.assertEqual(kept, [])

    def test_text_from_outside_reaches_a_script_through_the_environment_alone(self) -> None:
        for text in self.each():
            for line in re.findall(r"run: (.*)", text):
                self.assertNotIn("${{", line)

    def test_actions_are_pinned(self) -> None:
        for text in self.each():
            for action, version in re.findall(r"uses: ([\w./-]+)@(\S+)", text):
                self.assertRegex(version, r"^(v\d+|release/v1|[0-9a-f]{40})$", action)

    def test_the_parts_of_the_tests_are_all_run(self) -> None:
        parts = re.search(r"PARTS=\(([^)]*)\)", (ROOT / "scripts/test.sh").read_text(encoding="utf-8"))
        matrix = re.search(r"part: \[([^\]]*)\]", (ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
        assert parts and matrix
        self.assertEqual(set(re.findall(r"\w+", matrix[1])), set(parts[1].split()))


if __name__ == "__main__":
    unittest.main()
