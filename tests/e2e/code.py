"""Functions whose Python is in the test that looks at them, on the image of the shop's."""

from __future__ import annotations

import textwrap
from typing import Any

_START = """
import os, pathlib
pathlib.Path("/tmp/own.py").write_text(os.environ["CODE"])
os.environ["PYTHONPATH"] = os.pathsep.join((os.getcwd(), os.environ.get("PYTHONPATH", "")))
os.chdir("/tmp")
os.execvp("patternapp", ["patternapp", "serve", "own:app"])
"""


def function(name: str, source: str, **more: Any) -> dict[str, Any]:
    """An entry of an app's `functions`: `source` is a module with a Receiver `app`; `more` are its other fields."""
    environment = [{"name": "CODE", "value": textwrap.dedent(source)}, *more.pop("env", ())]
    return {"name": name, "command": ["python", "-c", _START], "env": environment, **more}
