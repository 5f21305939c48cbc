"""A report written as HTML, Markdown and Word, sound and hostile, and the bounds in which what is hostile is refused."""

import io
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

import docx
import pytest

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake.reading import documents
from ogp_open_data.intake.reading.documents import HTML
from ogp_open_data.intake.reading.drafts import Block

REPORT = """\
Commitment 9 progress report: March – May 2031
Lead agency: Te Mana Wāhi Kaipuke (Harbour Office)

Milestone 1
Chart the inner harbour & its “two” channels
End date: June 2031
Progress: Underway

Boats
2

What have we been doing?
• First soundings were taken.
  • The western channel is done.
    • Its buoys are moved.
  • The eastern one waits.
• A second boat was hired.

What’s next?
• Publish the chart.
"""
HEADINGS = ("Commitment 9", "Milestone 1", "What")
TABLE = ("Boats", "2")


def outline(blocks: list[Block]) -> list[tuple[str, int]]:
    """Each text with its depth as an item (0 for what is none), white space folded as HTML does."""
    return [(" ".join(block.text.split()), block.level if block.kind == "item" else 0) for block in blocks]


def is_heading(block: Block) -> bool:
    return block.text.startswith(HEADINGS) and block.kind != "item"


def as_html(blocks: list[Block]) -> bytes:
    lines, depth = [], 0
    for block in [*blocks, Block("paragraph", "", 0)]:
        level = block.level if block.kind == "item" else 0
        lines += ["<ul>"] * (level - depth) + ["</ul>"] * (depth - level)
        depth = level
        text = escape(block.text)
        if block.kind == "item":
            lines.append(f"<li>{text}</li>")
        elif block.text in TABLE:
            lines.append(f"<table><tr><td>\n  <b>{text}</b></td></tr></table>")
        else:
            lines.append(f"<h2>{text}</h2>" if is_heading(block) else f"<p>{text}</p>")
    return "<!doctype html><html><body><main>{}</main></body></html>".format("\n".join(lines)).encode()


def as_markdown(blocks: list[Block]) -> bytes:
    lines = []
    for block in blocks:
        if block.kind == "item":
            lines.append("  " * (block.level - 1) + f"- {block.text}")
        elif block.text in TABLE:
            lines.append(f"| {block.text} |\n| --- |" if block.text == TABLE[0] else f"| {block.text} |\n")
        else:
            lines.append(f"\n## {block.text}\n" if is_heading(block) else f"\n{block.text}\n")
    return "\n".join(lines).encode()


def as_docx(blocks: list[Block]) -> bytes:
    document = docx.Document()
    for block in blocks:
        if block.kind == "item" and block.level <= 3:
            document.add_paragraph(block.text, f"List Bullet {block.level}" if block.level > 1 else "List Bullet")
        elif block.kind == "item":
            numbering = document.add_paragraph(block.text)._p.get_or_add_pPr().get_or_add_numPr()
            numbering.get_or_add_ilvl().val, numbering.get_or_add_numId().val = block.level - 1, 1
        elif block.text in TABLE:
            document.add_table(1, 1).cell(0, 0).paragraphs[0].add_run(block.text).bold = True
        elif is_heading(block):
            document.add_heading(block.text, 2)
        else:
            document.add_paragraph(block.text)
    return saved(document)


def saved(document: "docx.document.Document") -> bytes:
    body = io.BytesIO()
    document.save(body)
    return body.getvalue()


def repacked(changes: dict[str, bytes]) -> bytes:
    """A small sound Word document with some of its parts replaced or added."""
    body = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(WORD)) as old, zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {*old.namelist(), *changes}:
            new.writestr(name, changes[name] if name in changes else old.read(name))
    return body.getvalue()


def with_xml(xml: bytes) -> bytes:
    return repacked({"word/document.xml": WORD_XML.replace(b"<w:body>", b"<w:body>" + xml)})


def paragraph(inside: str, properties: str = "") -> bytes:
    return f"<w:p>{properties}{inside}</w:p>".encode()


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


WORD = saved(docx.Document())
WORD_XML = zipfile.ZipFile(io.BytesIO(WORD)).read("word/document.xml")


def memory(name: str) -> int:
    """A figure of this process in bytes: VmRSS now, VmHWM at its highest."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


@contextmanager
def bounded(seconds: float = 10, megabytes: int = 100) -> Iterator[None]:
    """Asserts that what happens inside takes no more; libxml2 counts too, whose memory tracemalloc cannot see.

    What is bounded takes under 2 s here, what is not takes minutes: 10 s tells the two apart on a busy machine as well.
    """
    Path("/proc/self/clear_refs").write_text("5")
    before, started = memory("VmRSS"), time.process_time()
    yield
    took, grew = time.process_time() - started, memory("VmHWM") - before
    assert took < seconds, f"{took:.2f} s"
    assert grew < megabytes * 1_000_000, f"{grew:,} bytes"


def refusal(body: bytes, filename: str | None = None, media_type: str | None = None) -> DocumentRefused:
    with bounded(), pytest.raises(DocumentRefused) as caught:
        documents.read(body, filename, media_type)
    return caught.value


def blocks(body: bytes | str, media_type: str = HTML) -> list[Block]:
    return documents.blocks_of(body if isinstance(body, bytes) else body.encode(), media_type)


def texts(body: bytes | str, media_type: str = HTML) -> list[tuple[str, str, int]]:
    return [(block.kind, block.text, block.level) for block in blocks(body, media_type)]
