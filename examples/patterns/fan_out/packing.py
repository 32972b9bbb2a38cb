"""The packing of what cannot wait."""

from __future__ import annotations

from typing import Any

from patternapp.receiver import Receiver, Retry

app = Receiver()


@app.on("shop.order.placed")
def pack(order: dict[str, Any]) -> None:
    """Pack an express order."""
    if not is_open():
        raise Retry(after=60)  # later it may work: tried again, as often as `delivery` says
    print(f"packed {order['number']}")


def is_open() -> bool:
    """Whether anybody packs now."""
    return True
