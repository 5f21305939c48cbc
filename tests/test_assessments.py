"""Assessments: what the IRM found, as records of their own; and what a noun that came later means for old releases."""

import hashlib

import pytest

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake import hand
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.reading.from_table import read_table
from ogp_open_data.records import FIRST_NOUNS, Assessment
from ogp_open_data.store import checks, history, releases
from ogp_open_data.store.doors import Store
from test_importer import imported, records, report

pytestmark = pytest.mark.anyio
KNOWN = vocabulary.load()
HEADER = "plan,commitment,assessor,phase,completion,early_results,ambition,verifiable,relevant,ogp_values,source_url"
TABLE = f"{HEADER}\nnz-nap2,5,IRM,End of term,Substantial,Marginal,High,yes,no,Civic participation|Access,\n"
ID = "nz-nap2-c5-a-irm-end-of-term"


async def assessed(store: Store, table: str = TABLE) -> None:
    await imported(store, report())
    await imported(store, table, name="assessments.csv")


async def test_assessment_is_a_record_of_its_own_and_changes_no_status(store: Store) -> None:
    await imported(store, report())
    before = await records(store, "commitments")
    outcome = await imported(store, TABLE, name="assessments.csv")
    assert [edit.noun for edit in outcome.edits] == ["assessments"]
    one = (await records(store, "assessments"))[ID]
    assert isinstance(one, Assessment)
    assert (one.phase, one.completion, one.completion_raw) == ("end_of_term", "substantial", "Substantial")
    assert (one.early_results, one.ambition, one.verifiable, one.relevant) == ("marginal", "high", True, False)
    assert one.ogp_values == ["Civic participation", "Access"]
    assert await records(store, "commitments") == before
    assert (await store.reading(releases.head)).counts["assessments"] == 1
    assert await store.reading(checks.faults) == []


async def test_same_assessments_again_make_no_release_and_another_word_makes_a_version(store: Store) -> None:
    await assessed(store)
    assert (await imported(store, TABLE + "\n", name="again.csv")).release is None
    outcome = await imported(store, TABLE.replace("Substantial", "Complete"), name="later.csv")
    assert [(edit.id, edit.version, edit.changed_fields) for edit in outcome.edits] == [
        (ID, 2, ["completion", "completion_raw"])
    ]


async def test_withdrawn_assessment_comes_back_by_restore_only(store: Store) -> None:
    await assessed(store)
    await hand.withdraw(store, KNOWN, ID, "of another country")
    with pytest.raises(DocumentRefused, match="restore"):
        await imported(store, TABLE + "\n", name="again.csv")
    await hand.restore(store, KNOWN, ID, "it was ours")
    assert list(await records(store, "assessments")) == [ID]
    await hand.withdraw(store, KNOWN, "nz-nap2-c5", "moved")
    assert await records(store, "assessments") == {}


async def test_assessment_of_a_commitment_that_is_not_there_is_refused(store: Store) -> None:
    await imported(store, report())
    with pytest.raises(DocumentRefused, match="no commitment 6"):
        await imported(store, TABLE.replace("nz-nap2,5", "nz-nap2,6"), name="assessments.csv")


def test_word_that_a_scale_does_not_have_stands_for_itself_and_is_remarked() -> None:
    draft = read_table(TABLE.replace("Substantial", "Nearly there"), KNOWN)
    assert (draft.assessments[0].completion, draft.assessments[0].completion_raw) == ("nearly_there", "Nearly there")
    assert [(one.code, one.field, one.line) for one in draft.findings] == [("scale_unknown", "completion", 2)]


def test_faults_of_a_table_of_assessments_are_told_together() -> None:
    rows = [
        "nz-nap2,5,IRM,Mid term,Limited,,,perhaps,,,",
        "nz-nap2,5,IRM,Midterm,Limited,,,,,,",
        "nz-nap2,,IRM,,Limited,,,,,,",
    ]
    with pytest.raises(DocumentRefused) as refusal:
        read_table("\n".join([HEADER, *rows]), KNOWN)
    found = [(one["row"], one["column"]) for one in refusal.value.extra["errors"]]
    assert found == [(2, "verifiable"), (3, "phase"), (4, "commitment"), (4, "phase")]


async def test_noun_that_came_later_leaves_the_roots_of_releases_without_it_alone(store: Store) -> None:
    await assessed(store)
    await hand.withdraw(store, KNOWN, ID, "wrong")
    empty = hashlib.sha256(b"").hexdigest()
    for number, there in ((1, False), (2, True), (3, False)):
        found = await store.reading(history.digests, number)
        nouns = dict.fromkeys(FIRST_NOUNS, empty) | found.digests
        assert ("assessments" in found.digests) is there
        lines = "".join(f"{noun}\t{one}\n" for noun, one in sorted(nouns.items()))
        assert found.root == hashlib.sha256(lines.encode()).hexdigest()


def test_counts_of_an_older_release_lack_the_noun_and_mean_none() -> None:
    assert releases.counted('{"plans":1,"commitments":7}')["assessments"] == 0
