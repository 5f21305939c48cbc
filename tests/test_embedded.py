"""The embedded PostgreSQL: who owns it, who shares it, and what is left when processes end badly."""

import os
import re
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import pytest

import embedded_tools
from embedded_tools import (
    Child,
    alive,
    answers,
    ask,
    end_processes_of,
    eventually,
    give,
    keep,
    kept,
    processes_of,
    server_pid,
)
from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.store import embedded, postmaster, premises
from ogp_open_data.store.embedded import Embedded

child = embedded_tools.child
home = embedded_tools.home
ordinary = embedded_tools.ordinary
place = embedded_tools.place
used = embedded_tools.used
pytestmark = pytest.mark.embedded

# The life of a server


def test_first_start_serves_on_a_private_socket_and_stop_leaves_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6000")
    monkeypatch.setenv("OGP_SECRET_OF_THE_PROGRAM", "x")
    home = place / "missing" / "home"
    with Embedded(home) as server:
        assert server.owner
        assert ask(server.dsn, "SELECT 1") == 1
        pid = server_pid(home)
        assert b"OGP_SECRET" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert os.getpgid(pid) != os.getpgid(0), "Ctrl-C must reach the owner alone"
        assert os.stat(f"/proc/{pid}").st_uid != 0
        assert stat.S_IMODE((home / "socket").stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "socket" / premises.SOCKET).stat().st_mode) == 0o700
    assert not processes_of(place)
    assert not list(home.glob("*/postmaster.pid")) and not list((home / "socket").iterdir())
    assert not list(home.glob("*unfinished*"))
    server.stop()


def test_server_has_the_settings_that_the_program_relies_on(home: Path) -> None:
    wanted = postmaster.SETTINGS | {"fsync": "on", "data_checksums": "on", "server_encoding": "UTF8"}
    with Embedded(home) as server:
        for name, value in wanted.items():
            assert ask(server.dsn, f"SHOW {name}") == value, name
        assert ask(server.dsn, "SELECT upper('ā') || (SELECT datlocprovider::text FROM pg_database LIMIT 1)") == "Āb"
        for name in ("unaccent", "pg_trgm", "btree_gist"):
            ask(server.dsn, f"CREATE EXTENSION IF NOT EXISTS {name}")


def test_start_may_be_repeated_and_data_outlive_the_server(home: Path) -> None:
    server = Embedded(home)
    server.start()
    row = keep(server.dsn)
    pid = server_pid(home)
    server.start()
    assert server_pid(home) == pid
    server.stop()
    server.stop()
    assert not server.owner
    with server:
        assert kept(server.dsn) == row


def test_ordinary_user_owns_a_server(place: Path, child: Callable[..., Child], ordinary: list[str]) -> None:
    one = child(give(place) / "home", *ordinary)
    state = one.obey("start")
    assert state["owner"], state
    assert stat.S_IMODE((place / "home").stat().st_mode) == 0o700
    assert one.obey(f"knock {place}/home/socket/{premises.SOCKET}")["result"] == "R"
    assert not one.obey("stop")["owner"]
    assert not processes_of(place)


def test_server_outlives_the_thread_that_started_it(home: Path, child: Callable[..., Child]) -> None:
    state = child(home).obey("start-in-thread")
    time.sleep(0.2)
    assert ask(state["dsn"], "SELECT 1") == 1


def test_server_that_stays_silent_is_given_up_and_the_lock_goes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "PATIENCE", 0.3)
    monkeypatch.setattr(postmaster, "is_ready", lambda cluster, sockets: False)
    server = Embedded(home)
    with pytest.raises(StoreUnavailable, match=r"said nothing for .*its last words:\n(.*\n)*.*ready to accept"):
        server.start()
    assert not server.owner and not processes_of(home)


def test_log_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "postgres.log").write_bytes(b"x" * (embedded.LOG_MAX + 1))
    os.close(embedded._open_log(tmp_path))
    assert (tmp_path / "postgres.log").stat().st_size == 0


# Several processes


def test_two_processes_at_once_on_a_fresh_directory_share_one_server(place: Path, child: Callable[..., Child]) -> None:
    two = [child(place / "home") for _ in range(2)]
    for one in two:
        one.send("start")
    states = [one.answer() for one in two]
    assert sorted(state["owner"] for state in states) == [False, True], states
    assert states[0]["dsn"] == states[1]["dsn"]
    attached = two[[state["owner"] for state in states].index(False)]
    attached.obey("stop")
    attached.kill()
    assert ask(states[0]["dsn"], "SELECT 1") == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_server_goes_with_its_owner_and_the_next_start_works(
    home: Path, child: Callable[..., Child], number: int
) -> None:
    owner = child(home)
    row = keep(owner.obey("start")["dsn"])
    owner.kill(number)
    eventually(lambda: not processes_of(home), 5)
    with Embedded(home) as server:
        assert server.owner
        assert kept(server.dsn) == row


@pytest.mark.parametrize("leaving", ["stop", "kill"])
def test_watcher_takes_over_when_the_owner_leaves(home: Path, child: Callable[..., Child], leaving: str) -> None:
    owner = child(home)
    first = owner.obey("start")
    row = keep(first["dsn"])
    with Embedded(home) as watcher:
        assert not watcher.owner
        watcher.watch()
        before = server_pid(home)
        if leaving == "stop":
            owner.obey("stop")
        else:
            owner.kill()
        eventually(lambda: watcher.owner and watcher._runs() and answers(watcher.dsn), 3)
        assert server_pid(home) != before
        assert watcher.dsn == first["dsn"]
        assert kept(watcher.dsn) == row
    assert not processes_of(home)


def test_attached_process_that_starts_again_becomes_the_owner(home: Path, child: Callable[..., Child]) -> None:
    owner = child(home)
    owner.obey("start")
    server = Embedded(home)
    server.start()
    assert not server.owner
    owner.kill()
    server.start()
    assert server.owner and ask(server.dsn, "SELECT 1") == 1
    server.stop()


def test_watching_owner_restarts_a_server_that_died(home: Path) -> None:
    with Embedded(home) as server:
        server.watch()
        row = keep(server.dsn)
        pid = server_pid(home)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not alive(pid) and answers(server.dsn), 10)
        assert server.owner and server_pid(home) != pid
        assert kept(server.dsn) == row
    assert not processes_of(home)


def test_forked_child_does_not_keep_the_lock_of_a_killed_owner(home: Path, child: Callable[..., Child]) -> None:
    owner = child(home)
    owner.obey("start")
    forked = owner.obey("fork")["result"]
    try:
        owner.kill()
        with Embedded(home) as server:
            assert server.owner
        assert alive(forked)
    finally:
        os.kill(forked, signal.SIGKILL)


# What a bad end leaves behind


def killed_whole(home: Path, child: Callable[..., Child]) -> int:
    """Kills owner and server at once, as a power cut would; gives the last row that was committed."""
    owner = child(home, "--let-live")
    row = keep(owner.obey("start")["dsn"])
    owner.kill()
    end_processes_of(home)
    eventually(lambda: not processes_of(home), 5)
    return row


@pytest.mark.parametrize("now", ["another process", "a zombie"])
def test_stale_pid_file_whose_number_is_taken_by_now(home: Path, child: Callable[..., Child], now: str) -> None:
    row = killed_whole(home, child)
    (file,) = home.glob("pg*/postmaster.pid")
    command = ["sleep", "30"] if now == "another process" else ["true"]
    # Under the server's account: PostgreSQL takes no notice of processes that it may not send signals to.
    stranger = subprocess.Popen(command, cwd="/", user=file.stat().st_uid)
    try:
        if now == "a zombie":
            eventually(lambda: not alive(stranger.pid), 5)
        for stale in (file, home / "socket" / f"{premises.SOCKET}.lock"):
            stale.write_text(re.sub(r"\A\d+", str(stranger.pid), stale.read_text()))
        with Embedded(home) as server:
            assert kept(server.dsn) == row
        assert now == "a zombie" or alive(stranger.pid)
    finally:
        stranger.kill()
        stranger.wait()


def test_orphaned_server_is_stopped_and_replaced(home: Path, child: Callable[..., Child]) -> None:
    owner = child(home, "--let-live")
    owner.obey("start")
    owner.kill()
    orphan = server_pid(home)
    time.sleep(0.2)
    assert alive(orphan), "without PDEATHSIG the server stays"
    with Embedded(home) as server:
        assert not alive(orphan)
        assert ask(server.dsn, "SELECT 1") == 1


def test_start_waits_for_backends_of_a_killed_server(home: Path) -> None:
    server = Embedded(home)
    server.start()
    pid = server_pid(home)
    lingering = min(processes_of(home) - {pid})
    os.kill(lingering, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: processes_of(home) == {lingering}, 5)
    release = Timer(0.5, os.kill, (lingering, signal.SIGCONT))
    release.start()
    began = time.monotonic()
    try:
        server.start()
        assert time.monotonic() - began >= 0.4
        assert ask(server.dsn, "SELECT 1") == 1
    finally:
        release.join()
        server.stop()


def test_interrupted_first_start_is_done_again(place: Path, child: Callable[..., Child]) -> None:
    home = place / "home"
    first = child(home)
    first.send("start")
    eventually(lambda: list(home.glob("pg*unfinished*/PG_VERSION")), 10)
    first.kill()
    assert not premises.clusters(home)
    with Embedded(home) as server:
        assert ask(server.dsn, "SELECT 1") == 1
    assert not list(home.glob("*unfinished*"))


def test_server_that_does_not_start_is_reported_with_its_words(home: Path) -> None:
    (control,) = home.glob("pg*/global/pg_control")
    whole = control.read_bytes()
    control.write_bytes(bytes(len(whole)))
    server = Embedded(home)
    try:
        with pytest.raises(StoreUnavailable, match=rf"did not start in {home}.*\n(.*\n)*.*(FATAL|PANIC)"):
            server.start()
    finally:
        control.write_bytes(whole)
    assert not server.owner and not processes_of(home)
