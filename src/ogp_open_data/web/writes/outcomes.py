"""What a write did, as JSON: the release it made, and its changes."""

from typing import Any

import msgspec

from ogp_open_data.intake import previews
from ogp_open_data.intake.releasing import Outcome
from ogp_open_data.store import history
from ogp_open_data.store.doors import Connection


async def release_told(connection: Connection, outcome: Outcome) -> dict[str, Any]:
    """The release of an outcome, as `/v1/releases/{n}` tells it, with what changed; its `number` is null where nothing did."""
    number = outcome.release
    told: dict[str, Any] = {"number": None, "release": None}
    if number is not None:
        (made,) = await history.made(connection, number + 1, 1)
        digests = (await history.digests(connection, number))._asdict()
        counts = msgspec.Raw(made.counts.encode())
        told = {**made._asdict(), "counts": counts, **digests, "release": number, "url": f"/v1/releases/{number}"}
    changes = [previews.change(edit, number) for edit in outcome.edits]
    return {**told, "changes": changes, "findings": outcome.findings}
