"""`values.yaml` is the only source of the schema and of the README's table, and nothing in it is without effect."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from charts import helm as helms
from charts import values

if TYPE_CHECKING:
    from pathlib import Path

VALUES = [value for value in values.read() if value.text]
GROUPS = [value for value in values.read() if not value.text]
TEMPLATES = "".join(
    path.read_text() for path in (values.CHART / "templates").rglob("*") if path.suffix in {".yaml", ".tpl", ".txt"}
)


def dotted(value: values.Value) -> str:
    return ".".join(value.path)


def test_the_committed_schema_and_readme_are_the_generated_ones() -> None:
    """`make schema` writes them anew."""
    assert (values.CHART / "values.schema.json").read_text() == values.schema()
    assert (values.CHART / "README.md").read_text() == values.readme()


@pytest.mark.parametrize("value", VALUES, ids=dotted)
def test_a_value_is_read_by_a_template(value: values.Value) -> None:
    *group, last = value.path
    names = {".".join(value.path), f"{'.'.join(group[-1:])}.{last}".removeprefix(".")}
    by_group = {f"$values.{last}", f"$image.{last}", f"$patterns.{last}", "index $values.patterns ."}

    reads = names | (by_group if group else set())
    assert any(re.search(rf"{re.escape(name)}\b|{re.escape(name)}(?=[ )])", TEMPLATES) for name in reads)


def test_a_value_that_is_read_is_listed() -> None:
    read = set(re.findall(r"(?:\$|\$root)?\.Values\.([A-Za-z.]+)", TEMPLATES))

    listed = {dotted(value) for value in values.read()}
    assert read <= listed


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    made: Any = value
    for key in reversed(path):
        made = {key: made}
    found: dict[str, Any] = made
    return found


def merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            both = isinstance(value, dict) and isinstance(made.get(key), dict)
            made[key] = merged([made[key], value]) if both else value
    return made


def refusals(helm: helms.Helm, parts: list[dict[str, Any]], folder: Path) -> dict[str, str]:
    """What Helm says of values, by path."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(merged(parts)))
    return dict(re.findall(r"- at '([^']*)': (.*)", helm.refused("--values", file)))


def pointer(path: tuple[str, ...]) -> str:
    return "".join(f"/{key}" for key in path)


def test_a_value_of_another_type_is_refused_with_its_path(helm: helms.Helm, tmp_path: Path) -> None:
    other = {bool: "yes", int: "many", float: "many", str: 7, list: {"a": "b"}, dict: "one"}

    said = refusals(helm, [nested(value.path, other[type(value.default)]) for value in VALUES], tmp_path)

    flexible = {"podDisruptionBudget.maxUnavailable": "does not match pattern"}
    for value in VALUES:
        assert flexible.get(dotted(value), "got ") in said[pointer(value.path)], dotted(value)


def test_a_key_that_is_not_listed_is_refused_with_the_path_of_its_group(helm: helms.Helm, tmp_path: Path) -> None:
    groups = [group.path for group in GROUPS if not group.narrowed]

    said = refusals(helm, [nested((*path, "typo"), "x") for path in [(), *groups]], tmp_path)

    for path in [(), *groups]:
        assert said[pointer(path)] in {"additional properties 'typo' not allowed", "validation failed"}, path
    assert len(groups) > 10


DIGEST = "sha256:" + "a" * 64
BAD: list[tuple[str, Any, str]] = [
    ("image.digest", "sha256:abc", "does not match pattern"),
    ("image.digest", DIGEST.upper(), "does not match pattern"),
    ("services.image.digest", "latest", "does not match pattern"),
    ("image.repository", "", "minLength"),
    ("image.pullPolicy", "Sometimes", "must be one of"),
    ("logLevel", "trace", "must be one of"),
    ("metrics.serviceMonitor.renderMode", "maybe", "must be one of"),
    ("metrics.podMonitor.interval", "often", "does not match pattern"),
    ("metrics.port", 70_000, "maximum"),
    ("replicas", -1, "minimum"),
    ("workers", 0, "minimum"),
    ("resync", 0, "minimum"),
    ("podDisruptionBudget.maxUnavailable", 0, "minimum"),
    ("networkPolicy.apiServerPorts", [], "minItems"),
    ("fullnameOverride", "x" * 47, "maxLength"),
    ("watchNamespaces", ["a", "a"], "equal"),
]
NESTED: list[tuple[str, Any, str, str]] = [
    ("watchNamespaces", ["team-*"], "/watchNamespaces/0", "does not match pattern"),
    ("networkPolicy.apiServerPorts", ["https"], "/networkPolicy/apiServerPorts/0", "got string, want integer"),
    ("commonLabels", {"tier": 1}, "/commonLabels/tier", "got number, want string"),
    ("extraEnv", [{"value": "x"}], "/extraEnv/0", "missing property 'name'"),
    ("imagePullSecrets", ["mirror"], "/imagePullSecrets/0", "got string, want object"),
    ("extraObjects", [7], "/extraObjects/0", "got number"),
]


def case(one: Any) -> str:
    return one if isinstance(one, str) else json.dumps(one)


@pytest.mark.parametrize(("name", "value", "why"), BAD, ids=case)
def test_a_value_out_of_bounds_is_refused_with_its_path(
    helm: helms.Helm, name: str, value: Any, why: str, tmp_path: Path
) -> None:
    said = refusals(helm, [nested(tuple(name.split(".")), value)], tmp_path)

    assert list(said) == [pointer(tuple(name.split(".")))]
    assert why in next(iter(said.values()))


@pytest.mark.parametrize(("name", "value", "place", "why"), NESTED, ids=case)
def test_an_entry_that_is_wrong_is_refused_with_its_path(
    helm: helms.Helm, name: str, value: Any, place: str, why: str, tmp_path: Path
) -> None:
    said = refusals(helm, [nested(tuple(name.split(".")), value)], tmp_path)

    assert why in said[place]
