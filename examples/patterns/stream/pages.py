"""Pages, counted from a stream of clicks."""

from __future__ import annotations

import collections

from pydantic import BaseModel

from patternapp.receiver import Event, Receiver


class Click(BaseModel):
    """What a page sends."""

    page: str


app = Receiver()
app.state.pages = collections.Counter()


@app.on_batch("shop.click")
def count(clicks: list[Event[Click]]) -> None:
    """Count a micro-batch, all of it or, if this raises, none."""
    app.state.pages.update(click.data.page for click in clicks)
    print(f"{len(clicks)} clicks, most on {app.state.pages.most_common(1)[0][0]}")
