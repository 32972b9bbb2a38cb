"""KEDA without the scalers that no test needs: clients of clouds and databases are most of what it takes to build.

What holds here: what is left is KEDA's own code, unchanged but for the names of triggers that it no longer knows, and
for constants of files that went, which lie in one of their own.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = "github.com/kedacore/keda/v2"
SCALERS = frozenset({"cpu_memory", "cron", "external", "kafka", "postgresql", "rabbitmq", "redis", "redis_streams"})
"""What stays, as its file is named."""
_FOLDER = Path("pkg/scalers")
_BUILDER = Path("pkg/scaling/scalers_builder.go")
_FILE = re.compile(r"(\w+)_scaler(?:_test)?\.go")
_CASE = re.compile(r'\tcase "[^"]+"(?:, "[^"]+")*:\n\t\treturn scalers\.(\w+)\(.*\n(?:\t\t.*\n)*')
_SHARED = re.compile(r"^\t(externalMetricType +=.*)$", re.MULTILINE)
"""What a file that goes defines for files that stay."""
_MADE = re.compile(r"^func (New\w+)\(", re.MULTILINE)


@contextlib.contextmanager
def trimmed(module: Path) -> Iterator[tuple[str, ...]]:
    """What `go build` is told in the folder of a module so that it takes KEDA without other scalers."""
    with tempfile.TemporaryDirectory(prefix="keda-") as name:
        folder = Path(name)
        trim(_source(module), folder / "keda")
        for file in ("go.mod", "go.sum"):
            shutil.copy(module / file, folder)
        with (folder / "go.mod").open("a") as text:
            text.write(f"\nreplace {MODULE} => {folder / 'keda'}\n")
        yield (f"-modfile={folder / 'go.mod'}",)


def trim(source: Path, place: Path) -> None:
    """Copy KEDA's module to a place without the other scalers."""
    shutil.copytree(source, place, copy_function=shutil.copy, ignore=shutil.ignore_patterns("*_test.go", "tests"))
    for path in (place, *place.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # those of a module may only be read
    gone = [file for file in (place / _FOLDER).glob("*.go") if not _stays(file)]
    shared = [f"const {line}\n" for file in gone for line in _SHARED.findall(file.read_text())]
    (place / _FOLDER / "shared.go").write_text("\n".join(["package scalers\n", *shared]))
    for file in gone:
        file.unlink()
    made = {name for file in (place / _FOLDER).glob("*.go") for name in _MADE.findall(file.read_text())}
    builder = place / _BUILDER
    builder.write_text(_CASE.sub(lambda case: case[0] if case[1] in made else "", builder.read_text()))


def _stays(file: Path) -> bool:
    named = _FILE.fullmatch(file.name)
    return named is None or named[1] in SCALERS


def _source(module: Path) -> Path:
    command = ("go", "mod", "download", "-json", MODULE)
    answer = subprocess.run(command, cwd=module, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise subprocess.CalledProcessError(answer.returncode, command, stderr=answer.stdout + answer.stderr)
    return Path(json.loads(answer.stdout)["Dir"])
