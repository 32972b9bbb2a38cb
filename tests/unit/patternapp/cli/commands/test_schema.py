"""`patternapp schema`."""

from __future__ import annotations

import json
from typing import Any

import yaml


def test_the_schema_is_json_schema(patternapp: Any) -> None:
    result = patternapp("schema")

    assert result.code == 0
    assert "json-schema.org" in json.loads(result.out)["$schema"]


def test_the_crd_is_one_yaml_document(patternapp: Any) -> None:
    result = patternapp("schema", "--crd")

    assert result.code == 0
    assert yaml.safe_load(result.out)["kind"] == "CustomResourceDefinition"
