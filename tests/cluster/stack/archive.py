"""An image of one program, as `ctr images import` takes it: Docker's archive, one layer, the program and time zones.

What holds here: the same program makes the same bytes, and no file is written.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NOBODY = "65532"
_ZONES = "/zoneinfo.zip"
"""Where a program of Go finds time zones, as the images of Knative's releases have them too."""
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Files:
    """What goes into an image: a program that needs no library, and Go's archive of time zones."""

    program: Path
    zones: Path


def entry(name: str) -> str:
    """Where a program lies in its image."""
    return f"/{name}"


def write(files: Files, *, name: str, reference: str, out: IO[bytes]) -> None:
    """Write the image of a program, which runs as nobody by default."""
    layer = _layer({entry(name): files.program, _ZONES: files.zones})
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": _MACHINES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Entrypoint": [entry(name)], "Env": [f"ZONEINFO={_ZONES}"], "User": _NOBODY},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()
    config_file = f"{hashlib.sha256(config).hexdigest()}.json"
    layer_file = f"{digest}/layer.tar"
    manifest = json.dumps([{"Config": config_file, "RepoTags": [reference], "Layers": [layer_file]}]).encode()
    with tarfile.open(fileobj=out, mode="w|") as archive:
        for path, content in ((layer_file, layer), (config_file, config), ("manifest.json", manifest)):
            _add(archive, path, content)


def _layer(files: Mapping[str, Path]) -> bytes:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        for place, file in files.items():
            _add(archive, place.lstrip("/"), file.read_bytes())
    return layer.getvalue()


def _add(archive: tarfile.TarFile, path: str, content: bytes) -> None:
    member = tarfile.TarInfo(path)
    member.size = len(content)
    member.mode = 0o755
    archive.addfile(member, io.BytesIO(content))
