"""KEDA's module without the scalers that no test needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cluster import keda

if TYPE_CHECKING:
    from pathlib import Path

BUILDER = """package scaling

func buildScaler() {
	switch triggerType {
	case "azure-queue":
		return scalers.NewAzureQueueScaler(config)
	case "kafka":
		return scalers.NewKafkaScaler(ctx, config)
	default:
		return nil
	}
}
"""
AZURE = """package scalers

const (
	externalMetricType             = "External"
)

func NewAzureQueueScaler(config any) {}
"""
FILES = {
    "pkg/scaling/scalers_builder.go": BUILDER,
    "pkg/scalers/azure_queue_scaler.go": AZURE,
    "pkg/scalers/kafka_scaler.go": "package scalers\n\nfunc NewKafkaScaler(ctx any, config any) {}\n",
    "pkg/scalers/kafka_scaler_test.go": "package scalers\n",
    "pkg/scalers/scaler.go": "package scalers\n",
}


@pytest.fixture
def trimmed(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / "source" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o444)
    keda.trim(tmp_path / "source", tmp_path / "trimmed")
    return tmp_path / "trimmed"


def test_only_the_files_of_wanted_scalers_and_of_all_stay(trimmed: Path) -> None:
    left = {file.name for file in (trimmed / "pkg/scalers").iterdir()}

    assert left == {"kafka_scaler.go", "scaler.go", "shared.go"}


def test_a_constant_of_a_file_that_goes_stays_for_those_that_use_it(trimmed: Path) -> None:
    text = (trimmed / "pkg/scalers/shared.go").read_text()

    assert "const externalMetricType" in text
    assert '= "External"' in text


def test_only_triggers_of_wanted_scalers_are_known(trimmed: Path) -> None:
    text = (trimmed / "pkg/scaling/scalers_builder.go").read_text()

    assert 'case "kafka":' in text
    assert "azure" not in text
    assert "default:" in text
