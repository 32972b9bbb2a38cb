"""The commands of the patterns' pages, run as they stand there, but on a port and a data folder of the test's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import harness
import pytest
from docs import pages

BLOCK = re.compile(r"^```sh\npatternapp dev (?P<app>\S+)\n(?P<rest>.*?)^```$", re.MULTILINE | re.DOTALL)
PATTERNS = [page for page in sorted((pages.ROOT / "docs" / "patterns").glob("*.md")) if page.stem != "README"]
WITHIN = 60


@pytest.mark.parametrize("page", PATTERNS, ids=lambda page: page.stem)
def test_the_commands_of_a_page_succeed_one_after_the_other(page: Path, tmp_path: Path) -> None:
    block = BLOCK.search(page.read_text())
    assert block is not None
    app = (pages.ROOT / block["app"]).parent
    dev = harness.Dev(shutil.copytree(app, tmp_path / "app", ignore=shutil.ignore_patterns(".*", "__pycache__")))
    try:
        dev.start("--no-reload")
        for command in block["rest"].splitlines():
            assert run(command, dev) == 0, f"{command}\n{dev.log()}"
    finally:
        dev.close()


def run(command: str, dev: harness.Dev) -> int:
    """The exit code of a command that somebody runs who did `. .venv/bin/activate`."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PATTERNAPP_URL": f"http://127.0.0.1:{dev.port}",
    }
    here = command.replace("http://127.0.0.1:8700", environment["PATTERNAPP_URL"])
    return subprocess.run(["bash", "-c", here], cwd=dev.folder, env=environment, timeout=WITHIN, check=False).returncode
