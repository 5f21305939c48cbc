"""Bytes out: one table of the formats in which every noun is published."""

from importlib.util import find_spec
from typing import Literal

from msgspec import Struct


class Format(Struct, frozen=True):
    """A representation: its suffix in addresses, its media type, and whether it holds all rows or one page of them.

    `rows` says how it is made: `joined` of stored lines, `rendered` around records, or `built` as a file that is nothing until
    its end.
    """

    suffix: str
    media_type: str
    charset: str | None
    bulk: bool
    rows: Literal["joined", "rendered", "built"]

    @property
    def content_type(self) -> str:
        return f"{self.media_type}; charset={self.charset}" if self.charset else self.media_type


KNOWN = {
    "json": Format("json", "application/json", None, bulk=False, rows="rendered"),
    "csv": Format("csv", "text/csv", "utf-8; header=present", bulk=True, rows="joined"),
    "ndjson": Format("ndjson", "application/x-ndjson", None, bulk=True, rows="joined"),
    "atom": Format("atom", "application/atom+xml", None, bulk=False, rows="rendered"),
    "xlsx": Format(
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        None,
        bulk=True,
        rows="built",
    ),
    "parquet": Format("parquet", "application/vnd.apache.parquet", None, bulk=True, rows="built"),
}
# Formats whose library is not installed here, and what would bring it.
MISSING = {} if find_spec("pyarrow") else {"parquet": "pip install 'ogp-open-data[parquet]'"}
FORMATS = {suffix: format for suffix, format in KNOWN.items() if suffix not in MISSING}
