"""What is known before any document is read: plans, agencies, roles and status words, looked up by what is printed."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from ogp_open_data.intake.reading import overlay
from ogp_open_data.intake.reading.entries import Country, File, OrganisationEntry, PlanEntry, package
from ogp_open_data.intake.reading.statuses import key

_DASHES = str.maketrans("‐‑‒–—―−", "-------")
_TERM = re.compile(r"\b((?:19|20)\d\d)\s*(?:-|/|\bto\b)\s*((?:19|20)?\d\d)\b")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
# Words that a plan's label may have or lack, besides the names of its country.
# fmt: off
_FILLER = frozenset((
    "open", "government", "partnership", "ogp", "national", "action", "december", "the", "a", "of", "for", "s",
))
# fmt: on
# Longer lines are prose that mentions a plan or an agency.
LONGEST = 200


class Vocabulary(Struct, frozen=True):
    """Everything known by name. `words` is status words to statuses, `scales` the same for each scale of an assessor.

    `filler` are the words that say nothing of which plan a label names. The other mappings are by folded name or by id.
    """

    plans: dict[str, PlanEntry]
    organisations: dict[str, OrganisationEntry]
    words: dict[str, str]
    by_name: dict[str, str]
    by_role: dict[str, str | None]
    scales: dict[str, dict[str, str]]
    countries: dict[str, Country]
    filler: frozenset[str]

    def plan_by_label(self, text: str) -> PlanEntry | None:
        """The plan that a whole line names: by id, or by its ordinal, its term and its country, all agreeing."""
        if len(text) > LONGEST:
            return None
        if (id := text.strip().lower()) in self.plans:
            return self.plans[id]
        wanted = _label(text, self.filler)
        if wanted is None:
            return None
        # A label that names a country is of a plan of that country.
        named = {one.code for one in self.countries.values() if _names_one(wanted[0], one.names)}
        plans = [plan for plan in self.plans.values() if not named or plan.country in named]
        found = [plan for plan in plans if _is_named(plan, plan.country in named, *wanted[1:])]
        return found[0] if len(found) == 1 else None

    def organisation_by_name(self, text: str) -> str | None:
        """The id of the agency of a name, without regard to case, macrons, brackets, articles and marks."""
        if len(text) > LONGEST:
            return None
        known = self.by_name.get(fold(text)) or self.by_name.get(fold(re.sub(r"\([^()]*\)", " ", text)))
        if known is None and "|" in text:
            sides = {self.by_name.get(fold(side)) for side in text.split("|")}
            return sides.pop() if len(sides) == 1 else None
        return known

    def is_role(self, text: str) -> bool:
        """Whether the text is an office that sits in an agency."""
        return fold(text) in self.by_role

    def organisation_by_role(self, text: str) -> str | None:
        """The agency that an office sits in, where that is known."""
        return self.by_role.get(fold(text))


def fold(text: str) -> str:
    """A name for comparison: words in lower case without macrons, articles, apostrophes and punctuation."""
    plain = unicodedata.normalize("NFKD", text.replace("&", " and ")).casefold()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter) and letter not in "'’ʼ‘")
    return " ".join(word for word in re.findall(r"\w+", plain) if word != "the")


def of_file(file: File) -> Vocabulary:
    """The vocabulary that a file writes; of a word that stands twice the last meaning counts."""
    return Vocabulary(
        plans={plan.id: plan for plan in file.plans},
        organisations={one.id: one for one in file.organisations},
        words=_by_word(file.statuses),
        by_name={fold(name): one.id for one in file.organisations for name in _spellings(one)},
        by_role={fold(name): role.organisation for role in file.roles for name in role.names},
        scales={name: _by_word(scale) for name, scale in file.scales.items()},
        countries={country.code: country for country in file.countries},
        filler=_filler(file.countries),
    )


def _filler(countries: Iterable[Country]) -> frozenset[str]:
    words = {word for one in countries for name in one.names for word in name.casefold().split()}
    return _FILLER | words | {f"{word}s" for word in words}


def load(path: str | None = None) -> Vocabulary:
    """The vocabulary of this package, with a publisher's own file laid over it; read anew at each call.

    Raises Refused, naming the file, the line and the key, where that file cannot be read.
    """
    return of_file(overlay.laid_over(path) if path is not None else package())


def _by_word(meanings: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {key(word): meaning for meaning, words in meanings.items() for word in words}


def _spellings(one: OrganisationEntry) -> list[str]:
    found = [one.name, one.name_mi, one.abbreviation, *one.also, *(name.text for name in one.names)]
    return [name for name in found if name]


def _label(text: str, filler: Collection[str]) -> tuple[str, str | None, list[str]] | None:
    """A label as (lower-case text, term, words that are not filler); None where it speaks of no plan."""
    lower = unicodedata.normalize("NFKC", text).translate(_DASHES).casefold()
    term = _TERM.search(lower)
    years = f"{term[1]}-{term[2] if len(term[2]) == 4 else term[1][:2] + term[2]}" if term else None
    rest = lower[: term.start()] + " " + lower[term.end() :] if term else lower
    words = [re.sub(r"['’]s?$", "", word) for word in _WORD.findall(rest)]
    if not any(word == "plan" or word.startswith("nap") for word in words):
        return None
    return " ".join(words), years, [word for word in words if word not in filler and word not in ("plan", "nap")]


def _names_one(text: str, names: Sequence[str]) -> bool:
    return any(re.search(rf"\b{re.escape(name.casefold())}\b", text) for name in names)


def _is_named(plan: PlanEntry, in_country: bool, years: str | None, words: list[str]) -> bool:
    """Whether the term fits, and every other word of the label names this plan, and its country or ordinal is there."""
    if years is not None and years not in plan.years:
        return False
    ordinals: Mapping[str, None] = dict.fromkeys([*plan.ordinals, plan.number, f"nap{plan.number}"])
    if any(word not in ordinals for word in words):
        return False
    return bool(words) or (in_country and years is not None)
