"""The steps that begin with one request: orders through the gateway, a photo for the bucket, a payment's webhook."""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import hmac
import io
import json
import re
import time
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFilter

from tour.client import WrongError, all_of, newer, until

if TYPE_CHECKING:
    from tour.client import Tour

PHOTO = (2400, 1800)
HELD_UPRIGHT = 6
"""The EXIF orientation of a camera that was turned a quarter to the left."""
THUMBNAILS = {64: (48, 64), 256: (192, 256), 640: (480, 640)}
BASKETS: tuple[tuple[str, str, dict[str, int]], ...] = (
    ("Ada Moreau", "normal", {"tea": 2, "filter": 1}),
    ("Zoë Brandt", "express", {"mug": 4, "tin": 2}),
    ("Björn Åkesson", "normal", {"pot": 1}),
    # More lamps than the shop should part with: `stock` says so in its reply.
    ("Grand Hotel Miramar", "express", {"lamp": 31}),
    ("Li Wei", "normal", {"tea": 1, "mug": 1, "pot": 1}),
)
_MESSAGE_ID = re.compile(rb"^Message-ID: <([^@>]+)@", re.MULTILINE)


async def place_orders(tour: Tour) -> str:
    """Orders are taken once, answered with their price, and can be read; wrong ones are refused."""
    # What an earlier tour left unfinished would still change the stock.
    await tour.idle()
    tour.stock.update(await tour.get("/stock"))
    placed = await all_of(functools.partial(_order, tour), range(len(BASKETS)))
    tour.orders.update({order["id"]: order for order in placed})

    again = await _order(tour, 0)
    if again != placed[0]:
        raise WrongError(f"the same Idempotency-Key made another order: {again['id']}, not {placed[0]['id']}")
    read = await tour.get(f"/orders/{again['id']}")
    if read != again | {"paid": False}:
        raise WrongError(f"GET /orders/{again['id']} says {read}, not what was placed")
    for lines in ([{"sku": "unicorn", "quantity": 1}], []):
        body = json.dumps({"customer": "Eve", "email": "eve@example.com", "lines": lines}).encode()
        status, _ = await tour.call("POST", "/orders", body=body, headers={"content-type": "application/json"})
        if status != 422:
            raise WrongError(f"a wrong order was answered {status}, not 422")
    total = sum(order["total"] for order in placed)
    return f"{len(tour.orders)} orders of {total / 100:,.2f} EUR; one sent twice counts once; wrong ones: 422"


async def _order(tour: Tour, number: int) -> Any:
    customer, priority, basket = BASKETS[number]
    wanted = {
        "customer": customer,
        "email": f"customer{number}@example.com",
        "priority": priority,
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in basket.items()],
    }
    return await tour.post("/orders", wanted, headers={"idempotency-key": f"{tour.run}-{number}"})


async def upload_photo(tour: Tour) -> str:
    """A photo that is put into the bucket gets thumbnails that stand upright."""
    await tour.call("PUT", "/s3/uploads")
    photo = await asyncio.to_thread(_photo)
    status, answer = await tour.call("PUT", f"/s3/uploads/{tour.run}/beach.jpg", body=photo)
    if status != 200:
        raise WrongError(f"PUT /s3/uploads answered {status}: {answer.decode(errors='replace')[:200]}")
    for width, expected in THUMBNAILS.items():
        size = await _picture_size(tour, f"/s3/thumbnails/{tour.run}/beach-{width}.jpg")
        if size != expected:
            raise WrongError(f"the thumbnail of {width} pixels measures {size}, not {expected}")
    sizes = ", ".join(f"{width} x {height}" for width, height in THUMBNAILS.values())
    return f"{len(THUMBNAILS)} upright thumbnails in {tour.run}/: {sizes}"


async def _picture_size(tour: Tour, path: str) -> tuple[int, int]:
    found: list[bytes] = []

    async def look() -> str | None:
        status, content = await tour.call("GET", path)
        found.append(content)
        return None if status == 200 else f"{path} is not there ({status})"

    await until(look)
    with Image.open(io.BytesIO(found[-1])) as picture:
        return picture.size


def _photo() -> bytes:
    """A beach with the sun, as a camera held upright stores it: lying, with a note of how it was held."""
    width, height = PHOTO[1], PHOTO[0]
    light = Image.linear_gradient("L").resize((width, height))
    picture = Image.merge(
        "RGB", (light, light.point(lambda value: 90 + value // 2), light.point(lambda value: 255 - value // 3))
    )
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.6, height * 0.2, width * 0.75, height * 0.2 + width * 0.15), fill=(255, 236, 160))
    draw.polygon([(0, height), (0, height * 0.75), (width, height * 0.6), (width, height)], fill=(214, 188, 140))
    grain = Image.effect_noise((width, height), 60).convert("RGB")
    picture = Image.blend(picture.filter(ImageFilter.GaussianBlur(3)), grain, 0.12)
    exif = Image.Exif()
    exif[0x0112] = HELD_UPRIGHT
    file = io.BytesIO()
    picture.transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", quality=88, exif=exif)
    return file.getvalue()


async def pay(tour: Tour) -> str:
    """A signed payment marks the order paid, and the customer gets a receipt; a forged one gets nowhere."""
    order = next(iter(tour.orders.values()), None)
    if order is None:
        raise WrongError("no order was placed that could be paid")
    body = json.dumps({"order": order["id"], "amount": order["total"], "reference": f"pay-{tour.run}"}).encode()
    for key, expected in ((b"forged", 401), (tour.program.secret, 202)):
        status, _ = await tour.call("POST", "/hooks/payment", body=body, headers=_signed(tour.run, body, key=key))
        if status != expected:
            raise WrongError(f"POST /hooks/payment answered {status}, not {expected}")

    async def look() -> str | None:
        if not (await tour.get(f"/orders/{order['id']}"))["paid"]:
            return f"order {order['id']} is not paid"
        return None if f"{order['id']}.paid" in mails(tour) else "there is no receipt in the maildir"

    await until(look)
    return "the order is paid, a receipt is mailed; the forged one: 401"


def _signed(number: str, body: bytes, *, key: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks: an HMAC over id, time and body."""
    now = f"{int(time.time())}"
    signature = hmac.digest(key, b".".join((number.encode(), now.encode(), body)), hashlib.sha256)
    return {
        "content-type": "application/json",
        "webhook-id": number,
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def mails(tour: Tour) -> set[str]:
    """What the mails of this tour are about: the first part of their Message-ID."""
    return {
        found[1].decode()
        # A hidden file is a mail that is still being written.
        for path in newer((tour.state / "mail" / "new").glob("[!.]*"), tour.began)
        if (found := _MESSAGE_ID.search(path.read_bytes())) is not None
    }
