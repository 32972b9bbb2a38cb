"""The environment variables of a function."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from patternapp.http import limits
from patternapp.runtime.functions.model import StartFailed

if TYPE_CHECKING:
    from pathlib import Path

    from patternapp.plan import model as plan
    from patternapp.runtime.functions.model import PoolSettings
    from patternapp.spec import v1alpha1


def of(function: plan.Function, settings: PoolSettings, *, port: int) -> dict[str, str]:
    """Everything that a process of the function finds: that of `dev`, the pool's, its timeout, its own, and PORT.

    Raises:
        StartFailed: A variable refers to a Secret or a ConfigMap that is not there.
    """
    env = {
        **os.environ,
        **settings.env,
        "K_SERVICE": function.name,
        limits.variable("timeout"): f"{function.handling:g}",
    }
    if function.command:
        env.setdefault("PYTHONUNBUFFERED", "1")  # a Python program would keep its lines until there are 8 KiB
    for variable in function.env:
        value = _value(variable, settings.data)
        if value is not None:
            env[variable.name] = value
    return env | {"PORT": str(port)}


def _value(variable: v1alpha1.EnvVar, data: Path | None) -> str | None:
    if variable.value_from is None:
        return variable.value or ""
    for kind, place, key in (
        ("Secret", "secrets", variable.value_from.secret_key_ref),
        ("ConfigMap", "configmaps", variable.value_from.config_map_key_ref),
    ):
        if key is None:
            continue
        file = None if data is None else data / place / key.name / key.key
        if file is not None and file.is_file():
            return _read(file, variable.name)
        if key.optional:
            return None
        where = "" if file is None else f"; put the value into {file}"
        raise StartFailed(f"{variable.name} is the key {key.key} of the {kind} {key.name}, which is not there{where}")
    return None


def _read(file: Path, variable: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartFailed(f"{variable} cannot be read from {file}: {error}") from error
