"""Lead lines are cut between agencies only, agencies are known by all their names, and plans by all their labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.intake.reading.leads import organisations_of, split_leads

KNOWN = vocabulary.load()


@pytest.mark.parametrize(
    "raw",
    [
        "The State Services Commission (SSC)",
        "The Ministry of Business, Innovation and Employment",
        "Ministry of Business, Innovation & Employment",
        "The Department of the Prime Minister and Cabinet (DPMC)",
        "Department for Business, Energy & Industrial Strategy",
        "Ministry of Health and Sport",
        "Stats NZ (working with Government Chief Digital Officer, Department of Internal Affairs)",
        "Stats NZ / Government Chief Data Steward",
        "Head of the Policy Profession, the Department of the Prime Minister and Cabinet",
        "Archives New Zealand, Department of Internal Affairs",
        "Stats NZ/Government Chief Data Steward (working with DIA/Government Chief Digital Officer)",
    ],
)
def test_one_agency_is_never_cut(raw: str):
    assert split_leads(raw, KNOWN) == [raw]


@pytest.mark.parametrize(
    ("raw", "leads"),
    [
        ("Stats NZ and the State Services Commission", ["Stats NZ", "the State Services Commission"]),
        ("Ministry of Alpha and Ministry of Beta", ["Ministry of Alpha", "Ministry of Beta"]),
        ("MBIE, Ministry of Justice", ["MBIE", "Ministry of Justice"]),
        ("Stats NZ\nMinistry of Justice", ["Stats NZ", "Ministry of Justice"]),
        (
            "Ministry of Business, Innovation and Employment and DIA",
            ["Ministry of Business, Innovation and Employment", "DIA"],
        ),
        ("Cabinet Office and Department for Culture and Sport", ["Cabinet Office", "Department for Culture and Sport"]),
        ("Ministry of Tax, Ministry of Health, and A Agency", ["Ministry of Tax", "Ministry of Health", "A Agency"]),
        (
            "Land Information New Zealand, Department of Internal Affairs, Statistics New Zealand",
            ["Land Information New Zealand", "Department of Internal Affairs", "Statistics New Zealand"],
        ),
        (
            "Government Chief Data Steward, Stats NZ working with Government Chief Digital Office, Internal Affairs",
            ["Government Chief Data Steward, Stats NZ", "Government Chief Digital Office, Internal Affairs"],
        ),
    ],
)  # fmt: skip
def test_several_agencies_are_cut_apart(raw: str, leads: list[str]):
    assert split_leads(raw, KNOWN) == leads


@pytest.mark.parametrize(
    ("lead", "leads", "supporting", "unknown"),
    [
        ("The State Services Commission (SSC)", ["nz-psc"], [], []),
        ("the Te Kawa Mataaho Public Service Commission", ["nz-psc"], [], []),
        ("Te Kawa Mataaho | The Public Service Commission", ["nz-psc"], [], []),
        ("Stats NZ (Government Chief Data Steward)", ["nz-stats"], [], []),
        ("Stats NZ / Government Chief Data Steward", ["nz-stats"], [], []),
        ("Government Chief Digital Office, Department of Internal Affairs", ["nz-dia"], [], []),
        ("Government Chief Digital Officer", ["nz-dia"], [], []),
        ("Department of Internal Affairs (Archives New Zealand)", ["nz-dia", "nz-archives"], [], []),
        ("Stats NZ (working with Government Chief Digital Officer, DIA)", ["nz-stats"], ["nz-dia"], []),
        ("Department of Widgets (DOW)", [], [], ["Department of Widgets"]),
        ("Stats NZ (working with Department of Widgets)", ["nz-stats"], [], ["Department of Widgets"]),
    ],
)  # fmt: skip
def test_brackets_hold_an_abbreviation_an_office_a_unit_or_a_helper(lead, leads, supporting, unknown):
    assert organisations_of(lead, KNOWN) == (leads, supporting, unknown)


@given(st.text(alphabet="(),;/&| aNandwithworking\n", max_size=200))
def test_nonsense_is_never_an_error(raw: str):
    for lead in split_leads(raw, KNOWN):
        organisations_of(lead, KNOWN)


@given(
    st.lists(
        st.sampled_from(sorted(one.name for one in KNOWN.organisations.values())), min_size=1, max_size=5, unique=True
    )
)
def test_a_list_of_agencies_is_taken_apart_as_it_was_put_together(names: list[str]):
    leads = split_leads(" and ".join(names), KNOWN)
    assert leads == names
    assert [organisations_of(lead, KNOWN)[0] for lead in leads] == [
        [KNOWN.organisation_by_name(name)] for name in names
    ]


@pytest.mark.parametrize(
    ("label", "plan"),
    [
        ("Open Government Partnership New Zealand National Action Plan 2016-2018", "nz-nap2"),
        ("New Zealand Second National Action Plan 2016-2018", "nz-nap2"),
        ("Open Government Partnership New Zealand National Action Plan 2018–2021", "nz-nap3"),
        ("Third National Action Plan 2018–2021", "nz-nap3"),
        ("New Zealand’s Fourth National Action Plan 2023-24", "nz-nap4"),
        ("New Zealand Action Plan 2022-2024 (December)", "nz-nap4"),
        ("NAP 3", "nz-nap3"),
        ("nz-nap5", "nz-nap5"),
        ("Third National Action Plan 2016-2018", None),
        ("2016-18 Open Government Action Plan", None),
        ("Open Government Partnership UK National Action Plan 2013 to 2015", None),
        ("Ongoing engagement for OGP", None),
    ],
)
def test_a_plan_is_known_by_its_labels_and_not_by_those_of_others(label: str, plan: str | None):
    found = KNOWN.plan_by_label(label)
    assert (found and found.id) == plan


def test_every_label_and_name_of_the_vocabulary_leads_to_its_own_entry():
    for plan in KNOWN.plans.values():
        found = [KNOWN.plan_by_label(label) for label in [plan.id, plan.title, *plan.labels]]
        assert [one and one.id for one in found] == [plan.id] * len(found)
    for one in KNOWN.organisations.values():
        names = [one.name, *one.also, *(name.text for name in one.names)]
        assert {KNOWN.organisation_by_name(name) for name in names} == {one.id}
        assert one.parent is None or one.parent in KNOWN.organisations
        assert one.record().names == one.names


def test_a_name_is_known_without_regard_to_case_macrons_and_apostrophes():
    assert KNOWN.organisation_by_name("te rua mahara o te kawanatanga") == "nz-archives"
    assert KNOWN.organisation_by_name("PARLIAMENTARY COUNSEL OFFICE (PCO)") == "nz-pco"
