"""Blocks of a Markdown document (CommonMark and tables), by way of its HTML, so that HTML inside it is read as HTML."""

from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake.reading import from_html
from ogp_open_data.intake.reading.drafts import Block

# The parser drops what is nested deeper than this without a word, so we look and refuse first.
MAX_NESTING = 100
# The parser is Python: 300,000 characters of words take 0.1 s, as many of markup 4 s, open brackets far more.
# A report of a hundred pages has not a tenth of these.
MAX_LINES = 10_000
MAX_MARKS = 20_000
MAX_BRACKETS = 2_000
MAX_TOKENS = 30_000

_MARKS = "*_`&<>\\|"
_LINE = "data-ogp-line"


def blocks(text: str) -> list[Block]:
    """The Blocks of a document; a line break inside a paragraph of the source is one in the text.

    Raises DocumentRefused for what is nested too deep or has too much markup to be a report.
    """
    _check_amounts(text)
    markdown = MarkdownIt("commonmark", {"html": True, "breaks": True, "maxNesting": MAX_NESTING}).enable("table")
    markdown.block.ruler.before("table", "bounds", _check_bounds)
    markdown.add_render_rule("image", _alternative_text)
    markdown.add_render_rule("html_block", _html)
    tokens = markdown.parse(text)
    for token in tokens:
        if token.map and token.nesting >= 0 and token.type != "inline":
            token.attrSet(_LINE, str(token.map[0] + 1))
    return from_html.blocks(markdown.renderer.render(tokens, markdown.options, {}), line_attribute=_LINE)


def _check_amounts(text: str) -> None:
    for what, found, most in (
        ("lines", text.count("\n"), MAX_LINES),
        (f"markup characters ({_MARKS})", sum(text.count(mark) for mark in _MARKS), MAX_MARKS),
        ("brackets", text.count("["), MAX_BRACKETS),
    ):
        if found > most:
            raise DocumentRefused(
                f"The document has {found:,} {what} and {most:,} are the most that is read. Send it as text."
            )


def _check_bounds(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A rule that is tried before all others and never matches: it sees how much there is while it is read."""
    line = start + 1
    # A list goes two levels down at once, its own and its item's.
    if state.level >= MAX_NESTING - 2:
        raise DocumentRefused(f"Line {line} is nested more than {MAX_NESTING // 2 - 1} lists deep.", line=line)
    if len(state.tokens) > MAX_TOKENS:
        raise DocumentRefused(
            f"By line {line} the document has more than {MAX_TOKENS:,} parts or table cells. Send one report.",
            line=line,
        )
    return False


def _html(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    # The line goes before it on an element that prints nothing, because the HTML need not be balanced.
    return f'<wbr {_LINE}="{tokens[index].map[0] + 1}">{tokens[index].content}'


def _alternative_text(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    return escape(self.renderInlineAsText(tokens[index].children or [], options, env))
