"""What a document leaves open, as questions with their choices; and answers, which teach the vocabulary for one document."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from msgspec import Struct
from msgspec.structs import replace

from ogp_open_data.errors import DocumentRefused
from ogp_open_data.intake.reading.statuses import key
from ogp_open_data.intake.reading.vocabulary import Vocabulary, fold
from ogp_open_data.records import STATUSES, Finding

NEW = "new"
# What an answer is about, where it is not about a milestone: `status:Going well`, `organisation:The Office of X`.
STATUS = "status:"
ORGANISATION = "organisation:"


class Question(Struct, frozen=True):
    """One thing to settle. `key` names it in an answer; without a `default` it must be answered before anything is imported."""

    key: str
    text: str
    choices: list[str]
    default: str | None = None
    line: int | None = None

    @property
    def asked(self) -> str:
        """The question with how the command line takes an answer."""
        shown = ", ".join([*self.choices[:8], *self.choices[8:][-1:]])
        return f"{self.text} Say so with --map '{self.key}={self.choices[0]}' (one of {shown})"


def of_findings(findings: Iterable[Finding], vocabulary: Vocabulary) -> list[Question]:
    """A question for each word and name that nobody knows; what happens without an answer is its default."""
    found: dict[str, Question] = {}
    for one in findings:
        if one.raw is None:
            continue
        if one.code == "status_unknown":
            text = f"“{one.raw}” is no status word that is known. Which status is it?"
            question = Question(STATUS + one.raw, text, list(STATUSES), "unknown", one.line)
        elif one.code == "organisation_unknown":
            near = get_close_matches(fold(one.raw), vocabulary.by_name, 5, 0.6)
            choices = list(dict.fromkeys([*(vocabulary.by_name[name] for name in near), NEW]))
            text = f"“{one.raw}” is no agency that is known. Which one is it, by id, or a new one?"
            question = Question(ORGANISATION + one.raw, text, choices, NEW, one.line)
        else:
            continue
        found.setdefault(question.key, question)
    return list(found.values())


def taught(vocabulary: Vocabulary, answers: Mapping[str, str]) -> Vocabulary:
    """The vocabulary with what was answered of words and names. Raises DocumentRefused for a status that is none."""
    if not answers:
        return vocabulary
    words, names = dict(vocabulary.words), dict(vocabulary.by_name)
    for asked, answer in answers.items():
        if asked.startswith(STATUS):
            if answer not in STATUSES:
                raise DocumentRefused(f"--map {asked}={answer}: that is none of {', '.join(STATUSES)}")
            words[key(asked.removeprefix(STATUS))] = answer
        elif asked.startswith(ORGANISATION) and answer != NEW:
            names[fold(asked.removeprefix(ORGANISATION))] = answer
    return replace(vocabulary, words=words, by_name=names)


def of_milestones(answers: Mapping[str, str]) -> dict[str, str]:
    """The answers about milestones."""
    return {asked: answer for asked, answer in answers.items() if not asked.startswith((STATUS, ORGANISATION))}
