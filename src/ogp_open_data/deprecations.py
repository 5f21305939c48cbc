"""What is on its way out: one table, from which the header fields, the contract, the page and the feed of events say it.

An entry stays here after its sunset, so that what it named answers 410 with where to go instead of a bare 404.
"""

from datetime import UTC, date, datetime, time

from msgspec import Struct

# Days from the announcement to the sunset, at the least; docs/api.md promises them.
NOTICE = 180


class Deprecated(Struct, frozen=True, kw_only=True):
    """An address of the contract, one query parameter of it, or one field of the records listed there.

    `id` names the entry for ever. `on` is the day of the announcement. At an address or parameter the first release made
    on the day `sunset` or later answers 410: the clock alone changes nothing. `successor` is a root-relative address.
    """

    id: str
    address: str
    parameter: str | None = None
    field: str | None = None
    on: date
    sunset: date
    successor: str | None = None
    reason: str

    def __str__(self) -> str:
        part = f"parameter {self.parameter} of " if self.parameter else f"field {self.field} of " if self.field else ""
        return part + self.address


DEPRECATED: tuple[Deprecated, ...] = ()


def instant(day: date) -> datetime:
    """A day of the table as a moment: its beginning in UTC."""
    return datetime.combine(day, time(), UTC)
