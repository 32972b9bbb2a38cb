"""What can go wrong between us and the API server.

::

    PatternAppError
    └── ClusterError
        ├── Fenced           nothing was sent: this replica may not write
        └── Rejected         the server said no, or nothing
            ├── Conflict     409, 410: somebody else was first, or the object is another one
            ├── Forbidden    401, 403: the user or the role lacks something
            ├── Missing      404: no such object, or no such kind
            ├── Invalid      400, 415, 422: a schema, a rule or a webhook refused it; again would be the same
            └── Unavailable  429, 5xx, no answer: later it may work
"""

from __future__ import annotations

import json

from patternapp import errors

LONGEST = 1_000
"""Characters of a server's message that are kept: admission webhooks are known to send pages."""


class ClusterError(errors.PatternAppError):
    """The root of what can go wrong with the cluster."""


class Fenced(ClusterError):  # noqa: N818 - it names the state, as the others do
    """Nothing was sent: another replica leads."""


class Rejected(ClusterError):  # noqa: N818 - the field's word for it
    """The server refused a request or did not answer.

    Attributes:
        message: What it said, at most `LONGEST` characters.
        wait: Seconds that it asks to wait; 0 or more.
        causes: The single reasons, as field (may be empty) and message.
    """

    def __init__(self, request: str, message: str, wait: float, causes: tuple[tuple[str, str], ...] = ()) -> None:
        self.message = message if len(message) <= LONGEST else f"{message[: LONGEST - 1]}…"
        self.wait = wait
        self.causes = causes
        super().__init__(f"{request}: {self.message}")


class Conflict(Rejected):
    """Somebody else was first, or the object is another one."""


class Forbidden(Rejected):
    """The user or the role lacks something."""


class Missing(Rejected):
    """No such object, or no such kind."""


class Invalid(Rejected):
    """A schema, a rule or a webhook refused the object."""


class Unavailable(Rejected):
    """Later it may work."""


_BY_CODE: dict[int, type[Rejected]] = {
    401: Forbidden,
    403: Forbidden,
    404: Missing,
    409: Conflict,
    410: Conflict,
    400: Invalid,
    415: Invalid,
    422: Invalid,
}


def of_answer(request: str, code: int, data: bytes, wait: float = 0.0) -> Rejected:
    """The failure that an answer means: `data` is a metav1.Status, or whatever a proxy in between says."""
    try:
        answer = json.loads(data)
        message = str(answer["message"])
        listed = (answer.get("details") or {}).get("causes") or ()
        causes = tuple((str(one.get("field", "")), str(one.get("message", ""))) for one in listed)
    except (ValueError, TypeError, KeyError, AttributeError):
        message, causes = data.decode(errors="replace"), ()
    if code in _BY_CODE:
        return _BY_CODE[code](request, message, wait, causes)
    return Unavailable(request, f"{code} {message}", wait, causes)
