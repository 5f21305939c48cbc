"""Which methods an address takes, by the tables of routes; for `Allow`, preflights and 405."""

import re
from collections.abc import Iterable

READS = ("GET", "HEAD")


class Methods:
    """The methods of every path template: those of reads, and (method, path) of writes."""

    def __init__(self, reads: Iterable[str], writes: Iterable[tuple[str, str]]) -> None:
        paths = list(reads)
        self.exact = {path for path in paths if "{" not in path}
        self.shapes = [_pattern(path, r"[^/]+") for path in paths if "{" in path]
        # What is written to is a record, never one of its formats: an id has no dot.
        self.writes = [(method, path, _pattern(path, r"[^/.]+")) for method, path in writes]

    def of(self, path: str) -> tuple[str, ...]:
        """The methods of an address; those of a read where there is nothing, which is then told as 404."""
        exact = path in self.exact
        written = [method for method, one, shape in self.writes if (path == one if exact else shape.fullmatch(path))]
        read = exact or not written or any(shape.fullmatch(path) for shape in self.shapes)
        return (*(READS if read else ()), *written, "OPTIONS")


def _pattern(path: str, name: str) -> re.Pattern[str]:
    return re.compile(name.join(map(re.escape, re.split(r"\{[^/]*\}", path))))
