"""What a person at a terminal sees: text that cannot steer it; of long work a sign, on standard error, where somebody looks on."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Told what is being done: the step, and how far it is (done, of how many; None where nobody knows).
Tell = Callable[[str, int, int | None], None]


def printable(text: str) -> str:
    """Text without the control characters by which a document could steer a terminal."""
    return "".join(one if one in "\n\t" or one.isprintable() else "�" for one in text)


def silent(step: str, done: int, of: int | None) -> None:
    """Told, and tells nobody."""


@contextmanager
def progress(first: str) -> Iterator[Tell]:
    """A line with a bar, gone at the end; `first` is the step until somebody tells of one."""
    if not sys.stderr.isatty():
        yield silent
        return
    # Loaded by who needs it: it takes a tenth of a second.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(first, total=None)
        yield lambda step, done, of: bar.update(task, description=step, completed=done, total=of)


@contextmanager
def working(what: str) -> Iterator[None]:
    """A sign that something goes on whose end nobody knows."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield
