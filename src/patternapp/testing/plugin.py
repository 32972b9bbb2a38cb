"""The pytest plugin: ``broker``, ``clock``, ``dead_letters`` and ``sample_event``. See docs/testing.md.

What holds here: pytest loads this in every run, so it imports nothing but pytest; the rest comes with the first test
that asks for a fixture.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from patternapp.testing.embedded import Embedded
    from patternapp.testing.kit import Broker, Clock, DeadLetters, SampleEvents

FILE = "patternapp_file"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting that names the app's file."""
    parser.addini(FILE, "The app's file, from the folder of the configuration. Default: the nearest app.yaml.")


@pytest.fixture
def patternapp_file(request: pytest.FixtureRequest) -> Path:
    """The file of the app that the test is about; override it where there are several."""
    set_ = request.config.getini(FILE)
    root = request.config.rootpath
    if set_:
        return Path(root / set_)
    for folder in request.path.parents:
        for found in (folder / "app.yaml", folder / "app.yml"):
            if found.is_file():
                return found
        if folder == root:
            break
    pytest.fail(
        f"there is no app.yaml beside {request.path} or above it, up to {root}; "
        f"name the app's file with the setting {FILE}, or override the fixture of that name",
        pytrace=False,
    )


@pytest.fixture
def _patternapp(
    patternapp_file: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Embedded]:
    from patternapp import errors
    from patternapp.testing import embedded

    try:
        plan = embedded.plan_of(patternapp_file)
    except (OSError, errors.SpecError) as error:
        pytest.fail(str(error), pytrace=False)
    folder = patternapp_file.resolve().parent
    monkeypatch.syspath_prepend(folder)
    with embedded.Embedded(plan, folder=folder, data=tmp_path_factory.mktemp("patternapp")) as app:
        yield app


@pytest.fixture
def broker(_patternapp: Embedded) -> Broker:
    """The app's Broker, with its functions behind it."""
    from patternapp.testing.kit import Broker

    return Broker(_patternapp)


@pytest.fixture
def clock(_patternapp: Embedded) -> Clock:
    """The app's time."""
    from patternapp.testing.kit import Clock

    return Clock(_patternapp)


@pytest.fixture
def dead_letters(_patternapp: Embedded) -> DeadLetters:
    """The app's dead letters, as they are at any time."""
    from patternapp.testing.kit import DeadLetters

    return DeadLetters(_patternapp)


@pytest.fixture
def sample_event(request: pytest.FixtureRequest) -> SampleEvents:
    """Makes events."""
    from patternapp.testing.kit import SampleEvents

    return SampleEvents(request.node.nodeid)
