"""A PostgreSQL of its own, on loopback and with a password, that a test may stop, freeze, fill up and start again."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from embedded_tools import answers, ask, end_processes_of, eventually, processes_of
from ogp_open_data.store import binaries, postmaster, premises
from ogp_open_data.store.postmaster import ROLE, Postmaster

PASSWORD = "only-the-tests-know-it"
ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
PATIENCE = 60.0


class Cluster:
    """A server in `directory`; its data are in `directory/disk`, which may be a file system of its own."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.home, self.account = premises.claim(directory)
        self.disk = self.home / "disk"
        self.disk.mkdir(exist_ok=True)
        self.own(self.disk)
        self.settings = settings
        self.port = free_port()
        self.server: Postmaster | None = None
        self.binaries = binaries.place(binaries.find(set()), self.home, self.account)

    def own(self, directory: Path) -> None:
        """The server's account may write there, and in all that is there."""
        for path in (directory, *directory.rglob("*")):
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def dsn(self, database: str = "postgres", password: str = PASSWORD) -> str:
        return f"postgresql://{ROLE}:{password}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """A new cluster, whose only role has the password."""
        postmaster.create_cluster(self.binaries, self.disk / "pg", self.account)
        (self.home / "access").write_text(ACCESS)
        trusted = f"postgresql://{ROLE}@/postgres?host={self.disk}&port={self.port}"
        self.start(trusted)
        ask(trusted, f"ALTER ROLE {ROLE} PASSWORD '{PASSWORD}'")

    def start(self, dsn: str | None = None) -> None:
        """Returns when it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.disk),
            "hba_file": str(self.home / "access"),
            "max_connections": "60",
            **self.settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with open(self.home / "log", "ab") as log:
            command = [str(self.binaries.bin / "postgres"), "-D", str(self.disk / "pg"), *options]
            self.server = Postmaster(command, log.fileno(), self.account)
            eventually(lambda: answers(dsn or self.dsn()), PATIENCE)

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT hangs up on every client; SIGQUIT leaves a recovery to the next start."""
        assert self.server is not None and self.server.process is not None
        self.server.process.send_signal(how)
        assert self.server.exited.wait(PATIENCE)

    @property
    def runs(self) -> bool:
        return self.server is not None and not self.server.exited.is_set()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Its processes are there, and do nothing."""
        pids = self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _signal(self, number: int) -> set[int]:
        pids = processes_of(self.disk)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return pids

    def end(self) -> None:
        if self.runs:
            self.stop()
        end_processes_of(self.disk)

    def log(self) -> str:
        return (self.home / "log").read_text(errors="replace")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
