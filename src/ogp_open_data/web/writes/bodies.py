"""The body of a request, counted while it is read; as a document with what is said of it, or as JSON."""

import io
import json
from collections.abc import Mapping
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Any, NoReturn

from msgspec import Struct
from multipart import MultipartError, MultipartParser  # type: ignore[import-untyped]

from ogp_open_data.errors import BadRequest, ContentTooLarge, UnsupportedMediaType
from ogp_open_data.web.site import Request

FORM = "multipart/form-data"
# What a form adds to the document in it: boundaries, header fields, short texts.
AROUND = 64 * 1024
MOST_PARTS = 32
# No record has more than four levels; what is much deeper ends in the depth of Python's own stack, somewhere behind us.
DEEPEST = 50


class Sent(Struct, frozen=True):
    """A document as it came: its bytes, its media type and name as they were declared, and the texts of a form."""

    body: bytes
    media_type: str | None
    name: str | None
    said: Mapping[str, str] = {}


async def read(request: Request, largest: int) -> bytes:
    """The whole body. Raises ContentTooLarge as soon as it is known to have more than `largest` bytes.

    Who waits for `100 Continue` is told so before anything is sent.
    """
    too_large = ContentTooLarge(
        f"the body has more than {largest:,} bytes; a report has a few pages. Was this the right file?"
    )
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:19]) > largest:
        raise too_large
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("the connection ended before the body did")
        parts.append(message.get("body", b""))  # type: ignore[arg-type]
        size += len(parts[-1])
        if size > largest:
            raise too_large
        more = bool(message.get("more_body"))
    return b"".join(parts)


def sent(request: Request, body: bytes) -> Sent:
    """The document of a body that was read: raw, or the one file of a form. Raises BadRequest for a broken form."""
    declared = request.headers.get("content-type")
    kind, parameters = _field(declared or "")
    if kind != FORM:
        _, disposition = _field(request.headers.get("content-disposition", ""))
        return Sent(body, declared, disposition.get("filename"))
    files, said = [], {}
    for part in _parts(body, parameters.get("boundary", "")):
        if part.filename is not None:
            content_type = part.headers.get("Content-Type")
            files.append((part.raw, content_type, part.filename))
        elif part.name in said:
            raise BadRequest(f"{part.name[:60]}: the form has it twice")
        else:
            said[part.name] = _text(part)
    if len(files) != 1:
        raise BadRequest(f"the form has {len(files)} files; send one document, as a part with a filename")
    return Sent(*files[0], said)


def _text(part: Any) -> str:
    try:
        return str(part.value)
    except (LookupError, UnicodeError) as error:
        raise BadRequest(f"{part.name[:60]}: the form has it in no encoding that can be read; send UTF-8") from error


def _field(value: str) -> tuple[str, dict[str, str]]:
    """A header field with parameters: its value in lower case, and the parameters (those of RFC 8187 decoded)."""
    message = Message()
    message["content-type"] = value
    try:
        (first, _), *rest = message.get_params(failobj=[("", "")])
        return first.strip().lower(), {name.lower(): collapse_rfc2231_value(one) for name, one in rest}
    except (TypeError, ValueError) as error:
        # `name*=…; name*0=…`, and pieces with numbers of thousands of digits.
        raise BadRequest(
            "a parameter of Content-Type or Content-Disposition comes in pieces that do not fit"
        ) from error


def _parts(body: bytes, boundary: str) -> list[Any]:
    # Nothing goes to a temporary file: the body is in memory, and bounded.
    whole = len(body) + AROUND
    parser = MultipartParser(
        io.BytesIO(body),
        boundary,
        len(body),
        strict=True,
        part_limit=MOST_PARTS,
        spool_limit=whole,
        memory_limit=whole,
    )
    try:
        return list(parser)
    except (MultipartError, UnicodeError, ValueError) as error:
        raise BadRequest(f"the form cannot be read ({error}); send it as {FORM} with its boundary") from error


def json_of(request: Request, body: bytes, media_types: tuple[str, ...] = ("application/json",)) -> Any:
    """The JSON of a body; None for an empty one. Raises UnsupportedMediaType, or BadRequest saying what is wrong with it."""
    if not body:
        return None
    kind, _ = _field(request.headers.get("content-type", ""))
    if kind not in media_types:
        raise UnsupportedMediaType(
            f"{kind[:60] or 'a body of no type'} is not read here; send {' or '.join(media_types)}"
        )
    try:
        found = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number)
        json.dumps(found, ensure_ascii=False).encode()
        if _depth(found) > DEEPEST:
            raise RecursionError
    except RecursionError as error:
        raise BadRequest("the body is nested too deep") from error
    except ValueError as error:
        raise BadRequest(f"the body is no JSON that can be read: {str(error)[:200]}") from error
    return found


def _depth(value: Any) -> int:
    """How many objects and arrays stand in each other."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(_depth, inside), default=0)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")
