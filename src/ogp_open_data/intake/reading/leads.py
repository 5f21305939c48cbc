"""Lead agencies: a printed line to its agencies, and these to organisations, past commas, brackets and slashes."""

import re

from ogp_open_data.intake.reading.vocabulary import Vocabulary

_WITH = re.compile(
    r"[\s,;]+(?:(?:jointly\s+|together\s+)?working\s+(?:closely\s+)?with|in\s+(?:partnership|collaboration|conjunction)\s+with|together\s+with|"
    r"(?:with\s+(?:the\s+)?)?support(?:ed)?\s+(?:from|by)|alongside|with)\s+",
    re.IGNORECASE,
)
_WORKING = re.compile(
    r"\s*(?:(?:jointly\s+|together\s+)?working\s+(?:closely\s+)?with|in\s+(?:partnership|collaboration|conjunction)\s+with|together\s+with|with|"
    r"support(?:ed)?\s+(?:from|by)|alongside)\s+(?:support\s+(?:from|of)\s+)?",
    re.IGNORECASE,
)
_JOINT = re.compile(r"(\s*,\s*and\s+|\s*;\s*|\s*,\s*|\s+and\s+|\s*&\s*|\s*/\s*|\s+[–—-]\s+)", re.IGNORECASE)
_BRACKET = re.compile(r"\(([^()]*)\)?")
_BEGINS = re.compile(
    r"(?i:(?:the\s+)?(?:ministry|department|office|bureau|agency|authority|secretariat|directorate|inspectorate|commission|board|"
    r"council|institute)\s+(?:of|for|on)\b)|[A-Z][A-Za-z]{0,5}[A-Z]$"
)
_ENDS = re.compile(
    r".+\s(?:Office|Commission|Commissioner|Authority|Agency|Bureau|Council|Board|Institute|Treasury|NZ|Zealand|Service|Department|Ministry)$"
)
# Prose and lists beyond these are kept as one.
LONGEST = 1_000
_MOST = 40


def split_leads(raw: str, vocabulary: Vocabulary) -> list[str]:
    """The agencies of a lead line as printed: cut at line ends, list commas, “and”, “working with” outside brackets.

    A name that has commas or “and” in it stays whole; so does an agency with its office, as in “Head of the Policy
    Profession, the Department of the Prime Minister and Cabinet”.
    """
    if len(raw) > LONGEST:
        return [raw]
    leads: list[str] = []
    for line in raw.split("\n"):
        text, brackets = _masked(line.strip().lstrip("•").strip())
        for part in _WITH.split(text):
            leads += [_unmasked(one, brackets).strip(" ,;") for one in _agencies(part, brackets, vocabulary)]
    return [lead for lead in leads if lead]


def organisations_of(lead: str, vocabulary: Vocabulary) -> tuple[list[str], list[str], list[str]]:
    """Ids of the leading and the supporting organisations of one lead, and the names that nobody knows.

    A bracket holds an abbreviation or an office (nothing new), a sub-unit (leads too) or “working with X” (X supports).
    """
    if len(lead) > LONGEST:
        return [], [], [lead]
    leads, unknown = _named(_BRACKET.sub(" ", lead), vocabulary)
    supporting: list[str] = []
    for inside in _BRACKET.findall(lead):
        if working := _WORKING.match(inside):
            known, strange = _named(inside[working.end() :], vocabulary)
            supporting += known
            unknown += strange
        elif id := vocabulary.organisation_by_name(inside):
            leads.append(id)
            # A known abbreviation tells what an unknown spelling meant.
            unknown = []
    leads = list(dict.fromkeys(leads))
    return leads, [id for id in dict.fromkeys(supporting) if id not in leads], list(dict.fromkeys(unknown))


def _named(text: str, vocabulary: Vocabulary) -> tuple[list[str], list[str]]:
    """Organisations that a text without brackets names, offices standing for theirs, and what is not known."""
    found: list[str] = []
    offices: list[str] = []
    unknown: list[str] = []
    for name in _segments(text, vocabulary):
        if id := vocabulary.organisation_by_name(name):
            found.append(id)
        elif vocabulary.is_role(name):
            office = vocabulary.organisation_by_role(name)
            offices += [office] if office else []
        elif name:
            unknown.append(name)
    return list(dict.fromkeys(found or offices)), unknown


def _masked(text: str) -> tuple[str, list[str]]:
    """A text whose brackets are set aside, so that nothing is cut inside them."""
    brackets: list[str] = []

    def aside(match: re.Match[str]) -> str:
        brackets.append(match[0])
        return f"\x00{len(brackets) - 1}\x00"

    return _BRACKET.sub(aside, text), brackets


def _unmasked(text: str, brackets: list[str]) -> str:
    return re.sub("\x00(\\d+)\x00", lambda match: brackets[int(match[1])], text)


def _agencies(text: str, brackets: list[str], vocabulary: Vocabulary) -> list[str]:
    """Whole leads: the names of a text, an office or parent put back to the agency beside it."""
    parts = _JOINT.split(text)
    if len(parts) > _MOST:
        return [text]
    leads: list[str] = []
    previous = ""
    for name, joint in _with_joints(parts, vocabulary):
        if leads and _belongs(previous, joint, name, vocabulary):
            leads[-1] += joint + name
        else:
            leads.append(name)
        previous = name
    return leads


def _belongs(before: str, joint: str, name: str, vocabulary: Vocabulary) -> bool:
    """Whether what stands after a comma or a slash is of the same lead."""
    if "and" in joint.lower() or ";" in joint:
        return False
    if vocabulary.is_role(_bare(before)) != vocabulary.is_role(_bare(name)):
        return True
    one, other = vocabulary.organisation_by_name(_bare(before)), vocabulary.organisation_by_name(_bare(name))
    if one is None or other is None:
        return any(mark in joint for mark in "/–—-")
    parents = {vocabulary.organisations[one].parent, vocabulary.organisations[other].parent}
    return one == other or one in parents or other in parents


def _bare(name: str) -> str:
    return re.sub("\x00\\d+\x00", " ", name)


def _segments(text: str, vocabulary: Vocabulary) -> list[str]:
    parts = _JOINT.split(text)
    if len(parts) > _MOST:
        return [text.strip()]
    return [name.strip() for name, _ in _with_joints(parts, vocabulary)]


def _with_joints(parts: list[str], vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """Names with the joint before each: the longest known name first, else up to where another agency begins."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(parts):
        joint = parts[at - 1] if at else ""
        end = _longest_known(parts, at, vocabulary)
        if end is None:
            end = at + 1
            while end < len(parts) and not _is_agency(parts, end + 1, vocabulary):
                end += 2
        found.append(("".join(parts[at:end]), joint))
        at = end + 1
    return found


def _longest_known(parts: list[str], at: int, vocabulary: Vocabulary) -> int | None:
    for end in range(len(parts), at, -1):
        name = _bare("".join(parts[at:end]))
        if (len(parts) - end) % 2 == 0 and (vocabulary.organisation_by_name(name) or vocabulary.is_role(name)):
            return end
    return None


def _is_agency(parts: list[str], at: int, vocabulary: Vocabulary) -> bool:
    """Whether a new agency begins here and what is before it is not a name that goes on."""
    name = _bare(parts[at]).strip()
    if _longest_known(parts, at, vocabulary) is not None:
        return True
    return bool(_BEGINS.match(name) or _ENDS.match(name))
