"""Conditions of a request (RFC 9110, section 13): whether the asker's copy is still good. The one place that decides it."""

import re
from email.utils import parsedate_to_datetime

TAG = re.compile(rb'(?:W/)?"([^"]*)"')


def unchanged(none_match: bytes | None, modified_since: bytes | None, etag: bytes, last_modified: bytes | None) -> bool:
    """Whether 304 is the answer, from the fields as they are sent; `etag` is quoted.

    If-None-Match wins, and compares weakly; a date that cannot be read is as good as none.
    """
    if none_match is not None:
        return none_match == etag or none_match.strip() == b"*" or etag[1:-1] in TAG.findall(none_match)
    if modified_since is None or last_modified is None:
        return False
    return modified_since == last_modified or _moment(last_modified) <= _moment(modified_since)


def _moment(field: bytes) -> float:
    """Seconds of a date; a field that is none comes before all others."""
    try:
        return parsedate_to_datetime(field.decode("latin-1")).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return float("-inf")
