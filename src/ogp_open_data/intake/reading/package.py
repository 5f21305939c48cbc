"""An Office document is a ZIP of XML parts: counted and checked as it is unpacked, before any library opens it."""

import io
import re
import zipfile
import zlib

from msgspec import Struct

from ogp_open_data.errors import DocumentRefused

# A report with photographs unpacks to some 20 MB. Declared sizes lie, so what comes out is counted as it comes.
MAX_UNPACKED = 100_000_000
MAX_ENTRY = 50_000_000
MAX_ENTRIES = 2_000
MAX_RATIO = 200
# Below this an entry is harmless, and Word's own style sheets compress well.
RATIO_FLOOR = 1_000_000

_PIECE = 65_536
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"7z\xbc\xaf", b"Rar!\x1a\x07", b"\xfd7zXZ\x00", b"BZh")
_DECLARED = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([^\"']*)", re.IGNORECASE)


class Bounds(Struct, frozen=True):
    """How much XML a document may have, in bytes and in elements and attributes; what it is called, and how it is mended.

    `smaller` says what to do where it is too large, `remedy` where it cannot be opened.
    """

    xml: int
    nodes: int
    name: str
    kind: str
    remedy: str
    smaller: str = "Send it without its pictures."


def checked(body: bytes, bounds: Bounds) -> bytes:
    """The document again, its XML as checked and every other part (pictures, fonts) emptied.

    The safe copy is what gets parsed, so nothing can be in it that was not counted. Raises DocumentRefused.
    """
    # The directory is read whole when a ZIP is opened; its entries are counted before that.
    if body.count(b"PK\x01\x02") > MAX_ENTRIES:
        raise DocumentRefused(f"The document has more than {MAX_ENTRIES:,} parts. Save it anew and send that.")
    copy = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as source, zipfile.ZipFile(copy, "w") as target:
            entries = source.infolist()
            if len({entry.filename for entry in entries}) < len(entries):
                raise DocumentRefused("The document has two parts of one name. Save it anew and send that.")
            left, xml_left, nodes_left = MAX_UNPACKED, bounds.xml, bounds.nodes
            for entry in entries:
                is_xml = entry.filename.endswith((".xml", ".rels"))
                size, kept = _unpacked(source, entry, left, xml_left if is_xml else 0, bounds)
                left -= size
                if is_xml:
                    nodes_left -= _check_xml(entry.filename, kept, nodes_left, bounds)
                    xml_left -= size
                target.writestr(zipfile.ZipInfo(entry.filename), kept if is_xml else b"")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise corrupt(str(error), bounds) from None
    return copy.getvalue()


def _unpacked(
    source: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, keep: int, bounds: Bounds
) -> tuple[int, bytes]:
    """The size of an entry and, unless `keep` is 0, its bytes (at most `keep`); refused as soon as it is too much."""
    part = entry.filename[:80]
    if entry.flag_bits & 0x41:
        raise DocumentRefused("The document is encrypted. Remove its password and send that.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise corrupt(f"{part!r} is packed in a way that Office does not use", bounds)
    size, kept = 0, []
    with source.open(entry) as stream:
        while piece := stream.read(_PIECE):
            if size == 0 and piece.startswith(_ARCHIVES):
                raise DocumentRefused(f"The document holds another archive, {part!r}. Remove embedded objects from it.")
            size += len(piece)
            if size > min(MAX_ENTRY, left):
                raise too_large(f"{part!r} unpacks to more than {size - 1:,} bytes", bounds)
            if size > RATIO_FLOOR and size > MAX_RATIO * max(entry.compress_size, 1):
                raise too_large(f"{part!r} unpacks to more than {MAX_RATIO} times its size", bounds)
            if keep:
                kept.append(piece)
                if size > keep:
                    raise too_large(f"its XML has more than {bounds.xml:,} bytes", bounds)
    return size, b"".join(kept)


def _check_xml(name: str, part: bytes, nodes_left: int, bounds: Bounds) -> int:
    """The number of elements and attributes, at the most; refused where the XML could hide or grow something."""
    declared = _DECLARED.match(part.removeprefix(b"\xef\xbb\xbf"))
    if part.startswith((b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")) or (
        declared and declared.group(1).lower() not in (b"utf-8", b"us-ascii")
    ):
        raise corrupt(f"{name[:80]!r} is not UTF-8", bounds)
    if b"<!DOCTYPE" in part or b"<!ENTITY" in part:
        raise DocumentRefused(
            f"The document declares entities in {name[:80]!r}, which Office never does. Save it anew."
        )
    nodes = part.count(b"<") + part.count(b"=")
    if nodes > nodes_left:
        raise too_large(f"its XML has more than {bounds.nodes:,} elements and attributes", bounds)
    return nodes


def too_large(what: str, bounds: Bounds) -> DocumentRefused:
    return DocumentRefused(f"The document is too large to be {bounds.kind}: {what}. {bounds.smaller}")


def corrupt(why: str, bounds: Bounds) -> DocumentRefused:
    return DocumentRefused(f"The {bounds.name} cannot be opened ({why}). {bounds.remedy}")
