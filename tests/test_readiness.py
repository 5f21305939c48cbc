"""What /readyz makes of one look at the program: pure, so that every fault is seen without causing it."""

import re

import pytest
from msgspec.structs import replace

from ogp_open_data.store.standing import Standing
from ogp_open_data.web.reads import readiness
from ogp_open_data.web.reads.readiness import Look

MIGRATIONS = ["0001_a.sql", "0002_b.sql"]
PRIMARY = Standing(newest=7, read_only=False, migrations=MIGRATIONS, imported_at=None, current=True)
REPLICA = replace(PRIMARY, read_only=True)
SOUND = Look(servers=[REPLICA, PRIMARY], migrations=MIGRATIONS, known=7, heard=0.3, late=-60.0, free=10**12)


def test_nothing_is_wrong_where_everything_is_there() -> None:
    checks = readiness.checked(SOUND)
    assert {one.state for one in checks} == {"ok"} and readiness.worst(checks) == "ok"
    assert [one.remedy for one in checks] == [None] * 6


@pytest.mark.parametrize(
    ("seen", "name", "state", "says"),
    [
        (replace(SOUND, servers=[None, None]), "database_readers", "failed", "no database answered"),
        (
            replace(SOUND, servers=[replace(REPLICA, newest=4, current=False), None]),
            "database_readers",
            "failed",
            "newest release",
        ),
        (replace(SOUND, servers=[None, PRIMARY]), "database_readers", "degraded", "reads go to the primary"),
        (
            replace(SOUND, servers=[replace(REPLICA, newest=4, current=False), PRIMARY]),
            "database_readers",
            "degraded",
            "3 releases",
        ),
        (
            replace(SOUND, servers=[replace(REPLICA, current=False), PRIMARY]),
            "database_readers",
            "degraded",
            "another history",
        ),
        (replace(SOUND, servers=[replace(PRIMARY, current=False)]), "database_readers", "failed", "newest release"),
        (replace(SOUND, servers=[replace(PRIMARY, current=False)]), "database_writer", "degraded", "lacks release 7"),
        (replace(SOUND, servers=[REPLICA, None]), "database_writer", "degraded", "did not answer"),
        (replace(SOUND, servers=[REPLICA]), "database_writer", "degraded", "takes no writes"),
        (replace(SOUND, servers=[replace(PRIMARY, migrations=[])]), "migrations", "failed", "from 0001_a.sql on"),
        (replace(SOUND, migrations=MIGRATIONS[:1]), "migrations", "degraded", "newer program"),
        (replace(SOUND, known=None, heard=None), "head", "failed", "not seen any release"),
        (replace(SOUND, heard=61.2), "head", "degraded", "61 seconds ago"),
        (replace(SOUND, late=7200.0), "daily_release", "degraded", "2.0 hours overdue"),
        (replace(SOUND, free=None), "disk", "degraded", "cannot be written"),
        (replace(SOUND, free=3 * 1024**2), "disk", "degraded", "3 MiB"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(seen: Look, name: str, state: str, says: str) -> None:
    checks = readiness.checked(seen)
    found = next(one for one in checks if one.name == name)
    assert found.state == state and says in found.detail
    assert found.remedy and re.match(r"[A-Z].*\.$", found.remedy)
    assert readiness.worst(checks) in (state, "failed")
