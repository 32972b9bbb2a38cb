"""Invoices: batches of orders become PDF files, named after the order. The same order again writes the same file."""

from __future__ import annotations

from fpdf import FPDF

from patternapp.receiver import Event, Failures, Receiver, Reject
from shop import storage
from shop.records import Line, Order, money

app = Receiver()


@app.on_batch("shop.invoice.requested")
def write_invoices(events: list[Event[Order]]) -> Failures:
    """Write the invoices of a batch. One that does not add up is refused; the others are done."""
    refused = []
    folder = storage.folder("invoices")
    for event in events:
        order = event.data
        owed = sum(line.quantity * line.price for line in order.lines)
        if owed != order.total:
            refused.append((event, Reject(f"order {order.id}: the lines make {owed} cents, not {order.total}")))
        else:
            storage.write(folder / f"{order.id}.pdf", _pdf(order))
    return Failures(refused)


def _pdf(order: Order) -> bytes:
    pdf = FPDF()
    # The order's own, so that the same order makes the same bytes.
    pdf.set_creation_date(order.placed)
    pdf.set_title(f"Invoice {order.id}")
    pdf.add_page()
    pdf.set_font("Helvetica", style="B", size=20)
    pdf.cell(text="Invoice", new_x="LMARGIN", new_y="NEXT", h=14)
    pdf.set_font("Helvetica", size=10)
    for text in (f"Number: {order.id}", f"Date: {order.placed:%Y-%m-%d}", f"To: {order.customer} <{order.email}>"):
        pdf.cell(text=_latin(text), new_x="LMARGIN", new_y="NEXT", h=6)
    pdf.ln(6)
    with pdf.table(col_widths=(20, 90, 40, 40), text_align=("RIGHT", "LEFT", "RIGHT", "RIGHT")) as table:
        table.row(("Pieces", "Article", "Price", "Amount"))
        for line in order.lines:
            table.row(_cells(line))
        table.row(("", "Total", "", money(order.total)))
    return bytes(pdf.output())


def _cells(line: Line) -> tuple[str, str, str, str]:
    return f"{line.quantity}", _latin(line.title), money(line.price), money(line.quantity * line.price)


def _latin(text: str) -> str:
    """The text as the fonts that every PDF reader has can show it: they know Latin-1 and nothing else."""
    return text.encode("latin-1", "replace").decode("latin-1")
