"""One PostgreSQL server process: preparing its cluster, starting, recognising and stopping it."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from pwd import struct_passwd
from tempfile import mkdtemp
from threading import Event, Thread

from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.store.account import switch_to
from ogp_open_data.store.binaries import Binaries
from ogp_open_data.store.premises import SOCKET

ROLE = "ogp"
PR_SET_PDEATHSIG = 1
# Nothing of the program's environment reaches the server: it may hold secrets, and PGPORT and the like would change it.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "50",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    # Containers give /dev/shm 64 MB, which parallel workers would overrun.
    "max_parallel_workers_per_gather": "0",
    # A long recovery says every 10 s that it goes on; Embedded waits as long as it does.
    "log_startup_progress_interval": "10s",
}
# Fast shutdown (SIGINT) writes a checkpoint; immediate shutdown (SIGQUIT) leaves the work to the next start.
STOPPING = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 10.0))


class Postmaster:
    """A running server, child of this process. Its log is appended to `log`, an open file descriptor."""

    def __init__(self, command: list[str], log: int, account: struct_passwd) -> None:
        self.exited = Event()
        self.process: subprocess.Popen[bytes] | None = None
        self._command, self._log, self._account = command, log, account
        self._begun = Event()
        self._failure: BaseException | None = None
        # PDEATHSIG fires when the thread that forked ends, so the thread that waits for the server starts it too.
        Thread(target=self._keep, name="postgres", daemon=True).start()
        self._begun.wait()
        if self._failure is not None:
            raise self._failure

    def _keep(self) -> None:
        try:
            self.process = spawn(self._command, signal.SIGINT, self._account, self._log)
        except BaseException as error:
            self._failure = error
            return
        finally:
            self._begun.set()
        self.process.wait()
        self.exited.set()

    def stop(self) -> None:
        """Ends the server, at first in order. Returns when it is gone."""
        if self.process is not None:
            halt(self.process.send_signal, self.exited.wait)


def spawn(command: list[str], farewell: signal.Signals, account: struct_passwd, output: int) -> subprocess.Popen[bytes]:
    """Starts a child as `account`, in a process group of its own, that receives `farewell` when this thread ends.

    Its own group, because Ctrl-C is for the owner alone, which then stops the server in order.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd="/",
        env=ENVIRONMENT,
        process_group=0,
        preexec_fn=_ending_with_parent(farewell),
        **switch_to(account),
    )


def _ending_with_parent(farewell: signal.Signals) -> Callable[[], None] | None:
    """What the child does before exec, after the switch of user, which would clear the request; only Linux has it."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, int(farewell))
        if os.getppid() != parent:
            os._exit(1)

    return arm


def create_cluster(binaries: Binaries, cluster: Path, account: struct_passwd) -> None:
    """initdb in a directory marked as unfinished, which gets its name when it is whole and on the disk.

    Raises StoreUnavailable with what initdb said.
    The same order and case rules on every machine: C.UTF-8 of PostgreSQL itself, which it has from version 17 on.
    """
    mark = f"{cluster.name}.initdb-unfinished-"
    for interrupted in cluster.parent.glob(f"{mark}*"):
        shutil.rmtree(interrupted, ignore_errors=True)
    fresh = Path(mkdtemp(prefix=mark, dir=cluster.parent))
    if os.geteuid() != account.pw_uid:
        os.chown(fresh, account.pw_uid, account.pw_gid)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major >= 17 else []
    command = [str(binaries.bin / "initdb"), "-D", str(fresh), "-U", ROLE, "-E", "UTF8", "--locale=C", *locale]
    command += ["--auth-local=peer", "--auth-host=reject", "--data-checksums", "--no-instructions"]
    initdb = spawn(command, signal.SIGKILL, account, subprocess.PIPE)
    try:
        said, _ = initdb.communicate()
    except BaseException:
        initdb.kill()
        initdb.wait()
        raise
    if initdb.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        reason = said.decode(errors="replace").strip()[-1500:]
        raise StoreUnavailable(f"PostgreSQL could not prepare its data in {cluster.parent}:\n{reason}")
    fresh.rename(cluster)
    parent = os.open(cluster.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def command_line(binaries: Binaries, cluster: Path, sockets: Path) -> list[str]:
    """The server's command. Who may connect is written beside the cluster, as root must not write where others can."""
    paths = {
        "unix_socket_directories": f'"{sockets}"',
        "hba_file": str(cluster.parent / "pg_hba.conf"),
        "ident_file": str(cluster.parent / "pg_ident.conf"),
    }
    settings = [part for name, value in (SETTINGS | paths).items() for part in ("-c", f"{name}={value}")]
    return [str(binaries.bin / "postgres"), "-D", str(cluster), *settings]


def is_ready(cluster: Path, sockets: Path) -> bool:
    """Whether a server accepts connections. The state is read again after connecting: it may have been a dead one's."""
    if _status(cluster) != "ready":
        return False
    with socket.socket(socket.AF_UNIX) as knock:
        try:
            knock.settimeout(1)
            knock.connect(str(sockets / SOCKET))
        except OSError:
            return False
    return _status(cluster) == "ready"


def _status(cluster: Path) -> str:
    """Line 8 of `postmaster.pid` ("starting", "ready", "stopping"), or nothing."""
    try:
        lines = (cluster / "postmaster.pid").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return lines[7].strip() if len(lines) > 7 else ""


def clear_remains(cluster: Path, sockets: Path, account: struct_passwd) -> None:
    """Stops a server that lost its owner and removes what a dead one left. Only for whoever holds the lock.

    PostgreSQL itself refuses to start while the process number in such a file is alive, whoever has it now. In a
    container that is the normal case, and a zombie counts as living.
    """
    try:
        pid = int((cluster / "postmaster.pid").read_text(errors="replace").split("\n", 1)[0])
    except (OSError, ValueError):
        pid = 0

    def send(number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def gone(seconds: float) -> bool:
        until = time.monotonic() + seconds
        while is_postmaster(pid, cluster, account) and time.monotonic() < until:
            time.sleep(0.02)
        return not is_postmaster(pid, cluster, account)

    if not gone(0):
        halt(send, gone)
    for path in (cluster / "postmaster.pid", sockets / SOCKET, sockets / f"{SOCKET}.lock"):
        path.unlink(missing_ok=True)


def halt(send: Callable[[int], None], gone: Callable[[float], bool]) -> None:
    """Sends the signals that end a server, each harder than the last, until it is `gone`. Raises StoreUnavailable."""
    for number, seconds in STOPPING:
        send(number)
        if gone(seconds):
            return
    raise StoreUnavailable(
        "PostgreSQL could not be stopped: its process may be waiting for a disk that does not answer"
    )


def is_postmaster(pid: int, cluster: Path, account: struct_passwd) -> bool:
    """Whether the process `pid` is alive and a server of this cluster, run by this account."""
    if pid <= 0:
        return False
    if not Path("/proc/self/stat").exists():
        return _ps_says(pid, cluster)
    process = Path("/proc") / str(pid)
    try:
        state = process.joinpath("stat").read_bytes().rpartition(b")")[2].split()[0]
        arguments = process.joinpath("cmdline").read_bytes().split(b"\0")
        if state in b"ZX" or process.stat().st_uid != account.pw_uid or not arguments[0].endswith(b"postgres"):
            return False
        # Where root lacks CAP_SYS_PTRACE, as in most containers, the working directory of another's process is hidden.
        return os.fsencode(cluster) in arguments or os.path.samefile(process / "cwd", cluster)
    except OSError:
        return False


def _ps_says(pid: int, cluster: Path) -> bool:
    """The same without /proc, as on macOS."""
    told = subprocess.run(["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(told) and not told.startswith("Z") and "postgres" in told and str(cluster) in told
