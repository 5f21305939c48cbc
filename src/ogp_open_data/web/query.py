"""Query parameters: one table of what each means and where it applies; every fault of a request is told at once."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.errors import BadRequest
from ogp_open_data.formats import Format
from ogp_open_data.intake.rows import fold
from ogp_open_data.records import NOUNS, Filter, Plan
from ogp_open_data.store.listings import SORTS

MOST = 1000
MOST_IDS = 200
LONGEST_Q = 500
DEFAULT_LIMIT = {"json": 100, "atom": 50}


class Parameter(Struct, frozen=True):
    """A query parameter: its JSON Schema and help for the contract, and how its text is read (raising ValueError)."""

    name: str
    schema: dict[str, Any]
    help: str
    read: Callable[[str], Any]


class Query(Struct, frozen=True, kw_only=True):
    """A list request, read: `as_of` is a release number or a day; `cursor` is still text."""

    filter: Filter = Filter()
    limit: int | None = None
    cursor: str | None = None
    as_of: int | date | None = None
    sort: str | None = None
    descending: bool = False
    include: tuple[str, ...] = ()
    fields: tuple[str, ...] | None = None
    before: int | None = None
    since: str | None = None
    until: int | None = None
    noun: str | None = None
    history: str | None = None
    bom: bool = False
    epoch: str | None = None
    from_: str | None = None
    to: str | None = None


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise ValueError(f"give a whole number from {low} to {high}")
        return int(text)

    return read


def _day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("give a day as YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("there is no such day; give one as YYYY-MM-DD") from None


def _as_of(text: str) -> int | date:
    if re.fullmatch(r"[0-9]{1,18}", text):
        return int(text)
    try:
        return _day(text)
    except ValueError as error:
        raise ValueError(f"give a release number or a day as YYYY-MM-DD ({error})") from None


def read_id(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,200}", text):
        raise ValueError("give an id: lower-case letters, digits and hyphens")
    return text


def _ids(text: str) -> tuple[str, ...]:
    ids = tuple(read_id(part) for part in text.split(","))
    if len(ids) > MOST_IDS:
        raise ValueError(f"give at most {MOST_IDS} ids")
    return ids


def _words(text: str) -> tuple[str, ...]:
    words = tuple(text.split(","))
    if not all(re.fullmatch(r"[a-z_]{1,40}", word) for word in words):
        raise ValueError("give one or more words in lower case, separated by commas")
    return words


def _text(text: str) -> str:
    if len(text) > LONGEST_Q or not re.search(PRINTABLE, text):
        raise ValueError(f"give 1 to {LONGEST_Q} characters of text")
    return fold(text)


def _cursor(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{8,1000}", text):
        raise ValueError("take it unchanged from links.next, or begin without one")
    return text


def _since(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,18}|rehearsal-[a-z0-9-]{1,40}", text):
        raise ValueError("give the number of a release, as in meta.next_since")
    return text


def _epoch(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f-]{36}", text):
        raise ValueError("give it unchanged from meta.epoch")
    return text


def _one_of(names: Sequence[str], many: bool) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        given = tuple(text.split(",")) if many else (text,)
        for one in given:
            if one not in names:
                near = get_close_matches(one, names, 1)
                raise ValueError(
                    f"“{one[:60]}” is not one of {', '.join(names)}" + (f"; did you mean {near[0]}?" if near else "")
                )
        return given if many else text

    return read


# At least one character that can be seen, and none that controls.
PRINTABLE = r"^[^\x00-\x1f\x7f]*[!-~\u00a1-\uffff][^\x00-\x1f\x7f]*$"
ID = {"type": "string", "pattern": "^[a-z0-9-]{1,200}$"}
DAY = {"type": "string", "format": "date"}
WORDS = {"type": "string", "pattern": "^[a-z_]{1,40}(,[a-z_]{1,40})*$"}
FILTERS = {
    "plan": Parameter("plan", ID, "Records of this plan.", read_id),
    "commitment": Parameter("commitment", ID, "Records of this commitment.", read_id),
    "organisation": Parameter("organisation", ID, "Records that this organisation leads or supports.", read_id),
    "status": Parameter("status", WORDS, "Records with one of these statuses.", _words),
    "timeliness": Parameter("timeliness", WORDS, "Records with one of these.", _words),
    "period_from": Parameter("period_from", DAY, "Records whose period ends on this day or later.", _day),
    "period_to": Parameter("period_to", DAY, "Records whose period ends on this day or earlier.", _day),
    "q": Parameter(
        "q",
        {"type": "string", "maxLength": LONGEST_Q, "pattern": PRINTABLE},
        "Full text; macrons do not matter.",
        _text,
    ),
    "id": Parameter(
        "id",
        {"type": "string", "pattern": f"^[a-z0-9-]{{1,200}}(,[a-z0-9-]{{1,200}}){{0,{MOST_IDS - 1}}}$"},
        "These records.",
        _ids,
    ),
}


def _applies(name: str, noun: str) -> bool:
    """Whether records of a noun can be told apart by a filter."""
    struct = NOUNS[noun]
    fields = set(struct.__struct_fields__)
    if name == "organisation":
        return struct is not Plan and noun not in ("progress", "assessments")
    if name in ("period_from", "period_to"):
        return "period_end" in fields
    if name in ("plan", "commitment"):
        return name in fields or noun == f"{name}s"
    return name in ("q", "id") or name in fields


# Which nouns belong to which, either way.
INCLUDES = {
    "plans": ("commitments", "milestones", "reports"),
    "commitments": ("plans", "milestones", "reports", "progress", "organisations", "assessments"),
    "milestones": ("plans", "commitments", "progress"),
    "reports": ("plans", "commitments", "milestones", "progress", "organisations"),
    "progress": ("plans", "commitments", "milestones", "reports"),
    "organisations": ("commitments", "reports"),
    "assessments": ("plans", "commitments"),
}


def versions(noun: str) -> dict[str, Parameter]:
    """What can be asked of a record's versions; a single field is kept as the only one of `fields`."""
    names = NOUNS[noun].__struct_fields__
    one = Parameter(
        "field", {"type": "string", "enum": list(names)}, "The history of this field.", _one_of(names, False)
    )
    return {"field": one}


def sorts(noun: str) -> list[str]:
    """The orders of a noun; a minus sign turns one round."""
    names = [name for name in SORTS if name in ("id", "release") or name in NOUNS[noun].__struct_fields__]
    return [*names, *(f"-{name}" for name in names)]


@cache
def parameters(noun: str, format: Format | None = None) -> Mapping[str, Parameter]:
    """The parameters of a list, of all formats or of one."""
    found = {name: parameter for name, parameter in FILTERS.items() if _applies(name, noun)}
    limit = {"type": "integer", "minimum": 1, "maximum": MOST}
    bulk = "Rows at most; every matching row unless it is given." if format and format.bulk else "Rows of a page."
    found["limit"] = Parameter("limit", limit, bulk, _number(1, MOST))
    found["cursor"] = Parameter(
        "cursor", {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,1000}$"}, "Where to go on; from links.next.", _cursor
    )
    found |= {"as_of": AS_OF, "sort": _sort(noun), **_narrowed(noun, format)}
    return found | _included(noun, format) | _marked(format)


AS_OF = Parameter(
    "as_of",
    {"anyOf": [{"type": "string", "pattern": "^[0-9]{1,18}$"}, {"type": "string", "format": "date"}]},
    "The records as they stood at this release, or at the end of this day.",
    _as_of,
)


REHEARSALS = tuple(f"rehearsal-{name}" for name in ("410", "tombstone", "empty", "duplicate", "new-value"))
NUMBER = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
LIMIT = Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, "How many at most.", _number(1, MOST))
RELEASES = {
    "limit": LIMIT,
    "before": Parameter("before", NUMBER, "Releases with lower numbers.", _number(0, 10**18 - 1)),
}
TIMEMAP = {"before": RELEASES["before"]}
CHANGES = {
    "since": Parameter(
        "since",
        {"anyOf": [NUMBER, {"type": "string", "enum": list(REHEARSALS)}]},
        "Changes of the releases after this one; 0 is everything.",
        _since,
    ),
    "until": Parameter("until", NUMBER, "Up to this release.", _number(0, 10**18 - 1)),
    "noun": Parameter(
        "noun", {"type": "string", "enum": list(NOUNS)}, "Of this noun.", _one_of(list(NOUNS), many=False)
    ),
    "plan": Parameter("plan", ID, "Of records of this plan.", read_id),
    "limit": Parameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST},
        "Changes of a page, which holds whole releases: at least one, then as many as fit.",
        _number(1, MOST),
    ),
    "history": Parameter(
        "history",
        {"type": "string", "enum": ["latest", "full"]},
        "`full` for every version, else the latest of each record.",
        _one_of(["latest", "full"], many=False),
    ),
    "epoch": Parameter("epoch", {"type": "string", "pattern": "^[0-9a-f-]{36}$"}, "From meta.epoch.", _epoch),
}


SUBJECT = {
    "plan": Parameter("plan", ID, "News of this plan.", read_id),
    "commitment": Parameter("commitment", ID, "News of this commitment.", read_id),
    "organisation": Parameter("organisation", ID, "News of what this organisation leads or supports.", read_id),
}
NEWS = {
    **SUBJECT,
    "limit": Parameter(
        "limit", LIMIT.schema, "Entries at most; such a feed does not lead to the archives.", LIMIT.read
    ),
    "as_of": Parameter(
        "as_of", AS_OF.schema, "The feed as it stood at this release, or at the end of this day.", AS_OF.read
    ),
}
SIDE = {"type": "string", "pattern": "^[a-z0-9-]{1,200}$"}
DIFF = {
    "from": Parameter(
        "from", SIDE, "The earlier report (id), or version (number) of this one; else the report before.", read_id
    ),
    "to": Parameter(
        "to", SIDE, "The later report (id), or version (number) of this one; else this one as it stands.", read_id
    ),
    "as_of": AS_OF,
}


@cache
def item_parameters(noun: str, format: Format | None = None) -> Mapping[str, Parameter]:
    """The parameters of a single record."""
    return {"as_of": AS_OF, **_narrowed(noun, format), **_included(noun, format), **_marked(format)}


def _included(noun: str, format: Format | None) -> dict[str, Parameter]:
    """`include`, for JSON alone."""
    if format is not None and format.suffix != "json":
        return {}
    names, help = INCLUDES[noun], "What belongs to the records, under `included`."
    return {"include": Parameter("include", _list_of(names), help, _one_of(names, many=True))}


BOM = Parameter(
    "bom",
    {"type": "string", "enum": ["1"]},
    "Begin with a byte order mark, by which Excel knows UTF-8.",
    lambda text: _one_of(["1"], many=False)(text) == "1",
)


def _marked(format: Format | None) -> dict[str, Parameter]:
    """`bom`, for CSV alone; where the format is yet to be chosen it would be refused more often than not."""
    return {"bom": BOM} if format is not None and format.suffix == "csv" else {}


def _narrowed(noun: str, format: Format | None) -> dict[str, Parameter]:
    """`fields`, which an Atom entry, always whole, does not take."""
    return {} if format and format.suffix == "atom" else {"fields": _fields(noun)}


def _sort(noun: str) -> Parameter:
    names = sorts(noun)
    return Parameter(
        "sort", {"type": "string", "enum": names}, "Order; `-` turns it round.", _one_of(names, many=False)
    )


def _fields(noun: str) -> Parameter:
    names = NOUNS[noun].__struct_fields__
    return Parameter("fields", _list_of(names), "Only these fields, and the id.", _one_of(names, many=True))


def _list_of(names: Sequence[str]) -> dict[str, Any]:
    one = f"({'|'.join(names)})"
    return {"type": "string", "pattern": f"^{one}(,{one})*$"}


def given(query_string: bytes) -> list[tuple[str, str]]:
    """The parameters of a request in their order, empty ones too."""
    return parse_qsl(query_string.decode("ascii", "replace"), keep_blank_values=True) if query_string else []


def read(given: Sequence[tuple[str, str]], allowed: Mapping[str, Parameter]) -> Query:
    """The query of a request. Raises BadRequest as `values` does."""
    return _query(values(given, allowed))


def values(given: Sequence[tuple[str, str]], allowed: Mapping[str, Parameter]) -> dict[str, Any]:
    """The parameters of a request, read. Raises BadRequest with every fault: unknown names (with the nearest known), repeats,
    values."""
    faults: list[dict[str, str]] = []
    found: dict[str, Any] = {}
    for name, text in given:
        if name not in allowed:
            near = get_close_matches(name, allowed, 1, 0.5)
            known = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(allowed))}"
            faults.append({"parameter": name[:100], "detail": f"there is no parameter “{name[:100]}”; {known}"})
        elif name in found:
            faults.append({"parameter": name, "detail": "give it once"})
        else:
            try:
                found[name] = allowed[name].read(text)
            except ValueError as error:
                faults.append({"parameter": name, "detail": str(error)})
    if faults:
        raise BadRequest("; ".join(f"{one['parameter']}: {one['detail']}" for one in faults), errors=faults)
    return found


def _query(values: dict[str, Any]) -> Query:
    filter = Filter(**{name: values.pop(name) for name in list(values) if name in Filter.__struct_fields__})
    sort = values.pop("sort", None)
    if sort is not None:
        values |= {"sort": sort.removeprefix("-"), "descending": sort.startswith("-")}
    if "field" in values:
        values["fields"] = (values.pop("field"),)
    if "from" in values:
        values["from_"] = values.pop("from")
    query = Query(filter=filter, **values)
    if query.filter.id is not None:
        # The same question whatever the order of its ids.
        query = replace(query, filter=replace(query.filter, id=tuple(sorted(set(query.filter.id)))))
    return query
