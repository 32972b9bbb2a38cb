"""Every error that PatternApp raises on purpose.

::

    PatternAppError
    ├── SpecError            the file is wrong; carries every Problem at once
    ├── CloudEventError      not a CloudEvent; a receiver answers 400
    ├── ScheduleError        a cron expression or time zone cannot be read
    ├── FilterError          a trigger filter cannot be read
    ├── StoreError           the durable store refused; nothing of the call was kept
    │   └── LeaseLost        the lease expired or was never held: another worker may have it
    ├── TargetError          MODULE:APP cannot be loaded (patternapp.receiver.server)
    ├── FunctionUnavailable  no instance of a function can take a request (patternapp.runtime.functions)
    ├── StartFailed          an instance did not come up (patternapp.runtime.functions)
    ├── LoopError            an event went through the Broker too often (patternapp.runtime.eventing.broker)
    └── EnvironmentProblem   the machine is in the way: a port taken, a folder locked

A handler of an event has two errors of its own, `Reject` and `Retry`; they live in `patternapp.receiver`.
"""

from __future__ import annotations

from dataclasses import dataclass


class PatternAppError(Exception):
    """The root: catch it to catch everything PatternApp raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with a file, and its mend.

    Attributes:
        file: The file as the user named it; empty when the text came from elsewhere.
        line: The 1-based line, 0 when it is not known.
        path: Where in the document, such as ``spec.queues[0].batch.max``.
        reason: A stable CamelCase word for programs, such as ``UnknownField``.
        message: What is wrong and how to mend it, for people.
    """

    file: str
    line: int
    path: str
    reason: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.path}: {self.message} [{self.reason}]"


class SpecError(PatternAppError):
    """The file is wrong. All problems are known at once, never only the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class CloudEventError(PatternAppError):
    """The bytes are not a CloudEvent.

    Attributes:
        attribute: The attribute or header at fault, or ``body``.
        reason: What is wrong with it.
    """

    def __init__(self, attribute: str, reason: str) -> None:
        self.attribute = attribute
        self.reason = reason
        super().__init__(f"{attribute}: {reason}")


class ScheduleError(PatternAppError):
    """A cron expression or a time zone cannot be read."""


class FilterError(PatternAppError):
    """A trigger filter cannot be read."""


class StoreError(PatternAppError):
    """The durable store refused; nothing of the call was kept."""


class LeaseLost(StoreError):  # noqa: N818 - the field's word for it
    """The lease expired or was never held: somebody else may have the delivery."""


class EnvironmentProblem(PatternAppError):  # noqa: N818 - it names what the user must mend, not a Python error
    """The machine is in the way: a port is taken, a folder is locked, a program is missing."""
