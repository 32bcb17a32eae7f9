#!/usr/bin/env python3
"""Writes a container image of the command, without a daemon: an OCI layout, and a file for `docker load`.

    scripts/image.py --command FILE --licences FILE --to FOLDER [--ca FILE]

The image has one layer: the command, the certificates of the authorities that this machine trusts, licences, and two
empty folders. The same files give the same image: the only time in it is SOURCE_DATE_EPOCH. scripts/image.sh calls it.
Needs Python 3.10 and nothing else.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

USER = 65532  # as in other images that have no root; a number, so that Kubernetes can see that it is not root
COMMAND = "/usr/bin/requires-auth"
CONFIGURATION = "/etc/requires-auth/gateway.toml"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
LICENCES = "/usr/share/doc/requires-auth/LICENSES-THIRD-PARTY"
STATE = "/var/lib/requires-auth"
SOURCE = "https://github.com/requires-auth/requires-auth"
REPOSITORY = "ghcr.io/requires-auth/requires-auth"


class Entry(NamedTuple):
    """A file of the layer, or a folder where there is no content."""

    path: str
    mode: int
    content: bytes | None = None
    owner: int = 0


def layer(entries: list[Entry], epoch: int) -> bytes:
    """A tar archive of them, and of the folders that they are in."""
    by_path = {entry.path: entry for entry in entries}
    for entry in entries:
        for parent in Path(entry.path).parents:
            if parent != Path("/"):
                by_path.setdefault(str(parent), Entry(str(parent), 0o755))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, entry in sorted(by_path.items()):
            member = tarfile.TarInfo(path.lstrip("/"))
            member.mode, member.mtime, member.uid, member.gid = entry.mode, epoch, entry.owner, entry.owner
            if entry.content is None:
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            else:
                member.size = len(entry.content)
                tar.addfile(member, io.BytesIO(entry.content))
    return archive.getvalue()


def labels(version: str, revision: str, created: str) -> dict[str, str]:
    """What is said of an image: in its configuration, and beside its manifest."""
    values = {
        "title": "requires-auth",
        "description": "Access-token guard for APIs: a gateway behind or in place of a proxy",
        "version": version,
        "revision": revision,
        "created": created,
        "source": SOURCE,
        "url": SOURCE,
        "documentation": f"{SOURCE}/blob/main/docs/containers.md",
        "licenses": "MIT OR Apache-2.0",
    }
    return {f"org.opencontainers.image.{name}": value for name, value in values.items() if value}


def configuration(version: str, revision: str, created: str, diff: str) -> dict:
    """How the command in the image is started; `diff` is the digest of the layer before it was compressed."""
    return {
        "created": created,
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "Env": ["PATH=/usr/bin"],
            "Entrypoint": [COMMAND],
            "Cmd": ["serve", CONFIGURATION],
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
            "Labels": labels(version, revision, created),
        },
        "rootfs": {"type": "layers", "diff_ids": [diff]},
        "history": [{"created": created, "created_by": "scripts/image.sh"}],
    }


class Layout:
    """An OCI layout: files by their digest, and an index that names the first one to read."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"oci-layout": as_json({"imageLayoutVersion": "1.0.0"})}

    def add(self, media_type: str, content: bytes) -> dict:
        """Adds a blob; returns what refers to it."""
        digest = hashlib.sha256(content).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


def as_json(value: object) -> bytes:
    """The same bytes for the same value."""
    return json.dumps(value, indent=1, sort_keys=True).encode()


def blob(descriptor: dict) -> str:
    """The file of what a descriptor refers to."""
    return f"blobs/sha256/{descriptor['digest'].partition(':')[2]}"


def image(entries: list[Entry], version: str, revision: str, epoch: int) -> dict[str, bytes]:
    """All files of the layout; `manifest.json` is for `docker load` of a Docker that does not read the rest."""
    created = datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    archive = layer(entries, epoch)
    diff = f"sha256:{hashlib.sha256(archive).hexdigest()}"
    kind = "application/vnd.oci.image"
    layout = Layout()
    config = layout.add(f"{kind}.config.v1+json", as_json(configuration(version, revision, created, diff)))
    packed = layout.add(f"{kind}.layer.v1.tar+gzip", gzip.compress(archive, compresslevel=9, mtime=0))
    manifest = layout.add(
        f"{kind}.manifest.v1+json",
        as_json(
            {
                "schemaVersion": 2,
                "mediaType": f"{kind}.manifest.v1+json",
                "config": config,
                "layers": [packed],
                "annotations": labels(version, revision, created),
            }
        ),
    )
    manifest |= {
        "platform": {"architecture": "amd64", "os": "linux"},
        "annotations": {"org.opencontainers.image.ref.name": version},
    }
    index = {"schemaVersion": 2, "mediaType": f"{kind}.index.v1+json", "manifests": [manifest]}
    layout.files["index.json"] = as_json(index)
    of_docker = {"Config": blob(config), "RepoTags": [f"{REPOSITORY}:{version}"], "Layers": [blob(packed)]}
    layout.files["manifest.json"] = as_json([of_docker])
    return layout.files


def write(files: dict[str, bytes], folder: Path, archive: Path, epoch: int) -> None:
    """Writes the files of a layout to a folder, and to an archive."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    archive.write_bytes(layer([Entry(f"/{name}", 0o644, content) for name, content in files.items()], epoch))


def main() -> None:
    """Makes one image, of the files that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", type=Path, required=True, help="the command, static")
    parser.add_argument("--licences", type=Path, required=True, help="the licences of what is linked into it")
    parser.add_argument("--to", type=Path, required=True, help="the folder to write `image` and the archive to")
    parser.add_argument("--ca", type=Path, default=Path(CERTIFICATES), help=f"certificates (PEM) [{CERTIFICATES}]")
    parser.add_argument("--revision", default="", help="the commit")
    arguments = parser.parse_args()
    said = subprocess.run([arguments.command, "--version"], check=True, capture_output=True, text=True).stdout
    version = said.split()[1]
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    entries = [
        Entry(COMMAND, 0o755, arguments.command.read_bytes()),
        Entry(CERTIFICATES, 0o644, arguments.ca.read_bytes()),
        Entry(LICENCES, 0o644, arguments.licences.read_bytes()),
        Entry(str(Path(CONFIGURATION).parent), 0o755),
        Entry(STATE, 0o700, owner=USER),
    ]
    files = image(entries, version, arguments.revision, epoch)
    write(files, arguments.to / "image", arguments.to / f"requires-auth-{version}-image.tar", epoch)


if __name__ == "__main__":
    main()
