"""Many documents in one command: the same as one by one, whoever else publishes meanwhile."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from database import copied_database, executed
from embedded_tools import answers, eventually, place, processes_of  # noqa: F401
from growing import opened
from ogp_open_data.errors import NewerProgram, Refused
from ogp_open_data.intake import hand, series
from ogp_open_data.intake.importer import Document, concluded, import_document, resolved, sample, understood
from ogp_open_data.intake.releasing import Outcome, Writing, moment, publish, together
from ogp_open_data.intake.series import AHEAD, DIRECTORY, import_all, look
from ogp_open_data.intake.terms import PROGRAM, TERMS
from ogp_open_data.records import Finding
from ogp_open_data.store import checks, history, releases
from ogp_open_data.store.doors import Store
from ogp_open_data.store.embedded import Embedded
from test_importer import KNOWN, MILESTONES, report
from test_killed_imports import BUSY, SLOW, Importer, asked, counted, sound

pytestmark = pytest.mark.anyio
PERIODS = ("September to November 2017", "December 2017 to February 2018", "March to June 2018")


def document(text: str, name: str = "r.txt") -> Document:
    return Document(name=name, body=text.encode())


def mixed() -> list[Document]:
    """What an agency's folder may have: a plan, new and late reports, twice the same, corrections, and what is no report."""
    made = list(sample())
    made += [document(report(period=period, number=str(n))) for n in (5, 11, 12) for period in reversed(PERIODS)]
    made.append(document(report(number="11")))
    made.append(document(report(number="11", done="The panel met twice.")))
    made.append(document(report(number="11")))
    made.append(document("Minutes of the choir, with nothing about any plan."))
    fewer = [MILESTONES[0], ("2", MILESTONES[1][1], None, "Delayed")]
    made.append(document(report(milestones=fewer, number="12", lead="The Office of Lighthouses")))
    made.append(document(report(number="13", lead="The Office of Lighthouses", plan="Plan of nowhere")))
    return [*made, *made[-4:]]


def told(outcome: Outcome | Refused) -> tuple[object, ...]:
    """What is printed of an outcome."""
    if isinstance(outcome, Refused):
        return (type(outcome).__name__, outcome.detail)
    findings: Sequence[Finding] = outcome.findings
    changed = [(edit.id, edit.version, edit.change_kind, edit.changed_fields) for edit in outcome.edits]
    return (outcome.document, outcome.release, changed, findings, outcome.made and outcome.made.mark)


async def one_by_one(store: Store, documents: Sequence[Document]) -> list[Outcome | Refused]:
    made: list[Outcome | Refused] = []
    for one in documents:
        try:
            made.append(await import_document(store, one, KNOWN))
        except Refused as refusal:
            made.append(refusal)
    return made


async def root(store: Store) -> str:
    head = await store.reading(releases.head)
    return (await store.reading(history.digests, head.number)).root


@pytest.fixture
def other_dsn(server: str, template: str) -> Iterator[str]:
    with copied_database(server, template) as address:
        yield address


@pytest.fixture
async def other(other_dsn: str) -> AsyncIterator[Store]:
    """A second migrated database."""
    async with opened(other_dsn) as one:
        yield one


@pytest.mark.parametrize("gather", [0, 0.05, 60])
async def test_many_documents_become_the_same_releases_as_one_by_one(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch, gather: float
) -> None:
    """Each written alone, as they come, or all in one statement, with several versions of a record."""
    monkeypatch.setattr(series, "GATHER", gather)
    documents = mixed()
    together = [told(one) async for one in import_all(store, documents, KNOWN)]
    assert together == [told(one) for one in await one_by_one(other, documents)]
    assert sum(kind[0] == "DocumentRefused" for kind in together) == 4
    assert await root(store) == await root(other)
    assert await store.reading(checks.faults) == []


async def test_what_is_known_after_a_release_is_what_the_store_holds_then(store: Store) -> None:
    documents = []
    for one in mixed():
        with suppress(Refused):
            documents.append(understood(one, KNOWN))
    async with store.writer() as connection:
        known = await look(connection, documents)
        for one in documents:
            at = Writing(connection, known.head, moment(known.head), PROGRAM, dry_run=False)
            try:
                about = resolved(one, known.parts[DIRECTORY])
                parts = [known.parts[part] for part in (DIRECTORY, *about.commitments)]
                outcome, made = concluded(at, about, together(parts), TERMS)
            except Refused:
                continue
            if made is not None:
                await publish(at, made)
                known = known.after(outcome.edits, made)
            assert known == await look(connection, documents)
    assert known.head.number > 12


async def test_document_is_seen_again_within_one_command_and_after_it(store: Store) -> None:
    text = report()
    twice = [document(text), document(text)]
    assert [one.release async for one in import_all(store, twice, KNOWN) if isinstance(one, Outcome)] == [1, None]
    assert [one.release async for one in import_all(store, twice, KNOWN) if isinstance(one, Outcome)] == [None, None]


async def test_another_process_that_publishes_in_between_is_not_overlooked(
    dsn: str, store: Store, tmp_path: Path
) -> None:
    """It corrects and adds what was looked at already: a version built on the older one would be refused, or lose its word."""
    beside = Importer(dsn, tmp_path)

    def given() -> Iterator[Document]:
        for n, period in enumerate(PERIODS):
            for number in range(1, 6):
                yield document(report(period=period, number=str(number)))
            # A process of its own, while some of these wait: reports for the first period, and a commitment of its own.
            assert beside.done(n + 3) == 0
            assert beside.done(n + 21) == 0

    outcomes = [one async for one in import_all(store, given(), KNOWN)]
    assert all(isinstance(one, Outcome) for one in outcomes)
    head = await store.reading(releases.head)
    made = await store.reading(history.made, head.number + 1, 100)
    assert [one.number for one in made] == list(range(head.number, 0, -1))
    assert head.counts["reports"] == 15 + 3
    assert head.counts["commitments"] == 5 + 3
    assert await store.reading(checks.faults) == []


@pytest.mark.parametrize("seed", range(3))
async def test_commands_that_run_at_once_lose_nothing(dsn: str, seed: int) -> None:
    stores = [Store(dsn) for _ in range(3)]
    for one in stores:
        await one.open()
    rng = random.Random(seed)
    reports = [document(report(number=str(n), period=period)) for n in range(1, 9) for period in PERIODS]
    shuffled = [rng.sample(reports, len(reports)) for _ in stores]

    async def command(one: Store, documents: Sequence[Document]) -> int:
        made = [outcome async for outcome in import_all(one, documents, KNOWN)]
        assert all(isinstance(outcome, Outcome) for outcome in made)
        return sum(isinstance(outcome, Outcome) and outcome.release is not None for outcome in made)

    counts = await asyncio.gather(*map(command, stores, shuffled))
    # Each report made one release, whoever came first.
    head = await stores[0].reading(releases.head)
    assert sum(counts) == head.number == len(reports)
    assert await stores[0].reading(checks.faults) == []
    for one in stores:
        await one.close()


async def test_correction_by_hand_between_two_documents_stays(store: Store) -> None:
    second = document(report(period=PERIODS[1]))

    def given() -> Iterator[Document]:
        yield document(report())
        yield document(report(number="6"))

    async for _ in import_all(store, given(), KNOWN):
        with suppress(Refused):
            await hand.withdraw(store, KNOWN, "nz-nap2-c5-r2017-09-2017-11", "wrong")
    outcomes = [one async for one in import_all(store, [document(report()), second], KNOWN)]
    assert isinstance(outcomes[0], Refused) and "was withdrawn" in outcomes[0].detail
    assert isinstance(outcomes[1], Outcome) and outcomes[1].release is not None
    assert await store.reading(checks.faults) == []


async def test_statements_do_not_grow_with_documents(store: Store) -> None:
    """Five for all that wait together, with their transaction; one for the releases that are gathered."""
    asked: list[str] = []
    async with store.writer() as connection:
        connection.add_query_logger(lambda said: asked.append(said.query))
    documents = [document(report(number=str(n))) for n in range(1, AHEAD + 1)]
    assert len([one async for one in import_all(store, documents, KNOWN)]) == AHEAD
    written = [one for one in asked if one == releases.PUBLISH]
    assert len(written) < AHEAD // 4
    # The first is looked at alone, then two, then four, until as many wait as are looked at together.
    assert len(asked) - len(written) <= 8 * AHEAD.bit_length()


async def test_newer_program_is_left_alone(store: Store) -> None:
    async with store.writing() as connection:
        await connection.execute("UPDATE dataset SET shape = shape + 1")
    with pytest.raises(NewerProgram, match="newer program"):
        _ = [one async for one in import_all(store, [document(report())], KNOWN)]


async def test_id_of_another_record_is_refused_and_the_next_document_is_not(store: Store) -> None:
    async for _ in import_all(store, [document(report(number="1"))], KNOWN):
        pass
    async with store.writing() as connection:
        await connection.execute("UPDATE record SET commitment = 'zz-x', id = 'nz-nap2-c2' WHERE id = 'nz-nap2-c1-m3'")
    outcomes = [one async for one in import_all(store, [document(report(number=n)) for n in "23"], KNOWN)]
    assert isinstance(outcomes[0], Refused) and "nz-nap2-c2" in outcomes[0].detail
    assert isinstance(outcomes[1], Outcome) and outcomes[1].release == 2


def test_command_killed_between_documents_keeps_what_it_told(dsn: str, tmp_path: Path) -> None:
    """Whatever is printed is on the disk, and the same command then does the rest."""
    files = [tmp_path / f"{n}.txt" for n in range(1, 41)]
    for n, file in enumerate(files, 1):
        file.write_text(report(number=str(n)))
    command = [sys.executable, "-m", "ogp_open_data", "import", *map(str, files), "--database-url", dsn]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines += [line] if ": release" in line else []
            if len(lines) == 10:
                process.kill()
    eventually(lambda: asked(dsn, BUSY) == 0, 10)
    assert 10 <= len(lines) <= counted(dsn)[0]
    assert subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0
    assert counted(dsn)[0] == len(files)
    sound(dsn)


@pytest.mark.embedded
def test_postgresql_killed_under_a_command_keeps_what_was_told(place: Path, tmp_path: Path) -> None:  # noqa: F811
    """Of the releases that one statement writes all are there or none, and those that were told of all are."""
    files = [tmp_path / f"{n}.txt" for n in range(1, 61)]
    for n, file in enumerate(files, 1):
        file.write_text(report(number=str(n)))
    with Embedded(place / "data") as server:
        server.watch()
        command = [sys.executable, "-m", "ogp_open_data", "import", *map(str, files), "--database-url", server.dsn]
        assert subprocess.run([*command[:4], str(files[0]), *command[-2:]], stdout=subprocess.DEVNULL).returncode == 0
        asyncio.run(executed(server.dsn, SLOW))
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            told = 0
            for line in process.stdout:
                told += (new := ": release" in line)
                if new and told == 1:
                    # The next ones are being written, a twentieth of a second each.
                    for pid in processes_of(place):
                        with suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
        assert process.returncode == 3
        eventually(lambda: answers(server.dsn), 60)
        assert 1 + told <= counted(server.dsn)[0] < len(files)
        sound(server.dsn)
        assert subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0
        assert counted(server.dsn)[0] == len(files)
        sound(server.dsn)
