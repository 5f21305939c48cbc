"""Token buckets, one for each name, which time fills again; in one process, and in bounded memory."""

from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from time import monotonic

# Names that are remembered, the latest ones: as many as an attacker has addresses must not fill the memory.
MOST = 10_000


class Buckets:
    """Each holds `capacity` units, and gets one back every `seconds_each` seconds."""

    def __init__(self, capacity: int, seconds_each: float, clock: Callable[[], float] = monotonic) -> None:
        self.capacity = capacity
        self.seconds_each = seconds_each
        self.clock = clock
        # When a bucket will be full again: all there is to know of it.
        self.full_at: OrderedDict[str, float] = OrderedDict()

    def missing(self, name: str) -> float:
        """Seconds until a bucket is full."""
        return max(0.0, self.full_at.get(name, 0.0) - self.clock())

    def left(self, name: str) -> int:
        """Whole units that a bucket has."""
        return int(self.capacity - self.missing(name) / self.seconds_each + 1e-6)

    def wait(self, name: str, units: int = 1) -> int:
        """Seconds until a bucket has so many units; 0 where it has."""
        return ceil(max(0.0, self.missing(name) - (self.capacity - units) * self.seconds_each))

    def take(self, name: str, units: int = 1) -> None:
        """Take units out of a bucket; none owes more than it holds, however long a flood lasted."""
        missing = min(self.missing(name) + units * self.seconds_each, self.capacity * self.seconds_each)
        self.full_at.pop(name, None)
        self.full_at[name] = self.clock() + missing
        if len(self.full_at) > MOST:
            self.full_at.popitem(last=False)
