"""Reads an OCI layout as a container engine does, and lays its files out in a folder."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path


class Image:
    """The one image of a layout. Each file is held against the digest and the size that it is named by."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        assert json.loads((folder / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
        (reference,) = json.loads((folder / "index.json").read_text())["manifests"]
        self.manifest = json.loads(self._blob(reference))
        assert self.manifest["mediaType"] == reference["mediaType"]
        self._file = json.loads(self._blob(self.manifest["config"]))
        assert self._file["architecture"] == reference["platform"]["architecture"]
        self.config = self._file["config"]

    def _blob(self, reference: dict) -> bytes:
        algorithm, _, digest = reference["digest"].partition(":")
        content = (self._folder / "blobs" / algorithm / digest).read_bytes()
        assert hashlib.new(algorithm, content).hexdigest() == digest
        assert len(content) == reference["size"]
        return content

    def unpack(self, root: Path) -> None:
        """Lays out the files; needs root, since they have owners."""
        differences = self._file["rootfs"]["diff_ids"]
        for layer, difference in zip(self.manifest["layers"], differences, strict=True):
            archive = gzip.decompress(self._blob(layer))
            assert f"sha256:{hashlib.sha256(archive).hexdigest()}" == difference
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                for member in tar:
                    assert not member.mode & 0o7000, f"{member.name} changes who runs it"
                    tar.extract(member, root, numeric_owner=True)
