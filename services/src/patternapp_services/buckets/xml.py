"""The XML that S3 answers with: errors and lists of objects. Source: Amazon S3 API Reference, ListObjectsV2."""

from __future__ import annotations

import html
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
PAGE = 1000
"""Keys in one answer at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a ListObjectsV2 asks for; the names are its query parameters'."""

    prefix: str = ""
    delimiter: str = ""
    start_after: str = ""
    max_keys: int = PAGE
    encode: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is answered: objects and common prefixes in the order of their bytes, and where the next page begins."""

    keys: tuple[str, ...]
    prefixes: tuple[str, ...]
    next_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One object of a page."""

    key: str
    size: int
    etag: str
    modified: str


def page(keys: Iterable[str], listing: Listing) -> Page:
    """The first keys after ``start_after`` that begin with the prefix.

    Those that are alike up to the delimiter are rolled into one common prefix.
    """
    if not listing.max_keys:
        return Page(keys=(), prefixes=(), next_after=None)
    found: list[str] = []
    prefixes: list[str] = []
    last = ""
    for key in sorted((key for key in keys if key.startswith(listing.prefix)), key=str.encode):
        if listing.start_after and key.encode() <= listing.start_after.encode():
            continue
        rolled = _rolled(key, listing)
        if rolled and (prefixes[-1:] == [rolled] or listing.start_after.startswith(rolled)):
            last = key
            continue
        if len(found) + len(prefixes) == listing.max_keys:
            return Page(keys=tuple(found), prefixes=tuple(prefixes), next_after=last)
        (prefixes if rolled else found).append(rolled or key)
        last = key
    return Page(keys=tuple(found), prefixes=tuple(prefixes), next_after=None)


def _rolled(key: str, listing: Listing) -> str:
    if not listing.delimiter:
        return ""
    rest = key[len(listing.prefix) :]
    head, found, _ = rest.partition(listing.delimiter)
    return listing.prefix + head + found if found else ""


def error(code: str, message: str, *, resource: str) -> bytes:
    """An S3 error."""
    return _document(
        f"<Error>{_element('Code', code)}{_element('Message', message)}{_element('Resource', resource)}</Error>"
    )


def listed(bucket: str, listing: Listing, *, answer: Page, entries: Iterable[Entry]) -> bytes:
    """A ListBucketResult."""
    name: Callable[[str], str] = urllib.parse.quote if listing.encode else str
    parts = [
        _element("Name", bucket),
        _element("Prefix", name(listing.prefix)),
        _element("MaxKeys", str(listing.max_keys)),
        _element("KeyCount", str(len(answer.keys) + len(answer.prefixes))),
        _element("IsTruncated", "true" if answer.next_after is not None else "false"),
    ]
    if listing.delimiter:
        parts.append(_element("Delimiter", name(listing.delimiter)))
    if listing.encode:
        parts.append(_element("EncodingType", "url"))
    if answer.next_after is not None:
        parts.append(_element("NextContinuationToken", urllib.parse.quote(answer.next_after)))
    parts += [_contents(entry, name) for entry in entries]
    parts += [f"<CommonPrefixes>{_element('Prefix', name(prefix))}</CommonPrefixes>" for prefix in answer.prefixes]
    return _document(f'<ListBucketResult xmlns="{_NAMESPACE}">{"".join(parts)}</ListBucketResult>')


def _contents(entry: Entry, name: Callable[[str], str]) -> str:
    fields = (
        ("Key", name(entry.key)),
        ("LastModified", entry.modified),
        ("ETag", f'"{entry.etag}"'),
        ("Size", str(entry.size)),
        ("StorageClass", "STANDARD"),
    )
    return f"<Contents>{''.join(_element(tag, text) for tag, text in fields)}</Contents>"


def _element(tag: str, text: str) -> str:
    return f"<{tag}>{html.escape(text, quote=False)}</{tag}>"


def _document(text: str) -> bytes:
    return (_HEAD + text).encode()
