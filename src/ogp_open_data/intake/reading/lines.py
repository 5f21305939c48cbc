"""Blocks of any format to the lines that a report is read from, each with what its wording says it is."""

import re
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from ogp_open_data.intake.reading.drafts import Block
from ogp_open_data.intake.reading.labels import SINGLE_LINE, Mark, MarkKind, mark
from ogp_open_data.records import Finding

_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)([^*_\n]+)(?<=\S)\1")
_HEADING = re.compile(r"(#{1,6})\s+(\S.*)", re.DOTALL)
# A value that stops at one of these goes on in the next line.
_GOES_ON = (",", "&", " and", " of", " the", " for", "/", "-", "–")


LineKind = Literal["heading", "paragraph", "item"]


class Line(Struct, frozen=True):
    """One line of a document; `mark` is None where the wording says nothing."""

    kind: LineKind
    text: str
    line: int
    level: int
    mark: Mark | None

    def is_a(self, kind: MarkKind) -> bool:
        """Whether its wording makes it one of these."""
        return self.mark is not None and self.mark.kind == kind


def lines_of(blocks: Iterable[Block]) -> tuple[list[Line], list[Finding]]:
    """The lines of a document, and the parts of the page around it as findings."""
    found: list[Line] = []
    findings: list[Finding] = []
    for block in blocks:
        if block.kind == "furniture":
            findings.append(furniture(block.text, block.line))
            continue
        block_kind, block_text, block_level = _unadorned(block)
        for number, text in enumerate(_parts(block_text)):
            marked = mark(text)
            if marked and marked.kind == "furniture" and block_kind != "heading":
                findings.append(furniture(text, block.line))
            else:
                kind, level = (block_kind, block_level) if number == 0 else ("paragraph", 0)
                found.append(Line(kind, text, block.line, level, marked))
    return found, findings


def _unadorned(block: Block) -> tuple[LineKind, str, int]:
    """Kind, text and level of a block without the marks of Markdown that pasted text keeps: “## Milestones”."""
    text = _EMPHASIS.sub(r"\2", block.text)
    heading = _HEADING.fullmatch(text) if block.kind == "paragraph" else None
    if heading:
        return "heading", heading[2].rstrip("# \t"), len(heading[1])
    return "paragraph" if block.kind == "furniture" else block.kind, text, block.level


def furniture(raw: str, line: int) -> Finding:
    """The finding for a part of the page that is not of the document."""
    return Finding("site_furniture", None, raw, line, "This belongs to the page around the document; it was left out.")


def unplaced(line: Line) -> Finding:
    """The finding for a line that fits nowhere."""
    return Finding(
        "text_unplaced", None, line.text, line.line, "This is in no part that a report has; it is kept here only."
    )


def bulleted(line: Line) -> str:
    """A line as it stands in a text of several lines."""
    return f"• {line.text}" if line.kind == "item" else line.text


def _parts(text: str) -> list[str]:
    """A block's text, cut at its line breaks where a label begins or the value of a short one ends; else joined."""
    if "\n" not in text:
        return [text]
    parts: list[list[str]] = []
    before: Mark | None = None
    for piece in filter(None, (piece.strip() for piece in text.split("\n"))):
        here = mark(piece)
        if parts and here is None and not (before and _ends(before, parts[-1][-1], piece)):
            parts[-1].append(piece)
        else:
            parts.append([piece])
            before = here
    return [" ".join(pieces) for pieces in parts]


def _ends(before: Mark, text: str, following: str) -> bool:
    """Whether a label's value ends where its line ends: a date or status does, a name only where a sentence follows."""
    if before.kind in SINGLE_LINE or (not before.value and before.kind != "commitment"):
        return True
    if before.kind not in ("lead", "commitment", "values"):
        return False
    return following[0].isupper() and not text.endswith(_GOES_ON) and following.count(" ") >= 4
