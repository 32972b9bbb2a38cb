"""The plugin in a pytest of its own, with warnings as errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
APP = """
apiVersion: patternapp.dev/v1alpha1
kind: PatternApp
metadata: {name: test}
spec:
  functions: [{name: f, handler: "greeter:app"}]
  eventDriven: [{name: t, filters: [{exact: {type: ping}}], function: f}]
"""
GREETER = """
from patternapp.receiver import Receiver
app = Receiver()
@app.on("ping")
def ping() -> None: ...
"""
TEST = """
def test_a_ping_is_delivered(broker, clock, dead_letters, sample_event):
    broker.publish(sample_event("ping"))
    clock.advance("1h")
    assert broker.ledger.delivered == 1
    assert list(dead_letters) == []
"""
MEASURED = """
import json, sys
before = set(sys.modules)
import patternapp.testing.plugin
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "patternapp.testing.plugin",
        "-W",
        "error",
        "-p",
        "no:cacheprovider",
    ]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run([*command, *options], cwd=folder, env=env, capture_output=True, text=True, check=False)


def run_alone(folder: Path) -> subprocess.CompletedProcess[str]:
    """In a folder without a configuration; pytest-asyncio would warn of that."""
    return run(folder, "-p", "no:asyncio")


def test_a_test_beside_the_apps_file_has_its_broker(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "app.yaml").write_text(APP)
    (tmp_path / "greeter.py").write_text(GREETER)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_app.py").write_text(TEST)

    result = run_alone(tmp_path)

    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout


def test_the_apps_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\npatternapp_file = apps/other.yaml\n")
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "other.yaml").write_text(APP)
    (tmp_path / "apps" / "greeter.py").write_text(GREETER)
    (tmp_path / "test_app.py").write_text(TEST)

    result = run_alone(tmp_path)

    assert result.returncode == 0, result.stdout


def test_a_missing_apps_file_is_said_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_app.py").write_text(TEST)

    result = run_alone(tmp_path)

    assert result.returncode == 1
    assert f"there is no app.yaml beside {tmp_path / 'test_app.py'} or above it" in result.stdout
    assert "name the app's file with the setting patternapp_file" in result.stdout
    assert "Traceback" not in result.stdout


def test_a_wrong_apps_file_is_told_problem_by_problem(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "app.yaml").write_text(APP.replace("function: f}", "function: g, extra: 1}"))
    (tmp_path / "test_app.py").write_text(TEST)

    result = run_alone(tmp_path)

    assert result.returncode == 1
    assert "UnknownField" in result.stdout
    assert "embedded.py" not in result.stdout


def test_loading_the_plugin_imports_nothing_of_the_runtime() -> None:
    command = [sys.executable, "-c", f"import pytest\n{MEASURED}"]

    result = subprocess.run(command, capture_output=True, text=True, check=True)

    assert json.loads(result.stdout) == ["patternapp"]


def test_the_tests_of_the_sample_shop_pass() -> None:
    result = run(ROOT, "-n", "0", "examples/shop/tests")

    assert result.returncode == 0, result.stdout
