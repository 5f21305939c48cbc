"""Documents of every format become the same Blocks; what is not what it is sent as is refused with a remedy."""

from pathlib import Path

import docx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from document_formats import (
    REPORT,
    WORD,
    as_docx,
    as_html,
    as_markdown,
    blocks,
    is_heading,
    outline,
    paragraph,
    refusal,
    run,
    saved,
    texts,
    with_xml,
)
from ogp_open_data.intake.reading import characters, documents, from_text
from ogp_open_data.intake.reading.documents import CSV, DOCX, HTML, MARKDOWN, TEXT


@pytest.mark.parametrize(("write", "media_type"), [(as_html, HTML), (as_markdown, MARKDOWN), (as_docx, DOCX)])
def test_same_report_in_another_format_gives_the_same_blocks(write, media_type):
    plain = from_text.blocks(REPORT)
    other = blocks(write(plain), media_type)
    assert outline(other) == outline(plain)
    assert [block.text for block in other if block.kind == "heading"] == [b.text for b in plain if is_heading(b)]


@pytest.mark.parametrize(("write", "media_type"), [(as_html, HTML), (as_docx, DOCX)])
def test_every_shared_sample_gives_the_same_blocks_in_another_format(shared: Path, write, media_type):
    samples = [path for path in sorted((shared / "reports").glob("*.txt")) if not path.name.endswith(".csv.txt")]
    assert len(samples) > 30
    for path in samples:
        text = path.read_text(encoding="utf-8")
        plain = blocks(text if path.stem == "seed" else text.partition("\n---\n")[2], TEXT)
        assert outline(blocks(write(plain), media_type)) == outline(plain), path.name


def test_page_around_the_content_is_furniture():
    page = """<html><head><title>No</title></head><body><a href="#c">Skip to main content</a>
    <header><h1>Harbour Office</h1></header><nav><ul><li>Home<li>About</ul></nav>
    <main id=c><article><header><h1>Report</h1></header><aside>See also</aside><p>Text</article></main>
    <footer><p>Crown copyright</p><p>Contact</p></footer></body></html>"""
    assert texts(page) == [
        ("furniture", "Skip to main content\nHarbour Office\nHome\nAbout", 0),
        ("heading", "Report", 1),
        ("furniture", "See also", 0),
        ("paragraph", "Text", 0),
        ("furniture", "Crown copyright\nContact", 0),
    ]


def test_title_outside_the_main_content_is_kept_when_that_has_none():
    page = "<div class=hero><h1>Commitment 9</h1></div><main><p>Text</p></main><p>Around"
    assert texts(page) == [("heading", "Commitment 9", 1), ("paragraph", "Text", 0), ("furniture", "Around", 0)]


def test_page_is_read_as_a_browser_shows_it():
    page = """<p>Date:&nbsp;<b>March</b>
      to\tMay<!-- no --></p><style>no</style><script>no</script><template>no</template>
      <p hidden>no</p><p style="display: none">no</p>bare <em>text</em>
      <div>in a div<p>one<br> two<br><br>three</p></div>
      <dl><dt>Lead<dd>Harbour Office</dl><img alt="Completed"><pre>a  b
  c</pre>"""
    assert [text for _, text, _ in texts(page)] == [
        "Date:\u00a0March to May", "bare text", "in a div", "one\ntwo", "three", "Lead", "Harbour Office", "Completed",
        "a  b\n  c",
    ]  # fmt: skip


def test_items_have_the_depth_of_their_lists_however_they_are_nested():
    page = "<ul><li>one<ul><li>in one</ul>on</li><ul><li>misnested</li></ul><li><p>two</p><p>more</p></li></ul>"
    assert texts(page) == [
        ("item", "one", 1),
        ("item", "in one", 2),
        ("paragraph", "on", 0),
        ("item", "misnested", 2),
        ("item", "two", 1),
        ("paragraph", "more", 0),
    ]


def test_html_and_markdown_blocks_know_their_lines():
    assert [block.line for block in blocks("<p>a\nb</p>\n\n<p>\n c<br>\n<br>d</p>")] == [1, 5, 6]
    markdown = "# Title\n\nDate: March\nto May\n\n- one\n  - two\n\n<div>\n<p>raw</p></div>\n"
    assert [(block.line, block.text) for block in blocks(markdown, MARKDOWN)] == [
        (1, "Title"), (3, "Date: March\nto May"), (6, "one"), (7, "two"), (9, "raw"),
    ]  # fmt: skip


def test_markdown_markup_leaves_its_text():
    text = "A [link](http://x.example) *and* `code` ![Completed](tick.png) &amp; <b>bold</b>"
    assert texts(text, MARKDOWN) == [("paragraph", "A link and code Completed & bold", 0)]


def test_word_paragraphs_are_read_wherever_they_stand():
    document = docx.Document()
    document.add_heading("Title", 0)
    first = document.add_paragraph("Date: March")
    first.add_run().add_break()
    first.add_run("to May")
    cell = document.add_table(1, 2).cell(0, 1)
    cell.text = "outer"
    cell.add_table(1, 1).cell(0, 0).text = "inner"
    document.sections[0].header.paragraphs[0].text = "Page header"
    assert [(b.kind, b.text, b.line) for b in blocks(saved(document), DOCX)] == [
        ("heading", "Title", 1),
        ("paragraph", "Date: March\nto May", 2),
        ("paragraph", "outer", 4),
        ("paragraph", "inner", 5),
        ("furniture", "Page header", 7),
    ]


def test_word_insertions_and_controls_are_printed_and_deletions_are_not():
    link = f"<w:hyperlink>{run('link')}</w:hyperlink>"
    gone = "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:moveFrom>" + run("moved") + "</w:moveFrom>"
    hidden = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>"
    xml = paragraph(run("a ") + f"<w:ins>{run('new ')}</w:ins>" + gone + hidden + link)
    control = b"<w:sdt><w:sdtContent>" + paragraph(run("control")) + b"</w:sdtContent></w:sdt>"
    assert [text for _, text, _ in texts(with_xml(xml + control), DOCX)] == ["a new link", "control"]


def test_word_headings_and_items_come_from_their_properties_too():
    def item(level: int, number: int = 1) -> str:
        return f'<w:pPr><w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr></w:pPr>'

    outline_level = '<w:pPr><w:outlineLvl w:val="2"/></w:pPr>'
    xml = paragraph(run("h"), outline_level) + paragraph(run("i"), item(3)) + paragraph(run("p"), item(0, number=0))
    assert texts(with_xml(xml), DOCX) == [("heading", "h", 3), ("item", "i", 4), ("paragraph", "p", 0)]


def test_word_style_based_on_a_list_style_makes_items():
    document = docx.Document()
    style = document.styles.add_style("Agency bullet", 1)
    style.base_style = document.styles["List Bullet 2"]
    document.add_paragraph("x", style)
    assert texts(saved(document), DOCX) == [("item", "x", 2)]


def test_word_footnotes_follow_with_their_marks():
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    note = b'<w:footnote w:id="7">' + paragraph(run("See the chart.")) + b"</w:footnote>"
    document = docx.Document()
    mark = OxmlElement("w:footnoteReference")
    mark.set(qn("w:id"), "7")
    document.add_paragraph("Charted").add_run()._r.append(mark)
    name = docx.opc.packuri.PackURI("/word/footnotes.xml")
    part = docx.opc.part.Part(name, "application/xml", f"<w:footnotes {space}>".encode() + note + b"</w:footnotes>")
    document.part.relate_to(part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes")
    assert texts(saved(document), DOCX) == [("paragraph", "Charted[1]", 0), ("paragraph", "[1] See the chart.", 0)]


def test_numbers_of_lists_are_printed_as_in_text():
    document = docx.Document()
    for text, style in (("a", "List Number"), ("b", "List Number"), ("c", "List Bullet 2"), ("d", "List Number")):
        document.add_paragraph(text, style)
    expected = [("item", "1. a", 1), ("item", "2. b", 1), ("item", "c", 2), ("item", "3. d", 1)]
    assert texts(saved(document), DOCX) == expected
    assert texts("1. a\n2. b\n   - c\n3. d\n", MARKDOWN) == texts("<ol><li>a<li>b<ul><li>c</ul><li>d</ol>") == expected
    assert texts('<ol type=i start=4><li>a<li value="9">b</ol>') == [("item", "iv. a", 1), ("item", "ix. b", 1)]


def test_kind_is_what_was_declared_then_the_suffix_then_the_look():
    assert documents.kind_of(b"a", "a.md", "text/html; charset=utf-8") == HTML
    assert documents.kind_of(b"a", "A.MD", "application/octet-stream") == MARKDOWN
    assert documents.kind_of(b"a,b", "a.csv") == CSV
    assert documents.kind_of(b"a", "a.unknown") == documents.kind_of(b"a") == TEXT
    assert documents.kind_of(b"<!DOCTYPE html><p>a", "a.txt") == HTML
    assert documents.kind_of(b"a < b <html>", "a.txt") == TEXT
    assert documents.kind_of(WORD) == DOCX
    assert documents.read(b"\xef\xbb\xbfa,b\r\n", "a.csv") == (CSV, "a,b\n")


def test_encodings_that_are_declared_are_read():
    assert texts("Māori".encode("utf-16"), TEXT) == texts(b"\xef\xbb\xbfM\xc4\x81ori", TEXT) == texts("Māori", TEXT)
    assert texts(b'<meta charset="windows-1252"><p>caf\xe9 \x96') == [("paragraph", "café –", 0)]
    by_header = b'<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"><p>caf\xe9'
    assert texts(by_header) == [("paragraph", "café", 0)]
    assert documents.read(b"<p>caf\xe9", None, "text/html; charset=windows-1252")[1] == blocks("<p>café")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"one\ntwo \xe4", "byte 8 (line 2) is 0xe4"),
        (b"one\ntwo\0", "NUL at byte 7 (line 2)"),
        (b"\xff\xfea\0\n\0\0\0", "NUL at byte"),
        ("M\u0101\n".encode() + b"a\x00", "NUL at byte 5 (line 2)"),
    ],
)
def test_text_that_is_none_is_refused_with_its_place(body: bytes, said: str):
    assert said in refusal(body, "a.txt").detail


def test_characters_that_must_not_reach_records_are_taken_out():
    hostile = "a\x01\x1b\x7f\x9fb\u202ec\u2066d\ufffee\uffff\u200bf\u00adg\ufeffh\u2060i a\u0304 \U0001f600\u00a0x"
    expected = "abcdefghi \u0101 \U0001f600\u00a0x"
    assert characters.decode(hostile.encode()) == expected
    references = "".join(f"&#{ord(character)};" for character in hostile.replace("\x9f", ""))
    for body, media_type in ((f"<p>{references}", HTML), (references, MARKDOWN), (hostile, MARKDOWN), (hostile, TEXT)):
        assert [block.text.replace("\ufffd", "") for block in blocks(body, media_type)] == [expected]


def test_other_line_breaks_become_line_feeds():
    assert characters.decode("a\r\nb\rc\vd\fe\u2028f\u2029g\x85h".encode()) == "a\nb\nc\nd\ne\nf\ng\nh"


@pytest.mark.parametrize("body", [b"", b" \n\t ", b"\xef\xbb\xbf", b"<html><p></p>", WORD])
def test_document_without_text_is_refused(body: bytes):
    assert "text" in refusal(body).detail or "empty" in refusal(body).detail


@pytest.mark.parametrize(
    ("body", "looks_like"),
    [
        (b"%PDF-1.7 <html>", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"PK\x03\x04 xl/workbook.xml", "an Excel workbook"),
        (b"PK\x03\x04 some.bin", "a ZIP archive"),
        (WORD, "a Word document (.docx)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "password-protected"),
        (b"{\\rtf1", "a Rich Text document"),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.md", "a.csv"])
def test_wrong_suffix_is_refused_with_what_it_looks_like(body: bytes, looks_like: str, name: str):
    assert looks_like in refusal(body, name).detail


def test_what_is_sent_as_word_and_is_not_is_refused():
    assert "looks like HTML" in refusal(b"<!doctype html><p>x", "a.docx").detail
    assert "looks like text" in refusal(b"Date: March", None, DOCX).detail
    assert "application/pdf is not read" in refusal(b"x", "a.txt", "application/pdf").detail
