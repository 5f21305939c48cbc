"""Who asks: the key of a request, and what it may do. Reading needs none, and is never different with one."""

from msgspec import Struct

from ogp_open_data.errors import Forbidden, TooManyRequests, Unauthorized
from ogp_open_data.events import log
from ogp_open_data.intake.terms import Actor
from ogp_open_data.store import keys
from ogp_open_data.store.keys import Key
from ogp_open_data.web.site import Request, Site, site_of

# Unknown, wrong and revoked keys get the same answer.
WRONG = "this key is not known; ask the office for one, and send it as Authorization: Bearer KEY"


class Asker(Struct, frozen=True):
    """Who sent a request: the key, and for the audit trail its name and the client's address."""

    key: Key
    by: Actor

    @property
    def within(self) -> frozenset[str] | None:
        """The agencies that may be spoken for; None is all."""
        return frozenset(self.key.organisations) or None

    def check(self, action: str) -> None:
        """Raises Forbidden where the key is not for an action."""
        if not self.key.permits(action):
            raise Forbidden(
                f"this key may {', '.join(self.key.actions)}, not {action}; ask the office for one that may"
            )


async def asker_of(request: Request) -> Asker:
    """Who asks. Raises Unauthorized without a key that is in use, TooManyRequests after many wrong ones."""
    site, address = site_of(request), request.client.host if request.client else "unknown"
    given = _given(request)
    _slowed(site, given, address)
    # On the primary: a standby would know a key that was revoked for as long as it lags.
    found = await site.store.reading_primary(keys.find, given)
    if found is None:
        prefix = keys.prefix_of(given)
        log("key.refused", client=address, prefix=prefix, request_id=request.scope["state"].get("request_id"))
        site.guard.forget(given)
        late = site.guard.wait(f"prefix {prefix}") if prefix else 0
        site.guard.failed(address, *([f"prefix {prefix}"] if prefix else []))
        if late:
            raise _too_many(late)
        raise Unauthorized(WRONG)
    site.guard.passed(given)
    if not keys.is_fresh(found):
        async with site.store.writing() as connection:
            await keys.used(connection, found)
    return Asker(found, Actor(f"key {found.name}", address))


def _given(request: Request) -> str:
    """The key as it was sent."""
    sent = request.headers.getall("authorization", [])
    scheme, _, given = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not given.strip():
        raise Unauthorized("this needs a key; send it as Authorization: Bearer KEY")
    return given.strip()


def _slowed(site: Site, given: str, address: str) -> None:
    """Refuse, without a look at it, what comes from where many wrong keys came from; unless this very key was right lately."""
    seconds = site.guard.wait(address)
    if seconds and not site.guard.known(given):
        site.guard.failed(address)
        raise _too_many(seconds)


def _too_many(seconds: int) -> TooManyRequests:
    return TooManyRequests(f"too many wrong keys came from there; try again in {seconds} seconds", retry_after=seconds)
