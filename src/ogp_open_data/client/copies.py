"""What a copy is, wherever it is kept: its state, and the few things that a run does to it."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from ogp_open_data.client.ordered import Ordered
from ogp_open_data.client.publisher import Digests

# What to write and (None) what to remove, by noun and id.
Edits = Mapping[str, Mapping[str, bytes | None]]


class State(Struct, frozen=True, kw_only=True):
    """Which release a copy holds. `digests` and `root` are the publisher's, once the copy was held against them."""

    url: str
    epoch: str
    release: int
    root: str | None = None
    etag: str | None = None
    synced_at: str | None = None
    digests: dict[str, str] = {}


class Copy(Protocol):
    """A place that keeps a copy. What a method writes is durable and visible at once, or not at all.

    A full copy is laid down beside the visible one, noun by noun, and takes its place at the end.
    """

    async def state(self) -> State | None:
        """What is visible; None where there is no copy, or none that can be read."""
        ...

    async def keep(self, state: State) -> None:
        """Write the state alone."""
        ...

    async def apply(self, edits: Edits, state: State) -> None:
        """Write and remove records, and with them the state."""
        ...

    async def digest(self, noun: str) -> str:
        """The digest of a noun, of the bytes that are held now; something that is none where they are no records by id."""
        ...

    async def digests(self, noun: str) -> Digests:
        """The SHA-256 of each record, of the bytes that are held now."""
        ...

    async def stale(self) -> list[str]:
        """Nouns with something beside the records that does not agree with them, for `apply` to write again."""
        ...

    async def lay(self, state: State) -> None:
        """Begin a full copy of a release."""
        ...

    async def laid(self) -> tuple[State, set[str]] | None:
        """The full copy that was begun, and its nouns that are there."""
        ...

    async def fill(self, noun: str, rows: Ordered) -> None:
        """One noun of the full copy."""
        ...

    async def swap(self) -> None:
        """Let the full copy take the place of the visible one."""
        ...
