"""Blocks of a Word document, after its ZIP and its XML have been found harmless.

It is read in the order of its XML, so that text in content controls, text boxes and tracked insertions is met too.
"""

import io
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import docx
from docx.document import Document
from lxml import etree

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake.reading import package
from ogp_open_data.intake.reading.drafts import Block
from ogp_open_data.intake.reading.from_html import numeral

# What is parsed: a hundred pages of Word's XML have some 4 MB with 200,000 elements and attributes, 100 bytes each as a
# tree.
BOUNDS = package.Bounds(
    xml=10_000_000,
    nodes=400_000,
    name="Word document",
    kind="a report",
    remedy="Save it in Word as .docx and send that.",
)


_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_PARAGRAPH, _RUN = f"{_W}p", f"{_W}r"
# Properties, deletions, field codes, and the second copy of what Choice has already said.
_UNPRINTED = frozenset(
    [f"{_W}{name}" for name in ("pPr", "rPr", "sdtPr", "tblPr", "trPr", "tcPr", "sectPr", "del", "moveFrom")]
    + [f"{_W}{name}" for name in ("instrText", "delText", "delInstrText", "rt")]
    + [f"{_MC}Fallback"]
)
_PRINTED_AS = {f"{_W}tab": "\t", f"{_W}ptab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_WORDS = frozenset((f"{_W}t", f"{_M}t"))
_NOTES = {f"{_W}footnoteReference": "footnote", f"{_W}endnoteReference": "endnote"}
_OVERRIDE = f"{_W}lvlOverride"
_ELSEWHERE = frozenset((f"{_W}altChunk", f"{_W}subDoc"))
_LIST_STYLE = re.compile(r"list (?:bullet|number)(?: (\d))?$")
_NUMERALS = {"lowerLetter": "a", "upperLetter": "A", "lowerRoman": "i", "upperRoman": "I"}
_HEADING_STYLE = re.compile(r"heading (\d)$")


class _Look(NamedTuple):
    """What a style makes of its paragraphs: headings of a level, items of a depth, what a list numbers."""

    heading: int = 0
    depth: int = 0
    list_id: str = ""
    list_level: int = 0


class _Printed(NamedTuple):
    """A paragraph of the XML, its text and its ordinal."""

    element: Any
    text: str
    ordinal: int


class _Count:
    """The ordinal of the last paragraph, and the notes in the order in which they are referred to."""

    def __init__(self) -> None:
        self.paragraphs = 0
        self.pages = 1
        self.notes: list[tuple[str, str]] = []


def blocks(body: bytes, max_pages: int = 100) -> list[Block]:
    """The Blocks of a document: its paragraphs, `[n]` before each note at their end, then the page headers and footers.

    `line` is the ordinal of the paragraph. Raises DocumentRefused for what is not a sound and harmless .docx of at most
    `max_pages` pages.
    """
    document = _open(package.checked(body, BOUNDS))
    lists = _Lists(document)
    looks = _looks(document, lists)
    count = _Count()
    found: list[Block] = []
    for printed in _printed(document.element.body, count):
        found.append(_block(printed, looks, lists))
        if count.pages > max_pages:
            raise DocumentRefused(
                f"The document has more than {max_pages} pages, and a progress report has a few. Send one report.",
                line=printed.ordinal,
            )
    found += _notes(document, count)
    found += _furniture(document, count)
    return [block for block in found if block.text]


def _open(body: bytes) -> Document:
    try:
        return docx.Document(io.BytesIO(body))
    except Exception as error:  # what python-docx meets in a hostile package: KeyError, RecursionError, XMLSyntaxError…
        raise package.corrupt(f"{type(error).__name__}: {error}"[:120], BOUNDS) from None


def _printed(root: Any, count: _Count) -> Iterator[_Printed]:
    """The paragraphs under an element, in the order of their ends: a text box comes before the paragraph around it."""
    open_ones: list[tuple[Any, list[str], int]] = []
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = element.tag
        if event == "end":
            if tag == _PARAGRAPH and open_ones and open_ones[-1][0] is element:
                _, pieces, ordinal = open_ones.pop()
                yield _Printed(element, "".join(pieces).strip(), ordinal)
        elif tag in _UNPRINTED or (tag == _RUN and _is_hidden(element)):
            walk.skip_subtree()
        elif tag == _PARAGRAPH:
            count.paragraphs += 1
            open_ones.append((element, [], count.paragraphs))
        elif tag in _ELSEWHERE:
            raise DocumentRefused("The document includes another one. Open it in Word, save it anew and send that.")
        else:
            count.pages += element.tag == f"{_W}br" and element.get(f"{_W}type") == "page"
            if open_ones:
                open_ones[-1][1].append(_words(element, count))


def _words(element: Any, count: _Count) -> str:
    if element.tag in _WORDS:
        return element.text or ""
    if element.tag in _NOTES:
        count.notes.append((_NOTES[element.tag], element.get(f"{_W}id", "")))
        return f"[{len(count.notes)}]"
    return _PRINTED_AS.get(element.tag, "")


def _is_hidden(run: Any) -> bool:
    hidden = run.find(f"{_W}rPr/{_W}vanish")
    return hidden is not None and hidden.get(f"{_W}val", "1") not in ("0", "false", "off")


def _block(printed: _Printed, looks: dict[str, _Look], lists: "_Lists") -> Block:
    style = printed.element.find(f"{_W}pPr/{_W}pStyle")
    look = looks.get(style.get(f"{_W}val", "") if style is not None else "", looks[""])
    number = printed.element.find(f"{_W}pPr/{_W}numPr")
    if number is not None:
        level = min(_value(number, "ilvl") or 0, 8)
        depth = 0 if _value(number, "numId") == 0 else max(look.depth, level + 1)
        look = look._replace(depth=depth, list_id=_text_value(number, "numId") or look.list_id, list_level=level)
    text = f"{lists.label(look.list_id, look.list_level)}{printed.text}" if printed.text else ""
    outline = _outline(printed.element)
    heading = look.heading if outline is None else outline
    if heading:
        return Block("heading", text, printed.ordinal, heading)
    return Block("item" if look.depth else "paragraph", text, printed.ordinal, look.depth)


def _looks(document: Document, lists: "_Lists") -> dict[str, _Look]:
    """What each paragraph style makes, by its id; under the empty string the default style."""
    styles = {style.get(f"{_W}styleId", ""): style for style in document.styles.element.iterchildren(f"{_W}style")}
    looks = {"": _Look()}
    for name, style in styles.items():
        looks[name] = _look_of(name, styles, lists)
        if style.get(f"{_W}type") == "paragraph" and style.get(f"{_W}default") in ("1", "true"):
            looks[""] = looks[name]
    return looks


def _look_of(style_id: str, styles: dict[str, Any], lists: "_Lists") -> _Look:
    """The look of a style, from itself or the nearest style that it is based on (Word allows eleven steps)."""
    look = _Look()
    for _ in range(12):
        style = styles.get(style_id)
        if style is None:
            break
        number = style.find(f"{_W}pPr/{_W}numPr")
        if number is not None and not look.list_id:
            level = _value(number, "ilvl")
            level = min(lists.level_of_style.get(style_id, 0) if level is None else level, 8)
            look = look._replace(list_id=_text_value(number, "numId"), list_level=level)
            if look.list_id != "0":
                look = look._replace(depth=level + 1)
        name = _text_value(style, "name").lower()
        listed, heading = _LIST_STYLE.match(name), _HEADING_STYLE.match(name)
        if listed and look.list_id != "0":
            return look._replace(depth=max(look.depth, int(listed.group(1) or 1)))
        if heading or name == "title" or _outline(style):
            return look._replace(heading=min(int(heading.group(1)), 6) if heading else _outline(style) or 1)
        style_id = _text_value(style, "basedOn")
    return look


class _Lists:
    """The numbers that Word prints before paragraphs and keeps out of their text."""

    def __init__(self, document: Document) -> None:
        parts = (rel.target_part for rel in document.part.rels.values() if rel.reltype.endswith("/numbering"))
        root: Any = getattr(next(parts, None), "element", ())
        self.level_of_style: dict[str, int] = {}
        self._levels: dict[str, dict[int, Any]] = {}
        self._definition: dict[str, str] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        self._numbers: dict[str, dict[int, int]] = {}
        for element in root:
            if element.tag == f"{_W}abstractNum":
                levels = {_number(level.get(f"{_W}ilvl")): level for level in element.iterchildren(f"{_W}lvl")}
                self._levels[element.get(f"{_W}abstractNumId", "")] = levels
                self.level_of_style |= {_text_value(level, "pStyle"): index for index, level in levels.items()}
            elif element.tag == f"{_W}num":
                name = element.get(f"{_W}numId", "")
                self._definition[name] = _text_value(element, "abstractNumId")
                restarts = {_number(x.get(f"{_W}ilvl")): _value(x, "startOverride") for x in element.iter(_OVERRIDE)}
                self._restarts[name] = {level: start for level, start in restarts.items() if start is not None}

    def label(self, list_id: str, level: int) -> str:
        """What is printed before the next paragraph of a list, with a space after it; empty for a bullet."""
        definition = self._definition.get(list_id, "")
        levels = self._levels.get(definition, {})
        if level not in levels or _text_value(levels[level], "numFmt") in ("bullet", "none", ""):
            return ""
        numbers = self._numbers.setdefault(definition, {})
        numbers |= {index: start - 1 for index, start in self._restarts.pop(list_id, {}).items()}
        for deeper in [index for index in numbers if index > level]:
            del numbers[deeper]
        numbers[level] = numbers.get(level, _start(levels[level]) - 1) + 1
        label = _text_value(levels[level], "lvlText")[:80]
        for index in range(level, -1, -1):
            if index in levels:
                style = _NUMERALS.get(_text_value(levels[index], "numFmt"), "1")
                label = label.replace(f"%{index + 1}", numeral(numbers.get(index, _start(levels[index])), style))
        return f"{label} " if label else ""


def _start(level: Any) -> int:
    start = _value(level, "start")
    return 1 if start is None else start


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else 0


def _outline(element: Any) -> int | None:
    """The heading level that properties state; 0 where they state body text, None where they state nothing."""
    properties = element.find(f"{_W}pPr")
    level = _value(properties, "outlineLvl") if properties is not None else None
    if level is None:
        return None
    return min(level + 1, 6) if level < 9 else 0


def _value(element: Any, name: str) -> int | None:
    text = _text_value(element, name)
    return int(text) if text.isdecimal() and len(text) < 7 else None


def _text_value(element: Any, name: str) -> str:
    child = element.find(f"{_W}{name}")
    return "" if child is None else str(child.get(f"{_W}val", ""))


def _notes(document: Document, count: _Count) -> Iterator[Block]:
    """The notes in the order of their marks, each as a paragraph that begins with its mark."""
    notes: dict[tuple[str, str], Any] = {}
    for relation in document.part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if kind in ("footnotes", "endnotes") and not relation.is_external:
            for note in _parsed(relation.target_part.blob):
                notes[(kind[:-1], note.get(f"{_W}id", ""))] = note
    for number, key in enumerate(list(count.notes), 1):
        mark = f"[{number}] "
        for printed in _printed(notes[key], count) if key in notes else ():
            if printed.text:
                yield Block("paragraph", mark + printed.text, printed.ordinal)
                mark = ""


def _furniture(document: Document, count: _Count) -> Iterator[Block]:
    """One Block for each page header or footer of the document that has text."""
    for relation in document.part.rels.values():
        if relation.reltype.endswith(("/header", "/footer")) and not relation.is_external:
            ordinal = count.paragraphs + 1
            texts = [printed.text for printed in _printed(_parsed(relation.target_part.blob), count)]
            yield Block("furniture", "\n".join(filter(None, texts)), ordinal)


def _parsed(part: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(part, parser)
    except etree.XMLSyntaxError as error:
        raise package.corrupt(str(error), BOUNDS) from None
