"""scripts/sbom.py: the list is of the format, and says what is linked and nothing else."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("sbom") / "new/folder.json")


def written(file: Path, *options: str) -> str:
    subprocess.run([ROOT / "scripts/sbom.py", *options, file], check=True, capture_output=True)
    return file.read_text(encoding="utf-8")


def test_the_list_is_of_the_format(text: str) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_5)
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"library"', '"libary"')) is not None


def test_what_is_linked_is_in_it_and_what_is_not_is_not(text: str) -> None:
    components = json.loads(text)["components"]
    names = {component["name"] for component in components}
    assert {"requires-auth", "requires-auth-testkit", "aws-lc-sys", "rustls", "tokio"} <= names
    # A feature that is off, tests, macros, and the gateway's tests alone.
    assert not names & {"ring", "openssl", "criterion", "proptest", "syn", "serde_derive", "tonic"}
    for component in components:
        assert component["licenses"], component
        ours = component["name"].startswith("requires-auth")
        assert ("hashes" in component) != ours, component


def test_each_reference_is_to_something_in_it(text: str) -> None:
    bill = json.loads(text)
    known = {component["bom-ref"] for component in [*bill["components"], bill["metadata"]["component"]]}
    assert {entry["ref"] for entry in bill["dependencies"]} == known
    used = {name for entry in bill["dependencies"] for name in entry["dependsOn"]}
    assert used == known - {bill["metadata"]["component"]["bom-ref"]}


def test_nothing_of_the_machine_is_in_it(text: str) -> None:
    assert not re.search(rf"file:|{re.escape(str(ROOT))}", text)


def test_the_python_package_has_a_list_of_its_own(tmp_path: Path) -> None:
    text = written(tmp_path / "python.json", "--python")
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    bill = json.loads(text)
    assert bill["metadata"]["component"]["name"] == "requires-auth-python"
    names = {component["name"] for component in bill["components"]}
    assert {"requires-auth", "pyo3", "aws-lc-sys"} <= names
    assert not names & {"ring", "clap", "requires-auth-cli"}
