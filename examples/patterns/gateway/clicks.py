"""Clicks, which the gateway accepted as events."""

from __future__ import annotations

from pydantic import BaseModel

from patternapp.receiver import Receiver


class Click(BaseModel):
    """What a page sends."""

    page: str


app = Receiver()


@app.on("shop.click")
def count(click: Click) -> None:
    """Count a click."""
    print(f"clicked: {click.page}")
