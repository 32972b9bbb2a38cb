"""Where the API server of a command is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from patternapp import errors
from patternapp.cluster import connection
from patternapp.cluster.connection import Target

if TYPE_CHECKING:
    from pathlib import Path


def kubeconfig(path: Path, **context: str) -> str:
    """A kubeconfig with the contexts ``one`` (current) and ``two``."""
    content: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": f"http://{name}.example.com"}} for name in ("one", "two")],
        "users": [{"name": "me", "user": {"token": "secret"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "me"} | context} for name in ("one", "two")],
        "current-context": "one",
    }
    path.write_text(yaml.safe_dump(content))
    return str(path)


async def place(target: Target, **environment: str) -> tuple[str, str]:
    """The server and the namespace that are meant."""
    async with connection.connected(target, environment) as client:
        return client.host, client.namespace


async def test_a_flag_goes_before_the_environment(tmp_path: Path) -> None:
    flag, variable = kubeconfig(tmp_path / "a", namespace="flag"), kubeconfig(tmp_path / "b", namespace="variable")

    assert await place(Target(kubeconfig=flag), KUBECONFIG=variable) == ("http://one.example.com", "flag")
    assert await place(Target(), KUBECONFIG=variable) == ("http://one.example.com", "variable")


async def test_a_context_may_be_named(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config")

    assert await place(Target(kubeconfig=file, context="two")) == ("http://two.example.com", "default")


async def test_a_namespace_that_is_named_goes_before_the_context_s(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", namespace="theirs")

    assert (await place(Target(kubeconfig=file, namespace="mine")))[1] == "mine"


async def test_files_of_the_environment_that_are_missing_are_left_out(tmp_path: Path) -> None:
    paths = f"{tmp_path / 'missing'}:{kubeconfig(tmp_path / 'config')}"

    assert await place(Target(), KUBECONFIG=paths) == ("http://one.example.com", "default")


async def test_without_a_kubeconfig_it_is_said_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(errors.EnvironmentProblem, match=r"there is no kubeconfig at .*; name yours with --kubeconfig"):
        await place(Target(), KUBECONFIG=str(tmp_path / "missing"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "just words",
        "{clusters: 7}",
        "{a: [}",
        "clusters: []\ncontexts: []\nusers: []\ncurrent-context: one\n",
    ],
)
async def test_a_kubeconfig_that_is_none_is_named_with_its_mend(text: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(text)

    with pytest.raises(errors.EnvironmentProblem, match=r"config cannot be used: .+; `kubectl config view` shows"):
        await place(Target(kubeconfig=str(file)))


async def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config")

    with pytest.raises(errors.EnvironmentProblem, match="three"):
        await place(Target(kubeconfig=file, context="three"))
