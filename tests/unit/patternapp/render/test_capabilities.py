from __future__ import annotations

import dataclasses
import pathlib
from importlib import metadata

import pytest

from patternapp import errors
from patternapp.render import capabilities
from patternapp.render.capabilities import Capabilities


def test_an_empty_file_gives_the_defaults() -> None:
    assert capabilities.from_mapping({}) == Capabilities()


def test_names_are_camel_case() -> None:
    read = capabilities.from_mapping({"kafkaSource": "v1beta1", "retryAfter": True, "namespace": "shop"})

    assert read == Capabilities(kafka_source="v1beta1", retry_after=True, namespace="shop")


def test_the_page_about_rendering_names_every_capability_and_no_other() -> None:
    page = (pathlib.Path(__file__).parents[4] / "docs/rendering.md").read_text()
    table = page.partition("| capability |")[2].partition("\n\n")[0]

    named = [row.split("`")[1] for row in table.splitlines()[2:]]
    assert [field.name.replace("_", "") for field in dataclasses.fields(Capabilities)] == [
        name.lower() for name in named
    ]


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(errors.SpecError) as caught:
        capabilities.from_mapping({"kafka_source": "v1", "kafkaSource": "v2", "retryAfter": "yes"}, file="caps.yaml")

    assert [(problem.file, problem.path, problem.reason) for problem in caught.value.problems] == [
        ("caps.yaml", "kafka_source", "UnknownField"),
        ("caps.yaml", "kafkaSource", "InvalidValue"),
        ("caps.yaml", "retryAfter", "InvalidValue"),
    ]


def test_the_services_image_is_of_this_version() -> None:
    version = metadata.version("patternapp")

    assert Capabilities().services_image == f"ghcr.io/patternapp/services:{version}"
