"""A copy of a publisher on loopback that fails as publishers do: whole, proven, mended where it differs."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from uuid import uuid4

import pytest

from copied import QUICK, edit, held, release_of, run, table, tamper
from ogp_open_data.client import sync
from ogp_open_data.client.publisher import root_of
from ogp_open_data.client.wire import retry_after
from ogp_open_data.errors import Refused, StoreUnavailable
from ogp_open_data.records import NOUNS, Milestone, Organisation, Report, digest
from publisher import Fault, Publisher, lines, some


def test_first_run_is_the_whole_of_the_newest_release(publisher: Publisher, into: str):
    edit(publisher)
    done = run(publisher, into)
    assert held(into) == publisher.held[-1]
    assert (done.before, done.release, done.whole, done.exit_code) == (None, 2, True, 0)
    assert done.root == root_of({noun: digest(lines(rows)) for noun, rows in publisher.held[-1].items()})


def test_an_empty_publisher_gives_an_empty_copy(into: str):
    with Publisher().serving() as publisher:
        assert run(publisher, into).release == 0
        assert held(into) == {noun: {} for noun in NOUNS}
        edit(publisher)
        assert run(publisher, into).release == 1
        assert held(into) == publisher.held[-1]


def test_next_run_fetches_what_changed_and_removes_what_was_withdrawn(publisher: Publisher, into: str):
    run(publisher, into)
    edit(publisher)
    publisher.release(some(Report, "nz-nap2-c5-r99"), gone={"nz-nap2-c5-m8": "milestones"})
    publisher.release(gone={"nz-nap2-c5-r99": "reports"})
    publisher.asked.clear()
    done = run(publisher, into)
    assert held(into) == publisher.held[-1]
    assert (done.before, done.release, done.whole) == (1, 4, False)
    assert (done.published, done.withdrawn, done.mended) == (1, 2, 0)
    assert [path.partition("?")[0] for path in publisher.asked] == ["/v1/changes", "/v1/releases/4", "/v1/changes"] or [
        path.partition("?")[0] for path in publisher.asked
    ] == ["/v1/changes", "/v1/changes", "/v1/releases/4"]


def test_a_night_with_nothing_new_is_one_request_that_answers_304(publisher: Publisher, into: str):
    run(publisher, into)
    publisher.answered.clear()
    done = run(publisher, into)
    assert publisher.answered == [304]
    assert (done.requests, done.bytes, done.published) == (1, 0, 0)


def test_an_empty_release_moves_the_copy_on(publisher: Publisher, into: str):
    run(publisher, into)
    publisher.release()
    assert run(publisher, into).release == 2
    assert release_of(into) == 2


def test_tables_are_the_publishers_byte_for_byte(publisher: Publisher, directory: Path):
    run(publisher, str(directory))
    edit(publisher, "=HYPERLINK(1), and\r\ntwo lines")
    run(publisher, str(directory))
    for noun in NOUNS:
        assert (directory / f"{noun}.csv").read_bytes() == table(noun, publisher.held[-1][noun]), noun


def test_values_and_fields_that_this_program_does_not_know_are_kept(publisher: Publisher, into: str):
    strange = some(Milestone, "nz-nap2-c5-m7", status="handed_over", timeliness="frozen")
    sections = {"sections": [{"kind": "x", "heading": "h", "items": [], "paragraphs": [{"kind": "table", "n": 1}]}]}
    publisher.release(strange, extra={"budget": {"amount": 12, "currency": "NZD"}})
    run(publisher, into)
    publisher.release(some(Report, "nz-nap2-c5-r98"), extra=sections)
    run(publisher, into)
    assert held(into) == publisher.held[-1]
    assert b'"budget":{"amount":12' in held(into)["milestones"]["nz-nap2-c5-m7"]
    if not into.startswith("sqlite"):
        told = (Path(into) / "milestones.csv").read_text()
        assert "handed_over" in told and "budget" not in told


def test_the_same_changes_twice_change_nothing(publisher: Publisher, into: str):
    run(publisher, into)
    edit(publisher)
    publisher.changes[-1] *= 2
    run(publisher, into)
    publisher.changes.append(publisher.changes[-1])
    publisher.held.append(publisher.held[-1])
    publisher.sums.append(publisher.sums[-1])
    done = run(publisher, into)
    assert (done.release, done.mended) == (3, 0)
    assert held(into) == publisher.held[-1]


def test_many_pages_are_followed_to_the_end(publisher: Publisher, into: str):
    run(publisher, into)
    publisher.most_changes = 3
    for number in range(20):
        publisher.release(some(Organisation, f"nz-o{number}"), some(Organisation, "nz-psc", name=f"name {number}"))
    done = run(publisher, into)
    assert done.release == 21 and not done.whole and done.mended == 0
    assert held(into) == publisher.held[-1]


# What goes wrong on the way.


@pytest.mark.parametrize(
    "fault",
    [
        Fault(cut=0),
        Fault(cut=700),
        Fault(flip=333),
        Fault(status=502),
        Fault(status=429, retry_after="0"),
        Fault(status=503, retry_after="nonsense"),
    ],
    ids=str,
)
def test_every_request_may_fail_twice(publisher: Publisher, into: str, fault: Fault):
    publisher.faults.extend([fault, fault, None] * 12)
    run(publisher, into)
    edit(publisher)
    publisher.faults.clear()
    publisher.faults.extend([fault, fault, None] * 6)
    run(publisher, into)
    publisher.faults.clear()
    assert held(into) == publisher.held[-1]
    assert run(publisher, into, verify_only=True).exit_code == 0


def test_retry_after_is_waited_for(publisher: Publisher, directory: Path):
    publisher.faults.append(Fault(status=429, retry_after="1"))
    started = time.monotonic()
    run(publisher, str(directory))
    assert 1.0 <= time.monotonic() - started < 4.0


def test_retry_after_is_read_as_seconds_or_as_a_date():
    assert retry_after("120") == 120.0
    assert retry_after("soon") is retry_after(None) is None
    later = retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert later is not None and 85 < later <= 90
    assert retry_after("Fri, 31 Dec 1999 23:59:59 GMT") == 0.0


def test_a_publisher_that_asks_for_an_hour_is_left_until_the_next_run(publisher: Publisher, into: str):
    publisher.faults.append(Fault(status=503, retry_after="3600"))
    with pytest.raises(StoreUnavailable, match="after 1 tries"):
        run(publisher, into)
    assert len(publisher.asked) == 1


def test_a_publisher_that_is_away_leaves_the_copy_as_it_is(publisher: Publisher, into: str):
    run(publisher, into)
    away = Publisher()
    with away.serving():
        pass
    with pytest.raises(StoreUnavailable) as caught:
        run(away, into)
    assert caught.value.exit_code == 3 and "after 5 tries" in caught.value.detail
    assert held(into) == publisher.held[-1]


def test_what_is_no_publisher_is_told_at_once(tmp_path: Path, publisher: Publisher):
    with pytest.raises(Refused, match="http"):
        sync("ftp://127.0.0.1/", str(tmp_path / "copy"), pace=QUICK)
    with pytest.raises(Refused, match="nothing at this address"):
        sync(publisher.url + "/elsewhere", str(tmp_path / "copy"), pace=QUICK)
    with pytest.raises(Refused, match="a copy is kept in"):
        run(publisher, "mysql://x/y")


def test_another_epoch_brings_a_fresh_whole_copy(publisher: Publisher, into: str):
    run(publisher, into)
    publisher.epoch = str(uuid4())
    publisher.release(gone={"nz-nap2-c5-m9": "milestones"})
    done = run(publisher, into)
    assert done.whole and held(into) == publisher.held[-1]
    assert run(publisher, into).requests == 1


def test_views_on_a_copy_in_sqlite_survive_a_whole_copy(publisher: Publisher, tmp_path: Path):
    run(publisher, f"sqlite:///{tmp_path}/copy.db")
    db = sqlite3.connect(tmp_path / "copy.db")
    db.execute("CREATE VIEW words AS SELECT json_extract(doc, '$.text') AS text FROM milestones")
    publisher.epoch = str(uuid4())
    assert run(publisher, f"sqlite:///{tmp_path}/copy.db").whole
    assert len(db.execute("SELECT text FROM words").fetchall()) == 60
    db.close()


def test_a_publisher_that_went_back_to_a_backup_is_followed(publisher: Publisher, into: str):
    edit(publisher)
    edit(publisher, "lost again")
    run(publisher, into)
    for history in (publisher.held, publisher.sums, publisher.changes):
        del history[-1]
    assert run(publisher, into).release == 2
    assert held(into) == publisher.held[-1]
    # The same number with other content, which no cursor can tell.
    for history in (publisher.held, publisher.sums, publisher.changes):
        del history[-1]
    edit(publisher, "said anew")
    publisher.release()
    assert run(publisher, into).mended == 1
    assert held(into) == publisher.held[-1]


def test_a_change_that_never_came_is_found_and_fetched_alone(publisher: Publisher, into: str):
    run(publisher, into)
    edit(publisher)
    publisher.release(gone={"nz-nap2-c5-m8": "milestones"})
    publisher.changes[2], publisher.changes[3] = [], []
    publisher.asked.clear()
    done = run(publisher, into)
    assert (done.mended, done.whole) == (2, False)
    assert held(into) == publisher.held[-1]
    fetched = [path for path in publisher.asked if ".ndjson" in path]
    assert len(fetched) == 1 and "id=nz-nap2-c5-m7" in fetched[0]


def test_a_publisher_that_contradicts_itself_is_refused(publisher: Publisher, into: str):
    run(publisher, into)
    publisher.release()
    publisher.sums[-1] = publisher.sums[-1] | {"plans": digest(b"something else")}
    with pytest.raises(StoreUnavailable, match="do not give the digest"):
        run(publisher, into)


# What goes wrong here.


def test_verify_names_what_differs_and_writes_nothing(publisher: Publisher, into: str):
    edit(publisher, "our wording")
    run(publisher, into)
    assert run(publisher, into, verify_only=True).differences == ()
    tamper(into, "milestones", lambda text: text.replace(b"our wording", b"their words"))
    before = held(into)
    done = run(publisher, into, verify_only=True)
    assert [(one.noun, one.id, one.kind) for one in done.differences] == [("milestones", "nz-nap2-c5-m7", "changed")]
    assert done.exit_code == 1 and "1 milestones: nz-nap2-c5-m7 (changed)" in done.line and "\n" not in done.line
    assert held(into) == before
    run(publisher, into)
    assert held(into) == publisher.held[-1]
    assert run(publisher, into, verify_only=True).exit_code == 0


def test_a_damaged_copy_is_mended_on_a_quiet_night(publisher: Publisher, into: str):
    edit(publisher, "our wording")
    run(publisher, into)
    tamper(into, "milestones", lambda text: text.replace(b"our wording", b"their words"))
    publisher.asked.clear()
    assert run(publisher, into).mended == 1
    assert held(into) == publisher.held[-1]
    assert [path.partition("?")[0] for path in publisher.asked] == [
        "/v1/changes",
        "/v1/releases/2/milestones.tsv",
        "/v1/milestones.ndjson",
    ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda copy: (copy / "reports.ndjson").unlink(),
        lambda copy: (copy / "milestones.ndjson").write_bytes(b""),
        lambda copy: (copy / "milestones.ndjson").write_bytes(b"\xff\x00 no record\n\n"),
        lambda copy: (copy / "plans.ndjson").write_bytes((copy / "plans.ndjson").read_bytes() * 2),
        lambda copy: (copy / "plans.csv").write_bytes(b"id\r\n"),
        lambda copy: (copy / "plans.csv").unlink(),
        lambda copy: (copy / "SHA256SUMS").unlink(),
        lambda copy: (copy / "state.json").write_text("{"),
        lambda copy: (copy / "current").unlink(),
        lambda copy: os.replace(copy / "current" / "state.json", copy / "state.json"),
    ],
)
def test_whatever_happens_to_the_files_the_next_run_makes_them_whole(
    publisher: Publisher, directory: Path, damage: Callable[[Path], None]
):
    run(publisher, str(directory))
    damage(directory)
    edit(publisher)
    run(publisher, str(directory))
    assert held(str(directory)) == publisher.held[-1]
    assert (directory / "plans.csv").read_bytes() == table("plans", publisher.held[-1]["plans"])
    assert run(publisher, str(directory), verify_only=True).exit_code == 0


def test_damage_to_a_table_is_not_sealed_by_the_next_release(publisher: Publisher, directory: Path):
    run(publisher, str(directory))
    (directory / "plans.csv").write_bytes(b"id\r\n")
    assert [one.kind for one in run(publisher, str(directory), verify_only=True).differences] == ["file"]
    publisher.release()
    edit(publisher)
    run(publisher, str(directory))
    assert (directory / "plans.csv").read_bytes() == table("plans", publisher.held[-1]["plans"])


def test_verify_without_a_copy_is_refused(publisher: Publisher, into: str, tmp_path: Path):
    with pytest.raises(Refused, match="no copy yet"):
        run(publisher, into, verify_only=True)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_do_not_work_on_one_copy(publisher: Publisher, into: str):
    run(publisher, into)
    publisher.faults.append(Fault(hang=0.7))
    first = threading.Thread(target=run, args=(publisher, into))
    first.start()
    assert publisher.busy.wait(10)
    for verify_only in (False, True):
        with pytest.raises(Refused, match="another run"):
            run(publisher, into, verify_only)
    first.join()
    assert run(publisher, into).requests == 1


def test_sums_can_be_checked_by_a_stranger(publisher: Publisher, directory: Path):
    run(publisher, str(directory))
    edit(publisher)
    run(publisher, str(directory))
    told = dict(line.split("  ")[::-1] for line in (directory / "SHA256SUMS").read_text().splitlines())
    assert told == {
        path.name: digest(path.read_bytes()) for path in directory.glob("[a-z]*.*") if path.suffix != ".json"
    }
