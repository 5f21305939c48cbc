"""Blocks of an HTML page: the words of its main content in the order of print, and the page around them as furniture.

The tree is libxml2's; it is walked without recursion. Where the parser would drop what is nested too deep, we refuse.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from lxml import etree

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake.reading.drafts import Block

# A page with a report has 20-300 kB and a few thousand tags; 100,000 take half a second to walk.
MAX_BYTES = 2_000_000
MAX_TAGS = 100_000
# libxml2 walks an element's attributes to append one: 250,000 on one tag took 234 s. Each takes 100 bytes.
MAX_ATTRIBUTES_OF_TAG = 250
MAX_ATTRIBUTES = 200_000
# A page that marks more places than this as its main content does not know which one is.
MAX_ROOTS = 10

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset(("ul", "ol", "menu", "dir"))
_SECTIONS = frozenset(("main", "article", "section"))
# Elements that begin and end a line in print; every other one is inline, as in a browser.
# fmt: off
_BREAKING = frozenset((
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "dir",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "optgroup", "option", "p", "pre",
    "search", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
))
_UNPRINTED = frozenset((
    "audio", "canvas", "datalist", "embed", "head", "iframe", "noembed", "noframes", "noscript", "object", "rp",
    "script", "style", "svg", "template", "video",
))
# fmt: on
_ROMAN = (
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
    (9, "ix"),
    (5, "v"),
    (4, "iv"),
    (1, "i"),
)  # fmt: skip
_AROUND = frozenset(("nav", "footer", "aside", "search"))
_AROUND_ROLES = frozenset(("navigation", "banner", "contentinfo", "complementary", "search"))
_SKIPPING = ("skip ", "jump to ")
_SPACE = re.compile(r"[ \t\n\r\f]+")
_SPACES = re.compile(r" {2,}")
_SPACES_AT_BREAK = re.compile(r" *\n *")


@dataclass(slots=True, eq=False)
class _Frame:
    """An open element that breaks lines. `host` is the heading or list item whose text stands in it."""

    element: etree._Element | None
    furniture: bool
    host: "_Frame | None" = None
    depth: int = 0
    heading: int = 0
    preformatted: bool = False
    sectioned: bool = False
    number: int = 0
    marker: str = ""
    spent: bool = False


@dataclass(slots=True)
class _Page:
    """What has been read of a page so far."""

    roots: frozenset[etree._Element]
    line_attribute: str | None
    blocks: list[Block] = field(default_factory=list)
    frames: list[_Frame] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    around: list[tuple[str, int]] = field(default_factory=list)
    line: int = 1
    run_line: int = 0

    def start(self, element: etree._Element) -> None:
        self._see_line(element)
        tag = str(element.tag)
        top = self.frames[-1]
        around = _is_around(element, top.sectioned)
        if tag in _BREAKING or around or element in self.roots:
            self.flush()
            furniture = (top.furniture or around) and element not in self.roots
            self.frames.append(_opened(element, tag, top, furniture))
        elif tag == "br":
            self._break()
        elif tag == "img":
            self._print(element.get("alt") or "")
        self.text(element.text)

    def end(self, element: etree._Element) -> None:
        if self.frames[-1].element is element:
            self.flush()
            self.frames.pop()
        self.text(element.tail)

    def text(self, text: str | None) -> None:
        """Text as it stands in the source; its line feeds are counted, and printed only where it is preformatted."""
        if not text:
            return
        if not self.line_attribute:
            self.line += text.count("\n")
        if self.frames[-1].preformatted:
            first, *others = text.split("\n")
            self._print(first, -len(others))
            for number, part in enumerate(others, 1):
                self._break()
                self._print(part, number - len(others))
        else:
            ahead = len(text) - len(text.lstrip())
            self._print(_SPACE.sub(" ", text), -text.count("\n", ahead))

    def _print(self, text: str, lines_back: int = 0) -> None:
        if not self.run_line and text.strip():
            self.run_line = self.line + (0 if self.line_attribute else lines_back)
        self.pieces.append(text)

    def _break(self) -> None:
        """A line break; the second in a row is the gap between two paragraphs."""
        if not self.run_line:
            self.pieces.clear()  # nothing was printed before it
            return
        for piece in reversed(self.pieces):
            if piece == "\n":
                self.flush()
                return
            if piece.strip():
                break
        self.pieces.append("\n")

    def flush(self) -> None:
        """What was printed since the last break of a block becomes a Block."""
        frame = self.frames[-1]
        text = "".join(self.pieces)
        if not frame.preformatted:
            text = _SPACES_AT_BREAK.sub("\n", _SPACES.sub(" ", text))
        text, line = text.strip(), self.run_line or self.line
        self.pieces.clear()
        self.run_line = 0
        if not text:
            return
        if frame.furniture:
            self.around.append((text, line))
            return
        self.finish_furniture()
        if frame.host is None or frame.host.spent:
            self.blocks.append(Block("paragraph", text, line))
        elif frame.host.heading:
            self.blocks.append(Block("heading", text, line, frame.host.heading))
        else:
            frame.host.spent = True
            self.blocks.append(Block("item", frame.host.marker + text, line, max(frame.host.depth, 1)))

    def finish_furniture(self) -> None:
        """What was printed around the content since the last Block becomes one."""
        if self.around:
            self.blocks.append(Block("furniture", "\n".join(text for text, _ in self.around), self.around[0][1]))
            self.around.clear()

    def _see_line(self, element: etree._Element) -> None:
        if self.line_attribute:
            printed = element.get(self.line_attribute, "")
            self.line = _integer(printed, self.line)
        else:
            # libxml2 keeps 16 bits of the line; beyond them only line feeds are counted.
            self.line = max(self.line, element.sourceline or 0)


def _opened(element: etree._Element, tag: str, around: _Frame, furniture: bool) -> _Frame:
    """The frame of an element inside another one."""
    frame = _Frame(element, furniture, around.host, around.depth)
    frame.preformatted = around.preformatted or tag == "pre"
    frame.sectioned = around.sectioned or tag in _SECTIONS
    if tag in _LISTS:
        frame.depth += 1
        frame.number = _integer(element.get("start", ""), 1)
    elif tag == "li":
        frame.host = frame
        if around.element is not None and around.element.tag == "ol":
            number = _integer(element.get("value", ""), around.number)
            frame.marker = f"{numeral(number, around.element.get('type', '1'))}. "
            around.number = number + 1
    elif tag in _HEADINGS:
        frame.host, frame.heading = frame, _HEADINGS[tag]
        if around.host and not around.host.heading:
            around.host.spent = True
    return frame


def numeral(number: int, style: str) -> str:
    """A number as lists print it: `style` is 1, a, A, i or I."""
    if not 0 < number < 4000 or style not in "aAiI":
        return str(number)
    text = ""
    if style in "aA":
        while number:
            number, letter = divmod(number - 1, 26)
            text = chr(ord("a") + letter) + text
    else:
        for value, digits in _ROMAN:
            text += digits * (number // value)
            number %= value
    return text.upper() if style.isupper() else text


def _integer(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 7 else otherwise


def bounded(body: bytes) -> bytes:
    """The bytes of a page, unless they are more than a page with a report has."""
    tags = body.count(b"<")
    if len(body) > MAX_BYTES or tags > MAX_TAGS:
        raise DocumentRefused(
            f"The page has {len(body):,} bytes and {tags:,} tags; {MAX_BYTES:,} and {MAX_TAGS:,} are the most that "
            "is read. Send the report alone, without the pictures and scripts of its page."
        )
    return body


def declared_charset(body: bytes) -> str | None:
    """The encoding that a page declares in its first 1,024 bytes (the HTML standard's bound); None without one."""
    tree = _parse(body[:1024], "iso-8859-1")[0]
    for meta in tree.iter("meta") if tree is not None else ():
        content = (meta.get("content") or "").lower()
        if meta.get("charset"):
            return meta.get("charset")
        if "charset=" in content:
            return content.partition("charset=")[2].split(";")[0].strip(" \"'")
    return None


def blocks(text: str, line_attribute: str | None = None) -> list[Block]:
    """The Blocks of a page. Lines are counted, or read from `line_attribute` where a converter has left them.

    Raises DocumentRefused for a page that is nested deeper than the parser keeps.
    """
    body = bounded(text.encode())
    _check_attributes(body)
    tree, log = _parse(body, "utf-8")
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in log):
        raise DocumentRefused("The page is nested more than 250 elements deep. Send the report as text.")
    if tree is None:
        return []
    roots = _roots(tree)
    page = _Page(roots, line_attribute, frames=[_Frame(None, furniture=bool(roots))])
    walk = etree.iterwalk(tree, events=("start", "end"))
    for event, element in walk:
        if event == "end":
            page.end(element)
        elif _is_printed(element):
            page.start(element)
        else:
            walk.skip_subtree()
    page.flush()
    page.finish_furniture()
    return page.blocks


class _Attributes:
    """Counts the attributes of each tag as the parser meets it, before there is a tree."""

    def __init__(self) -> None:
        self.seen = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.seen += len(attributes)
        if len(attributes) > MAX_ATTRIBUTES_OF_TAG or self.seen > MAX_ATTRIBUTES:
            raise DocumentRefused(
                f"The page has {len(attributes):,} attributes on a tag <{tag[:20]}> and {self.seen:,} up to it; "
                f"{MAX_ATTRIBUTES_OF_TAG} and {MAX_ATTRIBUTES:,} are the most that is read. Send the report as text."
            )

    def close(self) -> None:
        """Needed by the parser."""


def _check_attributes(body: bytes) -> None:
    counting: Any = _Attributes()
    with suppress(etree.XMLSyntaxError):
        etree.fromstring(body, etree.HTMLParser(target=counting, encoding="utf-8", no_network=True))


def _parse(body: bytes, encoding: str) -> "tuple[etree._Element | None, etree._ListErrorLog]":
    parser = etree.HTMLParser(
        encoding=encoding, remove_comments=True, remove_pis=True, no_network=True, huge_tree=False, recover=True
    )
    try:
        return etree.fromstring(body, parser), parser.error_log
    except etree.XMLSyntaxError:  # nothing in it
        return None, parser.error_log


def _roots(tree: etree._Element) -> frozenset[etree._Element]:
    """The elements that hold the content; empty where the page does not say."""
    mains = (element for element in tree.iter("*") if element.tag == "main" or element.get("role") == "main")
    found = [element for element in islice(mains, MAX_ROOTS) if _is_shown(element)]
    if not found:
        articles = list(tree.iter("article"))
        # One article that is most of the page is its content; a small one is a teaser.
        if len(articles) == 1 and 2 * _length(articles[0]) >= _length(tree):
            found = articles
    if found and not any(_has(element, "h1") for element in found):
        titles = islice(tree.iter("h1"), MAX_ROOTS)
        found += [h1 for h1 in titles if not any(_is_around(up, sectioned=False) for up in h1.iterancestors())]
    return frozenset(found)


def _is_printed(element: etree._Element) -> bool:
    """Whether a browser without scripts would show the element."""
    if element.tag in _UNPRINTED or element.get("hidden") is not None:
        return False
    if element.tag == "dialog" and element.get("open") is None:
        return False
    style = (element.get("style") or "").replace(" ", "").lower()
    return "display:none" not in style and "visibility:hidden" not in style


def _is_shown(element: etree._Element) -> bool:
    return _is_printed(element) and all(_is_printed(up) for up in element.iterancestors())


def _is_around(element: etree._Element, sectioned: bool) -> bool:
    """Whether the element is of the page and not of its content.

    A header inside an article that has a heading is the head of that article, not of the site.
    """
    if element.tag in _AROUND or element.get("role") in _AROUND_ROLES:
        return True
    if element.tag == "header":
        return not (sectioned and _has(element, *_HEADINGS))
    if element.tag == "a" and (element.get("href") or "").startswith("#"):
        text = element.text or (element[0].text if len(element) else "") or ""
        return text.strip().lower().startswith(_SKIPPING)
    return False


def _has(element: etree._Element, *tags: str) -> bool:
    return next(element.iter(*tags), None) is not None


def _length(element: etree._Element) -> int:
    return sum(len(str(part).strip()) for part in element.itertext())
