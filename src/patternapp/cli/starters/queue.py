"""Works through a queue of invoices, a batch at a time."""

from pydantic import BaseModel

from patternapp.receiver import Event, Failures, Receiver


class Invoice(BaseModel):
    """What comes with `invoice.requested`."""

    order: int


app = Receiver()


@app.on_batch("invoice.requested")
async def write(invoices: list[Event[Invoice]]) -> Failures | None:
    """Write the invoices; None means that all are done, `Failures` names those that are not."""
    print(f"{len(invoices)} invoices written")
    return None
