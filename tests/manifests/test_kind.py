"""The scripts of `kind/` as far as they go without a container engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from cluster import versions

ROOT = Path(__file__).parents[2]
KIND = ROOT / "kind"
USED = {name for script in KIND.glob("*.sh") for name in re.findall(r"\$\{?([A-Z_]+)", script.read_text())}
VERSIONS = {name: version for name, version in versions.lines().items() if name in USED}
NEEDED = ("bash", "cat", "curl", "date", "dirname", "grep", "mktemp", "rm", "xargs")


def run(script: str, *options: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path if path is not None else os.environ["PATH"]}
    environment.pop("DRY_RUN", None)
    command = [str(KIND / script), *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """A PATH with what every system has, and neither docker, kind nor kubectl."""
    for name in NEEDED:
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("script", "tools"),
    [
        ("up.sh", ["docker", "kind", "kubectl"]),
        ("demo.sh", ["docker", "kind", "kubectl"]),
        ("down.sh", ["docker", "kind"]),
    ],
)
def test_a_script_says_at_once_all_that_is_missing(script: str, tools: list[str], bare: str) -> None:
    done = run(script, path=bare)

    lines = done.stderr.splitlines()
    assert done.returncode == 3
    assert [line.partition(" is missing: ")[0] for line in lines] == tools
    assert all(line.partition(" is missing: ")[2] for line in lines)


def test_the_plan_installs_exactly_the_pinned_releases() -> None:
    plan = run("up.sh", "--dry-run").stdout

    for url in re.findall(r"https://\S+", plan):
        (version,) = re.findall(r"/releases/download/(?:knative-)?v?([\d.]+)/", url)
        assert version in VERSIONS.values(), url
    assert f"--image {VERSIONS['NODE_IMAGE']} " in plan
    assert {name for name in VERSIONS if VERSIONS[name] not in plan} == {"KIND"}


@pytest.mark.parametrize("script", ["up.sh", "demo.sh"])
def test_a_plan_names_only_files_that_are_there(script: str) -> None:
    done = run(script, "--dry-run")

    named = re.findall(rf"{re.escape(str(ROOT))}/\S+", done.stdout)
    assert done.returncode == 0, done.stderr
    assert [path for path in named if "/build/kind/" not in path and not Path(path).exists()] == []
    assert {path for path in named if path.endswith((".yaml", "/overlays/kind", "/kind/shop"))}


def test_every_command_of_a_plan_is_about_the_one_cluster() -> None:
    lines = [line for script in ("up.sh", "demo.sh") for line in run(script, "--dry-run").stdout.splitlines()]

    asked = [line for line in lines if line.startswith("kubectl")]
    assert asked
    assert [line for line in asked if not line.startswith("kubectl --context kind-patternapp ")] == []


def test_the_scripts_the_cluster_and_the_demo_agree_on_names_and_ports() -> None:
    cluster = yaml.safe_load((ROOT / "kind-config.yaml").read_text())
    settings = list(yaml.safe_load_all((KIND / "settings.yaml").read_text()))
    (mapping,) = cluster["nodes"][0]["extraPortMappings"]
    (service,) = (item for item in settings if item["kind"] == "Service")
    demo = run("demo.sh", "--dry-run").stdout

    assert f"kind-{cluster['name']} " in demo
    assert mapping["containerPort"] == service["spec"]["ports"][0]["nodePort"]
    assert mapping["listenAddress"] == "127.0.0.1"
    assert f"--shop http://127.0.0.1:{mapping['hostPort']} " in demo
    app = yaml.safe_load((ROOT / "examples" / "shop" / "app.yaml").read_text())
    assert f"--shop-host {app['spec']['gateway']['host']} " in demo


def test_topics_have_a_partition_for_every_worker_of_the_shop() -> None:
    app = yaml.safe_load((ROOT / "examples" / "shop" / "app.yaml").read_text())["spec"]
    topics = {
        item["metadata"]["name"]: item["spec"]["partitions"]
        for item in yaml.safe_load_all((KIND / "shop" / "topics.yaml").read_text())
    }

    workers = {entry["kafka"]["topic"]: entry["scale"]["max"] for entry in app["queues"]}
    workers |= {topic: entry["scale"]["max"] for entry in app["streams"] for topic in entry["kafka"]["topics"]}

    assert topics == workers
