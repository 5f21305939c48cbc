"""The passage of a record that answers a search, with the words marked. Pure."""

import re

from markupsafe import Markup, escape

from ogp_open_data.formats.markup import one_line
from ogp_open_data.intake.rows import fold, texts
from ogp_open_data.records import Record

BEFORE, LONGEST = 60, 220
WORD = re.compile(r"\w+")


def stems(asked: str) -> list[str]:
    """The beginnings of the words that were asked for, without the endings that the search does not heed either."""
    words = [word.lower() for word in WORD.findall(fold(asked))]
    return [word[: max(4, len(word) - 3)] for word in words if len(word) > 2 and word not in ("and", "the", "for")]


def excerpt(record: Record, wanted: list[str]) -> Markup | None:
    """The first passage with one of the words; None where only a form of it that we cannot see is there."""
    for text in map(one_line, texts(record)):
        if (place := _first(text, wanted)) is not None:
            begin = text.rfind(" ", 0, max(0, place - BEFORE)) + 1 if place > BEFORE else 0
            end = len(text) if len(text) - begin <= LONGEST else text.rfind(" ", begin, begin + LONGEST)
            cut = text[begin : end if end > begin else begin + LONGEST]
            return Markup("{}{}{}").format("… " if begin else "", _marked(cut, wanted), " …" if end < len(text) else "")
    return None


def _hit(word: str, wanted: list[str]) -> bool:
    return fold(word).lower().startswith(tuple(wanted))


def _first(text: str, wanted: list[str]) -> int | None:
    return next((found.start() for found in WORD.finditer(text) if wanted and _hit(found[0], wanted)), None)


def _marked(text: str, wanted: list[str]) -> Markup:
    parts, done = [], 0
    for found in WORD.finditer(text):
        if _hit(found[0], wanted):
            parts += [escape(text[done : found.start()]), Markup("<mark>{}</mark>").format(found[0])]
            done = found.end()
    return Markup("").join([*parts, escape(text[done:])])
