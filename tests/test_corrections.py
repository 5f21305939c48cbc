"""Withdraw, restore, correct, renumber and merge: versions step by one, and what follows is derived again."""

from datetime import date

import pytest
from msgspec.structs import replace

from ogp_open_data.errors import DocumentRefused, Forbidden, NotFound, Refused
from ogp_open_data.intake import hand
from ogp_open_data.intake.deciding.edits import Edit
from ogp_open_data.intake.terms import Terms
from ogp_open_data.records import NOUN_OF, NOUNS, Commitment, Milestone, Organisation, Progress, Report, name_on
from ogp_open_data.store import checks, history, listings, releases, single
from ogp_open_data.store.doors import Store
from ogp_open_data.store.history import Since
from ogp_open_data.store.releases import Held
from test_importer import KNOWN, MILESTONES, imported, records, report

REPORT = "nz-nap2-c5-r2017-09-2017-11"
LATER = "December 2017 to February 2018"


async def later(store: Store) -> None:
    """Two reports, of which the later one completes milestone 1."""
    await imported(store, report())
    done = [("1", MILESTONES[0][1], "August 2018", "Completed"), *MILESTONES[1:]]
    await imported(store, report(done, period=LATER))


async def versions(store: Store, noun: str, id: str) -> list[int]:
    return [one.version for one in await store.reading(history.versions, noun, id)]


async def test_withdrawn_report_takes_its_lines_along_and_milestones_are_derived_again(store: Store) -> None:
    await later(store)
    before = await records(store, "milestones")
    outcome = await hand.withdraw(store, KNOWN, "nz-nap2-c5-r2017-12-2018-02", "sent by mistake")
    assert outcome.release == 3
    assert list(await records(store, "reports")) == [REPORT]
    assert len(await records(store, "progress")) == 3
    one = (await records(store, "milestones"))["nz-nap2-c5-m1"]
    assert isinstance(one, Milestone)
    assert (one.status, one.ends, one.times_slipped) == ("underway", "2018-06", 0)
    assert one.version == before["nz-nap2-c5-m1"].version + 1
    at = await store.reading(single.item, "reports", "nz-nap2-c5-r2017-12-2018-02", 3)
    assert at is not None and (at.doc, at.version, at.reason) == (None, 2, "sent by mistake")
    then = await store.reading(single.item, "reports", "nz-nap2-c5-r2017-12-2018-02", 2)
    assert then is not None and then.doc is not None
    assert await store.reading(checks.faults) == []


async def test_withdrawn_report_comes_back_by_restore_only_and_as_it_was(store: Store) -> None:
    await later(store)
    before = {noun: await records(store, noun) for noun in ("milestones", "commitments", "progress", "reports")}
    await hand.withdraw(store, KNOWN, REPORT, "wrong")
    with pytest.raises(DocumentRefused, match="restore"):
        await imported(store, report())
    await hand.restore(store, KNOWN, REPORT, "right after all")
    for noun, held in before.items():
        after = await records(store, noun)
        assert list(after) == list(held)
        for id, one in after.items():
            fields = [name for name in one.__struct_fields__ if name not in ("version", "release")]
            assert [getattr(one, name) for name in fields] == [getattr(held[id], name) for name in fields]
    assert await versions(store, "reports", REPORT) == [1, 2, 3]
    assert await store.reading(checks.faults) == []
    with pytest.raises(Refused, match="not withdrawn"):
        await hand.restore(store, KNOWN, REPORT, "again")


async def test_what_others_name_is_not_withdrawn(store: Store) -> None:
    await imported(store, report())
    for id in ("nz-psc", "nz-nap2", "nz-nap2-c5-m1"):
        with pytest.raises(Refused, match="named by"):
            await hand.withdraw(store, KNOWN, id, "x")
    with pytest.raises(NotFound):
        await hand.withdraw(store, KNOWN, "nz-nothing", "x")
    assert (await store.reading(releases.head)).number == 1


async def test_withdrawn_commitment_takes_everything_of_it_along(store: Store) -> None:
    await later(store)
    await hand.withdraw(store, KNOWN, "nz-nap2-c5", "moved to another plan")
    for noun in ("commitments", "milestones", "reports", "progress"):
        assert await records(store, noun) == {}
    await hand.restore(store, KNOWN, "nz-nap2-c5", "moved back")
    assert len(await records(store, "progress")) == 6
    assert await store.reading(checks.faults) == []


async def test_corrected_line_changes_its_milestone_and_keeps_its_id(store: Store) -> None:
    await imported(store, report())
    values = {"status": "completed", "status_raw": "Completed"}
    outcome = await hand.correct(store, KNOWN, f"{REPORT}-m1", values, "misprint")
    line = next(edit for edit in outcome.edits if edit.noun == "progress")
    assert (line.change_kind, line.reason, line.version) == ("correction", "misprint", 2)
    assert line.changed_fields == ["status", "status_raw"]
    one = (await records(store, "milestones"))["nz-nap2-c5-m1"]
    assert isinstance(one, Milestone) and one.status == "completed"
    with pytest.raises(Refused, match="url"):
        await hand.correct(store, KNOWN, f"{REPORT}-m1", {"url": "x"}, "r")
    with pytest.raises(Refused, match="period_end"):
        await hand.correct(store, KNOWN, f"{REPORT}-m1", {"period_end": "soon"}, "r")


async def test_corrected_organisation_and_plan_fields(store: Store) -> None:
    await imported(store, report())
    await hand.correct(store, KNOWN, "nz-psc", {"website": "https://example.org/", "name_mi": "null"}, "r")
    one = (await records(store, "organisations"))["nz-psc"]
    assert isinstance(one, Organisation) and (one.website, one.name_mi) == ("https://example.org/", None)
    await hand.correct(store, KNOWN, "nz-nap2", {"ends_on": "2018-12-31"}, "extended")
    await hand.correct(store, KNOWN, "nz-nap2-c5", {"title": "123", "themes": '["a", "b"]'}, "r")
    commitment = (await records(store, "commitments"))["nz-nap2-c5"]
    assert isinstance(commitment, Commitment) and (commitment.title, commitment.themes) == ("123", ["a", "b"])
    assert await store.reading(checks.faults) == []


async def test_record_stays_where_it_belongs_and_a_plan_has_a_time_zone_that_is_one(store: Store) -> None:
    """A report that could be moved would speak for another agency; a day that cannot be told would stop the daily release."""
    await imported(store, report())
    for id, values in [
        (REPORT, {"commitment": "nz-nap2-c1"}),
        (REPORT, {"plan": "nz-nap3"}),
        (f"{REPORT}-m1", {"report": "nz-nap2-c1-r2017-09-2017-11"}),
        ("nz-nap2", {"time_zone": "Mars/Base"}),
    ]:
        with pytest.raises(Refused, match=next(iter(values))):
            await hand.correct(store, KNOWN, id, values, "r")
    await hand.correct(store, KNOWN, "nz-nap2", {"time_zone": "Pacific/Chatham"}, "r")


def test_agency_brings_back_nothing_that_is_not_its_own() -> None:
    held = Held({}, {"nz-dia": 2}, {}, frozenset({"nz-dia"}), {}, {})
    agency = Organisation(id="nz-dia", url="/v1/organisations/nz-dia", version=1, release=1, name="Internal Affairs")
    first, again = (Edit("organisations", "nz-dia", agency, None, version, "data", []) for version in (1, 3))
    Terms(within=frozenset({"nz-psc"})).check_scope(held, [first])
    Terms(within=frozenset({"nz-dia"})).check_scope(held, [again])
    with pytest.raises(Forbidden):
        Terms(within=frozenset({"nz-psc"})).check_scope(held, [again])


def test_commitment_without_a_lead_is_brought_in_by_the_office_only() -> None:
    held = Held({}, {}, {}, frozenset(), {}, {})
    nobodys = Commitment(
        id="nz-nap2-c9", url="/v1/commitments/nz-nap2-c9", version=1, release=1, plan="nz-nap2", number="9", title="x"
    )
    step = Milestone(
        id="nz-nap2-c9-m1",
        url="/v1/milestones/nz-nap2-c9-m1",
        version=1,
        release=1,
        commitment=nobodys.id,
        plan="nz-nap2",
        number="1",
    )
    ours = replace(nobodys, lead_organisations=["nz-psc"])
    terms = Terms(within=frozenset({"nz-psc"}))
    terms.check_scope(
        held,
        [
            Edit("commitments", ours.id, ours, None, 1, "data", []),
            Edit("milestones", step.id, step, None, 1, "data", []),
        ],
    )
    for made in ([nobodys], [nobodys, step]):
        with pytest.raises(Forbidden) as refusal:
            terms.check_scope(held, [Edit(NOUN_OF[type(one)], one.id, one, None, 1, "data", []) for one in made])
        assert refusal.value.extra["ids"] == [one.id for one in made]


async def test_renumbered_milestone_keeps_its_id(store: Store) -> None:
    await imported(store, report())
    await hand.renumber(store, KNOWN, "nz-nap2-c5-m2", "2A", "printed so in the plan")
    one = (await records(store, "milestones"))["nz-nap2-c5-m2"]
    assert isinstance(one, Milestone) and one.number == "2A"


async def test_merged_organisation_is_followed_by_later_reports(store: Store) -> None:
    await imported(store, report(lead="Ministry of Silly Walks"))
    await imported(store, report(number="6"))
    await hand.merge(store, KNOWN, "nz-ministry-of-silly-walks", "nz-psc", "one and the same")
    assert list(await records(store, "organisations")) == ["nz-psc"]
    one = (await records(store, "reports"))[REPORT]
    assert isinstance(one, Report) and one.organisations == ["nz-psc"]
    await imported(store, report(number="7", lead="The Ministry of Silly Walks"))
    assert list(await records(store, "organisations")) == ["nz-psc"]
    assert await store.reading(checks.faults) == []


async def test_merged_milestone_hands_its_lines_on(store: Store) -> None:
    await imported(store, report())
    other = [*MILESTONES[:2], ("7", "Ask everyone in the land how plans should come about", None, "Completed")]
    await imported(store, report(other, period=LATER), answers={"7": "new"})
    await hand.merge(store, KNOWN, "nz-nap2-c5-m7", "nz-nap2-c5-m3", "the same step")
    lines = await records(store, "progress")
    assert "nz-nap2-c5-r2017-12-2018-02-m3" in lines and "nz-nap2-c5-r2017-12-2018-02-m7" not in lines
    one = (await records(store, "milestones"))["nz-nap2-c5-m3"]
    assert isinstance(one, Milestone) and (one.status, one.number) == ("completed", "7")
    assert all(isinstance(line, Progress) and line.milestone != "nz-nap2-c5-m7" for line in lines.values())
    with pytest.raises(Refused, match="both"):
        await hand.merge(store, KNOWN, "nz-nap2-c5-m1", "nz-nap2-c5-m2", "x")


async def test_dry_run_of_a_correction_leaves_nothing(store: Store) -> None:
    await imported(store, report())
    dry = await hand.withdraw(store, KNOWN, REPORT, "x", dry_run=True)
    assert dry.release == 2 and (await store.reading(releases.head)).number == 1
    assert await hand.withdraw(store, KNOWN, REPORT, "x") == dry


@pytest.mark.parametrize("limit", [1, 2, 7, 100, 1000])
@pytest.mark.parametrize("folded", [True, False])
async def test_changes_replayed_at_any_page_size_are_at_each_page_the_release_it_ends_with(
    store: Store, limit: int, folded: bool
) -> None:
    await later(store)
    await hand.withdraw(store, KNOWN, REPORT, "wrong")
    await imported(store, report(number="6", period=LATER))
    await hand.restore(store, KNOWN, REPORT, "right")
    head = await store.reading(releases.head)
    copy: dict[tuple[str, str], str] = {}
    since, pages = 0, 0
    while since < head.number and pages < 50:
        asked = Since(since=since, until=head.number, folded=folded, limit=limit)
        found, end, more = await store.reading(history.changes, asked)
        assert len({one.release for one in found}) == 1 or len(found) <= limit
        for one in found:
            assert since < one.release <= end
            if one.doc is None:
                copy.pop((one.noun, one.id), None)
            else:
                copy[one.noun, one.id] = one.doc
        assert copy == await held_at(store, end)
        assert not folded or len(found) == len({one.id for one in found})
        since, pages = end, pages + 1
        assert more == (since < head.number)
    assert since == head.number


async def held_at(store: Store, release: int) -> dict[tuple[str, str], str]:
    return {
        (noun, row.id): row.doc
        for noun in NOUNS
        for row in await store.reading(listings.page, listings.Listing(noun=noun, release=release))
    }


async def test_corrected_milestone_keeps_nothing_of_a_report_that_is_withdrawn_later(store: Store) -> None:
    done = [("1", MILESTONES[0][1], "August 2018", "Completed"), *MILESTONES[1:]]
    await imported(store, report(done))
    await hand.correct(store, KNOWN, "nz-nap2-c5-m1", {"starts": "2017-01"}, "from the plan")
    await hand.withdraw(store, KNOWN, REPORT, "wrong")
    one = (await records(store, "milestones"))["nz-nap2-c5-m1"]
    assert isinstance(one, Milestone)
    assert (one.starts, one.status, one.ends, one.status_report) == ("2017-01", "unknown", None, None)


async def test_renamed_organisation_keeps_the_name_of_each_day(store: Store) -> None:
    await imported(store, report())
    await hand.rename(
        store, KNOWN, "nz-psc", "Commission for Public Service", date(2030, 7, 1), "CPS", "an Act of 2030"
    )
    one = (await records(store, "organisations"))["nz-psc"]
    assert isinstance(one, Organisation)
    assert (one.name, one.abbreviation, one.version) == ("Commission for Public Service", "CPS", 2)
    days = {date(2017, 11, 30): "State Services Commission", date(2020, 8, 6): "State Services Commission"}
    days |= {date(2020, 8, 7): "Public Service Commission", date(2030, 6, 30): "Public Service Commission"}
    days |= {date(2030, 7, 1): "Commission for Public Service"}
    assert {day: name_on(one, day) for day in days} == days
    await imported(store, report(period=LATER, lead="Commission for Public Service (CPS)"))
    assert (await records(store, "commitments"))["nz-nap2-c5"].lead_organisations == ["nz-psc"]  # type: ignore[union-attr]
    for id, name, on in (
        ("nz-psc", "Commission for Public Service", date(2031, 1, 1)),
        ("nz-psc", "Another", date(2030, 7, 1)),
        ("nz-nap2-c5", "Another", date(2031, 1, 1)),
    ):
        with pytest.raises(Refused):
            await hand.rename(store, KNOWN, id, name, on, None, "x")
