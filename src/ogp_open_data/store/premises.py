"""The data directory of the embedded PostgreSQL: making it ours, and keeping the server's socket in it private."""

import os
import pwd
import re
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from pwd import struct_passwd

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.store.account import closed_to, server_account

MARKER = "ogp-open-data.txt"
MARKER_TEXT = "The embedded PostgreSQL of ogp-open-data lives in this directory. Keep all of it, or remove all of it.\n"
# A freshly formatted volume is empty, whatever it says.
NOTHING = {"lost+found"}
PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
SOCKET_RECORD = "socket-directory"
# sockaddr_un holds 108 bytes on Linux and 104 elsewhere, a zero byte included.
SOCKET_PATH_MAX = 103


def clusters(home: Path) -> list[Path]:
    """The finished database clusters in `home`, named by their major version: `pg18`."""
    return sorted(path for path in home.glob("pg*") if path.name[2:].isdigit())


def claim(directory: Path) -> tuple[Path, struct_passwd]:
    """Makes sure that `directory` exists and is ours; gives its path without symbolic links and the server's account.

    Raises StoreUnavailable, and OSError where the directory cannot be read or written.
    """
    home = Path(os.path.realpath(directory))
    account = server_account((*clusters(home), home))
    if os.geteuid() == 0 and (closed := closed_to(account, home)) is not None:
        raise StoreUnavailable(
            f"the data directory {directory} cannot be used: PostgreSQL runs as {account.pw_name}, which cannot enter "
            f"{closed}; choose another with --data-dir or OGP_DATA_DIR, or allow it with: chmod o+x {closed}"
        )
    _create(home)
    present = set(os.listdir(home)) - NOTHING
    if MARKER not in present:
        if present:
            raise StoreUnavailable(
                f"the data directory {directory} is not empty and not ours (it has no {MARKER}): "
                "choose another with --data-dir or OGP_DATA_DIR"
            )
        (home / MARKER).write_text(MARKER_TEXT)
    return home, account


def _create(home: Path) -> None:
    """Creates what is missing of the path, whatever the umask; the server's account has to enter what root makes."""
    root = os.geteuid() == 0
    for path in reversed([path for path in (home, *home.parents) if not path.exists()]):
        mode = (0o711 if root else 0o700) if path == home else 0o755
        with suppress(FileExistsError):
            path.mkdir(mode)
            path.chmod(mode)


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Replaces a file at once, so that nobody reads half of it."""
    descriptor, part = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.chmod(part, mode)
    os.replace(part, path)


def recorded_socket(home: Path, account: struct_passwd) -> Path | None:
    """Where the owner of the lock said the socket is; None where that is no private directory of the account's."""
    try:
        path = Path((home / SOCKET_RECORD).read_text().rstrip("\n"))
    except OSError:
        return None
    return path if is_private(path, account) else None


def is_private(path: Path, account: struct_passwd) -> bool:
    """Whether `path` is a directory of the account's, and no link, that nobody else but root can enter."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == account.pw_uid and status.st_mode & 0o077 == 0


def socket_directory(home: Path, account: struct_passwd) -> Path:
    """A private directory for the server's socket, in `home` or, where that path is too long, a temporary one."""
    near = home / "socket"
    chosen = make_private(near, account) if _can_be_address(near) else _temporary(home, account)
    write_whole(home / SOCKET_RECORD, f"{chosen}\n")
    return chosen


def _can_be_address(directory: Path) -> bool:
    """Whether it is short enough for a socket and free of characters that mean something in a DSN or a list."""
    path = str(directory / SOCKET)
    return len(os.fsencode(path)) <= SOCKET_PATH_MAX and re.fullmatch(r"[A-Za-z0-9/._ -]+", path) is not None


def _temporary(home: Path, account: struct_passwd) -> Path:
    """The directory of last time where it is ours or free, so that addresses given out stay true; else a new one."""
    with suppress(OSError, StoreUnavailable):
        recorded = Path((home / SOCKET_RECORD).read_text().rstrip("\n"))
        if recorded.is_absolute() and _can_be_address(recorded):
            return make_private(recorded, account)
    for parent in dict.fromkeys((Path(tempfile.gettempdir()).resolve(), Path("/tmp"))):
        if _can_be_address(parent / "ogp-open-data-12345678") and closed_to(account, parent) is None:
            made = Path(tempfile.mkdtemp(prefix="ogp-open-data-", dir=parent))
            os.chown(made, account.pw_uid, account.pw_gid)
            return made
    raise StoreUnavailable(
        f"the path of the data directory {home} is too long for a socket and so is that of TMPDIR: use a shorter one"
    )


def make_private(path: Path, account: struct_passwd) -> Path:
    """Creates a directory that only the account and root can enter, or verifies the one that is there."""
    with suppress(FileExistsError):
        path.mkdir(0o700)
        if os.geteuid() != account.pw_uid:
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    if not is_private(path, account):
        raise StoreUnavailable(
            f"{path} must belong to {account.pw_name} alone, with mode 0700: remove it and start again"
        )
    return path


def remove_temporary(sockets: Path, home: Path) -> None:
    """Removes the socket's directory where it is a temporary one and, after an orderly stop, empty."""
    if sockets.parent != home:
        with suppress(OSError):
            sockets.rmdir()


def write_access_rules(home: Path, account: struct_passwd, role: str) -> None:
    """Only the account and root may connect, even if the socket's directory were opened: the system tells who calls."""
    names = dict.fromkeys((account.pw_name, pwd.getpwuid(0).pw_name))
    write_whole(home / "pg_hba.conf", "local all all peer map=ours\n")
    write_whole(home / "pg_ident.conf", "".join(f'ours "{name}" {role}\n' for name in names))
