"""The parts of pages that are made from files of this tree, between ``<!-- WHAT FILE -->`` and ``<!-- end -->``.

``make golden`` (``python -m docs.pages`` in `tests`) writes them anew; read the difference before you keep it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import table

from patternapp import errors
from patternapp.plan import compile as compiler
from patternapp.plan import graph
from patternapp.render import capabilities, objects
from patternapp.spec import load

if TYPE_CHECKING:
    from patternapp.plan.model import Plan

ROOT = Path(__file__).parents[2]
_PART = re.compile(r"^<!-- (?P<what>\w+) (?P<file>\S+) -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)
_LANGUAGES = {".py": "python", ".yaml": "yaml"}


def pages() -> list[Path]:
    """The pages that have such parts."""
    return [page for page in sorted((ROOT / "docs").rglob("*.md")) if _PART.search(page.read_text())]


def filled(page: Path) -> str:
    """The page's text with every part made anew."""
    return _PART.sub(_part, page.read_text())


def files(page: Path) -> list[str]:
    """The files that a page's parts are made from."""
    return [match["file"] for match in _PART.finditer(page.read_text())]


def _part(match: re.Match[str]) -> str:
    made = _MAKERS[match["what"]](ROOT / match["file"])
    return f"<!-- {match['what']} {match['file']} -->\n{made}\n<!-- end -->"


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _text(file: Path) -> str:
    """A file as it is, but for the comment that tells editors its schema."""
    lines = file.read_text().splitlines()
    return _fenced(_LANGUAGES[file.suffix], "\n".join(line for line in lines if "yaml-language-server" not in line))


def _graph(file: Path) -> str:
    return _fenced("mermaid", graph.mermaid(_plan(file)))


def _objects(file: Path) -> str:
    """What an app becomes on a cluster: every object's name, by kind."""
    names: dict[str, list[str]] = {}
    for item in objects.render(_plan(file), capabilities.DEFAULT):
        group = item["apiVersion"].partition("/")[0] if "/" in item["apiVersion"] else ""
        names.setdefault(f"{item['kind']}{f' ({group})' if group else ''}", []).append(f"`{item['metadata']['name']}`")
    rows = [f"| {kind} | {', '.join(found)} |" for kind, found in names.items()]
    return "\n".join(("| kind | objects |", "|---|---|", *rows))


def _problems(file: Path) -> str:
    """A wrong app, and what `patternapp validate` says of it."""
    try:
        load.load_all(file.read_text(), file=file.name)
    except errors.SpecError as error:
        said = "\n".join(str(problem) for problem in error.problems)
        return f"{_text(file)}\n\n{_fenced('', said)}"
    raise AssertionError(f"{file} is valid")


def _conformance(_folder: Path) -> str:
    """What was seen of every row, as the results in the folder say."""
    return table.markdown()


def _plan(file: Path) -> Plan:
    return compiler.compile_app(load.load(file.read_text(), file=str(file)))


_MAKERS = {"file": _text, "graph": _graph, "objects": _objects, "problems": _problems, "conformance": _conformance}


def main() -> None:
    """Write every page anew."""
    for page in pages():
        page.write_text(filled(page))


if __name__ == "__main__":
    main()
