from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from patternapp_operator import manifests

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "manifests" / "operator"
CHART = ROOT / "charts" / "patternapp" / "files"


def test_the_committed_manifests_are_the_generated_ones() -> None:
    """`make schema` writes them anew."""
    assert (FOLDER / "rbac.yaml").read_text() == manifests.rbac()
    assert (FOLDER / "admission.yaml").read_text() == manifests.policies()


def test_the_files_of_the_chart_are_the_generated_ones(tmp_path: Path) -> None:
    """`make schema` writes them anew."""
    manifests.main(["chart", str(tmp_path)])

    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert written == manifests.chart()
    assert written == {name: (CHART / name).read_text() for name in written}


def test_options_choose_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    manifests.main(["rbac", "--namespace", "ops", "--patterns", "fanOut", "--watched", "a", "b"])

    printed = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [item["metadata"].get("namespace") for item in printed if item["kind"] == "Role"] == ["a", "b", "ops"]
    assert not any("keda.sh" in rule["apiGroups"] for item in printed for rule in item.get("rules", ()))


def test_the_policies_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    manifests.main(["admission"])

    assert capsys.readouterr().out == manifests.policies()


def test_a_pattern_that_is_none_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        manifests.main(["rbac", "--patterns", "queue"])

    assert caught.value.code == 2
    assert "invalid choice: 'queue'" in capsys.readouterr().err
