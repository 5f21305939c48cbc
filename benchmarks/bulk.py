"""Whole tables: all progress lines as CSV and NDJSON against psql's COPY of the same columns, as Parquet against DuckDB.

With `--commitments 50000` there are a million lines.
"""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from urllib.request import urlopen

import asyncpg
import duckdb

from benchmarks.figures import Figure, Place, alternating, rate
from benchmarks.servers import ours, peak
from ogp_open_data.formats.columns import table
from ogp_open_data.store.binaries import candidates

TYPES = {
    "text": "text",
    "json": "text",
    "integer": "bigint",
    "boolean": "boolean",
    "date": "date",
    "instant": "timestamptz",
}
LISTS = "ARRAY(SELECT jsonb_array_elements_text(doc::jsonb -> '{0}')) AS {0}"
LINES = "FROM record WHERE noun = 'progress' AND until_release IS NULL ORDER BY sort_key"
# A filter that every line passes, so that rows are read from the database and not from a finished file; another each time.
FILTER = "period_from=19{:02}-01-01"
ANEW = count(1)


def figures(place: Place) -> Iterator[Figure]:
    asyncio.run(typed(place.dsn))
    reference = partial(rate, partial(copied, place.dsn))
    with ours(place.dsn, "/v1") as url:
        for suffix, reach in (("csv", "≥ 0.67"), ("ndjson", "≥ 1")):
            before = peak(url)
            pair = alternating(partial(rate, fetched(f"{url}/v1/progress.{suffix}?{FILTER.format(0)}")), reference)
            yield Figure(f"{suffix.upper()} of all progress lines, streamed, rows/s", "psql COPY", *pair, reach)
            yield Figure("growth of the process meanwhile, MiB", "32", max(peak(url) - before, 0.01), 32, "≤ 1")
            pair = alternating(partial(rate, partial(anew, url, suffix)), reference)
            yield Figure(
                f"the same as {suffix.upper()}, of a filter that nobody asked for before, rows/s", "psql COPY", *pair
            )
            fetched(f"{url}/v1/progress.{suffix}")()
            pair = alternating(partial(rate, fetched(f"{url}/v1/progress.{suffix}")), reference)
            yield Figure(f"{suffix.upper()} of all progress lines, the finished file, rows/s", "psql COPY", *pair)
        csv = place.directory / "progress.csv"
        with urlopen(f"{url}/v1/progress.csv") as given, open(csv, "wb") as file:
            while chunk := given.read(1 << 20):
                file.write(chunk)
        pair = alternating(partial(rate, partial(anew, url, "parquet")), partial(rate, partial(converted, csv)))
        yield Figure("Parquet of all progress lines, rows/s", "DuckDB, from the CSV", *pair, "≥ 0.5")


async def typed(dsn: str) -> None:
    """The same columns as PostgreSQL's own types, in a table of their own."""
    columns = [
        LISTS.format(one.field)
        if one.kind == "list"
        else f"(doc::jsonb ->> '{one.field}')::{TYPES[one.kind]} AS {one.name}"
        for one in table("progress")
    ]
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"DROP TABLE IF EXISTS typed; CREATE TABLE typed AS SELECT {', '.join(columns)} {LINES}")
    await connection.execute("VACUUM ANALYZE typed")
    await connection.close()


def copied(dsn: str) -> int:
    """psql's COPY of the typed columns into a pipe; the rows."""
    psql = next(path for one in candidates() if (path := one.bin / "psql").is_file())
    command = [str(psql), dsn, "--quiet", "--command", "COPY typed TO STDOUT (FORMAT csv, HEADER)"]
    lines = -1
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while chunk := process.stdout.read(1 << 20):
            lines += chunk.count(b"\n")
    return lines


def fetched(url: str) -> Callable[[], int]:
    """Read an answer to its end; its rows."""

    def get() -> int:
        with urlopen(url) as given:
            rows = int(given.headers["OGP-Row-Count"])
            while given.read(1 << 20):
                pass
        return rows

    return get


def anew(url: str, suffix: str) -> int:
    """Rows that nobody asked for by this filter before: they are counted first."""
    return fetched(f"{url}/v1/progress.{suffix}?{FILTER.format(next(ANEW))}")()


def converted(csv: Path) -> int:
    """What DuckDB makes of the CSV, in the same compression."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        made = connection.execute(
            f"COPY (FROM read_csv('{csv}')) TO '{csv.with_suffix('.parquet')}' (FORMAT parquet, COMPRESSION zstd)"
        )
        return int(made.fetchone()[0])
