"""From a function's signature to a handler: which parameter gets what. Whatever is unclear is refused at decoration.

What holds here: annotations are read once, when the decorator runs, and never when an event comes.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import importlib
import inspect
import types
import typing
from dataclasses import dataclass
from typing import Any

from patternapp.receiver import readers
from patternapp.receiver.outcomes import Failures

if typing.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from patternapp.cloudevents import Event
    from patternapp.receiver.readers import Reader, Wire

_NONE = type(None)
_POSITIONS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """A function that takes events of one type.

    Attributes:
        name: The function's name; part of the ids of its replies.
        batched: Whether it takes a list of events rather than one.
        reply: The type of the event that its return value becomes.
        readers: What each parameter gets; for a batch, the one parameter gets a list of it.
        awaited: Whether it is a coroutine function; any other runs in a thread.
        function: The function itself.
        takes: The annotation of the data that it wants, None where it takes any.
        gives: The annotation of its reply's data, None where that is not known.
        replies_freely: Whether it may return an event, of whatever type and data.
    """

    name: str
    batched: bool
    reply: str | None
    readers: tuple[tuple[str, Reader], ...]
    awaited: bool
    function: Callable[..., Any]
    takes: Any = None
    gives: Any = None
    replies_freely: bool = False

    async def handle(self, event: Wire) -> Any:
        """What the function returns for one event; raises what it raises, and `Reject` for data that it cannot take."""
        return await self._call({name: read(event) for name, read in self.readers})

    async def handle_batch(self, events: list[Event[Any]]) -> Any:
        """What the function returns for events that `read_item` gave."""
        return await self._call({self.readers[0][0]: events})

    def read_item(self, event: Wire) -> Event[Any]:
        """One event as the function wants it in its list; raises `Reject` if its data is not so."""
        item: Event[Any] = self.readers[0][1](event)
        return item

    def _call(self, arguments: dict[str, Any]) -> Awaitable[Any]:
        if self.awaited:
            begun: Awaitable[Any] = self.function(**arguments)
            return begun
        return _in_thread(functools.partial(self.function, **arguments))


async def _in_thread(function: Callable[[], Any]) -> Any:
    """What the function returns, called in a thread.

    A thread cannot be stopped, but whoever waits for it can be. It keeps its place among the threads then, so that
    functions that hang do not become more and more; one that has not begun never begins.
    """
    from anyio import to_thread  # noqa: PLC0415 - imported when the handler was made; coroutines do not need it

    began = False

    def begin() -> Any:
        nonlocal began
        began = True
        return function()

    # The process ends with the threads that are left; hence `abandon_on_cancel`.
    working = asyncio.ensure_future(to_thread.run_sync(begin, abandon_on_cancel=True))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        if not began:
            working.cancel()
        raise


def of_event(function: Callable[..., Any], *, reply: str | None) -> Handler:
    """The handler for ``@app.on``.

    Raises:
        TypeError: The signature leaves open what a parameter should get, or what a return value becomes.
    """
    name, hints = _hints(function)
    returns = hints.pop("return", Any)
    found: dict[str, Reader] = {}
    roles: dict[str, str] = {}
    for parameter, annotation in hints.items():
        role, found[parameter] = _reader(name, parameter, annotation)
        if role in roles:
            raise TypeError(f"{name}: both {roles[role]} and {parameter} ask for the {role}; one parameter can")
        roles[role] = parameter
    _check_return(name, returns, reply)
    members = set() if returns is Any else _members(returns) - {_NONE}
    events = {member for member in members if readers.is_event(member) or readers.is_sdk_event(member)}
    data = typing.Union[tuple(members - events)] if members - events else None  # noqa: UP007 - of a set
    handler = _handler(function, name, found, batched=False, reply=reply)
    takes = _data_of(hints.values())
    return dataclasses.replace(handler, takes=takes, gives=data, replies_freely=bool(events) or returns is Any)


def of_batch(function: Callable[..., Any]) -> Handler:
    """The handler for ``@app.on_batch``; raises as `of_event` does."""
    name, hints = _hints(function)
    returns = hints.pop("return", Any)
    if returns is not Any and not _members(returns) <= {Failures, _NONE}:
        raise TypeError(f"{name}: a batch handler returns Failures or None, not {returns!r}: a batch has no reply")
    arguments = [(parameter, typing.get_args(annotation)) for parameter, annotation in hints.items()]
    match arguments:
        case [(parameter, (item,))] if typing.get_origin(hints[parameter]) is list and readers.is_event(item):
            found = {parameter: _reader(name, parameter, item)[1]}
            handler = _handler(function, name, found, batched=True, reply=None)
            return dataclasses.replace(handler, takes=_data_of([item]))
    raise TypeError(f"{name}: a batch handler has one parameter, annotated list[Event[YourModel]]")


def _handler(
    function: Callable[..., Any], name: str, found: dict[str, Reader], *, batched: bool, reply: str | None
) -> Handler:
    target = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004 - the method is wanted, not whether it is there
    awaited = inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(function)
    if not awaited:
        importlib.import_module("anyio.to_thread")
        importlib.import_module("anyio._backends._asyncio")
    return Handler(
        name=name, batched=batched, reply=reply, readers=tuple(found.items()), awaited=awaited, function=function
    )


def _hints(function: Callable[..., Any]) -> tuple[str, dict[str, Any]]:
    """The function's name, and the annotation of each parameter and of ``return`` where it has one."""
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    if not callable(function):
        raise TypeError(f"{name}: only functions can be handlers")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{name}: a generator cannot be a handler; return the reply")
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        known = typing.get_type_hints(target, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"{name}: cannot read its annotations: {error}; import it or define it at module level"
        ) from error
    hints: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in _POSITIONS:
            raise TypeError(f"{name}: {parameter} cannot be filled; every parameter of a handler has a name")
        if parameter.default is not parameter.empty:
            raise TypeError(f"{name}: {parameter.name} has a default; a handler's parameters always get the event's")
        if parameter.name not in known:
            raise TypeError(
                f"{name}: {parameter.name} has no annotation; "
                "write a pydantic model for the data, Event[Model], or the SDK's CloudEvent"
            )
        hints[parameter.name] = known[parameter.name]
    if "return" in known:
        hints["return"] = known["return"]
    return name, hints


def _reader(name: str, parameter: str, annotation: Any) -> tuple[str, Reader]:
    """What the parameter is there for, and what fills it."""
    if readers.is_sdk_event(annotation):
        return "CloudEvent", readers.sdk_event_reader(annotation)
    try:
        if readers.is_event(annotation):
            return "Event", readers.event_reader(annotation)
        return "data", readers.data_reader(annotation)
    except TypeError as error:
        raise TypeError(f"{name}: {parameter}: {error}") from error


def _data_of(annotations: Iterable[Any]) -> Any:
    """What the parameters want the data to be; None where they take any."""
    for annotation in annotations:
        if readers.is_sdk_event(annotation):
            continue
        data = typing.get_args(annotation)[0] if typing.get_args(annotation) and readers.is_event(annotation) else None
        wanted = data if readers.is_event(annotation) else annotation
        if wanted not in (None, bytes, bytes | None, Any):
            return wanted
    return None


def _check_return(name: str, returns: Any, reply: str | None) -> None:
    if returns is Any:
        return
    values = {member for member in _members(returns) if member is not _NONE}
    events = {member for member in values if readers.is_event(member) or readers.is_sdk_event(member)}
    if reply is None and values - events:
        raise TypeError(
            f"{name}: returns {returns!r}, but the type of the reply event is not said; "
            'write @app.on(..., reply="your.event.type"), or return None or an Event'
        )
    if reply is not None and not values - events:
        raise TypeError(f"{name}: reply={reply!r} names a type, but no value that would become that event is returned")


def _members(annotation: Any) -> set[Any]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return set(typing.get_args(annotation))
    return {_NONE if annotation is None else annotation}
