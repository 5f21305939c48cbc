"""Slows those who try wrong keys: a bucket of attempts for each client and each prefix, which time fills again."""

from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from time import monotonic

from ogp_open_data.records import digest

# Somebody who mistypes a key needs a few attempts; a program that guesses gets one every three seconds.
ATTEMPTS = 20
SECONDS_EACH = 3.0
# Names that are remembered, the latest ones: as many as an attacker has addresses must not fill the memory.
MOST = 10_000


class Guard:
    """What one process remembers of wrong keys, and of right ones, which are never slowed."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.clock = clock
        # When a name will have all its attempts again.
        self.full_at: OrderedDict[str, float] = OrderedDict()
        self.right: OrderedDict[str, None] = OrderedDict()

    def wait(self, name: str) -> int:
        """Seconds until a name has an attempt left; 0 where it has."""
        spent = self.full_at.get(name, 0.0) - self.clock()
        return ceil(max(0.0, spent - (ATTEMPTS - 1) * SECONDS_EACH))

    def failed(self, *names: str) -> None:
        """Take an attempt from each name that has one; nobody owes more than the bucket holds, however long a flood lasted."""
        for name in names:
            now = self.clock()
            empty = now + ATTEMPTS * SECONDS_EACH
            self.full_at[name] = min(max(self.full_at.pop(name, 0.0), now) + SECONDS_EACH, empty)
            if len(self.full_at) > MOST:
                self.full_at.popitem(last=False)

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
