"""A whole plan from its page: commitments, leads, themes, dates and milestones, in any format and of any country."""

import pytest
from msgspec.structs import replace

from document_formats import as_docx
from ogp_open_data.intake.importer import Document, import_document, read
from ogp_open_data.intake.reading import documents, vocabulary
from ogp_open_data.intake.reading.drafts import Block, Draft, PlanDraft
from ogp_open_data.store import checks
from ogp_open_data.store.doors import Store
from test_importer import records, report

pytestmark = pytest.mark.anyio
KNOWN = vocabulary.load()
FIFTH = "New Zealand’s Fifth National Action Plan 2026-2027"
LISTED = [
    "Review protected disclosures practice (Public Service Commission)",
    "Develop a corruption risk assessment tool (Serious Fraud Office)",
    "Support ethical government–private sector career transitions (Public Service Commission and Ministry of Justice)",
    "Explore options to improve transparency of senior leaders’ conflicts of interest (Public Service Commission)",
]
WHOLE = """# New Zealand’s Fifth National Action Plan 2026-2027

Timeline: January 2026 – December 2027

Theme 1: Integrity

## Commitment 1: Review protected disclosures practice (Public Service Commission)

Objective: To learn how people are protected who speak up.

Supporting agencies: Ministry of Justice

Timeline: January 2026 – June 2027

OGP values: Transparency, Accountability

### Milestones

Milestone 1: Ask agencies how they work. Start date: January 2026 End date: June 2026

Milestone 2A: Publish what was learnt

End date: 30 June 2027

Theme 2: Public money

## Commitment 2: Develop a corruption risk assessment tool

Lead agency: Serious Fraud Office

Objective: To give agencies a tool.

### Milestones

Milestone 1: Build it

End date: December 2026
"""


def drafted(body: bytes, name: str) -> Draft:
    return read(Document(name=name, body=body), KNOWN)[1]


def planned(body: bytes | str, name: str = "plan.md") -> PlanDraft:
    draft = drafted(body.encode() if isinstance(body, str) else body, name)
    assert draft.kind == "plan" and draft.plan is not None, draft.reason
    return draft.plan


def test_whole_plan_has_its_themes_leads_dates_and_milestones() -> None:
    plan = planned(WHOLE)
    assert (plan.plan, str(plan.starts_on), str(plan.ends_on)) == (FIFTH, "2026-01-01", "2027-12-31")
    first, second = plan.commitments
    assert (first.number, first.title) == ("1", "Review protected disclosures practice")
    assert (first.leads, first.leads_raw) == (["Public Service Commission"], "Public Service Commission")
    assert (first.supporting, first.themes) == (["Ministry of Justice"], ["Integrity"])
    assert (first.objective, first.starts, first.ends) == (
        "To learn how people are protected who speak up.", "2026-01", "2027-06",
    )  # fmt: skip
    assert first.ogp_values == ["Transparency", "Accountability"]
    assert [(one.number, one.text, one.start, one.end) for one in first.milestones] == [
        ("1", "Ask agencies how they work.", "2026-01", "2026-06"),
        ("2A", "Publish what was learnt", None, "2027-06-30"),
    ]
    assert (second.number, second.leads, second.themes) == ("2", ["Serious Fraud Office"], ["Public money"])
    assert [one.end for one in second.milestones] == ["2026-12"]


def test_same_plan_in_every_format_says_the_same() -> None:
    expected = planned(WHOLE)
    blocks = documents.blocks_of(WHOLE.encode(), documents.MARKDOWN)
    plain = "\n\n".join(block.text for block in blocks)
    tags = {"heading": "h2", "paragraph": "p", "item": "li", "furniture": "p"}
    page = "".join(f"<{tags[block.kind]}>{block.text}</{tags[block.kind]}>" for block in blocks)
    html = f"<!DOCTYPE html><html><head><title>x</title></head><body><main>{page}</main></body></html>"
    for body, name in ((plain.encode(), "a.txt"), (html.encode(), "a.html"), (as_docx(blocks), "a.docx")):
        found = planned(body, name)
        assert said(found) == said(expected), name


def said(plan: PlanDraft) -> list[object]:
    """What a plan says, without where it stands."""
    commitments = [replace(one, line=None, milestones=[]) for one in plan.commitments]
    milestones = [replace(one, line=None) for commitment in plan.commitments for one in commitment.milestones]
    return [plan.plan, plan.starts_on, plan.ends_on, *commitments, *milestones]


@pytest.mark.parametrize("numbered", [True, False])
def test_list_of_titles_with_their_leads_in_brackets_is_a_plan(numbered: bool) -> None:
    rows = [f"{place}. {title}" if numbered else f"- {title}" for place, title in enumerate(LISTED, 1)]
    body = f"<h1>{FIFTH}</h1><p>The plan was published in December 2025.</p>" + (
        f"<ul>{''.join(f'<li>{title}</li>' for title in LISTED)}</ul>"
        if not numbered
        else "".join(f"<p>{row}</p>" for row in rows)
    )
    plan = planned(f"<!DOCTYPE html><html><body><main>{body}</main></body></html>", "plan.html")
    assert [one.number for one in plan.commitments] == ["1", "2", "3", "4"]
    assert plan.commitments[2].leads == ["Public Service Commission", "Ministry of Justice"]
    assert plan.commitments[0].title == "Review protected disclosures practice"
    codes = [one.code for one in plan.findings]
    assert codes.count("commitment_unnumbered") == (0 if numbered else 4)
    assert "text_unplaced" in codes


async def test_fifth_plan_goes_in_and_reports_on_it_follow(store: Store) -> None:
    await import_document(store, Document(name="plan.md", body=WHOLE.encode()), KNOWN)
    commitments = await records(store, "commitments")
    assert list(commitments) == ["nz-nap5-c1", "nz-nap5-c2"]
    assert commitments["nz-nap5-c1"].themes == ["Integrity"]  # type: ignore[union-attr]
    assert set(await records(store, "organisations")) == {"nz-psc", "nz-moj", "nz-sfo"}
    milestones = [("1", "Ask agencies how they work.", "September 2026", "Underway")]
    text = report(milestones, "January to March 2026", "1", FIFTH, "Public Service Commission")
    await import_document(store, Document(name="r.txt", body=text.encode()), KNOWN)
    one = (await records(store, "milestones"))["nz-nap5-c1-m1"]
    assert (one.status, one.ends, one.times_slipped) == ("underway", "2026-09", 1)  # type: ignore[union-attr]
    assert await store.reading(checks.faults) == []


def test_plan_of_another_country_has_its_own_numbers() -> None:
    text = """UK National Action Plan for Open Government 2024-2025

Commitment 1.01: Publish contracts

Lead agency: Cabinet Office

Objective: To publish.

Milestone 1.01.1: First step

End date: June 2024

Commitment C01.1: Ask people

Lead agency: Cabinet Office

Objective: To ask.
"""
    draft = drafted(text.encode(), "a.txt")
    assert draft.plan is not None
    assert [one.number for one in draft.plan.commitments] == ["1.01", "C01.1"]
    assert [one.number for one in draft.plan.commitments[0].milestones] == ["1.01.1"]


@pytest.mark.parametrize(
    "text",
    [
        "Contents of the National Action Plan 2026-2027\n\nCommitment 1: One\n\nCommitment 2: Two\n\nCommitment 3: Three",
        WHOLE.replace("Objective: To give agencies a tool.", "Progress: Underway"),
        WHOLE.replace("Commitment 2", "Commitment 1"),
        WHOLE.replace("# New Zealand’s Fifth National Action Plan 2026-2027", "# A letter"),
    ],
)
def test_contents_progress_and_letters_are_no_whole_plan(text: str) -> None:
    draft = drafted(text.encode(), "a.md")
    assert draft.plan is None or len(draft.plan.commitments) < 2


def test_blocks_of_a_plan_are_all_kept() -> None:
    text = WHOLE.replace("Theme 1: Integrity", "Foreword by nobody\n\nTheme 1: Integrity")
    assert "Foreword by nobody" in [one.raw for one in planned(text).findings if one.code == "text_unplaced"]
    assert isinstance(documents.blocks_of(text.encode(), documents.MARKDOWN)[0], Block)
