"""Images of one program, as a container runtime reads them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest
from cluster.stack import archive

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> archive.Files:
    program, zones = tmp_path / "program", tmp_path / "zones.zip"
    program.write_bytes(b"program")
    zones.write_bytes(b"zones")
    return archive.Files(program, zones)


def written(files: archive.Files) -> bytes:
    out = io.BytesIO()
    archive.write(files, name="it", reference="dev.local/it:1", out=out)
    return out.getvalue()


def contents(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        members = {member.name: opened.extractfile(member) for member in opened}
        return {name: file.read() for name, file in members.items() if file is not None}


def test_the_manifest_names_the_reference_and_files_that_are_there(files: archive.Files) -> None:
    found = contents(written(files))

    (manifest,) = json.loads(found["manifest.json"])

    assert manifest["RepoTags"] == ["dev.local/it:1"]
    assert {manifest["Config"], *manifest["Layers"]} < found.keys()


def test_the_configuration_names_the_layer_by_its_digest(files: archive.Files) -> None:
    found = contents(written(files))
    (manifest,) = json.loads(found["manifest.json"])
    config = json.loads(found[manifest["Config"]])
    (layer,) = manifest["Layers"]

    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(found[layer]).hexdigest()}"]


def test_the_program_lies_where_it_is_started_from(files: archive.Files) -> None:
    found = contents(written(files))
    (manifest,) = json.loads(found["manifest.json"])
    config = json.loads(found[manifest["Config"]])
    layer = contents(found[manifest["Layers"][0]])

    assert config["config"]["Entrypoint"] == ["/it"]
    assert layer == {"it": b"program", "zoneinfo.zip": b"zones"}


def test_nobody_runs_it(files: archive.Files) -> None:
    found = contents(written(files))
    (manifest,) = json.loads(found["manifest.json"])

    assert json.loads(found[manifest["Config"]])["config"]["User"] == "65532"


def test_the_same_program_makes_the_same_bytes(files: archive.Files) -> None:
    assert written(files) == written(files)
