"""Text, or an object of the API server, to valid apps; everything that is wrong is told at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from patternapp import errors
from patternapp.spec import salvage, structure, v1alpha1, validation, yaml
from patternapp.spec.flaws import Flaw, dotted, shown, within
from patternapp.spec.rules import references

if TYPE_CHECKING:
    from patternapp.spec.flaws import Path
    from patternapp.spec.v1alpha1 import PatternApp

PROBLEM_LIMIT = 100
"""Problems that are told of one file; whoever has more needs no complete list."""
_FUNCTIONS = ("spec", "functions")
_AUTHORED = ("name", "namespace", "labels", "annotations")


def load(text: str | bytes, *, file: str, accept: Collection[str] = ()) -> PatternApp:
    """The one app of a YAML text.

    Args:
        text: The file's content.
        file: The file's name, for the problems.
        accept: Reasons of problems that the caller can live with, such as ``LoopbackAddress`` in ``dev``.

    Raises:
        SpecError: The text is not YAML, holds no app or several, or the app is wrong; with all problems.
    """
    apps = load_all(text, file=file, accept=accept)
    if len(apps) > 1:
        message = f"{len(apps)} apps, and one is wanted; put each into a file of its own"
        raise errors.SpecError((errors.Problem(file, 1, dotted(()), "SeveralApps", message),))
    return apps[0]


def load_all(text: str | bytes, *, file: str, accept: Collection[str] = ()) -> tuple[PatternApp, ...]:
    """The apps of a YAML text, one a document, at least one; as `load` otherwise."""
    reading = yaml.read(text)
    apps: list[PatternApp] = []
    problems: list[errors.Problem] = []
    for document, known in reading.documents:
        app, flaws = _check(document.data, known)
        kept = _unaccepted(app, flaws, accept)
        problems.extend(_problem(flaw, document.lines, file) for flaw in kept)
        if app is not None and not kept:
            apps.append(app)
    if reading.broken is not None:
        problems.append(_problem(reading.broken, {}, file))
    elif not reading.documents:
        message = "the file is empty; `patternapp init` writes one to begin with"
        problems.append(errors.Problem(file, 1, dotted(()), "Empty", message))
    problems.extend(_same_names(apps, file))
    if problems:
        raise errors.SpecError(_limited(sorted(set(problems)), file))
    return tuple(apps)


def from_object(resource: Mapping[str, Any], *, accept: Collection[str] = ()) -> PatternApp:
    """The app of an object as the API server has it: its status and the metadata of others are left aside.

    Raises:
        SpecError: The app is wrong; with all problems, without file and line.
    """
    authored = {key: value for key, value in resource.items() if key != "status"}
    metadata = resource.get("metadata")
    if isinstance(metadata, Mapping):
        authored["metadata"] = {key: metadata[key] for key in _AUTHORED if key in metadata}
    app, flaws = _check(authored, ())
    problems = [_problem(flaw, {}, "") for flaw in _unaccepted(app, flaws, accept)]
    if app is None or problems:
        raise errors.SpecError(_limited(sorted(set(problems)), ""))
    return app


def _unaccepted(app: PatternApp | None, flaws: tuple[Flaw, ...], accept: Collection[str]) -> list[Flaw]:
    """What the caller cannot live with; where there is no app, that is everything."""
    return [flaw for flaw in flaws if app is None or flaw.reason not in accept]


def _check(data: object, known: tuple[Flaw, ...]) -> tuple[PatternApp | None, tuple[Flaw, ...]]:
    """The app of a document if its structure is right, and every flaw of it."""
    other = _other_kind(data)
    if other is not None:
        return None, (*known, other)
    app, found = structure.parse(data)
    broken = (*known, *_outside(found, tuple(flaw.path for flaw in known)))
    if app is not None:
        return app, (*broken, *_outside(validation.check(app), tuple(flaw.path for flaw in known)))
    rest = salvage.salvage(data, found)
    if rest is None:
        return None, broken
    told = (dataclasses.replace(flaw, path=rest.path(flaw.path)) for flaw in validation.check(rest.app))
    blind = (*rest.cuts, *(flaw.path for flaw in broken))
    follows = _follows(rest.cuts)
    return None, (
        *broken,
        *(flaw for flaw in _outside(told, blind) if not _around(flaw, rest.cuts) and flaw.reason not in follows),
    )


def _follows(cuts: tuple[Path, ...]) -> frozenset[str]:
    """The reasons of flaws that may well follow from what was cut out elsewhere: nobody knows how it was named."""
    lost = any(cut[:2] == _FUNCTIONS and len(cut) == len(_FUNCTIONS) + 1 for cut in cuts)
    return frozenset({references.UNKNOWN}) if lost else frozenset()


def _outside(flaws: Iterable[Flaw], places: tuple[Path, ...]) -> Iterator[Flaw]:
    """The flaws that do not follow from what is wrong with one of these places."""
    return (flaw for flaw in flaws if not any(within(flaw.path, place) for place in places))


def _around(flaw: Flaw, cuts: tuple[Path, ...]) -> bool:
    """Whether a flaw is about an object that something was cut out of."""
    return any(within(cut, flaw.path) for cut in cuts)


def _other_kind(data: object) -> Flaw | None:
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind == v1alpha1.KIND:
        return None
    return Flaw(
        ("kind",), "OtherKind", f"this is of kind {shown(kind)}; only {v1alpha1.KIND} is read, move it elsewhere"
    )


def _same_names(apps: list[PatternApp], file: str) -> Iterator[errors.Problem]:
    seen: set[tuple[str | None, str]] = set()
    for app in apps:
        identity = (app.metadata.namespace, app.metadata.name)
        if identity in seen:
            message = f"two apps of this file are named {app.metadata.name!r}; rename one"
            yield errors.Problem(file, 0, "metadata.name", "DuplicateName", message)
        seen.add(identity)


def _problem(flaw: Flaw, lines: Mapping[Path, int], file: str) -> errors.Problem:
    places = (lines[flaw.path[:length]] for length in range(len(flaw.path), -1, -1) if flaw.path[:length] in lines)
    return errors.Problem(file, flaw.line or next(places, 0), dotted(flaw.path), flaw.reason, flaw.message)


def _limited(problems: list[errors.Problem], file: str) -> tuple[errors.Problem, ...]:
    if len(problems) <= PROBLEM_LIMIT:
        return tuple(problems)
    message = "there are more problems than are listed; mend these first"
    return (*problems[:PROBLEM_LIMIT], errors.Problem(file, 0, dotted(()), "TooManyProblems", message))
