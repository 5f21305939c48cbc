"""A mapping that takes so many bytes and no more: what was asked for longest ago makes room."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """`room` and sizes are in bytes, as the keeper counts them."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.size = 0
        self._values: OrderedDict[K, V] = OrderedDict()
        self._sizes: dict[K, int] = {}

    def __iter__(self) -> Iterator[K]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def get(self, key: K) -> V | None:
        """What is kept under a key, which now was asked for last."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def values(self) -> list[V]:
        """All there is, what was asked for longest ago first."""
        return list(self._values.values())

    def keep(self, key: K, value: V, size: int) -> None:
        self.drop(key)
        self._values[key] = value
        self._sizes[key] = 0
        self.grow(key, size)

    def grow(self, key: K, more: int) -> None:
        """What is kept under a key takes more than was said."""
        self._sizes[key] += more
        self.size += more
        while self.size > self.room:
            self.drop(next(iter(self._values)))

    def drop(self, key: K) -> None:
        if key in self._values:
            del self._values[key]
            self.size -= self._sizes.pop(key)

    def clear(self) -> None:
        for key in list(self):
            self.drop(key)
