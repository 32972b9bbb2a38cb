"""The real command line in a process that may take only so much memory and time.

What holds here: the limits are the kernel's, on memory and on the processor's time, so that a busy machine changes
nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MEMORY = 200 * 1024 * 1024
"""Bytes of its own that a command may have at most."""
SECONDS = 20
"""Of the processor's time; a command that loads everything takes about one."""
_LIMITED = f"""\
import os, resource, sys
resource.setrlimit(resource.RLIMIT_DATA, ({MEMORY}, {MEMORY}))
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
os.execv(sys.argv[1], sys.argv[1:])
"""
PATTERNAPP = f"{os.path.dirname(sys.executable)}/patternapp"  # noqa: PTH120 - a link is not to be followed


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: The exit code; negative where a signal ended it, such as that of the limit of time.
    """

    code: int
    out: str
    err: str


def patternapp(*arguments: object, folder: Path) -> Ended:
    """Run a command in a folder, without input."""
    command = [sys.executable, "-c", _LIMITED, PATTERNAPP, *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd=folder, check=False)
    return Ended(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
