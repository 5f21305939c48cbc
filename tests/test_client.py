"""The client for readers: lists, single records, releases and changes as structs, and every refusal as one of our errors."""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from copied import QUICK, edit
from ogp_open_data.client import Client
from ogp_open_data.client.reader import written
from ogp_open_data.client.wire import base, problem
from ogp_open_data.errors import BadRequest, Gone, NotFound, OpenDataError, Refused, StoreUnavailable
from ogp_open_data.records import NOUNS, Milestone, Organisation
from publisher import Fault, Publisher, some

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(publisher: Publisher) -> AsyncIterator[Client]:
    async with Client(publisher.url, pace=QUICK) as one:
        yield one


async def test_every_noun_is_walked_to_the_end_of_its_pages(publisher: Publisher, client: Client):
    for noun, kind in NOUNS.items():
        found = [one async for one in getattr(client, noun)()]
        assert [one.id for one in found] == sorted(publisher.held[-1][noun])
        assert all(type(one) is kind for one in found)


async def test_a_list_does_not_change_while_it_is_walked(publisher: Publisher, client: Client):
    before = sorted(publisher.held[1]["milestones"])
    found = []
    async for one in client.milestones(as_of=1):
        found.append(one.id)
        if len(found) % 10 == 0:
            publisher.release(some(Milestone, f"nz-nap2-c5-m0{len(found)}"))
    assert found == before


async def test_filters_go_along_to_the_next_page(publisher: Publisher, client: Client):
    publisher.release(some(Milestone, "nz-nap3-c1-m1", plan="nz-nap3", commitment="nz-nap3-c1"))
    assert [one.id async for one in client.milestones(plan="nz-nap3")] == ["nz-nap3-c1-m1"]
    assert len([one async for one in client.milestones(plan="nz-nap2")]) == 60


def test_parameters_are_written_as_the_api_reads_them():
    asked = {"as_of": date(2018, 1, 31), "status": ["delayed", "underway"], "plan": None, "period_to": "2018-06-30"}
    assert written(asked) == {"as_of": "2018-01-31", "status": "delayed,underway", "period_to": "2018-06-30"}


async def test_one_record_or_why_there_is_none(publisher: Publisher, client: Client):
    publisher.release(gone={"nz-nap2-c5-m8": "milestones"})
    assert (await client.get("organisations", "nz-psc")).name == "Te Kawa Mataaho"
    with pytest.raises(Gone, match="withdrawn"):
        await client.get("milestones", "nz-nap2-c5-m8")
    with pytest.raises(NotFound):
        await client.get("milestones", "nz-nap2-c5-m1000")
    with pytest.raises(NotFound):
        await client.get("milestones", "../plans/nz-nap2")


async def test_releases_are_told_with_their_digests(publisher: Publisher, client: Client):
    edit(publisher)
    newest = await client.release()
    assert (newest.number, newest.digests) == (2, publisher.sums[2])
    assert (await client.release(1)).counts["milestones"] == 60
    with pytest.raises(NotFound):
        await client.release(3)


async def test_changes_come_in_the_order_of_releases(publisher: Publisher, client: Client):
    edit(publisher, "one")
    edit(publisher, "two")
    publisher.release(gone={"nz-nap2-c5-m8": "milestones"})
    publisher.most_changes = 2
    told = [(one.release, one.id, one.action) async for one in client.changes(since=1)]
    assert told == [(3, "nz-nap2-c5-m7", "publish"), (4, "nz-nap2-c5-m8", "withdraw")]
    records = [one.record async for one in client.changes(since=1, history="full")]
    assert [one.text if isinstance(one, Milestone) else None for one in records] == ["one", "two", None]


async def test_a_new_status_is_taken_as_it_is(publisher: Publisher, client: Client):
    publisher.release(some(Milestone, "nz-nap2-c5-m7", status="handed_over"), extra={"budget": 7})
    assert (await client.get("milestones", "nz-nap2-c5-m7")).status == "handed_over"


async def test_what_this_program_cannot_read_is_said_and_not_asked_again(publisher: Publisher, client: Client):
    publisher.release(some(Organisation, "nz-new"), extra={"name": {"en": "an object now"}})
    publisher.asked.clear()
    with pytest.raises(Refused, match="newer"):
        await client.get("organisations", "nz-new")
    assert len(publisher.asked) == 1


async def test_a_cursor_of_another_history_is_gone_and_one_of_the_future_is_bad(publisher: Publisher, client: Client):
    with pytest.raises(Gone, match="anew") as gone:
        [one async for one in client.changes(since="rehearsal-410")]
    assert gone.value.code == "cursor-gone"
    with pytest.raises(BadRequest):
        [one async for one in client.changes(since=99)]


async def test_faults_that_pass_are_asked_again_and_others_are_not(publisher: Publisher, client: Client):
    publisher.faults.extend([Fault(cut=50), Fault(status=503), Fault(status=429, retry_after="0")])
    assert (await client.get("plans", "nz-nap2")).id == "nz-nap2"
    publisher.faults.extend([Fault(status=503)] * 5)
    with pytest.raises(StoreUnavailable, match="503"):
        await client.get("plans", "nz-nap2")
    publisher.faults.clear()
    publisher.asked.clear()
    publisher.faults.append(Fault(status=403))
    with pytest.raises(Refused) as refused:
        await client.get("plans", "nz-nap2")
    assert refused.value.status == 403 and len(publisher.asked) == 1


def test_a_problem_becomes_the_error_whose_code_it_names():
    told = problem(400, b'{"type":"https://x.example/docs/errors/bad-request","detail":"no","errors":[1]}', "u")
    assert type(told) is BadRequest and told.extra == {"errors": [1]} and "no" in told.detail
    assert isinstance(problem(410, b"<html>", "u"), Gone)
    assert isinstance(problem(451, b"", "u"), OpenDataError) and problem(451, b"", "u").status == 451


def test_an_address_is_taken_as_people_copy_it():
    assert {base(one) for one in ("http://x", "http://x/", "http://x/v1", "http://x/v1/")} == {"http://x"}
