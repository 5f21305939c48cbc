"""A synthetic country from a seed: plans, commitments, milestones and progress lines in the shape of real ones."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from ogp_open_data.intake.deciding.edits import Edit
from ogp_open_data.intake.rows import row
from ogp_open_data.records import (
    NOUN_OF,
    NOUNS,
    Commitment,
    Milestone,
    Organisation,
    Plan,
    Progress,
    Record,
    Report,
    url_of,
)
from ogp_open_data.store import releases
from ogp_open_data.store.doors import Store
from ogp_open_data.store.releases import Prepared, Release

# fmt: off
WORDS = [
    "open", "data", "budget", "public", "review", "publish", "consult", "agencies", "guidance", "standard", "register",
    "portal", "response", "train", "Māori", "policy",
]
# fmt: on
STATUS = ("not_started", "underway", "delayed", "completed", "unknown")
BATCH = 20_000


def records(commitments: int, milestones: int, lines: int, seed: int = 1) -> Iterator[Record]:
    """Plans of 20 commitments, `milestones` for each commitment, `lines` for each milestone, a report for each period."""
    rng = random.Random(seed)
    yield from (_stamped(Organisation, f"xx-o{n}", name=f"Agency {n}") for n in range(50))
    for c in range(commitments):
        plan = f"xx-p{c // 20}"
        if c % 20 == 0:
            title = f"Plan {c // 20}"
            yield _stamped(Plan, plan, country="xx", time_zone="UTC", number=str(c // 20), title=title, labels=[title])
        id = f"{plan}-c{c % 20 + 1}"
        ends = [date(2016, 3, 31) + timedelta(days=91 * k) for k in range(lines)]
        reports = [f"{id}-r{end:%Y-%m}" for end in ends]
        yield _stamped(
            Commitment,
            id,
            plan=plan,
            number=str(c % 20 + 1),
            title=_text(rng, 6),
            objective=_text(rng, 25),
            lead_organisations=[f"xx-o{c % 50}"],
            status=rng.choice(STATUS),
            milestones_total=milestones,
            latest_report=reports[-1],
        )
        for report, end in zip(reports, ends, strict=True):
            yield _stamped(
                Report, report, commitment=id, plan=plan, kind="progress", title=_text(rng, 5), period_raw=f"{end:%B %Y}",
                period_start=None, period_end=end, organisations=[f"xx-o{c % 50}"],
            )  # fmt: skip
        for m in range(1, milestones + 1):
            yield from _milestone(rng, plan, id, m, list(zip(reports, ends, strict=True)))


def _milestone(
    rng: random.Random, plan: str, commitment: str, m: int, reports: Sequence[tuple[str, date]]
) -> Iterator[Record]:
    milestone, text = f"{commitment}-m{m}", _text(rng, 15)
    common = {"commitment": commitment, "plan": plan, "number": str(m), "text": text, "ends": "2018-06"}
    yield _stamped(
        Milestone, milestone, **common, status=rng.choice(STATUS), due_on=date(2018, 6, 30), timeliness="overdue"
    )
    for report, end in reports:
        status = rng.choice(STATUS)
        about = {"report": report, "milestone": milestone, "period_end": end, "status": status, "status_raw": status}
        yield _stamped(Progress, f"{report}-m{m}", **common, **about, ends_raw="June 2018")


def _stamped(struct: type[Record], id: str, **fields: object) -> Record:
    return struct(id=id, url=url_of(NOUN_OF[struct], id), version=1, release=1, **fields)  # type: ignore[arg-type]


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words)).capitalize()


async def load(store: Store, commitments: int, milestones: int, lines: int) -> dict[str, int]:
    """Publish the country in releases of BATCH rows; the records of each noun."""
    counts = dict.fromkeys(NOUNS, 0)
    batch: list[Record] = []
    number = 0
    for record in records(commitments, milestones, lines):
        batch.append(record)
        if len(batch) == BATCH:
            number += 1
            await _publish(store, number, batch, counts)
            batch = []
    if batch:
        await _publish(store, number + 1, batch, counts)
    return counts


async def _publish(store: Store, number: int, batch: Sequence[Record], counts: dict[str, int]) -> None:
    for record in batch:
        counts[NOUN_OF[type(record)]] += 1
    edits = [Edit(NOUN_OF[type(one)], one.id, one, None, 1, "data", []) for one in batch]
    async with store.writing() as connection:
        await releases.lock(connection)
        release = Release(number, datetime.now(UTC), "import", None, None, dict(counts))
        await releases.publish(connection, [Prepared(release, [row(edit, number) for edit in edits])])
