"""The characters of a document: bytes decoded, and cleaned of what must never reach a record.

Whatever comes out of here is NFC, has LF line ends and holds no control, bidirectional or invisible characters.
"""

import re
import unicodedata

from ogp_open_data.errors import DocumentRefused

# Unicode's own bound for text that may be normalised as it streams by (UAX 15); longer runs sort in quadratic time.
MAX_COMBINING = 30

# The names under which pages declare the two encodings that New Zealand agencies have used.
_CHARSETS = {
    **dict.fromkeys(("utf-8", "utf8", "unicode-1-1-utf-8"), "utf-8"),
    **dict.fromkeys(("windows-1252", "cp1252", "x-cp1252", "iso-8859-1", "iso8859-1", "latin1", "latin-1"), "cp1252"),
    **dict.fromkeys(("us-ascii", "ascii"), "cp1252"),
}
_ENCODINGS = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "windows-1252"}

# Line breaks of other kinds become line feeds, because dropping them would join two words.
_TRANSLATION: dict[int, str | None] = dict.fromkeys((0x0B, 0x0C, 0x85, 0x2028, 0x2029), "\n")
for _first, _last in (
    (0x00, 0x08),
    (0x0E, 0x1F),
    (0x7F, 0x84),
    (0x86, 0x9F),
    (0x200B, 0x200B),  # zero-width space; the joiners beside it are spelling and stay
    (0x2060, 0x2060),
    (0xAD, 0xAD),
    (0x202A, 0x202E),
    (0x2066, 0x2069),
    (0xFDD0, 0xFDEF),
    (0xFEFF, 0xFEFF),
    (0xFFFE, 0xFFFF),
):
    _TRANSLATION |= dict.fromkeys(range(_first, _last + 1))

_MAYBE_COMBINING = re.compile(f"[^\x00-\u02ff]{{{MAX_COMBINING + 1},}}")


def decode(body: bytes, charset: str | None = None) -> str:
    """The text of a file, cleaned: UTF-8, UTF-16 with its mark, or the `charset` that was declared."""
    return clean(decoded(body, charset))


def clean(text: str, line: int = 1) -> str:
    """The text as NFC with LF line ends and without what must never reach a record; `line` is that of its beginning."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.translate(_TRANSLATION)
    if text.isascii():
        return text
    _refuse_floods(text, line)
    return unicodedata.normalize("NFC", text)


def decoded(body: bytes, charset: str | None) -> str:
    """The text as it stands in the file. Raises DocumentRefused for another encoding and for what is no text."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif body.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8"
    else:
        encoding = _CHARSETS.get((charset or "utf-8").strip().lower(), "")
    if not encoding:
        raise DocumentRefused(f"The encoding {(charset or '')[:40]!r} is not read here. Save the file as UTF-8.")
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise DocumentRefused(
            f"The file is not {_ENCODINGS[encoding]} text: byte {error.start} (line {line}) is "
            f"0x{body[error.start]:02x}. Save the file as UTF-8.",
            offset=error.start,
            line=line,
        ) from None
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        offset = len(text[:nul].encode(encoding))
        raise DocumentRefused(
            f"The file is binary, not text: there is a NUL at byte {offset} (line {line}). "
            "Save the report as text, HTML, Markdown or .docx and send that.",
            offset=offset,
            line=line,
        )
    return text


def _refuse_floods(text: str, line: int) -> None:
    for run in _MAYBE_COMBINING.finditer(text):
        marks = 0
        for at, character in enumerate(run.group(), run.start()):
            marks = marks + 1 if unicodedata.combining(character) else 0
            if marks > MAX_COMBINING:
                line += text.count("\n", 0, at)
                raise DocumentRefused(
                    f"Line {line} has more than {MAX_COMBINING} combining marks on one letter. Remove them.", line=line
                )
