"""Ranges of a file (RFC 9110, section 14): one range is honoured, several are answered with the whole, which nobody can amplify."""

import re

from ogp_open_data.errors import RangeNotSatisfiable

ONE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*")


def asked(field: str | None, if_range: str | None, etag: str, size: int) -> tuple[int, int] | None:
    """First byte and end (exclusive) of the part that is asked for; None is all of it. `etag` is quoted.

    If-Range must be this very ETag: a date, which is coarser than a release, never is. Raises RangeNotSatisfiable.
    """
    found = ONE.fullmatch(field or "")
    # Of nothing there is no part, and to have all of it is no fault of the asker.
    if found is None or size == 0 or if_range not in (None, etag):
        return None
    first, last = found.groups()
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return None
    elif last:
        start, end = max(size - int(last), 0), size
    else:
        return None
    if start >= end:
        raise RangeNotSatisfiable(f"the file has {size} bytes; ask for a range that begins within them", size=size)
    return start, end
