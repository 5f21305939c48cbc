"""The account that PostgreSQL runs under, which is never root, and what that account may enter."""

import os
import pwd
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from pwd import struct_passwd
from typing import Any

from ogp_open_data.errors import StoreUnavailable

# PostgreSQL refuses to run as root; root hands it to the first of these accounts that the machine has.
ACCOUNTS = ("ogp-open-data", "postgres", "nobody")
ENTER = 0o1


def server_account(paths: Iterable[Path]) -> struct_passwd:
    """The account for a server: this process's own, for root the owner of one of `paths` or else one of ACCOUNTS.

    Raises StoreUnavailable when there is none.
    """
    uid = os.geteuid()
    if uid != 0:
        return _entry(uid)
    for uid in [path.stat().st_uid for path in paths if path.exists()]:
        if uid != 0:
            return _entry(uid)
    for name in ACCOUNTS:
        with suppress(KeyError):
            if (entry := pwd.getpwnam(name)).pw_uid != 0:
                return entry
    raise StoreUnavailable(
        "PostgreSQL does not run as root and there is no other account for it: "
        "create one named ogp-open-data, or set OGP_DATABASE_URL to a database that runs"
    )


def _entry(uid: int) -> struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise StoreUnavailable(
            f"the user id {uid} has no entry in the passwd database, without which PostgreSQL does not start: "
            "add one, run as another user, or set OGP_DATABASE_URL to a database that runs"
        ) from None


def switch_to(account: struct_passwd) -> dict[str, Any]:
    """Arguments of `subprocess.Popen` that make the child run as `account`; none where this process already is it."""
    if os.geteuid() == account.pw_uid:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def permits(path: Path, account: struct_passwd, bits: int) -> bool:
    """Whether the mode of `path` grants the account all of `bits` (4 read, 2 write, 1 run or enter)."""
    status = path.stat()
    shift = 6 if status.st_uid == account.pw_uid else 3 if status.st_gid == account.pw_gid else 0
    return (status.st_mode >> shift) & bits == bits


def closed_to(account: struct_passwd, directory: Path) -> Path | None:
    """The topmost existing directory on the way to and including `directory` that the account cannot enter, or None."""
    way = [*reversed(directory.parents), directory]
    return next((path for path in way if path.is_dir() and not permits(path, account, ENTER)), None)
