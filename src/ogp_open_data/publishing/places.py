"""Where we may send to: a name is looked up once, every address it has is checked, and the connection goes to the checked one.

Without this a receiver's address could make our server call what only our server can reach (SSRF): its own ports, the cloud's
metadata, machines of the office.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

from msgspec import Struct

from ogp_open_data.errors import Refused

if TYPE_CHECKING:
    import httpx

PORTS = {"http": (80, 8080), "https": (443, 8443)}
# IPv4 inside IPv6: the last 32 bits are where it goes.
NAT64 = IPv6Network("64:ff9b::/96")
# All that IANA gives out as global unicast. Python counts fec0::/10, ::/96 and 64:ff9b:1::/48 as global too.
UNICAST = IPv6Network("2000::/3")

Resolve = Callable[[str, int], Awaitable[Collection[str]]]


class Place(Struct, frozen=True):
    """A checked receiver: its address as given, and the network address to connect to."""

    url: str
    address: str

    @property
    def direct(self) -> "httpx.URL":
        """The URL with the network address in the place of the name, which then travels in Host and in TLS' SNI."""
        return _url(self.url).copy_with(host=self.address)

    @property
    def host(self) -> str:
        return _url(self.url).netloc.decode("ascii")

    @property
    def name(self) -> str:
        """The name that the receiver's certificate must have."""
        return _url(self.url).host


async def looked_up(host: str, port: int) -> Collection[str]:
    """Every network address of a name."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


async def checked(url: str, allowed: Collection[str] = (), resolve: Resolve = looked_up) -> Place:
    """The place of a URL. Raises Refused where it is none that a server of ours may call.

    `allowed` are hosts with ports (`127.0.0.1:9000`) that are taken as they are: for tests, and for receivers of the office's own.
    """
    parts = _read(url)
    port = parts.port or PORTS[parts.scheme][0]
    free = f"{parts.host}:{port}" in allowed
    if not free and port not in PORTS[parts.scheme]:
        raise Refused(f"{url}: port {port} is not one that receivers listen on; use the default one, 8080 or 8443")
    try:
        addresses = await resolve(parts.host, port)
    except (OSError, UnicodeError) as error:
        # UnicodeError: a label of a name that is empty, or has more than 63 letters.
        raise Refused(f"{url}: the name {parts.host} has no address") from error
    if not addresses or (not free and not all(map(is_public, addresses))):
        raise Refused(f"{url}: it is in no public network; receivers must be, or stand in OGP_ALLOWED_RECEIVERS")
    return Place(url, next(iter(addresses)))


def _url(url: str) -> "httpx.URL":
    import httpx

    return httpx.URL(url)


def _read(url: str) -> "httpx.URL":
    """A URL that could be a receiver's. Raises Refused."""
    import httpx

    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Refused(f"{url[:200]}: is no address; give it as https://agency.example/hook") from error
    if parts.scheme not in PORTS or not parts.host or parts.userinfo or parts.fragment:
        raise Refused(f"{url[:200]}: give it as https://agency.example/hook, without a user's name and a fragment")
    return parts


def is_public(address: str) -> bool:
    """Whether a network address is in the public internet, also where an IPv4 address hides in an IPv6 one."""
    one = ip_address(address.partition("%")[0])
    if isinstance(one, IPv6Address):
        if one.teredo is not None:
            return False
        inside = one.ipv4_mapped or one.sixtofour
        if one in NAT64:
            return is_public(str(ip_address(int(one) & 0xFFFFFFFF)))
        if inside is not None:
            return is_public(str(inside))
        if one not in UNICAST:
            return False
    return one.is_global and not one.is_multicast
