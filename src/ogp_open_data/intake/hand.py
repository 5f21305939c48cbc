"""Changes by hand, by time and by a newer program, each one release: withdraw, correct, …, the daily one, a new shape."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ogp_open_data.intake.deciding import corrections
from ogp_open_data.intake.deciding.edits import reshaped
from ogp_open_data.intake.deciding.identify import Registry
from ogp_open_data.intake.deciding.world import Decision, World, decided
from ogp_open_data.intake.reading.vocabulary import Vocabulary
from ogp_open_data.intake.releasing import Outcome, Writing, held, prepared, publish, writing
from ogp_open_data.intake.terms import TERMS, Terms
from ogp_open_data.records import SHAPE, Plan
from ogp_open_data.store import history, releases
from ogp_open_data.store.doors import Store


async def withdraw(
    store: Store, vocabulary: Vocabulary, id: str, reason: str, dry_run: bool = False, terms: Terms = TERMS
) -> Outcome:
    """Take a record out; its id answers 410 from then on."""
    return await _by_hand(
        store,
        vocabulary,
        "withdrawal",
        [id],
        reason,
        lambda world: corrections.withdraw(world, id, reason),
        dry_run,
        terms,
    )


async def restore(
    store: Store, vocabulary: Vocabulary, id: str, reason: str, dry_run: bool = False, terms: Terms = TERMS
) -> Outcome:
    """Bring a withdrawn record back, with what was withdrawn together with it."""
    async with writing(store, dry_run, terms.by) as at:
        last = [releases.decode(noun, doc) for noun, doc in await history.last(at.connection, id)]
        return await _made(
            at,
            vocabulary,
            "restoration",
            [id],
            reason,
            lambda world: corrections.restore(world, id, last, reason),
            terms,
        )


async def correct(
    store: Store,
    vocabulary: Vocabulary,
    id: str,
    values: Mapping[str, str],
    reason: str,
    dry_run: bool = False,
    terms: Terms = TERMS,
) -> Outcome:
    """Set fields of a record."""
    return await _by_hand(
        store,
        vocabulary,
        "correction",
        [id],
        reason,
        lambda world: corrections.correct(world, id, values, reason),
        dry_run,
        terms,
    )


async def renumber(
    store: Store, vocabulary: Vocabulary, id: str, number: str, reason: str, dry_run: bool = False, terms: Terms = TERMS
) -> Outcome:
    """Give a milestone another printed number; its id stays."""
    return await _by_hand(
        store,
        vocabulary,
        "correction",
        [id],
        reason,
        lambda world: corrections.renumber(world, id, number, reason),
        dry_run,
        terms,
    )


async def rename(
    store: Store,
    vocabulary: Vocabulary,
    id: str,
    name: str,
    on: date,
    abbreviation: str | None,
    reason: str,
    dry_run: bool = False,
    terms: Terms = TERMS,
) -> Outcome:
    """Give an organisation another name from a day on."""
    return await _by_hand(
        store,
        vocabulary,
        "correction",
        [id],
        reason,
        lambda world: corrections.rename(world, id, name, on, abbreviation, reason),
        dry_run,
        terms,
    )


async def merge(
    store: Store, vocabulary: Vocabulary, old: str, new: str, reason: str, dry_run: bool = False, terms: Terms = TERMS
) -> Outcome:
    """Let one record take another's place."""
    return await _by_hand(
        store,
        vocabulary,
        "merger",
        [old, new],
        reason,
        lambda world: corrections.merge(world, old, new, reason),
        dry_run,
        terms,
    )


async def _by_hand(
    store: Store,
    vocabulary: Vocabulary,
    cause: str,
    ids: Sequence[str],
    reason: str,
    work: Callable[[World], None],
    dry_run: bool,
    terms: Terms,
) -> Outcome:
    async with writing(store, dry_run, terms.by) as at:
        return await _made(at, vocabulary, cause, ids, reason, work, terms)


async def _made(
    at: Writing,
    vocabulary: Vocabulary,
    cause: str,
    ids: Sequence[str],
    reason: str,
    work: Callable[[World], None],
    terms: Terms,
) -> Outcome:
    """Do some work on the world of some records, and publish what comes of it on the terms that were asked for."""
    touched = [one for id in ids for one in await history.commitments_of(at.connection, id)]
    world = await _world(at, vocabulary, touched)
    terms.check_ground(world.held, {})
    work(world)
    decision = decided(world, _day(world, at.made_at))
    terms.check_scope(world.held, decision.edits)
    number = await publish(at, prepared(at, decision, cause, reason, subject=" ".join(ids)))
    return Outcome(ids[0], number, decision.edits, decision.findings)


async def _world(at: Writing, vocabulary: Vocabulary, commitments: Sequence[str]) -> World:
    directory = await releases.directory(at.connection)
    return World(await held(at.connection, directory, commitments), Registry(vocabulary, directory))


def _day(world: World, moment: datetime) -> date:
    """The calendar day of a moment in the country of the plan that is touched."""
    plans = [one for one in world.records.values() if isinstance(one, Plan)]
    touched = [one for one in plans if any(id.startswith(f"{one.id}-") for id in world.touched)]
    return moment.astimezone(ZoneInfo(touched[0].time_zone if touched else "UTC")).date()


async def daily(
    store: Store,
    vocabulary: Vocabulary,
    zone: ZoneInfo,
    message: str | None = None,
    dry_run: bool = False,
    terms: Terms = TERMS,
) -> Outcome:
    """The release of the day: what time alone causes, and an empty one where that is nothing; at most one a day.

    `zone` says when a day of the office begins. A store in which nothing was published yet has none.
    """
    async with writing(store, dry_run, terms.by) as at:
        last = await history.last_daily(at.connection)
        done = last is not None and last.astimezone(zone).date() == at.made_at.astimezone(zone).date()
        if done or at.head.number == 0:
            return Outcome("daily release", None, [], [])
        decision = await _passed(at, vocabulary)
        number = await publish(at, prepared(at, decision, "daily", message, empty=True))
        return Outcome("daily release", number, decision.edits, [])


async def reshape(store: Store) -> int | None:
    """Publish anew, in one release, every record that a program of an older shape wrote otherwise; its number if there was any.

    No old row is touched: what was released keeps its bytes and digests.
    """
    async with store.writing() as connection:
        if (await releases.dataset(connection)).shape >= SHAPE:
            return None
    async with writing(store) as at:
        edits = [edit for row in await releases.live(at.connection) if (edit := reshaped(*row)) is not None]
        await releases.reshaped(at.connection, SHAPE, at.head.number + 1)
        return await publish(at, prepared(at, Decision(edits, [], [], []), "schema", f"records in shape {SHAPE}"))


async def _passed(at: Writing, vocabulary: Vocabulary) -> Decision:
    """What the day changes, plan by plan, for each has its own calendar."""
    directory = await releases.directory(at.connection)
    edits = []
    for plan in [one for one in directory.records.values() if isinstance(one, Plan)]:
        on = at.made_at.astimezone(ZoneInfo(plan.time_zone)).date()
        stale = await history.stale(at.connection, plan.id, on)
        if stale:
            world = await _world(at, vocabulary, stale)
            world.touched |= dict.fromkeys(stale)
            edits += decided(world, on).edits
    return Decision(edits, [], [], [])
