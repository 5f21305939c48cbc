"""Which held milestone a printed one is: by wording first, then by number, and no guess where the two leave doubt."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from msgspec import Struct

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake.questions import NEW, Question
from ogp_open_data.intake.reading.drafts import MilestoneDraft

# Share of common words, in order, from which two wordings are one milestone's; below UNLIKE they are not.
SAME = 0.75
UNLIKE = 0.4


class Known(Struct, frozen=True):
    """A held milestone: its latest printed number and every wording known of it."""

    id: str
    number: str | None
    texts: tuple[str, ...]


class Matching(Struct, frozen=True):
    """For each printed milestone its id, or None for a new one; and what is left in doubt, by position."""

    ids: list[str | None]
    reworded: list[int]
    doubts: dict[int, Question]


def printed_as(draft: MilestoneDraft, position: int) -> str:
    """How an answer names a printed milestone: by its number, else by its place (`#3` is the third)."""
    return draft.number or f"#{position + 1}"


def match(
    printed: Sequence[MilestoneDraft],
    held: Sequence[Known],
    answers: Mapping[str, str],
    commitment: str = "",
    given: Mapping[int, str] = {},
) -> Matching:
    """Match a report's milestones with those held of its commitment (its printed number, for the questions).

    `answers` settles doubts: printed number → the last part of a held id (`m3`), or `new`. `given` are the held ids that a
    source has itself, by position.
    """
    ids: dict[int, str | None] = {**given, **_answered(printed, held, answers)}
    settled = set(ids)
    alike = {(i, one.id): likeness(draft.text, one.texts) for i, draft in enumerate(printed) for one in held}
    by_id = {one.id: one for one in held}
    _by_wording(ids, printed, by_id, alike)
    renumbered = any(id is not None and by_id[id].number != printed[i].number for i, id in ids.items())
    numbers = {one.number for one in held}
    grown = any(draft.number not in numbers for i, draft in enumerate(printed) if i not in ids)
    reworded: list[int] = []
    doubts: dict[int, Question] = {}
    for i, draft in enumerate(printed):
        if i in ids:
            continue
        free = [one for one in held if one.id not in ids.values()]
        same = next((one for one in free if draft.number is not None and one.number == draft.number), None)
        if same is not None and _sure(alike[i, same.id], renumbered, grown, draft):
            ids[i] = same.id
            if draft.text and alike[i, same.id] < UNLIKE:
                reworded.append(i)
        elif (same is None and all(alike[i, one.id] < UNLIKE or not draft.text for one in free)) or (
            same is not None and renumbered and draft.text and alike[i, same.id] < UNLIKE
        ):
            ids[i] = None
        else:
            doubts[i] = _question(commitment, i, draft, same, free)
    left = [one for one in held if one.id not in ids.values()]
    if renumbered and left:
        # Numbers moved and a held milestone is nowhere: what looks new may be that one in other words.
        new = [i for i, id in ids.items() if id is None and i not in settled]
        doubts |= {i: _question(commitment, i, printed[i], None, left) for i in new}
    return Matching([ids.get(i) for i in range(len(printed))], reworded, doubts)


def _answered(
    printed: Sequence[MilestoneDraft], held: Sequence[Known], answers: Mapping[str, str]
) -> dict[int, str | None]:
    """What the publisher settled. Raises DocumentRefused where an answer names nothing."""
    ends = {_end(one.id): one.id for one in held} | {one.id: one.id for one in held}
    numbers = {printed_as(draft, i): i for i, draft in enumerate(printed)}
    for number, answer in answers.items():
        if number not in numbers:
            raise DocumentRefused(f"--map {number}={answer}: the document prints no milestone {number}")
        if answer != NEW and answer not in ends:
            raise DocumentRefused(
                f"--map {number}={answer}: that is none of {', '.join([*map(_end, sorted(ends.values())), NEW])}"
            )
    return {numbers[number]: None if answer == NEW else ends[answer] for number, answer in answers.items()}


def _end(id: str) -> str:
    """The last part of a milestone's id: m3, m2-2, mu1."""
    return id[id.rindex("-m") + 1 :]


def _by_wording(
    ids: dict[int, str | None],
    printed: Sequence[MilestoneDraft],
    by_id: Mapping[str, Known],
    alike: Mapping[tuple[int, str], float],
) -> None:
    """The likest pairs first; of equally like ones those whose numbers agree."""
    pairs = [
        (likeness, by_id[id].number == printed[i].number, -i, id)
        for (i, id), likeness in alike.items()
        if likeness >= SAME and printed[i].text
    ]
    for _, _, negative, id in sorted(pairs, reverse=True):
        if -negative not in ids and id not in ids.values():
            ids[-negative] = id


def _sure(alike: float, renumbered: bool, grown: bool, draft: MilestoneDraft) -> bool:
    """A number alone is enough while the numbering stands still; else the wording must not speak against it."""
    return not (renumbered or grown) or (draft.text is None and not renumbered) or alike >= UNLIKE


def likeness(text: str | None, others: Sequence[str]) -> float:
    """0 to 1: how like a wording is to the likest of others; 1 where one simply goes on where the other ends."""
    if not text or not others:
        return 0.0
    return max(_likeness(_words(text), _words(other)) for other in others)


@lru_cache(maxsize=4096)
def _words(text: str) -> list[str]:
    # The beginning tells; and the comparison is quadratic.
    return re.findall(r"\w+", text.casefold())[:200]


def _likeness(one: list[str], other: list[str]) -> float:
    short, long = sorted((one, other), key=len)
    if one == other or (len(short) >= 4 and long[: len(short)] == short):
        return 1.0
    # Without regard to order the two cannot be less alike than with it; this spares nine in ten the costly comparison.
    if 2 * (Counter(one) & Counter(other)).total() < UNLIKE * (len(one) + len(other)):
        return 0.0
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _question(
    commitment: str, position: int, draft: MilestoneDraft, same: Known | None, free: Sequence[Known]
) -> Question:
    """What is in doubt and how to settle it."""
    others = [one for one in free if one is not same]
    choices = [*map(_end, [one.id for one in [*([same] if same else []), *others]]), NEW]
    key = (f"{commitment}/" if commitment else "") + printed_as(draft, position)
    where = f"line {draft.line}: " if draft.line else ""
    return Question(
        key=key,
        text=(
            f"{where}milestone {draft.number or '(no number)'} “{(draft.text or '')[:60]}” may be one that is held "
            "under another number. Which one is it?"
        ),
        choices=choices,
        line=draft.line,
    )
