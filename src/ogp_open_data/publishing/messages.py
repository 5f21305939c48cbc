"""What is sent: pure functions of a release, so that sending it again sends the same.

Webhooks are signed as Standard Webhooks 1.0 says, with HMAC-SHA256 over id, time of sending and body; hubs get the form of
WebSub's publishers.
"""

import base64
import hmac
import secrets
from urllib.parse import urlencode

import msgspec

from ogp_open_data.store.history import Made

PREFIX = "whsec_"
# The feeds that hubs serve; the filtered ones are for those who poll.
TOPICS = ("/feed.atom", "/feed.json", "/feed.rss")


def new_secret() -> str:
    """A secret for signatures, of 256 bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def webhook(release: Made, base: str) -> bytes:
    """That a release was made, and where to ask what is in it."""
    address = f"{base}/v1/changes?since={release.number - 1}&until={release.number}"
    data = {
        "release": release.number,
        "cause": release.cause,
        "message": release.message,
        "changed": release.changed,
        "counts": msgspec.Raw(release.counts.encode()),
        "url": f"{base}/v1/releases/{release.number}",
        "changes": address,
    }
    return msgspec.json.encode({"type": "release.published", "timestamp": release.made_at, "data": data})


def id_of(epoch: str, release: int) -> str:
    """By this a receiver knows a message that it has already."""
    return f"release-{epoch}-{release}"


def signed(body: bytes, id: str, at: int, secret: str) -> dict[str, str]:
    """The header fields of a webhook sent at a time (seconds of Unix)."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    mark = hmac.digest(key, b"%b.%d.%b" % (id.encode(), at, body), "sha256")
    return {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(mark).decode()}",
    }


def pings(base: str) -> list[bytes]:
    """The forms that tell a hub that its feeds have news. WebSub leaves their fields open: some hubs read one, some the other."""
    forms = [{"hub.mode": "publish", "hub.url": base + topic, "hub.topic": base + topic} for topic in TOPICS]
    return [urlencode(form).encode() for form in forms]
