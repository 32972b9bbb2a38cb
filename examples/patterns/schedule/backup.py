"""A backup, each night."""

from __future__ import annotations

from pydantic import BaseModel

from patternapp.receiver import Event, Receiver


class Order(BaseModel):
    """The `data` of the schedule."""

    keep: int


app = Receiver()


@app.on("dev.knative.sources.ping")
def back_up(event: Event[Order]) -> None:
    """Make a backup. A repetition has the same id, `event.attributes["id"]`."""
    print(f"backup at {event.attributes['time']}, {event.data.keep} are kept")
