"""A PostgreSQL of our own in a data directory: one process owns and runs it, the others share it."""

import fcntl
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from pwd import getpwuid, struct_passwd
from threading import Event, RLock, Thread
from types import TracebackType
from typing import Self
from urllib.parse import quote

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.events import log
from ogp_open_data.store import binaries, postmaster, premises
from ogp_open_data.store.postmaster import ROLE, Postmaster
from ogp_open_data.store.premises import PORT

# Seconds without a new line in the server's log after which it is given up. A long recovery writes one every 10 s.
PATIENCE = 60.0
# Backends of a server that was killed take about 0.1 s to notice; until then a new one cannot start.
LINGERING = 10.0
BLOCKED = b"pre-existing shared memory block"
GLANCE = 0.02
WATCH = 0.1
RETRY = 1.0
LOG_MAX = 4 << 20


class Embedded:
    """A PostgreSQL of our own in a data directory: owned by the process that got the lock, shared by the others.

    The server ends with its owner, however that ends. Whoever is attached calls `start()` again, unless it watches.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._home = directory
        self._account: struct_passwd | None = None
        self._sockets: Path | None = None
        self._server: Postmaster | None = None
        self._log: int | None = None
        self._alone()

    def _alone(self) -> None:
        """The state of a process that holds nothing and watches nothing."""
        self._lock: int | None = None
        self._turn = RLock()
        self._leaving = Event()
        self._watcher: Thread | None = None

    @property
    def dsn(self) -> str:
        """Address of the database, for asyncpg and libpq; known after `start()`."""
        assert self._sockets is not None, "start() comes first"
        return f"postgresql://{ROLE}@/postgres?host={quote(str(self._sockets))}&port={PORT}"

    @property
    def owner(self) -> bool:
        """Whether the server is this process's, and ends with it."""
        return self._lock is not None

    def start(self) -> None:
        """Owns the server or attaches to it; when this returns, it accepts connections. Raises StoreUnavailable."""
        with self._turn:
            if not (self.owner and self._runs()):
                self._arrive()

    def watch(self) -> None:
        """From now on a thread takes the server over when its owner leaves, and restarts ours when it dies."""
        with self._turn:
            if self._watcher is None:
                self._watcher = Thread(target=self._keep_watch, name="postgres-watch", daemon=True)
                self._watcher.start()

    def stop(self) -> None:
        """As the owner, shuts the server down and lets the lock go; attached, only ends the watch."""
        self._leaving.set()
        if self._watcher is not None:
            self._watcher.join()
        with self._turn:
            self._watcher = None
            self._release()
            self._leaving.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _arrive(self) -> None:
        try:
            self._home, self._account = premises.claim(self.directory)
            if not self._take_lock() and self._wait(self._reachable, self._take_lock):
                return
            self._serve()
        except OSError as error:
            self._release()
            raise StoreUnavailable(_cannot_use(self.directory, error)) from error
        except BaseException:
            self._release()
            raise

    def _take_lock(self) -> bool:
        """Tries to become the owner. The system drops the lock when the process ends, in whatever way."""
        if self._lock is not None:
            return True
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._home / "lock", flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        # A forked child shares the lock, and would keep it after the death of its parent.
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (method := forget()) and method())
        return True

    def _forget(self) -> None:
        """In a forked child: nothing here is the child's to stop."""
        if self._lock is not None:
            os.close(self._lock)
        self._server = None
        self._alone()

    def _reachable(self) -> bool:
        """Whether the owner's server accepts connections; if so, its address is taken over."""
        assert self._account is not None
        sockets = premises.recorded_socket(self._home, self._account)
        if sockets is None or not any(postmaster.is_ready(c, sockets) for c in premises.clusters(self._home)):
            return False
        self._sockets = sockets
        return True

    def _serve(self) -> None:
        """Starts the server, as the holder of the lock."""
        assert self._account is not None
        self._refuse_as_root_for_another()
        majors = {int(cluster.name[2:]) for cluster in premises.clusters(self._home)}
        found = binaries.place(binaries.find(majors), self._home, self._account)
        cluster = self._home / f"pg{found.major}"
        if not cluster.exists():
            postmaster.create_cluster(found, cluster, self._account)
        sockets = premises.socket_directory(self._home, self._account)
        premises.write_access_rules(self._home, self._account, ROLE)
        if self._log is None:
            self._log = _open_log(self._home)
        self._launch(postmaster.command_line(found, cluster, sockets), cluster, sockets)
        self._sockets = sockets

    def _refuse_as_root_for_another(self) -> None:
        """Whoever may write in the directory could lead root's hand; attaching to a server of theirs is harmless."""
        uid = self._home.stat().st_uid
        if os.geteuid() == 0 and uid != 0:
            name = getpwuid(uid).pw_name
            raise StoreUnavailable(
                f"the data directory {self.directory} belongs to {name} and its server does not run: run this command "
                f"as {name}, or give root a directory of its own with --data-dir or OGP_DATA_DIR"
            )

    def _launch(self, command: list[str], cluster: Path, sockets: Path) -> None:
        assert self._account is not None and self._log is not None
        until = time.monotonic() + LINGERING
        while True:
            postmaster.clear_remains(cluster, sockets, self._account)
            said_before = os.fstat(self._log).st_size
            self._server = server = Postmaster(command, self._log, self._account)
            if self._wait(lambda: postmaster.is_ready(cluster, sockets), server.exited.is_set):
                return
            said = _tail(self._log, said_before)
            if BLOCKED not in said or time.monotonic() > until:
                text = said.decode(errors="replace").strip()
                raise StoreUnavailable(f"PostgreSQL did not start in {self.directory}; it said:\n{text}")
            self._leaving.wait(5 * GLANCE)

    def _wait(self, done: Callable[[], bool], over: Callable[[], bool]) -> bool:
        """Waits for `done` (True) or `over` (False). Raises StoreUnavailable when stopped or the log is silent."""
        path, size, until = self._home / "postgres.log", -1, 0.0
        while not done():
            if over():
                return False
            grown = path.stat().st_size if path.exists() else 0
            if grown != size:
                size, until = grown, time.monotonic() + PATIENCE
            if time.monotonic() > until:
                said = path.read_text(errors="replace")[-2000:].strip() if path.exists() else "nothing"
                raise StoreUnavailable(
                    f"PostgreSQL in {self.directory} does not become ready and has said nothing for {PATIENCE:.0f} s; "
                    f"end the process that holds {self._home / 'lock'} if it hangs, then try again; its last words:\n{said}"
                )
            if self._leaving.wait(GLANCE):
                raise StoreUnavailable("the program is ending")
        return True

    def _runs(self) -> bool:
        return self._server is not None and not self._server.exited.is_set()

    def _is_settled(self) -> bool:
        """Whether nothing is to be done: our server runs, or somebody else owns the lock."""
        return self._runs() if self.owner else not self._take_lock()

    def _keep_watch(self) -> None:
        while not self._leaving.wait(WATCH):
            with self._turn:
                try:
                    if self._is_settled():
                        self._bound_log()
                        continue
                    self._arrive()
                    log("embedded.started", directory=str(self.directory))
                    continue
                except (StoreUnavailable, OSError) as error:
                    if self._leaving.is_set():
                        return
                    log("embedded.failed", directory=str(self.directory), reason=str(error))
            self._leaving.wait(RETRY)

    def _bound_log(self) -> None:
        if self._log is not None and os.fstat(self._log).st_size > LOG_MAX:
            os.ftruncate(self._log, 0)

    def _release(self) -> None:
        """Stops the server if it is ours and lets go of the lock, in this order."""
        try:
            if self._server is not None:
                self._server.stop()
        finally:
            self._server = None
            if self.owner and self._sockets is not None:
                premises.remove_temporary(self._sockets, self._home)
            for descriptor in (self._log, self._lock):
                if descriptor is not None:
                    os.close(descriptor)
            self._log = self._lock = None


def _open_log(home: Path) -> int:
    """The server's log for appending, emptied when it is large."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(home / "postgres.log", flags, 0o600)
    if os.fstat(descriptor).st_size > LOG_MAX:
        os.ftruncate(descriptor, 0)
    return descriptor


def _tail(descriptor: int, start: int) -> bytes:
    """What was written from byte `start` on, the last 2000 bytes of it."""
    end = os.fstat(descriptor).st_size
    start = max(start, end - 2000) if end > start else max(0, end - 2000)
    return os.pread(descriptor, 2000, start)


def _cannot_use(directory: Path, error: OSError) -> str:
    place = f" ({error.filename})" if error.filename and str(error.filename) != str(directory) else ""
    return (
        f"the data directory {directory} cannot be used: {error.strerror}{place}; make it writable for this user, "
        "choose another with --data-dir or OGP_DATA_DIR, or set OGP_DATABASE_URL to a database that runs"
    )
