"""A primary and two standbys that stream from it: a commit is acknowledged when one of them has it on its disk."""

import signal
import subprocess
from pathlib import Path

from embedded_tools import ask, end_processes_of, eventually
from faults.cluster import ACCESS, PASSWORD, PATIENCE, Cluster
from ogp_open_data.store.account import switch_to
from ogp_open_data.store.postmaster import ROLE

LAST = "SELECT pg_last_wal_receive_lsn() - '0/0'::pg_lsn"


class Replicated:
    """Three servers; `primary` is whoever is it now, `standbys` are the others that run."""

    def __init__(self, directory: Path) -> None:
        directory.chmod(0o755)
        self.all = [Cluster(directory / name, **self._settings()) for name in ("one", "two", "three")]
        for one in self.all:
            # Whoever is the primary is followed, without anybody saying so.
            one.settings["primary_conninfo"] = (
                f"host={','.join(['127.0.0.1'] * 3)} port={','.join(str(each.port) for each in self.all)} "
                f"user={ROLE} password={PASSWORD} target_session_attrs=read-write"
            )
        self.primary, self.standbys = self.all[0], self.all[1:]

    def _settings(self) -> dict[str, str]:
        return {"synchronous_standby_names": "ANY 1 (*)", "wal_retrieve_retry_interval": "200ms"}

    def create(self) -> None:
        names = self.primary.settings.pop("synchronous_standby_names")
        self.primary.create()
        (self.primary.home / "access").write_text(f"{ACCESS}host replication all 127.0.0.1/32 scram-sha-256\n")
        ask(self.primary.dsn(), "SELECT pg_reload_conf()")
        for one in self.standbys:
            self._copy(one)
            one.start()
        # Only now: without a standby no commit would be acknowledged.
        ask(self.primary.dsn(), f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        ask(self.primary.dsn(), "SELECT pg_reload_conf()")
        eventually(self.streaming, PATIENCE)

    def _copy(self, standby: Cluster) -> None:
        """A standby begins as a copy of the primary, taken while that runs."""
        target = standby.disk / "pg"
        command = [str(standby.binaries.bin / "pg_basebackup"), "-D", str(target), "-d", self.primary.dsn()]
        made = subprocess.run(
            [*command, "--checkpoint=fast", "--write-recovery-conf", "--no-sync"],
            capture_output=True,
            text=True,
            cwd="/",
            **switch_to(standby.account),
        )
        assert made.returncode == 0, made.stderr
        (standby.home / "access").write_text((self.primary.home / "access").read_text())

    def streaming(self) -> bool:
        """Whether every standby hangs on the primary."""
        found = ask(self.primary.dsn(), "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
        return bool(found == len(self.standbys))

    def writing_dsn(self, through: int | None = None) -> str:
        """All servers; the one that takes writes is looked for, the present primary first, by another port where one is given."""
        ports = [through or self.primary.port, *(one.port for one in self.all if one is not self.primary)]
        return f"{self._several(ports)}?target_session_attrs=read-write"

    def reading_dsn(self, first: Cluster) -> str:
        """All servers, a standby of choice before the others."""
        order = sorted(self.all, key=lambda one: (one is not first, one is self.primary))
        return f"{self._several([one.port for one in order])}?target_session_attrs=prefer-standby"

    def _several(self, ports: list[int]) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        return f"postgresql://{ROLE}:{PASSWORD}@{hosts}/postgres"

    def lose_primary(self) -> None:
        """All its processes are killed at once, as by a machine that loses its power."""
        self.primary._signal(signal.SIGKILL)
        assert self.primary.server is not None and self.primary.server.exited.wait(PATIENCE)

    def wait_for_nobody(self) -> None:
        """From here on a commit is acknowledged though no standby has it."""
        for one in (self.primary, *self.standbys):
            one.settings.pop("synchronous_standby_names", None)
            one.stop()
            one.start()
        ask(self.primary.dsn(), "ALTER SYSTEM RESET synchronous_standby_names")
        ask(self.primary.dsn(), "SELECT pg_reload_conf()")

    def promote(self) -> None:
        """The standby that received most becomes the primary; the other follows it by itself."""
        newest = max(self.standbys, key=lambda one: ask(one.dsn(), LAST))
        assert ask(newest.dsn(), "SELECT pg_promote()")
        self.primary, self.standbys = newest, [one for one in self.standbys if one is not newest]

    def end(self) -> None:
        for one in self.all:
            end_processes_of(one.disk)
