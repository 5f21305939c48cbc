"""Changes by hand: withdraw, restore, correct, renumber, rename and merge. Pure, like `decide`: each writes into a world.

What a correction means for milestones and commitments is derived again, as after an import.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import available_timezones

import msgspec
from msgspec.structs import replace

from ogp_open_data.errors import NotFound, Refused
from ogp_open_data.intake.deciding import derive
from ogp_open_data.intake.deciding.edits import Remark
from ogp_open_data.intake.deciding.world import World, ground_of, ground_of_commitment
from ogp_open_data.intake.reading.characters import clean
from ogp_open_data.records import (
    NOUN_OF,
    STAMP,
    Assessment,
    Commitment,
    Milestone,
    Name,
    Organisation,
    Plan,
    Progress,
    Record,
    Report,
    url_of,
)

# Where a record belongs. Its id says so too, and who may change it follows from it.
PLACE = ("plan", "commitment", "report")
# What of a derived record its plan says; the rest follows from reports.
OF_THE_PLAN: dict[type[Any], tuple[str, ...]] = {
    Milestone: ("number", "text", "starts", "ends", "ends_raw", "ongoing", "source_url"),
    Commitment: (
        *("number", "title", "objective", "lead_organisations", "leads_raw", "supporting_organisations"),
        *("themes", "ogp_values", "ogp_id", "starts", "ends", "source_url"),
    ),
}


def held_record(world: World, id: str) -> Record:
    """The live record of an id. Raises Refused where it is withdrawn, NotFound where it never was."""
    if id in world.withdrawn:
        raise Refused(f"{id} is withdrawn; bring it back with: ogp-open-data restore {id}")
    if id not in world.records:
        raise NotFound(f"there is no record {id}")
    return world.records[id]


def withdraw(world: World, id: str, reason: str) -> None:
    """Take a record out. A report takes its lines along, a commitment everything of it; what others name stays.

    Raises Refused where live records name it.
    """
    record = held_record(world, id)
    along = _belonging(world, record)
    gone = {id, *(one.id for one in along)}
    naming = [one.id for one in world.records.values() if one.id not in gone and names(one, id)]
    if isinstance(record, Report):
        naming = []
    if naming:
        shown = ", ".join(naming[:3]) + (f" and {len(naming) - 3} more" if len(naming) > 3 else "")
        raise Refused(f"{id} is named by {shown}; withdraw or correct those first, or merge {id} into another record")
    for one in [record, *along]:
        world.withdraw(one.id, Remark(reason))
    _touch(world, record)


def _belonging(world: World, record: Record) -> list[Record]:
    """What goes with a record."""
    if isinstance(record, Report):
        return [one for one in world.of(Progress, record.commitment) if one.report == record.id]
    if isinstance(record, Commitment):
        return [one for struct in (Milestone, Report, Progress, Assessment) for one in world.of(struct, record.id)]
    return []


def names(record: Record, id: str) -> bool:
    """Whether a record names another in one of its fields."""
    if isinstance(record, Organisation):
        return record.parent == id
    fields = ("plan", "commitment", "report", "milestone", "lead_organisations", "supporting_organisations")
    values = [getattr(record, field, None) for field in (*fields, "organisations", "milestones")]
    return any(id == value or (isinstance(value, list) and id in value) for value in values)


def _touch(world: World, record: Record) -> None:
    """Remember the commitment that has to be derived again."""
    if isinstance(record, Commitment):
        world.touched[record.id] = None
    elif not isinstance(record, Plan | Organisation):
        world.touched[record.commitment] = None


def restore(world: World, id: str, last: Sequence[Record], reason: str) -> None:
    """Bring a withdrawn record back, and those that went with it: `last` are their versions before. Raises Refused."""
    if id in world.records:
        raise Refused(f"{id} is not withdrawn")
    if not last:
        raise NotFound(f"there is no record {id}")
    for record in last:
        world.withdrawn.discard(record.id)
        world.records[record.id] = record
        world.remarks[record.id] = Remark(reason)
    _touch(world, next(record for record in last if record.id == id))


def correct(world: World, id: str, values: Mapping[str, str], reason: str) -> None:
    """Set fields of a record by their names and texts (JSON where a field is no text).

    Of a milestone or commitment, what its plan says is set; the rest is derived from reports, which are corrected instead.
    Raises Refused naming the field that cannot be set, or has no such value.
    """
    record = held_record(world, id)
    settable = OF_THE_PLAN.get(type(record)) or [
        name for name in record.__struct_fields__ if name not in (*STAMP, *PLACE)
    ]
    if unknown := [name for name in values if name not in settable]:
        raise Refused(f"{unknown[0]}: this cannot be set on {id}; what can: {', '.join(settable)}")
    changed = _with(record, values)
    if isinstance(changed, Plan) and changed.time_zone not in available_timezones():
        raise Refused(
            f"time_zone: {changed.time_zone} is no time zone; give an IANA name, Pacific/Auckland for example"
        )
    if isinstance(changed, Milestone | Commitment):
        ground = _ground(world, changed)
        world.facts[id] = replace(ground, **{name: getattr(changed, name) for name in values})
    else:
        world.records[id] = changed
    world.remarks[id] = Remark(reason)
    _touch(world, changed)


def _with(record: Record, values: Mapping[str, str]) -> Record:
    """The record with other values, each checked against its type."""
    whole = msgspec.to_builtins(record)
    for name, text in values.items():
        try:
            whole[name] = msgspec.json.decode(text)
        except msgspec.DecodeError:
            whole[name] = text
        if not isinstance(whole[name], str) and isinstance(msgspec.to_builtins(getattr(record, name)), str):
            whole[name] = text if whole[name] is not None else None
        whole[name] = _cleaned(whole[name])
    try:
        return msgspec.convert(whole, type(record))
    except msgspec.ValidationError as error:
        raise Refused(f"{', '.join(values)}: {error}; give JSON where a field is no text, and null for none") from error


def _cleaned(value: Any) -> Any:
    """A value whose texts are as those of any document: NFC, without control characters."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return {name: _cleaned(one) for name, one in value.items()} if isinstance(value, dict) else value


def _ground(world: World, record: Milestone | Commitment) -> Milestone | Commitment:
    """What the plan's word on a record is, or would be: nothing in it follows from reports."""
    if isinstance(record, Commitment):
        return ground_of_commitment(world, record.id)
    lines = [line for line in world.of(Progress, record.commitment) if line.milestone == record.id]
    return ground_of(world, record.id, lines)


def renumber(world: World, id: str, number: str, reason: str) -> None:
    """Give a milestone another printed number: in its latest line, where it has lines, else in its plan's word."""
    record = held_record(world, id)
    if not isinstance(record, Milestone):
        raise Refused(f"{id} is no milestone; only milestones are renumbered")
    lines = derive.in_order([line for line in world.of(Progress, record.commitment) if line.milestone == id])
    if lines:
        world.records[lines[-1].id] = replace(lines[-1], number=number)
        world.remarks[lines[-1].id] = Remark(reason)
    else:
        world.facts[id] = replace(_ground(world, record), number=number)
    world.remarks[id] = Remark(reason)
    _touch(world, record)


def rename(world: World, id: str, name: str, on: date, abbreviation: str | None, reason: str) -> None:
    """Give an organisation another name from a day on; the names that it had until then end on the day before.

    Raises Refused where it is no organisation, has that name, or has had a name since that day.
    """
    record = held_record(world, id)
    if not isinstance(record, Organisation):
        raise Refused(f"{id} is no organisation; only organisations are renamed")
    if name == record.name:
        raise Refused(f"{id} has the name “{name}” already")
    if later := [one for one in record.names if one.valid_from is not None and one.valid_from >= on]:
        raise Refused(f"{id} has the name “{later[0].text}” since {later[0].valid_from}; give a day after it")
    ending = {record.name} | ({record.abbreviation} if abbreviation else set())
    known = record.names or [Name(record.name)]
    ended = [
        replace(one, valid_to=on - timedelta(days=1)) if one.valid_to is None and one.text in ending else one
        for one in known
    ]
    new = [Name(name, valid_from=on)]
    new += [Name(abbreviation, kind="abbreviation", valid_from=on)] if abbreviation else []
    world.records[id] = replace(
        record, name=name, abbreviation=abbreviation or record.abbreviation, names=[*ended, *new]
    )
    world.remarks[id] = Remark(reason)


def merge(world: World, old: str, new: str, reason: str) -> None:
    """Let one record take another's place: everything that named the old one names the new one, and the old one goes.

    For organisations, and for milestones of one commitment. Raises Refused where a report has lines of both milestones.
    """
    gone, stays = held_record(world, old), held_record(world, new)
    if type(gone) is not type(stays) or not isinstance(gone, Organisation | Milestone) or old == new:
        raise Refused(f"{old} and {new} are not two organisations or two milestones; nothing else is merged")
    if isinstance(gone, Milestone):
        _merge_lines(world, gone, stays, reason)
    for record in list(world.records.values()):
        if record.id != old and names(record, old):
            world.records[record.id] = _renamed(record, old, new)
            world.remarks[record.id] = Remark(reason)
            _touch(world, record)
    for id, fact in world.facts.items():
        if names(fact, old):
            world.facts[id] = _renamed(fact, old, new)  # type: ignore[assignment]
            _touch(world, fact)
    world.facts.pop(old, None)
    world.withdraw(old, Remark(f"merged into {new}: {reason}", successor=new))


def _merge_lines(world: World, old: Milestone, new: Record, reason: str) -> None:
    """Lines of the old milestone become lines of the new one, under new ids, for an id is made of the milestone's."""
    if getattr(new, "commitment", None) != old.commitment:
        raise Refused(f"{old.id} and {new.id} are milestones of two commitments")
    lines = [line for line in world.of(Progress, old.commitment) if line.milestone == old.id]
    for line in lines:
        id = line.report + new.id.removeprefix(old.commitment)
        if id in world.records:
            raise Refused(f"{line.report} has a line of both {old.id} and {new.id}; correct that report first")
        world.withdraw(line.id, Remark(reason, successor=id))
        world.records[id] = replace(line, id=id, url=url_of(NOUN_OF[Progress], id), milestone=new.id)
        world.remarks[id] = Remark(reason)
    _touch(world, old)


def _renamed(record: Record, old: str, new: str) -> Record:
    """A record that names the new one where it named the old one."""
    changed: dict[str, Any] = {}
    for field in record.__struct_fields__:
        value = getattr(record, field)
        if value == old and field not in STAMP:
            changed[field] = new
        elif isinstance(value, list) and old in value:
            changed[field] = list(dict.fromkeys(new if one == old else one for one in value))
    return replace(record, **changed)
