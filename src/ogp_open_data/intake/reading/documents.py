"""The door of intake: the bytes of any document become Blocks (or the cells of a table), or are refused."""

import re
from collections.abc import Callable
from pathlib import PurePath

import msgspec

from ogp_open_data.errors import ContentTooLarge, DocumentRefused, UnsupportedMediaType
from ogp_open_data.intake.reading import characters
from ogp_open_data.intake.reading.drafts import Block
from ogp_open_data.intake.reading.sheet import Workbook

# A progress report has two to six pages; the longest action plan we know has under a hundred. Beyond that somebody sent
# something else, and reading it would only delay the answer.
MAX_PAGES = 100
MAX_CHARACTERS = MAX_PAGES * 3_000
MAX_BLOCKS = MAX_PAGES * 50
# Pictures make a Word document of six pages this large, words never do.
MAX_BYTES = 10_000_000
TEXT = "text/plain"
HTML = "text/html"
MARKDOWN = "text/markdown"
CSV = "text/csv"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
JSON = "application/json"
NDJSON = "application/x-ndjson"
MEDIA_TYPES = (TEXT, HTML, MARKDOWN, DOCX, CSV, XLSX, JSON, NDJSON)
TABULAR = (CSV, XLSX, JSON, NDJSON)

_SAME_AS = {
    "application/xhtml+xml": HTML,
    "text/x-markdown": MARKDOWN,
    "application/csv": CSV,
    "application/ndjson": NDJSON,
    "application/jsonl": NDJSON,
    "text/json": JSON,
    "application/octet-stream": "",
}
_SUFFIXES = {
    ".txt": TEXT,
    ".text": TEXT,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".docx": DOCX,
    ".csv": CSV,
    ".xlsx": XLSX,
    ".json": JSON,
    ".ndjson": NDJSON,
    ".jsonl": NDJSON,
}
_NAMES = {
    TEXT: "plain text",
    HTML: "HTML",
    MARKDOWN: "Markdown",
    DOCX: "a Word document (.docx)",
    CSV: "CSV",
    XLSX: "an Excel workbook (.xlsx)",
    JSON: "JSON",
    NDJSON: "JSON by line",
}
_PACKAGES = (DOCX, XLSX)
_SENT_AS = {DOCX: "a Word document", XLSX: "an Excel workbook"}
_SIGNATURES = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF87a", "a GIF picture"),
    (b"GIF89a", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old (.doc) or password-protected Office document"),
    (b"{\\rtf", "a Rich Text document"),
    (b"MIME-Version:", "a saved web archive (MHTML)"),
    (b"From: <Saved by", "a saved web archive (MHTML)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xfd7zXZ\x00", "an XZ archive"),
    (b"SQLite format 3\x00", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"PK\x05\x06", "an empty ZIP archive"),
)
# What is in a ZIP is told by the names in it, which are never compressed.
_IN_ZIP = (
    (b"word/", _NAMES[DOCX]),
    (b"xl/", _NAMES[XLSX]),
    (b"ppt/", "a PowerPoint presentation"),
    (b"application/vnd.oasis.opendocument", "an OpenDocument file"),
    (b"application/epub+zip", "an EPUB"),
)
# Bullets that people type, and how deep each is meant; hyphens and stars begin other paragraphs too.
_TYPED = re.compile(r"([•‣◦▪])\s+(.+)", re.DOTALL)
_TYPED_DEPTH = {"•": 1, "‣": 1, "◦": 2, "▪": 3}


def read(
    body: bytes, filename: str | None = None, media_type: str | None = None
) -> tuple[str, list[Block] | str | Workbook]:
    """The media type of a document and its Blocks; for CSV its text, for other tables a workbook.

    `media_type` is the declared one, with or without parameters; `filename` only lends its suffix.
    Raises DocumentRefused with the reason, where it is and what to do.
    """
    kind = kind_of(body, filename, media_type)
    if kind == CSV:
        return kind, characters.decode(body, _charset(media_type))
    if kind in TABULAR:
        return kind, _workbook(body, kind, _charset(media_type))
    return kind, blocks_of(body, kind, _charset(media_type))


def kind_of(body: bytes, filename: str | None = None, media_type: str | None = None) -> str:
    """One of MEDIA_TYPES, by what was declared, else by the suffix, checked against what the bytes look like."""
    if len(body) > MAX_BYTES:
        raise ContentTooLarge(
            f"The file has {len(body):,} bytes and {MAX_BYTES:,} are the most that is read. "
            "Send one report, without its pictures."
        )
    if not body.strip():
        raise DocumentRefused("The file is empty.")
    expected = _declared(media_type) or _SUFFIXES.get(PurePath(filename or "").suffix.lower(), "")
    found = _signature(body)
    if found is None and _is_html(body):
        found = _NAMES[HTML]
    if expected in _PACKAGES and found != _NAMES[expected]:
        raise DocumentRefused(
            f"The file is sent as {_SENT_AS[expected]} but looks like {found or 'text'}, or only a part was sent. "
            "Send the whole file, with the suffix and media type of what it is."
        )
    if found == _NAMES[HTML]:
        return HTML
    if not expected and (known := next((one for one in _PACKAGES if found == _NAMES[one]), None)):
        return known
    if found and expected not in _PACKAGES:
        sent = f"The file is sent as {_NAMES[expected]} but" if expected else "The file"
        raise DocumentRefused(f"{sent} looks like {found}. {_remedy(found)}")
    return expected or TEXT


def blocks_of(body: bytes, media_type: str, charset: str | None = None) -> list[Block]:
    """The Blocks of a document whose media type is known (any of MEDIA_TYPES but TABULAR); never an empty list."""
    blocks: list[Block] = []
    length = 0
    for block in _reader(media_type)(body, charset):
        text = characters.clean(block.text, block.line).strip()
        if not text:
            continue
        length += len(text)
        blocks.append(_typed(block if text == block.text else msgspec.structs.replace(block, text=text)))
        if len(blocks) > MAX_BLOCKS or length > MAX_CHARACTERS:
            raise _too_long(block.line)
    if not blocks:
        raise DocumentRefused("The document holds no text. If it is a picture of a page, send the text itself.")
    return blocks


def _workbook(body: bytes, media_type: str, charset: str | None) -> Workbook:
    from ogp_open_data.intake.reading import from_json, from_xlsx

    if media_type == XLSX:
        return from_xlsx.workbook(body)
    return from_json.workbook(characters.decoded(body, charset).removeprefix("\ufeff"), by_line=media_type == NDJSON)


def _typed(block: Block) -> Block:
    """A paragraph that begins with a bullet somebody typed, as the item that it is."""
    if block.kind == "paragraph" and (found := _TYPED.match(block.text)):
        return Block("item", found[2], block.line, _TYPED_DEPTH[found[1]])
    return block


def _reader(media_type: str) -> Callable[[bytes, str | None], list[Block]]:
    # Imported when asked for: the Word and HTML libraries take longer to load than a text takes to read.
    if media_type == TEXT:
        from ogp_open_data.intake.reading import from_text

        return lambda body, charset: from_text.blocks(_short(characters.decode(body, charset)))
    if media_type == HTML:
        from ogp_open_data.intake.reading import from_html

        return lambda body, charset: from_html.blocks(
            characters.decoded(from_html.bounded(body), charset or from_html.declared_charset(body))
        )
    if media_type == MARKDOWN:
        from ogp_open_data.intake.reading import from_markdown

        return lambda body, charset: from_markdown.blocks(_short(characters.decode(body, charset)))
    if media_type == DOCX:
        from ogp_open_data.intake.reading import from_docx

        return lambda body, _: from_docx.blocks(body, MAX_PAGES)
    raise DocumentRefused(f"{media_type} is not read here; {', '.join(MEDIA_TYPES)} are.")


def _declared(media_type: str | None) -> str:
    """The media type without its parameters; empty where it says nothing."""
    name = (media_type or "").partition(";")[0].strip().lower()
    name = _SAME_AS.get(name, name)
    if name and name not in MEDIA_TYPES:
        raise UnsupportedMediaType(f"{name} is not read here; {', '.join(MEDIA_TYPES)} are.")
    return name


def _charset(media_type: str | None) -> str | None:
    """The charset parameter of a media type."""
    for parameter in (media_type or "").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"')
    return None


def _signature(body: bytes) -> str | None:
    """What the first bytes say that the file is; None for text."""
    if body.startswith(b"PK\x03\x04"):
        return next((name for mark, name in _IN_ZIP if mark in body), "a ZIP archive")
    return next((name for mark, name in _SIGNATURES if body.startswith(mark)), None)


def _is_html(body: bytes) -> bool:
    """Whether the file clearly is an HTML page: it begins with markup and soon has the doctype or the html tag."""
    encoding = "utf-16" if body.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    head = body[:1024].decode(encoding, "replace").lstrip("\ufeff \t\r\n").lower()
    return head.startswith("<") and ("<!doctype html" in head or "<html" in head)


def _remedy(found: str) -> str:
    if found == _NAMES[DOCX]:
        return "Give it the suffix .docx and its media type."
    if found == _NAMES[XLSX]:
        return "Give it the suffix .xlsx and its media type."
    if "archive" in found and "web" not in found:
        return "Unpack it and send the report in it."
    return "Save the report as text, HTML, Markdown or .docx and send that."


def _short(text: str) -> str:
    if len(text) > MAX_CHARACTERS:
        raise _too_long(text.count("\n", 0, MAX_CHARACTERS) + 1)
    return text


def _too_long(line: int) -> DocumentRefused:
    return DocumentRefused(
        f"The document is too long for a progress report, which has a few pages: by line {line} it has more than "
        f"{MAX_PAGES} pages ({MAX_CHARACTERS:,} characters or {MAX_BLOCKS:,} paragraphs). Send one report.",
        line=line,
    )
