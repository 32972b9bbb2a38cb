from __future__ import annotations

from typing import Any

import pytest

from patternapp.cluster import readiness


def service(*, seen: int | None = 2, **condition: str) -> dict[str, Any]:
    status: dict[str, Any] = {"conditions": [{"type": "Ready", **condition}] if condition else []}
    if seen is not None:
        status["observedGeneration"] = seen
    return {"kind": "Service", "metadata": {"generation": 2}, "status": status}


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (service(status="True", reason="Fine"), "True", "Fine"),
        (service(status="False", reason="RevisionMissing"), "False", "RevisionMissing"),
        (service(status="True", seen=1), "Unknown", "NotObserved"),
        (service(status="True", seen=None), "True", "Ready"),
        (service(), "Unknown", "NoCondition"),
        ({"kind": "Service", "metadata": {}}, "Unknown", "NoCondition"),
    ],
    ids=["works", "fails", "stale", "never says what it saw", "says nothing", "has no status"],
)
def test_an_object_works_as_its_controller_says(body: dict[str, Any], status: str, reason: str) -> None:
    told = readiness.readiness("serving.knative.dev", body)

    assert (told.status, told.reason) == (status, reason)


def test_a_kind_without_a_controller_works_as_soon_as_it_exists() -> None:
    assert readiness.readiness("", {"kind": "ConfigMap", "metadata": {}}).status == "True"
