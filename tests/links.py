"""A strict reader of the Link field (RFC 8288), for the tests: whatever its grammar does not say is an error."""

import re

from msgspec import Struct

# Relations in use here, of the registry of the IANA as of November 2026.
REGISTERED = re.findall(
    r"\S+",
    """
    alternate api-catalog canonical collection current deprecation describedby edit first help hub icon item last
    latest-version license memento next next-archive original predecessor-version prev prev-archive profile related
    self service-desc service-doc status successor-version sunset timegate timemap up version-history
    """,
)
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
PARAMETER = re.compile(rf'\s*;\s*({TOKEN})=(?:({TOKEN})|"((?:[^"\\]|\\.)*)")')
TARGET = re.compile(r"\s*<([^<>\"\s]*)>")


class Linked(Struct, frozen=True):
    """A link: its target, its relations, its other parameters."""

    target: str
    rels: tuple[str, ...]
    parameters: dict[str, str]


def parsed(text: str) -> list[Linked]:
    """The links of a field. Raises AssertionError where it breaks the grammar, or a link has not one known `rel`."""
    found, at = [], 0
    while at < len(text):
        start = TARGET.match(text, at)
        assert start, text[at : at + 80]
        at, parameters = start.end(), []
        while part := PARAMETER.match(text, at):
            parameters.append((part[1].lower(), part[2] if part[2] is not None else part[3]))
            at = part.end()
        names = [name for name, _ in parameters]
        assert len(names) == len(set(names)) and "rel" in names, text[start.start() : at]
        rels = tuple(dict(parameters)["rel"].split(" "))
        assert all(rel in REGISTERED or re.match(r"https?://", rel) for rel in rels), rels
        found.append(Linked(start[1], rels, dict(parameters)))
        end = re.compile(r"\s*(,|$)").match(text, at)
        assert end, text[at : at + 80]
        at = end.end()
    return found
