"""On which terms a change is carried out: by whom, resting on what, how much of it, and for which agencies."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from ogp_open_data.errors import ChangedSince, ConfirmationNeeded, Forbidden
from ogp_open_data.intake.deciding.edits import Edit
from ogp_open_data.records import Commitment, Organisation, Plan, Record, Report, canonical, digest
from ogp_open_data.store.releases import Head, Held


class Actor(Struct, frozen=True):
    """Who makes a change (`key NAME`, `user NAME`, or the program itself), and from which address."""

    name: str = "program"
    address: str | None = None


PROGRAM = Actor()


class Terms(Struct, frozen=True):
    """Who asks, what the change may rest on, and how far it may go.

    `head` is the release that was looked at, `mark` stands for the versions that were read, `versions` are those of some
    records. `confirm` is how many published records change, as the publisher has typed it back; without it `most` records, or
    that share of all, may change. `within` are the agencies that may be spoken for; None is all.
    """

    by: Actor = PROGRAM
    head: int | None = None
    mark: str | None = None
    versions: Mapping[str, int] = {}
    confirm: int | None = None
    most: int = 20
    share: float = 0.1
    within: frozenset[str] | None = None

    def asks_back(self, head: Head, touched: int) -> bool:
        """Whether so many published records would change that their number has to be typed back."""
        return touched > max(self.most, self.share * sum(head.counts.values()))

    def check_amount(self, head: Head, touched: int) -> None:
        """Raises ConfirmationNeeded where that number was not typed."""
        if touched != self.confirm and self.asks_back(head, touched):
            total = sum(head.counts.values())
            detail = f"{touched} of {total} records that are published would be changed or withdrawn; if that is meant, confirm it"
            raise ConfirmationNeeded(f"{detail} with the figure {touched}", confirm=touched)

    def check_ground(self, held: Held, reads: Mapping[str, int]) -> None:
        """Raises ChangedSince where something that is read has another version than was looked at."""
        later = [id for id in reads if self.head is not None and held.released.get(id, 0) > self.head]
        later += [id for id, version in self.versions.items() if held.versions.get(id) != version]
        if later:
            shown = ", ".join(sorted(later)[:5])
            raise ChangedSince(f"{shown} changed since; look at what would happen now, then do that", ids=sorted(later))
        if self.mark is not None and self.mark != mark_of(reads):
            raise ChangedSince("what this rests on changed since; look at what would happen now, then apply that")

    def check_scope(self, held: Held, edits: Iterable[Edit]) -> None:
        """Raises Forbidden where the change speaks for others than it may."""
        if self.within is None:
            return
        made = list(edits)
        known = {**{edit.id: edit.record for edit in made if edit.record is not None}, **held.records}
        outside = sorted({one for edit in made for one in _spoken_for(edit, known)} - self.within)
        if outside:
            raise Forbidden(
                f"this key is not for {', '.join(outside[:5])}; ask the office for one that is", ids=outside
            )


TERMS = Terms()


def mark_of(reads: Mapping[str, int]) -> str:
    """A short digest of what was read, by which somebody asks for exactly this."""
    return digest(canonical(reads))[:12]


def _spoken_for(edit: Edit, known: Mapping[str, Record]) -> set[str]:
    """The agencies in whose name a record changes; its own id, where it stands there in nobody's.

    Who leads a commitment is what was held before, too: else a report could name its sender as lead of another's commitment.
    """
    if edit.noun in ("plans", "organisations"):
        # What a report mentions for the first time comes along with it; what stands is its owner's, or the office's.
        # What was withdrawn and comes back is no news: it stood there before.
        return set() if edit.version == 1 else {edit.id}
    if edit.noun == "assessments":
        # Nobody assesses itself: only a key for all agencies, the office's, brings the assessor's word in.
        return {edit.id}
    sides = [one for one in (edit.before, edit.record) if one is not None]
    # Without a lead it is no agency's, even when it is new: only the office speaks for all.
    return {lead for one in sides for lead in _leads(one, known)} or {edit.id}


def _leads(record: Record, known: Mapping[str, Record]) -> Iterable[str]:
    """Who leads what a record is about."""
    if isinstance(record, Plan | Organisation):
        return ()
    own = record.organisations if isinstance(record, Report) else ()
    commitment = record if isinstance(record, Commitment) else known.get(record.commitment)
    return [*own, *(commitment.lead_organisations if isinstance(commitment, Commitment) else ())]
