"""CloudEvents 1.0: the event value and its HTTP codec (binary, structured, batched). Strict, and stdlib only.

What holds here:

* Content-Type alone decides the mode. A structured or batched message may repeat its attributes as ``ce-*`` headers
  (HTTP binding 3.2.3), so these are not refused, and never read: nobody can show a proxy one event and us another.
* Decoding raises `CloudEventError` and nothing else, whatever the bytes. Encoding refuses what decoding would.
* What was decoded from one mode can be encoded in any other. So a datacontenttype may not be a CloudEvents media
  type: in binary mode it would become the Content-Type, and the data would be read as a forged event.
* JSON data keeps its very text from mode to mode, but for white space around it: no number is rounded.

Sources: cloudevents/spec v1.0.2 ``spec.md``, ``bindings/http-protocol-binding.md``, ``formats/json-format.md``.
"""

from __future__ import annotations

from patternapp.cloudevents.attributes import FORBIDDEN, check
from patternapp.cloudevents.event import Event, Value, with_attributes
from patternapp.cloudevents.media import BATCHED, STRUCTURED, Headers, is_batch, is_json
from patternapp.cloudevents.modes import (
    data_as_json,
    decode,
    decode_batch,
    encode_batch,
    encode_binary,
    encode_structured,
)

__all__ = [
    "BATCHED",
    "FORBIDDEN",
    "STRUCTURED",
    "Event",
    "Headers",
    "Value",
    "check",
    "data_as_json",
    "decode",
    "decode_batch",
    "encode_batch",
    "encode_binary",
    "encode_structured",
    "is_batch",
    "is_json",
    "with_attributes",
]
