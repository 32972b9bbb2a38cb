"""Thumbnails: every picture that is put into a bucket gets small ones in the bucket `thumbnails`.

The object store is called as S3 is, path-style, without a signature: for a store that asks for one, use its own client.
"""

from __future__ import annotations

import io
import os
import urllib.parse

from PIL import Image, ImageOps
from pydantic import AliasPath, BaseModel, Field

from patternapp.receiver import Receiver, Reject, Retry
from shop import web

SIZES = (64, 256, 640)
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
"""What is opened. Pillow knows more, some of which start other programs."""
TARGET = "thumbnails"


class Upload(BaseModel):
    """Of a record of S3's notification, what is needed here. S3 writes the key as in a query string."""

    bucket: str = Field(validation_alias=AliasPath("s3", "bucket", "name"))
    key: str = Field(validation_alias=AliasPath("s3", "object", "key"))


app = Receiver()


@app.on("com.amazonaws.s3.ObjectCreated:Put")
def make_thumbnails(upload: Upload) -> None:
    """Put one JPEG per size; what is not a picture is refused for good. The same upload again writes the same."""
    key = urllib.parse.unquote_plus(upload.key)
    content = _get(upload.bucket, key)
    for size, picture in _small_ones(content, key).items():
        _put(f"{key.rpartition('.')[0] or key}-{size}.jpg", picture)


def _small_ones(content: bytes, key: str) -> dict[int, bytes]:
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            # A JPEG is decoded at a fraction of its size this way: less memory, far less time.
            picture.thumbnail((2 * SIZES[-1], 2 * SIZES[-1]))
            # Cameras store the picture as the sensor saw it, and the way it was held beside it.
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, Image.DecompressionBombError) as error:
        raise Reject(f"{key} is not a picture that can be read: {error}") from error
    return {size: _jpeg(upright, size) for size in SIZES}


def _jpeg(picture: Image.Image, size: int) -> bytes:
    small = picture.copy()
    small.thumbnail((size, size), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    return file.getvalue()


def _get(bucket: str, key: str) -> bytes:
    status, content = _call("GET", f"{bucket}/{key}")
    if status == 404:
        raise Reject(f"{bucket}/{key} is gone")
    if status != 200:
        raise Retry(f"the object store answered {status} to GET {bucket}/{key}")
    return content


def _put(key: str, content: bytes) -> None:
    status, _ = _call("PUT", f"{TARGET}/{key}", content)
    if status == 404:
        _call("PUT", TARGET)
        status, _ = _call("PUT", f"{TARGET}/{key}", content)
    if status != 200:
        raise Retry(f"the object store answered {status} to PUT {TARGET}/{key}")


def _call(method: str, path: str, content: bytes | None = None) -> tuple[int, bytes]:
    return web.call(method, f"{os.environ['AWS_ENDPOINT_URL_S3']}/{urllib.parse.quote(path)}", body=content)
