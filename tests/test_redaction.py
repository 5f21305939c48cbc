"""Redaction: personal data goes from every version and release, visibly, and digests still verify."""

from pathlib import Path

import httpx
import msgspec
import pytest

from ogp_open_data.errors import NotFound, Refused
from ogp_open_data.intake import hand
from ogp_open_data.intake.deciding import redacting
from ogp_open_data.records import canonical, digest
from ogp_open_data.store import checks, history, redactions
from ogp_open_data.store.doors import Store
from serving import program, running
from test_importer import KNOWN, MILESTONES, imported, records, report

pytestmark = pytest.mark.anyio
NAME = "Jane Citizen"
REPORT = "nz-nap2-c5-r2017-09-2017-11"
LATER = "December 2017 to February 2018"
NAMED = [("1", f"Ask {NAME} for better tools for talking with the public", "June 2018", "Underway"), *MILESTONES[1:]]
EVERYTHING = """
SELECT coalesce(string_agg(concat(doc, csv, words), ' '), '') || (SELECT coalesce(string_agg(doc, ' '), '') FROM fact) FROM record
"""


async def published(store: Store) -> None:
    """Three releases in which the name stands: in a narrative, in a line, in the milestone that has the line's wording."""
    await imported(store, report(NAMED, done=f"{NAME} met the panel."))
    await imported(store, report(NAMED, period=LATER))
    await hand.correct(store, KNOWN, f"{REPORT}-m2", {"status_raw": "completed"}, "case")


async def everything(store: Store) -> str:
    """All text that the database holds of records."""
    return str(await store.reading(lambda connection: connection.fetchval(EVERYTHING)))


async def test_words_go_from_every_version_with_a_mark_and_the_store_is_sound(store: Store) -> None:
    await published(store)
    outcome = await redacting.redact(store, REPORT, "sections", "asked for by the person", text=NAME)
    assert outcome.release == 4
    assert [(edit.id, edit.change_kind, edit.changed_fields) for edit in outcome.edits] == [
        (REPORT, "redaction", ["sections"])
    ]
    await redacting.redact(store, f"{REPORT}-m1", "text", "asked for by the person", text=NAME)
    found = await everything(store)
    assert NAME not in found and "citizen" not in found and redacting.MARK in found
    one = (await records(store, "milestones"))["nz-nap2-c5-m1"]
    assert one.text == "Ask [redacted] for better tools for talking with the public"  # type: ignore[union-attr]
    assert await store.reading(checks.faults) == []


async def test_next_derivation_does_not_bring_redacted_words_back(store: Store) -> None:
    await published(store)
    await redacting.redact(store, f"{REPORT}-m1", "text", "asked", text=NAME)
    await redacting.redact(store, REPORT, "sections", "asked")
    await hand.withdraw(store, KNOWN, "nz-nap2-c5-r2017-12-2018-02", "wrong")
    assert NAME not in await everything(store)


async def test_releases_list_what_was_redacted_and_substituting_it_gives_their_digests(store: Store) -> None:
    await published(store)
    before = {number: await store.reading(history.digests, number) for number in (1, 2, 3)}
    lines = {number: await store.reading(history.lines, "reports", number) for number in (1, 2, 3)}
    await redacting.redact(store, REPORT, "sections", "asked for by the person")
    for number in (1, 2, 3):
        told = await store.reading(redactions.of_release, number)
        assert [(one.id, one.version, one.release, one.fields) for one in told] == [(REPORT, 1, 4, ["sections"])]
        text = lines[number]
        for one in told:
            assert one.sha256_before in text
            text = text.replace(one.sha256_before, one.sha256_after)
        now = await store.reading(history.digests, number)
        assert digest(text.encode()) == now.digests["reports"] != before[number].digests["reports"]
    made = await store.reading(redactions.of_release, 4)
    assert {(one.id, one.version) for one in made} == {(REPORT, 1)}
    assert {one.reason for one in made} == {"asked for by the person"}


async def test_what_is_no_personal_data_or_not_there_is_refused(store: Store) -> None:
    await published(store)
    for field in ("status", "id", "nothing", "commitment"):
        with pytest.raises(Refused, match=field):
            await redacting.redact(store, f"{REPORT}-m1", field, "x")
    with pytest.raises(Refused, match="John"):
        await redacting.redact(store, REPORT, "sections", "x", text="John")
    with pytest.raises(NotFound):
        await redacting.redact(store, "nz-nothing", "text", "x")
    assert (await redacting.redact(store, REPORT, "title", "x", dry_run=True)).release == 4
    assert await store.reading(redactions.of_release, 1) == []


async def test_withdrawn_record_is_redacted_too_by_an_empty_release(store: Store) -> None:
    await imported(store, report(done=f"{NAME} met the panel."))
    await hand.withdraw(store, KNOWN, REPORT, "wrong")
    outcome = await redacting.redact(store, REPORT, "sections", "asked", text=NAME)
    assert (outcome.release, outcome.edits) == (3, [])
    assert NAME not in await everything(store)
    assert await store.reading(checks.faults) == []


def test_copy_stays_proven_across_a_redaction_and_takes_it_over(dsn: str, tmp_path: Path) -> None:
    file, into = tmp_path / "report.txt", tmp_path / "copy"
    file.write_text(report(NAMED, done=f"{NAME} met the panel."), "utf-8")
    program("import", file, "--database-url", dsn)
    with running("--database-url", dsn) as (_, url), httpx.Client(base_url=url, timeout=30) as client:
        program("sync", url, "--into", into)
        old = client.get("/v1/reports.json?as_of=1")
        first = client.get("/v1/releases/1")
        done = program("redact", REPORT, "sections", "--text", NAME, "--reason", "asked", "--database-url", dsn)
        assert "redacted" in done.stdout
        # The copy holds what release 1 was when it was made: told of the redaction, it is still proved.
        program("sync", url, "--into", into, "--verify")
        told = client.get("/v1/releases/1")
        assert told.headers["etag"] != first.headers["etag"]
        [one] = [one for one in told.json()["data"]["redactions"] if one["id"] == REPORT]
        now = client.get("/v1/reports.json?as_of=1")
        assert NAME in old.text and NAME not in now.text and now.headers["etag"] != old.headers["etag"]
        assert one["sha256_after"] == digest(canonical(now.json()["data"][0])) != one["sha256_before"]
        program("sync", url, "--into", into)
        copied = (into / "reports.ndjson").read_text("utf-8")
        assert NAME not in copied and msgspec.json.decode(copied.splitlines()[0])["version"] == 2
        program("check", "--database-url", dsn)
