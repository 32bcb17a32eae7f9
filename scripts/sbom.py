#!/usr/bin/env python3
"""Writes what is in the command or the Python package: its crates, in the format CycloneDX 1.5 (an SBOM).

    scripts/sbom.py [FILE]             the command, by default into dist/requires-auth.cdx.json
    scripts/sbom.py --python [FILE]    the extension module, by default into target/python/requires-auth-python.cdx.json

In the list is what is linked for Linux, with the features that are on: no macros, no build scripts, no tests.
(cargo-cyclonedx was tried first: it lists packages of features that are off, such as a second implementation of
cryptography, and names folders of the machine.) The same sources give the same file: the only time in it is
SOURCE_DATE_EPOCH, or that of the last commit. Needs Python 3.10 and cargo.
"""

import json
import os
import re
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TARGET = "x86_64-unknown-linux-gnu"
REPOSITORY = "https://github.com/requires-auth/requires-auth"
LOCKED = re.compile(r'^name = "(.+)"\nversion = "(.+)"\n(?:source = ".*"\n)?(?:checksum = "(.+)"\n)?', re.MULTILINE)
LINE = re.compile(r"(\d+)(\S+) v(\S+)")


class Product(NamedTuple):
    """What a list is about."""

    package: str
    type: str
    workspace: Path
    file: Path


COMMAND = Product("requires-auth-cli", "application", ROOT, ROOT / "dist/requires-auth.cdx.json")
PYTHON = Product(
    "requires-auth-python", "library", ROOT / "python", ROOT / "target/python/requires-auth-python.cdx.json"
)


class Package(NamedTuple):
    """A package, as cargo names it."""

    name: str
    version: str

    @property
    def url(self) -> str:
        """Its package URL, which is also how the list refers to it."""
        return f"pkg:cargo/{self.name}@{self.version}"


def run(folder: Path, *command: str) -> str:
    """What a command prints in a folder."""
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout


def linked(product: Product) -> dict[Package, set[Package]]:
    """Each package that is linked, and those that it uses itself; the product is the first."""
    tree = run(
        product.workspace,
        *(
            "cargo",
            "tree",
            "--locked",
            "--package",
            product.package,
            "--edges",
            "normal,no-proc-macro",
            "--target",
            TARGET,
        ),
        *("--prefix", "depth"),
    )
    uses: dict[Package, set[Package]] = {}
    path: list[Package] = []
    for depth, name, version in LINE.findall(tree):
        package = Package(name, version)
        path[int(depth) :] = [package]
        uses.setdefault(package, set())
        if len(path) > 1:
            uses[path[-2]].add(package)
    return uses


def licences(workspace: Path) -> dict[Package, str]:
    """The licence of each package of the lock file, as an expression."""
    found = json.loads(run(workspace, "cargo", "metadata", "--format-version=1", "--locked"))["packages"]
    return {Package(package["name"], package["version"]): package["license"] or "" for package in found}


def checksums(workspace: Path) -> dict[Package, str]:
    """The SHA-256 of each package that comes from the registry."""
    text = (workspace / "Cargo.lock").read_text(encoding="utf-8")
    return {Package(name, version): checksum for name, version, checksum in LOCKED.findall(text)}


def component(package: Package, licence: str, checksum: str) -> dict[str, object]:
    """A package, as the format has it."""
    told: dict[str, object] = {
        "type": "library",
        "bom-ref": package.url,
        "name": package.name,
        "version": package.version,
        "purl": package.url,
    }
    if licence:
        # Packages from before 2018 have a slash where the standard has OR.
        told["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", licence)}]
    if checksum:
        told["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return told


def bill(product: Product, uses: dict[Package, set[Package]], epoch: int) -> dict[str, object]:
    """The whole list. Its serial number is made of what is in it, so that the same list has the same."""
    by_licence, by_checksum = licences(product.workspace), checksums(product.workspace)
    first, *others = uses
    told = [component(package, by_licence[package], by_checksum[package]) for package in [first, *sorted(others)]]
    told[0]["type"] = product.type
    told[0]["externalReferences"] = [{"type": "vcs", "url": REPOSITORY}]
    name = uuid.uuid5(uuid.NAMESPACE_URL, " ".join(package.url for package in sorted(uses)))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{name}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": told[0],
        },
        "components": told[1:],
        "dependencies": [
            {"ref": package.url, "dependsOn": sorted(used.url for used in uses[package])} for package in sorted(uses)
        ],
    }


def main() -> None:
    """Writes the list, and says how long it is."""
    arguments = sys.argv[1:]
    product = PYTHON if arguments[:1] == ["--python"] else COMMAND
    files = arguments[1:] if product is PYTHON else arguments
    if len(files) > 1 or any(name.startswith("-") for name in files):
        sys.exit(__doc__)
    file = Path(files[0]) if files else product.file
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or run(ROOT, "git", "log", "-1", "--format=%ct"))
    uses = linked(product)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(bill(product, uses, epoch), indent=1) + "\n", encoding="utf-8")
    print(f"{file}: {len(uses)} packages")


if __name__ == "__main__":
    main()
