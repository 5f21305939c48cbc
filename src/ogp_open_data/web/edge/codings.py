"""Content codings (RFC 9110, 8.4): which one a request wants, and the bytes in it."""

import gzip
import re
from collections.abc import Callable
from functools import lru_cache

import brotli
import zstandard

# In the order of preference where a request likes them equally. Levels: text of 100 kB takes 2-4 ms, and is encoded once.
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=5),
    "zstd": lambda body: zstandard.compress(body, level=6),
    "gzip": lambda body: gzip.compress(body, compresslevel=6, mtime=0),
}
# Below this a coding saves less than a packet.
SHORTEST = 500
TEXT = re.compile(rb"text/|application/([a-z0-9.-]+\+)?(json|xml|x-ndjson|schema)|image/svg")


@lru_cache(1024)
def wanted(accepted: bytes) -> str | None:
    """The coding for an Accept-Encoding field; None is identity, which nobody is refused."""
    weights: dict[str, float] = {}
    for part in accepted.decode("latin-1").lower().split(","):
        name, _, parameter = (one.strip() for one in part.partition(";"))
        quality = parameter.removeprefix("q=").strip() if parameter else "1"
        weights[name] = float(quality) if re.fullmatch(r"[01](\.\d{0,3})?", quality) else 0.0
    known = {name: weights.get(name, weights.get("*", 0.0)) for name in ENCODERS}
    best = max(known, key=lambda name: known[name])
    return best if known[best] > 0 and known[best] >= weights.get("identity", 0.0) else None


def worth(content_type: bytes, body: bytes) -> bool:
    """Whether a body gets smaller by a coding."""
    return len(body) >= SHORTEST and TEXT.match(content_type) is not None


def encoded(coding: str, body: bytes) -> bytes:
    """A body in a coding: the same bytes in any process."""
    return ENCODERS[coding](body)
