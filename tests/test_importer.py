"""One document, one release: what an import changes, what it leaves alone, and what it refuses."""

from datetime import date

import pytest

from ogp_open_data.errors import ChangedSince, ConfirmationNeeded, DocumentRefused, Refused
from ogp_open_data.intake.importer import Document, import_document, sample
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.releasing import Outcome
from ogp_open_data.intake.terms import Terms
from ogp_open_data.records import Commitment, Milestone, Progress, Record, Report
from ogp_open_data.store import checks, history, listings, releases
from ogp_open_data.store.doors import Store
from ogp_open_data.store.listings import Listing

pytestmark = pytest.mark.anyio
KNOWN = vocabulary.load()
PLAN = "Open Government Partnership New Zealand National Action Plan 2016-2018"
MILESTONES = [
    ("1", "Find better tools for talking with the public", "June 2018", "Underway"),
    ("2", "Decide with the panel how progress is told", None, "Completed"),
    ("3", "Ask New Zealanders how the next plan is made", "June 2018.", "Underway"),
]


def report(
    milestones: list[tuple[str, str, str | None, str | None]] = MILESTONES,
    period: str = "September to November 2017",
    number: str = "5",
    plan: str = PLAN,
    lead: str = "The State Services Commission (SSC)",
    done: str = "The panel met in November.",
) -> str:
    """The text of a report as pasted from its page."""
    blocks = [
        f"Commitment {number} progress report: {period}",
        plan,
        f"Date: {period}",
        f"Commitment {number} progress report: {period}",
        f"Commitment {number}: Talking with the public",
        f"Lead agency: {lead}",
        "To build a lasting way of talking with the public about the partnership.",
    ]
    for label, text, end, status in milestones:
        blocks += [f"Milestone {label}", text]
        blocks += [f"End date: {end}"] if end else []
        blocks += [f"Progress: {status}"] if status else []
    blocks += [
        "What have we been doing?",
        f"  • {done}",
        "    • It liked what it saw.",
        "What’s next?",
        "  • A second meeting.",
    ]
    return "\n\n".join(blocks)


def html(text: str) -> str:
    """The same report as a page."""
    body = []
    for block in text.split("\n\n"):
        bare = block.strip()
        body.append(f"<ul><li>{bare[2:]}</li></ul>" if bare.startswith("• ") else f"<p>{bare}</p>")
    nested = "".join(body).replace("</li></ul><ul><li>It liked", "<ul><li>It liked", 1)
    nested = nested.replace("what it saw.</li></ul>", "what it saw.</li></ul></li></ul>", 1)
    page = f"<nav><a href='/'>Home</a></nav><main>{nested}</main>"
    return f"<!DOCTYPE html><html><head><title>x</title></head><body>{page}</body></html>"


async def imported(store: Store, text: str, dry_run: bool = False, name: str = "report.txt", **said: object) -> Outcome:
    return await import_document(store, Document(name=name, body=text.encode(), **said), KNOWN, dry_run)


async def records(store: Store, noun: str) -> dict[str, Record]:
    head = await store.reading(releases.head)
    rows = await store.reading(listings.page, Listing(noun=noun, release=head.number))
    return {row.id: releases.decode(noun, row.doc) for row in rows}


async def test_report_becomes_its_commitment_milestones_lines_and_lead(store: Store) -> None:
    outcome = await imported(store, report(), source_url="https://example.org/5", published_on=date(2017, 12, 20))
    assert outcome.release == 1
    assert list(await records(store, "plans")) == ["nz-nap2"]
    assert list(await records(store, "organisations")) == ["nz-psc"]
    commitment = (await records(store, "commitments"))["nz-nap2-c5"]
    assert isinstance(commitment, Commitment)
    assert (commitment.status, commitment.timeliness, commitment.milestones_completed) == ("underway", "overdue", 1)
    assert (commitment.lead_organisations, commitment.latest_report) == (["nz-psc"], "nz-nap2-c5-r2017-09-2017-11")
    milestones = await records(store, "milestones")
    assert list(milestones) == [f"nz-nap2-c5-m{n}" for n in (1, 2, 3)]
    one = (await records(store, "reports"))["nz-nap2-c5-r2017-09-2017-11"]
    assert isinstance(one, Report)
    assert (one.milestones, one.published_on) == (list(milestones), date(2017, 12, 20))
    assert (one.source.url, one.source.media_type, one.source.retrieved_at) == (
        "https://example.org/5",
        "text/plain",
        None,
    )
    lines = await records(store, "progress")
    assert list(lines) == [f"nz-nap2-c5-r2017-09-2017-11-m{n}" for n in (1, 2, 3)]
    assert await store.reading(checks.faults) == []


async def test_same_document_twice_makes_no_release(store: Store) -> None:
    await imported(store, report())
    assert (await imported(store, report())).release is None
    assert (await store.reading(releases.head)).number == 1


async def test_same_report_as_html_after_text_makes_no_release(store: Store) -> None:
    await imported(store, report())
    outcome = await imported(store, html(report()), name="report.html")
    assert (outcome.edits, outcome.release) == ([], None)


async def test_dry_run_tells_the_same_and_leaves_nothing(store: Store) -> None:
    dry = await imported(store, report(), dry_run=True)
    assert (await store.reading(releases.head)).number == 0
    done = await imported(store, report())
    assert dry.made is not None and done.made is not None
    assert (done.edits, done.findings, done.release, done.made.reads) == (dry.edits, dry.findings, 1, dry.made.reads)
    # The digests that a dry run tells are those that the release has.
    assert dry.made.digests == await store.reading(history.digests, 1)


async def test_import_is_refused_where_what_it_rests_on_changed(store: Store) -> None:
    await imported(store, report())
    changed = report([("1", MILESTONES[0][1], None, "Completed"), *MILESTONES[1:]])
    made = (await imported(store, changed, dry_run=True)).made
    assert made is not None and made.reads["nz-nap2-c5-m1"] == 1
    await imported(store, report(number="6"))
    later = report(
        [*MILESTONES[:2], ("3", MILESTONES[2][1], None, "Completed")], period="December 2017 to February 2018"
    )
    document = Document(name="report.txt", body=changed.encode())
    # Another commitment's report does not matter.
    assert (await import_document(store, document, KNOWN, True, Terms(head=made.head, mark=made.mark))).release == 3
    await imported(store, later)
    for terms in (Terms(head=made.head), Terms(mark=made.mark)):
        with pytest.raises(ChangedSince, match="changed since"):
            await import_document(store, document, KNOWN, terms=terms)
    assert (await store.reading(releases.head)).number == 3


async def test_import_that_takes_much_back_needs_its_figure(store: Store) -> None:
    await imported(store, report())
    changed = report([(number, text, "August 2018", "Completed") for number, text, _, _ in MILESTONES])
    document = Document(name="report.txt", body=changed.encode())
    dry = await import_document(store, document, KNOWN, True, Terms(most=2))
    assert dry.made is not None and dry.made.touched == 4
    for confirm in (None, 3, 5):
        with pytest.raises(ConfirmationNeeded, match="figure 4"):
            await import_document(store, document, KNOWN, terms=Terms(most=2, confirm=confirm))
    assert (await import_document(store, document, KNOWN, terms=Terms(most=2, confirm=4))).release == 2


async def test_answers_settle_words_and_agencies_for_one_document(store: Store) -> None:
    odd = report([("1", MILESTONES[0][1], None, "Ticking along"), *MILESTONES[1:]], lead="The Office of Rivers")
    made = (await imported(store, odd, dry_run=True)).made
    assert made is not None
    assert [(one.key, one.default) for one in made.questions] == [
        ("status:Ticking along", "unknown"),
        ("organisation:The Office of Rivers", "new"),
    ]
    answers = {"status:Ticking along": "underway", "organisation:The Office of Rivers": "nz-psc"}
    done = await imported(store, odd, answers=answers)
    assert done.findings == []
    one = (await records(store, "progress"))["nz-nap2-c5-r2017-09-2017-11-m1"]
    assert isinstance(one, Progress) and (one.status, one.status_raw) == ("underway", "Ticking along")
    assert list(await records(store, "organisations")) == ["nz-psc"]
    for wrong in ({"status:Ticking along": "so so"}, {"organisation:The Office of Rivers": "nz-nobody"}):
        with pytest.raises(DocumentRefused, match=r"none of|no organisation"):
            await imported(store, odd, answers=wrong)


async def test_other_document_for_a_held_report_is_a_correction(store: Store) -> None:
    await imported(store, report())
    changed = [*MILESTONES[:2], ("3", MILESTONES[2][1], "June 2018.", "Completed")]
    outcome = await imported(store, report(changed))
    kinds = {(edit.noun, edit.id): edit.change_kind for edit in outcome.edits}
    assert kinds["progress", "nz-nap2-c5-r2017-09-2017-11-m3"] == "correction"
    assert kinds["milestones", "nz-nap2-c5-m3"] == "data"
    assert ("milestones", "nz-nap2-c5-m1") not in kinds
    assert next(e for e in outcome.edits if e.noun == "progress").changed_fields == ["status", "status_raw"]
    milestone = (await records(store, "milestones"))["nz-nap2-c5-m3"]
    assert (milestone.version, milestone.release) == (2, 2)
    # The first bytes again are a correction back, not "seen": the report they made is no longer theirs.
    assert (await imported(store, report())).release == 3


async def test_report_that_only_repeats_leaves_its_milestones_untouched(store: Store) -> None:
    await imported(store, report())
    outcome = await imported(store, report(period="December 2017 to February 2018"))
    assert {edit.noun for edit in outcome.edits} == {"reports", "progress", "commitments"}


async def test_late_report_never_overwrites_a_later_period(store: Store) -> None:
    done = [(n, text, end, "Completed") for n, text, end, _ in MILESTONES]
    await imported(store, report(done, period="March to June 2018"))
    await imported(store, report())
    milestone = (await records(store, "milestones"))["nz-nap2-c5-m1"]
    assert isinstance(milestone, Milestone)
    assert (milestone.status, milestone.status_report) == ("completed", "nz-nap2-c5-r2018-03-2018-06")
    assert len(await records(store, "progress")) == 6


async def test_any_order_of_import_ends_in_the_same_records(store: Store, dsn: str) -> None:
    texts = [
        report(),
        report(
            [("1", MILESTONES[0][1], "August 2018", "some delays"), *MILESTONES[1:]],
            period="December 2017 to February 2018",
        ),
        report([(n, text, None, "Completed") for n, text, _, _ in MILESTONES], period="March to June 2018"),
    ]
    for text in reversed(texts):
        await imported(store, text)
    backwards = {noun: await records(store, noun) for noun in ("milestones", "commitments")}
    one = backwards["milestones"]["nz-nap2-c5-m1"]
    assert isinstance(one, Milestone)
    assert (one.times_slipped, one.ends_original, one.ends, one.status) == (1, "2018-06", "2018-08", "completed")


async def test_milestone_keeps_its_id_when_numbers_shift(store: Store) -> None:
    await imported(store, report())
    shifted = [MILESTONES[0], ("2", "Train two hundred officials in plain language", "May 2018", "Underway")]
    shifted += [("3", *MILESTONES[1][1:]), ("4", *MILESTONES[2][1:])]
    await imported(store, report(shifted, period="December 2017 to February 2018"))
    milestones = await records(store, "milestones")
    assert {id: one.number for id, one in milestones.items() if isinstance(one, Milestone)} == {
        "nz-nap2-c5-m1": "1",
        "nz-nap2-c5-m2": "3",
        "nz-nap2-c5-m2-2": "2",
        "nz-nap2-c5-m3": "4",
    }
    assert [one.number for one in milestones.values() if isinstance(one, Milestone)] == ["1", "2", "3", "4"]


async def test_doubt_is_refused_with_the_line_and_settled_by_an_answer(store: Store) -> None:
    await imported(store, report())
    doubtful = [
        *MILESTONES[:2],
        ("3", "Print leaflets", None, "Underway"),
        ("4", "Hold a fair in each region", None, "Underway"),
    ]
    text = report(doubtful, period="December 2017 to February 2018")
    with pytest.raises(DocumentRefused, match=r"line \d+: milestone 3 .*--map '5/3=m3'"):
        await imported(store, text)
    assert (await store.reading(releases.head)).number == 1
    await imported(store, text, answers={"3": "new", "4": "m3"})
    ids = {one.id: one.number for one in (await records(store, "milestones")).values() if isinstance(one, Milestone)}
    assert (ids["nz-nap2-c5-m3"], ids["nz-nap2-c5-m3-2"]) == ("4", "3")


async def test_unknown_plan_needs_a_word(store: Store) -> None:
    text = report(plan="Open Government Partnership Elsewhere National Action Plan 2031-2033")
    with pytest.raises(DocumentRefused, match="--plan"):
        await imported(store, text)
    assert (await imported(store, text, plan="xx-nap9")).release == 1
    assert list(await records(store, "plans")) == ["xx-nap9"]
    # Now the label is known by the plan that is held.
    assert (
        await imported(
            store, report(plan="Open Government Partnership Elsewhere National Action Plan 2031-2033", number="6")
        )
    ).release == 2


async def test_unknown_agency_is_made_from_its_name_with_a_finding(store: Store) -> None:
    outcome = await imported(store, report(lead="Ministry of Silly Walks"))
    assert "organisation_unknown" in {finding.code for finding in outcome.findings}
    assert "nz-ministry-of-silly-walks" in await records(store, "organisations")
    assert (await imported(store, report(lead="The Ministry of Silly Walks", number="6"))).release == 2
    assert len(await records(store, "organisations")) == 1


async def test_line_that_a_correction_no_longer_prints_goes(store: Store) -> None:
    await imported(store, report())
    outcome = await imported(store, report(MILESTONES[:2]))
    gone = [edit for edit in outcome.edits if edit.record is None]
    assert [edit.id for edit in gone] == ["nz-nap2-c5-r2017-09-2017-11-m3"]
    assert "nz-nap2-c5-m3" in await records(store, "milestones")
    assert (await store.reading(releases.head)).counts["progress"] == 2
    assert await store.reading(checks.faults) == []


async def test_what_is_no_report_is_refused_with_the_reason(store: Store) -> None:
    for text in ["Dear Sir or Madam,\n\nplease find attached nothing.", "x", "a,b,c\n1,2,3\n"]:
        with pytest.raises(DocumentRefused) as caught:
            await imported(store, text)
        assert len(caught.value.detail) > 20
    assert (await store.reading(releases.head)).number == 0


async def test_sample_goes_through_the_same_door_and_makes_several_releases(store: Store) -> None:
    for document in sample():
        assert (await import_document(store, document, KNOWN)).release is not None
    head = await store.reading(releases.head)
    assert head.number == len(list(sample()))
    assert (head.counts["commitments"], head.counts["plans"]) == (7, 1)
    milestones = await records(store, "milestones")
    assert milestones["nz-nap2-c1-m4"].status == "delayed"
    lines = [one for one in (await records(store, "progress")).values() if isinstance(one, Progress)]
    assert {line.status_raw for line in lines} >= {"completed", "Completed", "underway", "Underway", "some delays"}
    assert await store.reading(checks.faults) == []
    # The text tells more of a report than its table; the table again would take that back, as a newer word of its publisher.
    for document in [one for one in sample() if one.name != "nz-nap2-2017-09_2017-11.csv"]:
        assert (await import_document(store, document, KNOWN)).release is None


async def test_line_that_comes_back_after_a_correction_is_there_again(store: Store) -> None:
    await imported(store, report())
    await imported(store, report(MILESTONES[:2]))
    outcome = await imported(store, report())
    assert outcome.release == 3
    line = (await records(store, "progress"))["nz-nap2-c5-r2017-09-2017-11-m3"]
    assert line.version == 3
    assert await store.reading(checks.faults) == []


async def test_milestone_that_nobody_speaks_of_any_more_says_nothing(store: Store) -> None:
    done = [*MILESTONES[:2], ("3", MILESTONES[2][1], "June 2018", "Completed")]
    await imported(store, report(done))
    await imported(store, report(MILESTONES[:2]))
    one = (await records(store, "milestones"))["nz-nap2-c5-m3"]
    assert isinstance(one, Milestone)
    assert (one.status, one.status_report, one.ends, one.number) == ("unknown", None, None, "3")
    commitment = (await records(store, "commitments"))["nz-nap2-c5"]
    assert isinstance(commitment, Commitment) and commitment.milestones_completed == 1


async def test_known_plan_is_not_overridden(store: Store) -> None:
    with pytest.raises(DocumentRefused, match="nz-nap2"):
        await imported(store, report(), plan="nz-nap3")


async def test_id_that_another_noun_has_is_refused_and_nothing_is_changed(store: Store) -> None:
    await imported(store, report())
    table = "record,plan,commitment,milestone,title,text\ncommitment,nz-nap2,5-m2,,Another,\n"
    with pytest.raises(Refused, match="nz-nap2-c5-m2"):
        await imported(store, table, name="plan.csv")
    assert await store.reading(checks.faults) == []
    assert "nz-nap2-c5-m2" in await records(store, "milestones")


async def test_commitments_that_would_share_an_id_are_refused(store: Store) -> None:
    table = "record,plan,commitment,milestone,title,text\ncommitment,nz-nap2,5-0,,A,\ncommitment,nz-nap2,5.0,,B,\n"
    with pytest.raises(DocumentRefused, match="share"):
        await imported(store, table, name="plan.csv")


async def test_agencies_without_a_latin_letter_get_ids_of_their_own(store: Store) -> None:
    await imported(store, report(lead="Министерство финансов"))
    await imported(store, report(lead="Министерство юстиции", number="6"))
    assert len(await records(store, "organisations")) == 2


async def test_copy_without_address_and_day_keeps_those_that_are_known(store: Store) -> None:
    await imported(store, report(), source_url="https://example.org/5", published_on=date(2017, 12, 20))
    assert (await imported(store, html(report()), name="report.html")).release is None
    await imported(store, report(done="The panel met twice."))
    one = (await records(store, "reports"))["nz-nap2-c5-r2017-09-2017-11"]
    assert isinstance(one, Report)
    assert (one.source.url, one.published_on) == ("https://example.org/5", date(2017, 12, 20))


async def test_corrected_report_is_a_new_version_with_its_reason(store: Store) -> None:
    await imported(store, report(), reason="there is nothing to correct yet")
    late = [MILESTONES[0], ("2", MILESTONES[1][1], None, "Some delays"), MILESTONES[2]]
    outcome = await imported(store, report(late), reason="the panel had not decided")
    why = {edit.id: edit.reason for edit in outcome.edits if edit.noun in ("reports", "progress")}
    id = "nz-nap2-c5-r2017-09-2017-11"
    assert why == {id: "the panel had not decided", f"{id}-m2": "the panel had not decided"}
    first, second = await store.reading(history.versions, "reports", id)
    assert (first.reason, second.reason, second.change_kind) == (None, "the panel had not decided", "correction")
