"""A printed milestone is found by wording first, then by number; where that leaves doubt, nothing is guessed."""

from ogp_open_data.intake.deciding.matching import Known, match
from ogp_open_data.intake.reading.drafts import MilestoneDraft

C = "nz-nap3-c8"
REVIEW = "Complete a first review of operational algorithms across agencies"
NEXT = "Consider next steps for assurance with civil society representatives"
UPDATE = "Update this commitment and its milestones to reflect progress"
HELD = [Known(f"{C}-m{n}", n, (text,)) for n, text in [("1", REVIEW), ("2", NEXT), ("3", UPDATE)]]


def printed(*pairs: tuple[str | None, str | None]) -> list[MilestoneDraft]:
    return [MilestoneDraft(number=number, text=text, line=i) for i, (number, text) in enumerate(pairs, start=1)]


def test_same_numbers_and_wording_are_the_same_milestones() -> None:
    assert match(printed(("1", REVIEW), ("2", NEXT), ("3", UPDATE)), HELD, {}).ids == [one.id for one in HELD]


def test_inserted_milestone_shifts_numbers_but_no_ids() -> None:
    found = match(
        printed(("1", REVIEW), ("2", NEXT), ("3", "Publish advice on oversight bodies"), ("4", UPDATE)), HELD, {}
    )
    assert found.ids == [f"{C}-m1", f"{C}-m2", None, f"{C}-m3"]
    assert not found.doubts


def test_removed_milestone_shifts_the_next_one_up() -> None:
    assert match(printed(("1", REVIEW), ("2", UPDATE)), HELD, {}).ids == [f"{C}-m1", f"{C}-m3"]


def test_swapped_milestones_follow_their_wording() -> None:
    assert match(printed(("1", NEXT), ("2", REVIEW)), HELD, {}).ids == [f"{C}-m2", f"{C}-m1"]


def test_reworded_milestone_follows_its_number_while_the_numbering_stands_still() -> None:
    found = match(printed(("1", REVIEW), ("2", "Something else entirely was printed"), ("3", UPDATE)), HELD, {})
    assert found.ids == [one.id for one in HELD]
    assert found.reworded == [1]


def test_milestone_without_wording_follows_its_number() -> None:
    assert match(printed(("1", None), ("2", None)), HELD, {}).ids == [f"{C}-m1", f"{C}-m2"]


def test_number_with_a_letter_is_a_milestone_of_its_own() -> None:
    found = match(
        printed(("1", REVIEW), ("2", NEXT), ("2A", "Pilot the models with agencies"), ("3", UPDATE)), HELD, {}
    )
    assert found.ids == [f"{C}-m1", f"{C}-m2", None, f"{C}-m3"]


def test_reworded_milestone_beside_a_new_number_is_asked_about() -> None:
    found = match(
        printed(("1", REVIEW), ("2", NEXT), ("3", "Quite another task"), ("4", "A task with a new wording")), HELD, {}
    )
    assert 2 in found.doubts
    assert "--map '3=m3'" in found.doubts[2].asked


def test_answer_settles_a_doubt() -> None:
    rows = printed(("1", REVIEW), ("2", NEXT), ("3", "Quite another task"), ("4", "A task with a new wording"))
    assert match(rows, HELD, {"3": "new", "4": "m3"}).ids == [f"{C}-m1", f"{C}-m2", None, f"{C}-m3"]


def test_wording_that_goes_on_is_the_same_milestone() -> None:
    assert match(printed(("9", REVIEW + " and then tell what came of it")), HELD, {}).ids == [f"{C}-m1"]
