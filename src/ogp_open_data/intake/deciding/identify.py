"""Which plan, commitment, organisation and report a Draft speaks of: stable ids from printed names and numbers."""

import re
import unicodedata
from collections.abc import Collection
from functools import cached_property

from msgspec import Struct

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake.reading.drafts import ReportDraft
from ogp_open_data.intake.reading.leads import organisations_of
from ogp_open_data.intake.reading.vocabulary import Vocabulary, fold
from ogp_open_data.records import Finding, Name, Organisation, Plan, Record, digest, url_of
from ogp_open_data.store.releases import Held

LONGEST = 80
# A commitment by its id: not what belongs to one (-m2, -r2017-11, -a-irm).
OWN_COMMITMENT = r"[a-z]{2}-[a-z0-9-]+-c(?:(?!-m|-r|-a-)[a-z0-9-])+"


def slug(text: str) -> str:
    """ASCII, lower case, everything else a hyphen; empty where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST].strip("-")


def report_id(commitment: str, draft: ReportDraft) -> str:
    """The id of a report by the months of its period; needs a period end."""
    if draft.period_end is None:
        raise DocumentRefused("the period of the report cannot be read; give it as “Date: September to November 2017”")
    end = f"{draft.period_end:%Y-%m}"
    start = f"{draft.period_start:%Y-%m}" if draft.period_start else end
    months = end if start == end else f"{start}-{end}"
    return f"{commitment}-r{months}" + ("" if draft.kind == "progress" else f"-{slug(draft.kind)}")


def milestone_id(commitment: str, number: str | None, position: int, taken: Collection[str]) -> str:
    """A new milestone's id: its number as first printed, numbered on when another milestone has it."""
    stem = f"{commitment}-m{slug(number)}" if number and slug(number) else f"{commitment}-mu{position}"
    id, next_one = stem, 2
    while id in taken:
        id, next_one = f"{stem}-{next_one}", next_one + 1
    return id


class Mentioned(Struct):
    """What a document has mentioned so far."""

    plans: dict[str, Plan] = {}
    organisations: dict[str, Organisation] = {}
    numbers: dict[str, str] = {}


class Registry:
    """Names and numbers to ids, by what is held, then by the vocabulary; remembers what was mentioned."""

    def __init__(self, vocabulary: Vocabulary, directory: Held, plan: str | None = None) -> None:
        self.vocabulary = vocabulary
        self.chosen = plan
        self.plans = {one.id: one for one in directory.records.values() if isinstance(one, Plan)}
        self.organisations = {one.id: one for one in directory.records.values() if isinstance(one, Organisation)}
        self.successors = directory.successors
        self.said = Mentioned()
        # A document names its plan again and again.
        self._found: dict[str, Plan | None] = {}

    @cached_property
    def names(self) -> dict[str, str]:
        """Held organisations by every name of theirs; most documents name none that the vocabulary has not."""
        return {fold(name.text): o.id for o in self.organisations.values() for name in o.names}

    def mentioned(self) -> list[Record]:
        """The plans and organisations that the document speaks of."""
        return [*self.said.plans.values(), *self.said.organisations.values()]

    def plan(self, label: str | None) -> Plan:
        """The plan of a printed label or id; `--plan` wins. Raises DocumentRefused when nobody knows it."""
        plan = self._plan(label)
        self.said.plans[plan.id] = plan
        return plan

    def _plan(self, label: str | None) -> Plan:
        wanted = self.chosen or label
        named = self._known(label) if label else None
        if named is not None and self.chosen not in (None, named.id):
            raise DocumentRefused(
                f"the document names the plan {named.id} (“{label}”), not {self.chosen}; leave --plan out"
            )
        if wanted is None:
            raise DocumentRefused("the document names no plan; say which with --plan, for example --plan nz-nap2")
        if (known := self._known(wanted)) is not None:
            return known
        if self.chosen is None:
            raise DocumentRefused(
                f"the plan “{label}” is not known; say which it is with --plan, for example --plan nz-nap2"
            )
        if not re.fullmatch(r"[a-z]{2}-[a-z0-9-]+", self.chosen):
            raise DocumentRefused(f"--plan {self.chosen}: a plan id is a country and a name, for example nz-nap2")
        country = self.vocabulary.countries.get(self.chosen[:2])
        number = re.sub(r"\D", "", self.chosen) or self.chosen[3:]
        return Plan(
            id=self.chosen,
            url=url_of("plans", self.chosen),
            version=1,
            release=1,
            country=self.chosen[:2],
            time_zone=country.time_zone if country else "UTC",
            number=number,
            title=label or self.chosen,
            labels=[label] if label else [],
        )

    def _known(self, wanted: str) -> Plan | None:
        """The plan of an id or label, as it is held, else as the vocabulary has it."""
        if wanted not in self._found:
            self._found[wanted] = self._look_up(wanted)
        return self._found[wanted]

    def _look_up(self, wanted: str) -> Plan | None:
        entry = self.vocabulary.plans.get(wanted) or self.vocabulary.plan_by_label(wanted)
        if wanted in self.plans:
            return self.plans[wanted]
        if entry is not None:
            return self.plans.get(entry.id) or entry.record()
        labels = {fold(one): held for held in self.plans.values() for one in [held.title, *held.labels]}
        return labels.get(fold(wanted))

    def commitment(self, plan: str, number: str | None) -> str:
        """The id of a commitment by its plan and printed number, which is kept for its record; or by its own id."""
        if number and re.fullmatch(OWN_COMMITMENT, number):
            return self._own(plan, number)
        if not number or not slug(number):
            raise DocumentRefused("the document prints no commitment number; a report begins “Commitment 5: …”")
        id = f"{plan}-c{slug(number)}"
        if self.said.numbers.setdefault(id, number) != number:
            raise DocumentRefused(
                f"commitments {self.said.numbers[id]} and {number} would share the id {id}; renumber one"
            )
        return id

    def _own(self, plan: str, id: str) -> str:
        """A commitment that a source, our own export, has by its id; its number where that can be told from it."""
        if not id.startswith(f"{plan}-c"):
            raise DocumentRefused(f"the commitment {id} is none of the plan {plan}; mend one of the two")
        if (number := id.removeprefix(f"{plan}-c")).isdigit():
            self.said.numbers.setdefault(id, number)
        return id

    def leads(self, leads: list[str], plan: Plan) -> tuple[list[str], list[str], list[Finding]]:
        """Ids of lead and supporting organisations as printed, and a finding for each that was not known."""
        led: list[str] = []
        supporting: list[str] = []
        findings: list[Finding] = []
        for lead in leads:
            known, helping, unknown = organisations_of(lead, self.vocabulary)
            led += known
            supporting += helping
            for name in unknown:
                id, finding = self._unknown(name, plan)
                led.append(id)
                findings += finding
        led, supporting = [self._present(id) for id in led], [self._present(id) for id in supporting]
        for id in [*led, *supporting]:
            self._mention(id)
        return list(dict.fromkeys(led)), list(dict.fromkeys(s for s in supporting if s not in led)), findings

    def _present(self, id: str) -> str:
        """The organisation that an id stands for now: mergers are followed."""
        while id in self.successors:
            id = self.successors[id]
        return id

    def _mention(self, id: str) -> None:
        """Remember an organisation and those it is part of."""
        if id in self.said.organisations:
            return
        if id not in self.organisations and id not in self.vocabulary.organisations:
            raise DocumentRefused(f"there is no organisation {id}; /v1/organisations lists them")
        record = self.organisations.get(id) or self.vocabulary.organisations[id].record()
        self.said.organisations[id] = record
        if record.parent is not None:
            self._mention(record.parent)

    def _new_id(self, name: str, plan: Plan) -> str:
        """An id made of a name; of its digest, where it has no letter that an id may have; numbered on, where it is taken."""
        stem = f"{plan.country}-{slug(fold(name)) or 'o' + digest(name.encode())[:8]}"
        id, number = stem, 2
        while id in self.organisations or id in self.plans or id in self.said.plans:
            id, number = f"{stem}-{number}", number + 1
        return id

    def _unknown(self, name: str, plan: Plan) -> tuple[str, list[Finding]]:
        """An organisation that the vocabulary does not have: held by its name, else made from it."""
        id = self.names.get(fold(name)) or self._new_id(name, plan)
        if id not in self.organisations:
            text = re.sub(r"^\s*the\s+", "", name, flags=re.IGNORECASE).strip()
            self.organisations[id] = Organisation(
                id=id, url=url_of("organisations", id), version=1, release=1, name=text, names=[Name(text)]
            )
            self.names[fold(name)] = id
        message = f"“{name}” is in no vocabulary; it was read as the organisation {id}."
        return id, [Finding(code="organisation_unknown", field="leads", raw=name, line=None, message=message)]
