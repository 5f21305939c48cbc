"""The narrative of a report: its sections with their bullets, paragraphs and sub-headings in the order of print."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from ogp_open_data.intake.reading.lines import Line, unplaced
from ogp_open_data.records import Finding, Item, Paragraph, Section

# A sub-heading in pasted text is a few words that no sentence's mark ends.
_LONGEST_HEADING = 60
_MOST_WORDS = 8
# Lists nested deeper are shown at this depth; no report goes beyond three.
_DEEPEST = 12
_SENTENCE_ENDS = (".", ";", ",", "!", "…", "”", ")")


def read_narrative(lines: Sequence[Line]) -> tuple[list[Section], list[Finding]]:
    """The sections that the lines make, the first of which is a heading, and footnotes as findings."""
    sections: list[Section] = []
    findings: list[Finding] = []
    starts = [n for n, line in enumerate(lines) if opens_section(line)]
    findings += [unplaced(line) for line in lines[: starts[0] if starts else len(lines)]]
    for start, end in pairwise([*starts, len(lines)]):
        kind = lines[start].mark
        body = []
        for line in lines[start + 1 : end]:
            if line.is_a("footnote"):
                findings.append(
                    Finding("footnote", "sections", line.text, line.line, "A footnote; no part of the narrative.")
                )
            else:
                body.append(line)
        sections.append(_section(kind.label if kind and kind.kind == "section" else "other", lines[start].text, body))
    return sections, findings


def opens_section(line: Line) -> bool:
    """Whether a line is the heading of a section; an item never is."""
    return line.is_a("section") and line.kind != "item"


def _section(kind: str, heading: str, body: Sequence[Line]) -> Section:
    section = Section(kind=kind, heading=heading, items=[], paragraphs=[])
    # The lists still open, each with the level of its items.
    open_lists: list[tuple[int, list[Item]]] = []
    for number, line in enumerate(body):
        if line.kind == "item":
            _place(Item(line.text, []), line.level, section, open_lists)
            continue
        open_lists.clear()
        following = body[number + 1] if number + 1 < len(body) else None
        is_heading = line.kind == "heading" or (kind != "links" and is_subheading(line, following))
        name: Literal["paragraph", "subheading"] = "subheading" if is_heading else "paragraph"
        section.paragraphs.append(Paragraph(kind=name, text=line.text, before=len(section.items)))
    return section


def _place(item: Item, level: int, section: Section, open_lists: list[tuple[int, list[Item]]]) -> None:
    """Puts an item under the last one of a lesser level."""
    while open_lists and open_lists[-1][0] > level:
        open_lists.pop()
    if not open_lists:
        open_lists.append((level, section.items))
    elif open_lists[-1][0] < level and len(open_lists) < _DEEPEST:
        open_lists.append((level, open_lists[-1][1][-1].items))
    open_lists[-1][1].append(item)


def is_subheading(line: Line, following: Line | None) -> bool:
    """Whether a line of pasted text is a sub-heading: short, no sentence, and something stands under it."""
    text = line.text
    if following is None or len(text) > _LONGEST_HEADING or text.endswith(_SENTENCE_ENDS):
        return False
    words = text.count(" ") + 1
    return words <= (3 if text.endswith(":") else _MOST_WORDS)
