"""Documents are read as a careful reader reads them, in text and HTML, and nothing printed in them is lost."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.reading.drafts import Block, Draft, MilestoneDraft
from ogp_open_data.intake.reading.from_text import blocks
from ogp_open_data.intake.reading.report import read_report
from ogp_open_data.records import Finding, Item

KNOWN = vocabulary.load()
HERE = Path(__file__).parent
OURS = sorted((HERE / "documents").glob("*.json"))
TRUTHS = sorted((Path(os.environ.get("OGP_SHARED") or HERE.parent.parent / "shared") / "reports").glob("*.truth.json"))
KINDS = {"nz_report": "report", "nz_plan_page": "plan"}
# The codes that the truth files give exactly; all others are our own.
# fmt: off
CODES = {
    "period_conflict", "period_end_only", "period_unlabelled", "heading_end_only", "invalid_day", "single_date",
    "start_event", "status_missing", "status_in_wrong_field", "date_run_on", "no_milestones", "milestone_unnumbered",
    "commitment_title_missing", "label_missing", "ogp_values_empty", "url_mismatch", "date_order_mixed",
}
# fmt: on
# What a line has besides values: labels, milestone numbers and what stands between two dates.
STRUCTURE = re.compile(
    r"(?:current )?milestones?(?: \d+\w?)?:?|leads? *agenc(?:y|ies) ?:|objective:?|ambition:?|ogp values:?|progress:|"
    r"commenced:|timeline:|(?:start/|start |end )(?:end )?dates?:|date:|progress report ?(?:for|to)? ?:|"
    r"verifiable and measurable milestones to fulfil the commitment|(?:year end: )?commitment \d+ ?[:-]?",
    re.IGNORECASE,
)
NUMBER = re.compile(r"\d{1,2}[A-Z]?")


def name(path: Path) -> str:
    return path.name.split(".")[0]


def sample(truth: Path) -> tuple[dict[str, Any], str, str | None]:
    """What is true of a sample, its text, and the address it was taken from."""
    text = truth.with_name(truth.name.replace(".truth.json", ".txt")).read_text("utf-8")
    url = None
    if text.startswith("# source: "):
        head, text = text.split("\n---\n", 1)
        url = head.split("\n")[0].removeprefix("# source: ")
    return json.loads(truth.read_text("utf-8")), text, url


def read(text: str, url: str | None = None) -> Draft:
    return read_report(blocks(text), KNOWN, url)


def findings(draft: Draft) -> list[Finding]:
    inside = [*(one.findings for one in draft.reports), draft.plan.findings if draft.plan else []]
    return [*draft.findings, *(finding for found in inside for finding in found)]


def codes(found: Iterable[Finding]) -> list[str]:
    return [finding.code for finding in found]


def starts(text: str | None) -> str | None:
    return None if text is None else " ".join(text.split()[:5])


def nested(items: list[Item]) -> Iterator[Item]:
    for item in items:
        yield item
        yield from nested(item.items)


def said(value: Any) -> Any:
    """Plain values without what is null, so that a new field of a Draft changes none of our documents."""
    if isinstance(value, dict):
        return {key: said(inside) for key, inside in value.items() if inside is not None}
    return [said(inside) for inside in value] if isinstance(value, list) else value


def milestone(one: MilestoneDraft) -> dict[str, Any]:
    fields = ("number", "start_raw", "start", "end_raw", "end", "ongoing", "status_raw", "status")
    return {"text_starts": starts(one.text)} | {field: getattr(one, field) for field in fields}


def claimed(draft: Draft) -> dict[str, Any]:
    """A Draft in the fields of a truth file."""
    codes_found = set(codes(findings(draft)))
    found: dict[str, Any] = {"issues": codes_found & CODES}
    if draft.plan:
        one = draft.plan.commitments[0]
        return found | {"leads_raw": one.leads_raw, "leads": one.leads, "objective_starts": starts(one.objective)}
    for report in draft.reports:
        values = msgspec.to_builtins(report)
        fields = "title commitment_number commitment_title period_raw period_start period_end leads_raw leads"
        found |= {field: values[field] for field in fields.split()}
        found["plan_printed"] = report.plan
        found["period_conflict"] = "period_conflict" in codes_found
        found["objective_starts"] = starts(report.objective)
        found["milestones"] = [milestone(one) for one in report.milestones]
        found["sections"] = [
            {
                "kind": one.kind,
                "heading": one.heading,
                "top_level_items": len(one.items),
                "all_items": len(list(nested(one.items))),
            }
            for one in report.sections
        ]
    return found


def strings(value: Any) -> Iterator[str]:
    """Every printed text in a Draft, white space folded."""
    if isinstance(value, str):
        yield from (" ".join(line.removeprefix("• ").split()) for line in value.split("\n"))
    elif isinstance(value, dict):
        for field, inside in value.items():
            if field not in ("kind", "code", "field", "message", "status"):
                yield from strings(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from strings(inside)


def lost(text: str, draft: Draft) -> list[str]:
    """The lines of a text that are in no value and no finding, but for labels."""
    kept = sorted({kept for kept in strings(msgspec.to_builtins(draft)) if kept}, key=len, reverse=True)
    missing = []
    for block in blocks(text):
        rest = " ".join(block.text.split())
        if any(rest in value for value in kept):
            continue
        for value in kept:
            rest = rest if NUMBER.fullmatch(value) else rest.replace(value, " ")
        if re.search(r"\w", re.sub(r"\b(?:to|until|and)\b", " ", STRUCTURE.sub(" ", rest))):
            missing.append(f"{block.line}: {block.text}")
    return missing


def as_html(text: str, draft: Draft) -> list[Block]:
    """The same document as a reader of HTML gives it: with headings, and each part of the page as furniture."""
    report = draft.reports[0]
    headings = {report.title, report.heading, *(one.heading for one in report.sections)}
    headings |= {one.text for section in report.sections for one in section.paragraphs if one.kind == "subheading"}
    furniture = {finding.raw for finding in report.findings if finding.code == "site_furniture"}
    made = []
    for number, block in enumerate(blocks(text), 1):
        is_heading = block.text in headings or re.match(
            r"(?:Year End: )?Commitment \d|(?:Current )?Milestones?\b", block.text
        )
        if block.text in furniture:
            made.append(Block("furniture", block.text, number))
        elif is_heading and block.kind == "paragraph":
            made.append(Block("heading", block.text, number, 2))
        else:
            made.append(replace(block, line=number))
    return made


def without_lines(draft: Draft) -> Any:
    """A Draft as plain values without what says where in the document it stood."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: bare(inside) for key, inside in value.items() if key != "line"}
        return [bare(inside) for inside in value] if isinstance(value, list) else value

    return bare(msgspec.to_builtins(draft))


def test_the_samples_are_where_they_are_said_to_be(shared: Path):
    assert sorted((shared / "reports").glob("*.truth.json")) == TRUTHS != []


@pytest.mark.samples
@pytest.mark.parametrize("truth", TRUTHS, ids=name)
def test_a_sample_is_read_as_its_truth_says(truth: Path):
    true, text, url = sample(truth)
    draft = read(text, url)
    assert draft.kind == KINDS.get(true["layout"], "unrecognised")
    assert (draft.reason is None) == (draft.kind != "unrecognised")
    for one in true["milestones"]:
        one.pop("cut", None)
    found = claimed(draft)
    assert found == {field: set(true[field]) if field == "issues" else true[field] for field in found}


@pytest.mark.samples
@pytest.mark.parametrize("truth", TRUTHS, ids=name)
def test_nothing_printed_in_a_sample_is_lost(truth: Path):
    _, text, url = sample(truth)
    draft = read(text, url)
    assert draft.kind == "unrecognised" or lost(text, draft) == []


@pytest.mark.samples
@pytest.mark.parametrize("truth", TRUTHS, ids=name)
def test_a_sample_with_headings_of_html_gives_the_same_draft(truth: Path):
    _, text, url = sample(truth)
    draft = read(text, url)
    if draft.kind == "report":
        assert without_lines(read_report(as_html(text, draft), KNOWN, url)) == without_lines(draft)


@pytest.mark.parametrize("golden", OURS, ids=name)
def test_our_documents_are_read_as_written_beside_them(golden: Path):
    text = golden.with_suffix(".txt").read_text("utf-8")
    assert said(msgspec.to_builtins(read(text))) == json.loads(golden.read_text("utf-8"))
    assert lost(text, read(text)) == []


def test_a_line_that_is_lost_would_be_noticed():
    text = (HERE / "documents" / "twin.txt").read_text("utf-8")
    assert lost(text.replace("adaptable", "adaptable and firm"), read(text)) != []


def test_every_finding_code_stands_in_importing_md(repository: Path) -> None:
    """A code that a program acts on is explained where its users look."""
    code = re.compile(r'(?:code=|finding\(\s*|codes?[ =:].*)"([a-z]+(?:_[a-z]+)+)"')
    intake = repository / "src" / "ogp_open_data" / "intake"
    used = {found for path in intake.rglob("*.py") for found in code.findall(path.read_text())}
    table = (repository / "docs" / "importing.md").read_text()
    assert len(used) >= 10
    assert {found for found in used if f"`{found}`" not in table} == set()
