"""A20: nothing that was written by others is run, but the code of an app where the app is run."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from security import limited

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
OURS = sorted(file for folder in ("src", "operator/src", "services/src") for file in (ROOT / folder).rglob("*.py"))
MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "multiprocessing", "code", "runpy"}
"""What makes code of data, or carries objects that do."""
CALLS = {"eval", "exec", "compile", "__import__"}
LOADERS = {"load", "load_all", "full_load", "unsafe_load", "unsafe_load_all", "full_load_all"}
SHELLS = {"system", "popen", "getoutput", "getstatusoutput"}


def suspicious(tree: ast.AST) -> Iterator[str]:
    """What may make code of data, or a shell's command of a text; a module's own function of such a name is none."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (f"import {one.name}" for one in names if one.name.partition(".")[0] in MODULES)
            case ast.ImportFrom(module=str(name)) if name.partition(".")[0] in MODULES:
                yield f"from {name}"
            case ast.Call(func=ast.Name(id=name)) if name in CALLS - own:
                yield f"{name}()"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="yaml" | "pyyaml"), attr=name)) if name in LOADERS:
                yield f"yaml.{name}()"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="os" | "subprocess"), attr=name)) if name in SHELLS:
                yield f"{name}()"
            case ast.keyword(arg="shell", value=ast.Constant(value=True)):
                yield "shell=True"


@pytest.mark.parametrize("file", OURS, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_module_makes_code_of_data(file: Path) -> None:
    assert list(suspicious(ast.parse(file.read_text()))) == []


def test_whatever_makes_code_of_data_would_be_found() -> None:
    planted = """
import pickle, os.path
from marshal import loads
eval("1")
yaml.unsafe_load(text)
os.system("true")
run("true", shell=True)
"""

    found = list(suspicious(ast.parse(planted)))

    assert found == ["import pickle", "from marshal", "eval()", "yaml.unsafe_load()", "system()", "shell=True"]


SHADOWED = ("yaml", "pydantic", "typer", "rich", "json", "shop", "sitecustomize", "patternapp", "aiohttp")
"""Modules that commands import, or that a handler names."""
APP = {
    "apiVersion": "patternapp.dev/v1alpha1",
    "kind": "PatternApp",
    "metadata": {"name": "shop"},
    "spec": {"image": "shop:1", "functions": [{"name": "orders", "handler": "shop:app"}]},
}
READING = {
    "validate": ("validate", "app.yaml"),
    "render": ("render", "app.yaml"),
    "graph": ("graph", "app.yaml"),
    "explain": ("explain", "event.json"),
    "schema": ("schema", "--crd"),
}


@pytest.mark.parametrize("command", READING)
def test_a_command_that_reads_an_app_runs_nothing_of_its_folder(command: str, tmp_path: Path) -> None:
    for name in SHADOWED:
        (tmp_path / f"{name}.py").write_text(f"open('{name}-was-run', 'w').close()\n")
    (tmp_path / "app.yaml").write_text(json.dumps(APP))
    (tmp_path / "event.json").write_text('{"specversion": "1.0", "id": "1", "source": "/t", "type": "t"}')

    ended = limited.patternapp(*READING[command], folder=tmp_path)

    assert ended.code == 0, ended.err
    assert list(tmp_path.glob("*-was-run")) == []
