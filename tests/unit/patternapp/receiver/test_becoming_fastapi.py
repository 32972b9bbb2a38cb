from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import fastapi
import pytest

from patternapp.receiver import Receiver

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

Make = Callable[..., Any]


def test_a_receiver_that_only_handles_events_never_imports_fastapi() -> None:
    code = (
        "import sys; from patternapp.receiver import Receiver; app = Receiver(title='mine')\n"
        "@app.on('ping')\n"
        "async def ping(data: int) -> None: ...\n"
        "print({'fastapi', 'starlette', 'anyio'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def test_a_route_makes_it_a_fastapi_application_for_good() -> None:
    app = Receiver(title="mine")
    before = isinstance(app, fastapi.FastAPI)

    app.get("/x")(lambda: 1)

    assert (before, isinstance(app, fastapi.FastAPI), isinstance(app, Receiver)) == (False, True, True)
    assert (type(app).__name__, app.title) == ("Receiver", "mine")


@pytest.mark.parametrize(
    "touch",
    [
        lambda app: app.state,
        lambda app: app.dependency_overrides,
        lambda app: app.include_router(fastapi.APIRouter()),
        lambda app: setattr(app, "title", "mine"),
        lambda app: app.openapi(),
    ],
)
def test_anything_of_fastapis_does(touch: Callable[[Receiver], Any]) -> None:
    app = Receiver()

    touch(app)

    assert isinstance(app, fastapi.FastAPI)


def test_an_option_with_an_effect_does_at_once() -> None:
    assert isinstance(Receiver(dependencies=[]), fastapi.FastAPI)


def test_what_fastapi_does_not_have_is_an_attribute_error() -> None:
    app = Receiver()

    with pytest.raises(AttributeError, match="no attribute '_nothing'"):
        _ = app._nothing
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = app.nothing


def test_handlers_from_before_and_after_it_became_one_are_called(caller: Make, event: Make) -> None:
    app, done = Receiver(), []
    app.on("before")(lambda: done.append("before"))
    app.get("/x")(lambda: 1)
    app.on("after")(lambda: done.append("after"))

    for kind in ("before", "after"):
        assert caller(app).deliver(event(kind)).status == 204

    assert done == ["before", "after"]
    assert caller(app).request("/x", method="GET").body == b"1"


def test_events_pass_the_middleware_that_was_added(caller: Make, event: Make) -> None:
    class Middleware:
        def __init__(self, app: ASGIApp) -> None:
            self._app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["path"])
            await self._app(scope, receive, send)

    seen: list[str] = []
    app = Receiver()
    app.on("ping")(lambda: None)
    app.add_middleware(Middleware)

    assert caller(app).deliver(event("ping")).status == 204
    assert seen == ["/"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/none", 404), ("GET", "/openapi.json", 200), ("GET", "/", 405), ("PUT", "/", 405)],
)
def test_requests_that_are_no_events_are_answered_as_fastapi_does(
    caller: Make, method: str, path: str, status: int
) -> None:
    app = Receiver()
    app.on("ping")(lambda: None)

    assert caller(app).request(path, method=method).status == status


def test_a_subclass_stays_what_it_is(caller: Make, event: Make) -> None:
    class Mine(Receiver):
        def __init__(self) -> None:
            super().__init__()
            self.name = "mine"

        @property
        def shout(self) -> str:
            return self.name.upper()

    app = Mine()

    @app.on("ping", reply="pong")
    def ping() -> str:
        return app.shout

    app.get("/x")(lambda: app.shout)

    assert isinstance(app, Mine)
    assert caller(app).deliver(event("ping")).body == b'"MINE"'
    assert caller(app).request("/x", method="GET").body == b'"MINE"'
