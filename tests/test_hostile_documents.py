"""What is too long, too deep or made to do harm is refused within two seconds and 100 MB, with the reason."""

import random

import pytest

from document_formats import REPORT, WORD, WORD_XML, as_docx, as_html, blocks, bounded, refusal, repacked, with_xml
from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake.reading import documents, from_text
from ogp_open_data.intake.reading.documents import MARKDOWN
from ogp_open_data.intake.reading.drafts import Block


def test_200_pages_are_refused_in_every_format():
    page = [Block("paragraph", " ".join(["word"] * 500), 0)] * 200
    plain = "\n\n".join(block.text for block in page).encode()
    for body, name in ((plain, "a.txt"), (plain, "a.md"), (as_html(page), "a.html"), (as_docx(page), "a.docx")):
        assert "100 pages" in refusal(body, name).detail
    breaks = b'<w:p><w:r><w:t>x</w:t><w:br w:type="page"/></w:r></w:p>' * 200
    assert "100 pages" in refusal(with_xml(breaks), "a.docx").detail


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.md", "a.docx", "a.csv", None])
def test_100_megabytes_are_refused_at_once(name: str | None):
    body = bytes(100_000_000)
    with bounded(seconds=5, megabytes=1):
        assert "100,000,000 bytes" in refusal(body, name).detail


def test_page_nested_too_deep_is_refused_and_not_cut():
    assert len(blocks("<div>" * 200 + "x" + "</div>" * 200 + "<p>after")) == 2
    for tag in ("div", "ul", "b"):
        assert "nested" in refusal(f"<{tag}>".encode() * 50_000 + b"x", "a.html").detail
    for text in (">" * 10_000, "- " * 60 + "x", "".join("  " * depth + "- x\n" for depth in range(100))):
        assert "nested" in refusal(text.encode(), "a.md").detail
    assert len(blocks("".join("  " * depth + "- x\n" for depth in range(40)), MARKDOWN)) == 40


HOSTILE_PAGES = {
    "one tag of attributes": b"<p " + b" ".join(b"a%x" % number for number in range(240_000)) + b">",
    "tags of attributes": b"<p a b c d e f g h i j k l m n o p q r s t u v w x y z>" * 36_000,
    "tags": b"<p>" * 600_000,
    "items": b"<li>a" * 90_000,
    "titles in depth": b"<main></main>" + b"<div>" * 240 + b"<h1>a title</h1>" * 45_000,
    "headers in headers": b"<section>" + b"<header>" * 240 + b"<p>around" * 95_000,
    "lines": b"<pre>" + b"x\n" * 900_000,
    "marks on a letter": b"<p>a" + b"\xcc\x81\xcc\xa3" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE_PAGES)
def test_hostile_page_is_refused_in_bounds(name: str):
    refusal(HOSTILE_PAGES[name], "a.html")


@pytest.mark.parametrize(
    "unit", ["[", "![", "[a](", "*_", "_a", "a*", "`a``b", "a\n-\n", "|a|\n|-|\n", "1. a\n", "[a]: b\n"]
)
def test_hostile_markdown_is_refused_in_bounds(unit: str):
    refusal((unit * (290_000 // len(unit))).encode(), "a.md")


def lying() -> bytes:
    """A document whose directory says that an entry of 60 MB has a thousand bytes."""
    body = bytearray(repacked({"word/media/a.png": bytes(60_000_000)}))
    at = body.rindex(b"word/media/a.png") - 46
    body[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    return bytes(body)


def encrypted() -> bytes:
    body = bytearray(WORD)
    at = body.find(b"PK\x01\x02")
    body[at + 8] |= 1
    return bytes(body)


RANDOM = random.Random(1).randbytes(400_000).hex().encode()
# Unpacks to 83 times its size, under the bound on the ratio.
THIN = b"".join(RANDOM[at : at + 200] + bytes(9_800) for at in range(0, 800_000, 200))
CONTENT = WORD_XML.split(b"?>", 1)[1]
HOSTILE_WORD = {
    "bomb": (lambda: repacked({"word/media/a.png": bytes(200_000_000)}), "200 times"),
    "part of 60 MB": (lambda: repacked({"word/media/a.png": THIN[:30_000_000] * 2}), "more than 50,"),
    "parts of 120 MB": (lambda: repacked({f"word/{n}.bin": THIN for n in range(3)}), "unpacks to more than"),
    "lying size": (lying, "cannot be opened"),
    "elements": (lambda: with_xml(b"<w:p/>" * 8_000_000), "too large"),
    "many elements": (lambda: with_xml(b"<w:p/>".join(b"%x" % n for n in range(500_000))), "elements"),
    "depth": (lambda: with_xml(b"<w:p>" * 400 + b"</w:p>" * 400), "cannot be opened"),
    "long attribute": (lambda: with_xml(b'<w:p a="' + RANDOM * 14 + b'"/>'), "10,000,000 bytes"),
    "laughs": (lambda: repacked({"word/document.xml": b'<!DOCTYPE x [<!ENTITY a "aa">]>' + CONTENT}), "entities"),
    "outside entity": (lambda: repacked({"word/styles.xml": b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>"}), "entit"),
    "hidden doctype": (lambda: repacked({"word/document.xml": WORD_XML.decode().encode("utf-16")}), "not UTF-8"),
    "other encoding": (lambda: repacked({"word/styles.xml": b'<?xml version="1.0" encoding="UTF-7"?><x/>'}), "UTF-8"),
    "entries": (lambda: repacked({f"word/{n}": b"" for n in range(2_001)}), "2,000 parts"),
    "archive inside": (lambda: repacked({"word/embeddings/a.xlsx": WORD}), "another archive"),
    "encrypted": (encrypted, "encrypted"),
    "included document": (lambda: with_xml(b"<w:altChunk/>"), "includes another"),
    "no document part": (lambda: repacked({"_rels/.rels": b"<Relationships/>"}), "cannot be opened"),
    "broken XML": (lambda: repacked({"word/document.xml": b"<a><b>"}), "cannot be opened"),
    "cut short": (lambda: WORD[:-100], "cannot be opened"),
    "cut at its head": (lambda: WORD[:50], "only a part"),
}


@pytest.mark.parametrize("name", HOSTILE_WORD)
def test_hostile_word_document_is_refused_in_bounds(name: str):
    make, said = HOSTILE_WORD[name]
    body = make()
    assert len(body) < documents.MAX_BYTES, "refused for what is in it"
    assert said in refusal(body, "a.docx").detail


def test_damaged_word_document_is_read_or_refused():
    chance = random.Random(2)
    sound, refused = as_docx(from_text.blocks(REPORT)), 0
    for _ in range(100):
        body = bytearray(sound)
        for _ in range(chance.randint(1, 20)):
            body[chance.randrange(4, len(body))] = chance.randrange(256)
        try:
            documents.read(bytes(body), "a.docx")
        except DocumentRefused:
            refused += 1
    assert refused > 50
