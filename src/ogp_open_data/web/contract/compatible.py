"""What in a newer contract would break who relies on the older one: pure comparisons, each fault a sentence with its place.

What we read (parameters, bodies) may only become wider, what we write (answers, records) may only become more. Inside what
we write even a wider type is a break: a reader who knows two kinds of value has no place for a third.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from ogp_open_data.web.contract.operations import followed

Schema = dict[str, Any]
FLOORS = ("minimum", "exclusiveMinimum", "minLength", "minItems")
CEILINGS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
# Whether one fits into the other cannot be told from the text, so another one is a break.
FIXED = ("pattern", "format", "const")


class Comparison:
    """Two documents whose schemas refer to each other; a pair that is compared once is not compared again."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old = old
        self.new = new
        self._seen: set[tuple[str, str, bool]] = set()

    def schemas(self, old: Schema, new: Schema, at: str, written: bool) -> Iterator[str]:
        """Breaks between two schemas, of what we write or of what we read."""
        pair = (old.get("$ref", ""), new.get("$ref", ""), written)
        if all(pair[:2]):
            if pair in self._seen:
                return
            self._seen.add(pair)
        old, new = followed(old, self.old), followed(new, self.new)
        before, after = _alternatives(old), _alternatives(new)
        if len(before) == len(after) == 1:
            yield from self._alternative(before[0], after[0], at, written)
            return
        yield from (f"{at}: {_name(one)} is gone" for one in before if not self._fits(one, after, written))
        if written:
            yield from (
                f"{at}: {_name(one)} is new" for one in after if not self._fits(one, before, written, turned=True)
            )

    def _fits(self, one: Schema, others: Iterable[Schema], written: bool, turned: bool = False) -> bool:
        """Whether one alternative has its like among others."""
        for other in others:
            pair = (other, one) if turned else (one, other)
            if not any(self.schemas(*pair, at="", written=written)):
                return True
        return False

    def _alternative(self, old: Schema, new: Schema, at: str, written: bool) -> Iterator[str]:
        if "type" in old and old["type"] != new.get("type") and not (not written and _widened(old, new)):
            yield f"{at}: was {old['type']}, is {new.get('type', 'anything')}"
            return
        if not written and "type" in new and "type" not in old:
            yield f"{at}: was anything, is {new['type']}"
        yield from _values(old, new, at, written)
        yield from _limits(old, new, at, written)
        yield from self._parts(old, new, at, written)

    def _parts(self, old: Schema, new: Schema, at: str, written: bool) -> Iterator[str]:
        """Properties, what must be given, and items."""
        before, after = old.get("properties", {}), new.get("properties", {})
        for name, one in before.items():
            if name not in after:
                yield f"{at}.{name}: is gone"
            else:
                yield from self.schemas(one, after[name], f"{at}.{name}", written)
        must, will = set(old.get("required", [])), set(new.get("required", []))
        if written:
            yield from (f"{at}.{name}: is not always given any more" for name in sorted((must - will) & set(after)))
        else:
            yield from (f"{at}.{name}: must be given now" for name in sorted(will - must))
        for key in ("items", "additionalProperties"):
            if isinstance(old.get(key), dict) and isinstance(new.get(key), dict):
                yield from self.schemas(old[key], new[key], f"{at}[]", written)


def _alternatives(schema: Schema) -> list[Schema]:
    """The kinds of value that a schema allows, each with one type."""
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return [one for option in options for one in _alternatives(option)]
    types = rest.get("type")
    return [{**rest, "type": one} for one in types] if isinstance(types, list) else [rest]


def _name(schema: Schema) -> str:
    return str(schema.get("$ref", "").rpartition("/")[2] or schema.get("format") or schema.get("type", "a value"))


def _widened(old: Schema, new: Schema) -> bool:
    return "type" not in new or (old["type"], new["type"]) == ("integer", "number")


def _values(old: Schema, new: Schema, at: str, written: bool) -> Iterator[str]:
    """An enumeration: what we read may gain values, what we write may lose some."""
    if "enum" not in (new if not written else old):
        return
    before, after = old.get("enum"), new.get("enum")
    if before is None or after is None:
        yield f"{at}: its values were {before or 'any'}, are {after or 'any'}"
        return
    known, given = (before, after) if written else (after, before)
    yield from (f"{at}: {one} is {'new' if written else 'gone'}" for one in given if one not in known)


def _limits(old: Schema, new: Schema, at: str, written: bool) -> Iterator[str]:
    yield from (
        f"{at}: {key} is another" for key in FIXED if key in (old if written else new) and old.get(key) != new.get(key)
    )
    inner, outer = (new, old) if written else (old, new)
    for key in FLOORS:
        if key in outer and (key not in inner or inner[key] < outer[key]):
            yield f"{at}: {key} was {old.get(key)}, is {new.get(key)}"
    for key in CEILINGS:
        if key in outer and (key not in inner or inner[key] > outer[key]):
            yield f"{at}: {key} was {old.get(key)}, is {new.get(key)}"


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Breaks between two OpenAPI documents."""
    comparison = Comparison(old, new)
    return [
        fault
        for path, item in old["paths"].items()
        for method, operation in item.items()
        for fault in _operation(
            comparison, operation, new["paths"].get(path, {}).get(method), f"{method.upper()} {path}"
        )
    ]


def _operation(comparison: Comparison, old: dict[str, Any], new: dict[str, Any] | None, at: str) -> Iterator[str]:
    if new is None:
        yield f"{at}: is gone"
        return
    if old["operationId"] != new["operationId"]:
        yield f"{at}: was called {old['operationId']}, is called {new['operationId']}"
    if new.get("security", []) and not old.get("security"):
        yield f"{at}: needs a key now"
    yield from _parameters(comparison, old, new, at)
    yield from _body(comparison, old.get("requestBody"), new.get("requestBody"), at)
    for status, before in old["responses"].items():
        after = new["responses"].get(status)
        if after is None:
            yield from [f"{at}: {status} is gone"] if status < "300" else []
        else:
            told = followed(before, comparison.old), followed(after, comparison.new)
            yield from _answer(comparison, *told, f"{at} {status}")


def _parameters(comparison: Comparison, old: dict[str, Any], new: dict[str, Any], at: str) -> Iterator[str]:
    before = {(one["in"], one["name"]): one for one in old.get("parameters", [])}
    after = {(one["in"], one["name"]): one for one in new.get("parameters", [])}
    for key, one in before.items():
        name = f"{at} {key[1]}"
        if key not in after:
            yield f"{name}: is gone"
        else:
            yield from comparison.schemas(one["schema"], after[key]["schema"], name, written=False)
    for key, one in after.items():
        if one.get("required") and not before.get(key, {}).get("required"):
            yield f"{at} {key[1]}: must be given now"


def _body(comparison: Comparison, old: dict[str, Any] | None, new: dict[str, Any] | None, at: str) -> Iterator[str]:
    if new is not None and new.get("required") and not (old or {}).get("required"):
        yield f"{at}: a body must be given now"
    for media_type, one in (old or {}).get("content", {}).items():
        if new is None or media_type not in new["content"]:
            yield f"{at}: takes no {media_type} any more"
        else:
            after = new["content"][media_type]
            yield from comparison.schemas(one.get("schema", {}), after.get("schema", {}), f"{at} body", written=False)


def _answer(comparison: Comparison, old: dict[str, Any], new: dict[str, Any], at: str) -> Iterator[str]:
    yield from (f"{at}: header {name} is gone" for name in old.get("headers", {}) if name not in new.get("headers", {}))
    for media_type, one in old.get("content", {}).items():
        after = new.get("content", {}).get(media_type)
        if after is None:
            yield f"{at}: {media_type} is gone"
        else:
            yield from comparison.schemas(one.get("schema", {}), after.get("schema", {}), at, written=True)
