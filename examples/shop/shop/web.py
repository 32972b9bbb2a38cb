"""HTTP calls to addresses that the platform gives: the Broker, the object store."""

from __future__ import annotations

import urllib.error
import urllib.request


def call(method: str, url: str, *, body: bytes | None = None, content_type: str | None = None) -> tuple[int, bytes]:
    """The status and the body of the answer, whatever the status is.

    Raises:
        OSError: No answer came.
    """
    headers = {} if content_type is None else {"content-type": content_type}
    request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310 - never a user's URL
    # The platform is near: a proxy for the way out of the building does not know it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()
