"""Bytes out: one table of the formats in which every noun is published."""

from msgspec import Struct


class Format(Struct, frozen=True):
    """A representation: its suffix in addresses, its media type, and whether it holds all rows or one page of them."""

    suffix: str
    media_type: str
    charset: str | None
    bulk: bool

    @property
    def content_type(self) -> str:
        return f"{self.media_type}; charset={self.charset}" if self.charset else self.media_type


FORMATS = {
    "json": Format("json", "application/json", None, bulk=False),
    "csv": Format("csv", "text/csv", "utf-8; header=present", bulk=True),
    "ndjson": Format("ndjson", "application/x-ndjson", None, bulk=True),
    "atom": Format("atom", "application/atom+xml", None, bulk=False),
}
