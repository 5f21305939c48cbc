"""Blocks of plain text as pasted from a page: a line is one, and a bullet's indentation gives the depth of its item."""

import re
import unicodedata
from typing import Literal

from msgspec import Struct

from ogp_open_data.intake.reading.drafts import Block

# A mark that is nothing but a bullet needs no space after it; those that begin other lines too do.
_BULLET = re.compile(r"(?:[•◦▪▫‣⁃●○■□➢\uf0b7\uf0a7]\s*|(?:[·*–-]|o(?=\t|  ))(?:\s+|$))")
# Word's second bullet is an “o”, also a word of te reo: it counts where it is indented more than an open list.
_NESTED = re.compile(r"o\s+")
# A list number that is indented; one at the margin may be anything.
_NUMBER = re.compile(r"(?:\d{1,2}|[a-z])[.)]\s+\S")
_TRIMMED = "\ufeff\u200b\u200e\u200f\u2060"
_TAB = 4


class _Open(Struct):
    """A block whose lines are still coming."""

    kind: Literal["paragraph", "item"]
    lines: list[str]
    line: int
    level: int = 0


def blocks(text: str) -> list[Block]:
    """The Blocks of a text: paragraphs and items, in NFC; an indented line right under an item goes on with it."""
    found: list[_Open] = []
    indents: list[int] = []
    previous = bare = 0
    for number, printed in enumerate(unicodedata.normalize("NFC", text).splitlines(), 1):
        line = printed.strip().strip(_TRIMMED).strip()
        if not line:
            continue
        indent = _indent(printed)
        bullet = _BULLET.match(line) or (_NESTED.match(line) if indents and indent > indents[0] else None)
        if bullet or (indent and _NUMBER.match(line)):
            level = _depth(indents, indent)
            if bullet and bullet.end() == len(line):
                bare = level
                continue
            found.append(_Open("item", [line[bullet.end() :] if bullet else line], number, level))
        elif bare:
            found.append(_Open("item", [line], number, bare))
        elif indents and indent > indents[-1] and previous == number - 1:
            found[-1].lines.append(line)
        else:
            indents.clear()
            found.append(_Open("paragraph", [line], number))
        previous, bare = number, 0
    return [Block(one.kind, "\n".join(one.lines), one.line, one.level) for one in found]


def _indent(line: str) -> int:
    """Columns before the first character that is not white space; a tab stands for four."""
    ahead = line[: len(line) - len(line.lstrip())]
    return len(ahead) + (_TAB - 1) * ahead.count("\t")


def _depth(indents: list[int], indent: int) -> int:
    """The depth of a bullet among those still open, which it closes or goes under."""
    while indents and indents[-1] > indent:
        indents.pop()
    if not indents or indents[-1] < indent:
        indents.append(indent)
    return len(indents)
