"""Slows those who try wrong keys: a bucket of attempts for each client and each prefix, which time fills again."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from ogp_open_data.records import digest
from ogp_open_data.web.edge.buckets import MOST, Buckets

# Somebody who mistypes a key needs a few attempts; a program that guesses gets one every three seconds.
ATTEMPTS = 20
SECONDS_EACH = 3.0


class Guard:
    """What one process remembers of wrong keys, and of right ones, which are never slowed."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.attempts = Buckets(ATTEMPTS, SECONDS_EACH, clock)
        self.right: OrderedDict[str, None] = OrderedDict()

    def wait(self, name: str) -> int:
        """Seconds until a name has an attempt left; 0 where it has."""
        return self.attempts.wait(name)

    def failed(self, *names: str) -> None:
        """Take an attempt from each name."""
        for name in names:
            self.attempts.take(name)

    def known(self, key: str) -> bool:
        """Whether a key was right lately; it is still looked up, for it may be revoked."""
        return digest(key.encode()) in self.right

    def passed(self, key: str) -> None:
        """Remember that a key was right."""
        self.right[digest(key.encode())] = None
        if len(self.right) > MOST:
            self.right.popitem(last=False)

    def forget(self, key: str) -> None:
        """A key that was right is wrong now."""
        self.right.pop(digest(key.encode()), None)
