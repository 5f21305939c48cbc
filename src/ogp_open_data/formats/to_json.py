"""JSON and NDJSON: stored texts joined, nothing decoded, unless only some fields are asked for."""

from collections.abc import Sequence
from typing import Any

import msgspec


def chosen(doc: bytes, fields: Sequence[str] | None) -> bytes:
    """A record's text, whole or only its `id` and some fields."""
    if fields is None:
        return doc
    record = msgspec.json.decode(doc)
    return msgspec.json.encode({name: record[name] for name in record if name in fields or name == "id"})


def page(
    docs: Sequence[bytes],
    meta: dict[str, Any],
    links: dict[str, str],
    fields: Sequence[str] | None,
    include: Sequence[str],
    included: Sequence[tuple[str, bytes]] | None,
) -> bytes:
    """A list: {"data": […], "meta": {…}, "links": {…}} and, where asked for, what belongs to it under "included", by noun."""
    extra = _extra(include, included)
    body = b",".join(docs if fields is None else [chosen(doc, fields) for doc in docs])
    return b'{"data":[%b]%b,"meta":%b,"links":%b}' % (
        body,
        extra,
        msgspec.json.encode(meta),
        msgspec.json.encode(links),
    )


def _extra(include: Sequence[str], included: Sequence[tuple[str, bytes]] | None) -> bytes:
    """What belongs to the records, by noun, as a member of the answer."""
    if included is None:
        return b""
    nouns = [(noun, [doc for of, doc in included if of == noun]) for noun in dict.fromkeys(include)]
    return b',"included":{%b}' % b",".join(b'"%b":[%b]' % (noun.encode(), b",".join(some)) for noun, some in nouns)


def item(
    doc: bytes,
    meta: dict[str, Any],
    links: dict[str, str],
    fields: Sequence[str] | None,
    include: Sequence[str] = (),
    included: Sequence[tuple[str, bytes]] | None = None,
) -> bytes:
    """One record: {"data": {…}, "meta": {…}, "links": {…}}, and what belongs to it."""
    return b'{"data":%b%b,"meta":%b,"links":%b}' % (
        chosen(doc, fields),
        _extra(include, included),
        msgspec.json.encode(meta),
        msgspec.json.encode(links),
    )
