"""Every option once: name, default and help. The only reader of the environment.

The variable of an option is `OGP_` and its name in capitals; docs/operating.md shows this table and a test compares the two.
With `_FILE` behind it the variable names a file that holds the value: secrets of containers and of systemd come that way.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from ogp_open_data.errors import Refused

PREFIX = "OGP_"


class Settings(Struct, frozen=True, kw_only=True):
    """What can be set; a field's description is its help."""

    database_url: Annotated[
        str | None,
        Meta(description="DSN of a PostgreSQL 15 or later; without it an embedded one runs.", extra={"secret": True}),
    ] = None
    database_read_url: Annotated[
        str | None, Meta(description="DSN of a replica that answers reads.", extra={"secret": True})
    ] = None
    data_dir: Annotated[
        str | None,
        Meta(
            description="Where the embedded PostgreSQL lives; /var/lib/ogp-open-data for root, else a directory of the user's."
        ),
    ] = None
    public_url: Annotated[
        str | None, Meta(description="Address under which readers see the program; every public link begins with it.")
    ] = None
    tag_authority: Annotated[
        str | None,
        Meta(description="Domain in Atom ids, kept for ever at the first start; the host of the public URL."),
    ] = None
    publisher: Annotated[str, Meta(description="Who publishes, for feeds and metadata.")] = (
        "Open Government Partnership office"
    )
    contact: Annotated[str | None, Meta(description="Address (https: or mailto:) for questions about the data.")] = None
    hubs: Annotated[
        str | None,
        Meta(description="WebSub hubs that are told of each release and named in the feeds, separated by spaces."),
    ] = None
    allowed_receivers: Annotated[
        str | None,
        Meta(description="Receivers, as host:port separated by spaces, that need not be in a public network."),
    ] = None
    licence_url: Annotated[str, Meta(description="Licence of the data.")] = (
        "https://creativecommons.org/licenses/by/4.0/"
    )
    licence_name: Annotated[str, Meta(description="Name of the licence.")] = "CC BY 4.0"
    time_zone: Annotated[str, Meta(description="Where the office is: days of `as_of` end there.")] = "Pacific/Auckland"
    daily_at: Annotated[
        str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Time of the daily release, in that zone.")
    ] = "00:05"
    trusted_proxies: Annotated[
        str | None,
        Meta(
            description="Proxies, with commas, whose X-Forwarded-For is believed: for wrong keys, quotas and the audit trail."
        ),
    ] = None
    files_dir: Annotated[
        str | None,
        Meta(
            description="Directory for finished files of releases, which may be emptied at any time; else a temporary one."
        ),
    ] = None
    files_bytes: Annotated[int, Meta(ge=0, description="Room for those files, in bytes.")] = 4 * 1024**3
    vocabulary: Annotated[
        str | None,
        Meta(
            description="TOML file with plans, agencies and status words of your own, laid over those of the program."
        ),
    ] = None
    traces: Annotated[
        str | None,
        Meta(
            description="OpenTelemetry collector, as http://host:4318, that is told of spans; needs the extra `otel`."
        ),
    ] = None
    read_connections: Annotated[int, Meta(ge=1, le=1000, description="Connections for reads, for each worker.")] = 8
    cache_bytes: Annotated[
        int, Meta(ge=0, description="Memory for finished answers, in bytes, for each worker; 0 keeps none.")
    ] = 64 * 1024 * 1024
    read_quota: Annotated[
        int,
        Meta(
            ge=0,
            description="Reads not in memory that a client may ask for in a minute, for each worker; 0 is no limit.",
        ),
    ] = 3000
    drain_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=600,
            description="Seconds from SIGTERM to the end of listening, so that a balancer sees /readyz at 503 and looks elsewhere.",
        ),
    ] = 0
    statement_timeout: Annotated[int, Meta(ge=1, description="Seconds after which a read is given up.")] = 15


def load(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """The settings from the environment, overridden by what is given and not None. Raises Refused naming the variable."""
    source = os.environ if environ is None else environ
    found = {name: _value(source, PREFIX + name.upper()) for name in Settings.__struct_fields__}
    values: dict[str, Any] = {name: value for name, value in found.items() if value}
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        settings = msgspec.convert(values, Settings, strict=False)
        ZoneInfo(settings.time_zone)
        _refuse_addresses(settings)
        return settings
    except (msgspec.ValidationError, ZoneInfoNotFoundError, ValueError) as error:
        raise Refused(f"a setting (environment {PREFIX}…) cannot be read: {error}") from error


def _refuse_addresses(settings: Settings) -> None:
    """Raises ValueError where an address that readers are sent to is none."""
    for name in ("public_url", "licence_url", "traces"):
        given = getattr(settings, name)
        parts = urlsplit(given or "http://unset")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{PREFIX}{name.upper()} is {given}; give it as https://data.example.org")
    if bad := [hub for hub in hubs(settings) if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", hub)]:
        raise ValueError(f"{PREFIX}HUBS has {bad[0]}; give addresses as https://hub.example.org/, separated by spaces")
    if settings.contact is not None and not re.match(r"(https?://|mailto:)[^\s]+$", settings.contact):
        raise ValueError(f"{PREFIX}CONTACT is {settings.contact}; give it as https:… or mailto:…")


def _value(source: Mapping[str, str], variable: str) -> str | None:
    """What a variable says, or the file that its twin names; empty is as good as not set."""
    given, file = source.get(variable), source.get(f"{variable}_FILE")
    if not file:
        return given
    if given:
        raise Refused(f"{variable} and {variable}_FILE are both set; keep one of them")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise Refused(f"{variable}_FILE: {file} cannot be read ({reason})") from error


def to_environment(settings: Settings) -> None:
    """Hand the settings on to the processes that this one starts."""
    for name, value in msgspec.structs.asdict(settings).items():
        os.environ.pop(f"{PREFIX}{name.upper()}_FILE", None)
        if value is not None:
            os.environ[PREFIX + name.upper()] = str(value)


# Where the workers of one `serve` keep their figures together; prometheus_client reads the variable when it is imported.
FIGURES = "PROMETHEUS_MULTIPROC_DIR"


def share_figures(directory: Path) -> None:
    """Let the processes that this one starts keep their figures in a directory."""
    os.environ[FIGURES] = str(directory)


def keep_figures_apart() -> None:
    """Let this process keep its figures in its own memory."""
    os.environ.pop(FIGURES, None)


def shared_figures() -> str | None:
    """The directory of the figures of several processes; None where there is only this one."""
    return os.environ.get(FIGURES)


def environment_with(variable: str, value: str | None) -> dict[str, str]:
    """The environment for a child process, with one more variable where it has a value."""
    return {**os.environ, **({variable: value} if value is not None else {})}


def data_dir(settings: Settings) -> Path:
    """The directory of the embedded PostgreSQL."""
    if settings.data_dir is not None:
        return Path(settings.data_dir).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/ogp-open-data")
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "ogp-open-data"


def public_url(settings: Settings) -> str:
    """Address that public links begin with, without a slash at its end."""
    return (settings.public_url or "http://127.0.0.1:8000").rstrip("/")


def doubts(settings: Settings) -> list[str]:
    """What can be read, but will hurt in production: a sentence each, with what to do."""
    authority = urlsplit(public_url(settings)).hostname or ""
    told = {
        "PUBLIC_URL is not set, so links begin with http://127.0.0.1:8000; give the address that readers use": (
            settings.public_url is None
        ),
        f"PUBLIC_URL begins with http:, which others can read and change on the way; serve https at {authority}": (
            public_url(settings).startswith("http:") and authority not in ("127.0.0.1", "localhost", "::1")
        ),
        "CONTACT is not set; readers with a question have nowhere to go": settings.contact is None,
        "DATABASE_READ_URL is set without DATABASE_URL, so reads and writes go to different databases": (
            settings.database_read_url is not None and settings.database_url is None
        ),
    }
    return [f"{PREFIX}{text}" for text, holds in told.items() if holds]


def hubs(settings: Settings) -> list[str]:
    """The WebSub hubs of the feeds."""
    return (settings.hubs or "").split()


def allowed_receivers(settings: Settings) -> frozenset[str]:
    """Hosts with ports that may be told though they are in no public network."""
    return frozenset((settings.allowed_receivers or "").split())


def tag_authority(settings: Settings) -> str:
    """Domain for new tag: URIs (RFC 4151). Raises Refused where it is none, for it is kept for ever."""
    authority = settings.tag_authority or urlsplit(public_url(settings)).hostname or "localhost"
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", authority):
        raise Refused(
            f"{authority} is no domain for Atom ids; set {PREFIX}TAG_AUTHORITY to one of yours, for example data.example.org"
        )
    return authority
