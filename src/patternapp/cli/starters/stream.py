"""Counts the clicks in a stream, a micro-batch at a time."""

from collections import Counter

from pydantic import BaseModel

from patternapp.receiver import Event, Receiver


class Click(BaseModel):
    """What comes with `click`."""

    page: str


app = Receiver()


@app.on_batch("click")
async def count(clicks: list[Event[Click]]) -> None:
    """Count clicks by page."""
    print(dict(Counter(click.data.page for click in clicks)))
