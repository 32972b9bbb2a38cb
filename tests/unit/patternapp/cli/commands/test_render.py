"""`patternapp render`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path


def test_objects_are_printed_as_yaml_documents(app: Path, patternapp: Any) -> None:
    result = patternapp("render", app)

    assert result.code == 0
    assert {"Broker", "Service", "Trigger"} <= {item["kind"] for item in yaml.safe_load_all(result.out)}


def test_json_is_the_same_objects_in_one_list(app: Path, patternapp: Any) -> None:
    listed = json.loads(patternapp("render", app, "-o", "json").out)

    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    assert listed["items"] == list(yaml.safe_load_all(patternapp("render", app).out))


def test_every_app_of_a_file_is_rendered(app: Path, patternapp: Any) -> None:
    once = list(yaml.safe_load_all(patternapp("render", app).out))
    app.write_text(f"{app.read_text()}---\n{app.read_text().replace('{name: hello}', '{name: other}')}")

    twice = list(yaml.safe_load_all(patternapp("render", app).out))

    assert len(twice) == 2 * len(once)


def test_capabilities_come_from_a_file(app: Path, tmp_path: Path, patternapp: Any) -> None:
    capabilities = tmp_path / "cluster.yaml"
    capabilities.write_text("retryAfter: yes-please\nclusterName: x\n")

    result = patternapp("render", app, "--capabilities", capabilities)

    assert (result.code, result.out) == (1, "")
    assert f"{capabilities}: retryAfter: " in result.err
    assert f"{capabilities}: clusterName: no such capability" in result.err
