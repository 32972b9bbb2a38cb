"""Functions: each becomes one node, with the app's image and environment filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patternapp import durations
from patternapp.plan.model import Function, Part

if TYPE_CHECKING:
    from patternapp.spec import v1alpha1


def part(spec: v1alpha1.Spec) -> Part:
    """One Function node for each function."""
    return Part(nodes=tuple(_node(function, spec) for function in spec.functions))


def _node(function: v1alpha1.Function, spec: v1alpha1.Spec) -> Function:
    return Function(
        name=function.name,
        handler=function.handler,
        command=function.command or (),
        image=function.image or spec.image,
        env=_environment(spec.env, function.env),
        min=function.scale.min,
        max=function.scale.max,
        concurrency=function.scale.concurrency,
        idle=durations.seconds(function.scale.idle),
        timeout=durations.seconds(function.timeout),
        resources=function.resources,
    )


def _environment(app: tuple[v1alpha1.EnvVar, ...], own: tuple[v1alpha1.EnvVar, ...]) -> tuple[v1alpha1.EnvVar, ...]:
    """The app's variables, then the function's; of one name the function's wins, in the app's place."""
    return tuple({variable.name: variable for variable in (*app, *own)}.values())
