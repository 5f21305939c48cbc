"""Lines of tables that another process makes: the same as here, and a failure of it is one of ours."""

import errno
from pathlib import Path

import msgspec
import pytest

from ogp_open_data.formats import beside, to_csv

pytestmark = pytest.mark.anyio
RECORDS = [
    {"id": f"nz-psc-{n}", "name": f'Māori, \u2028 "{n}"', "names": [{"text": "a|b"}], "website": "=1+1"}
    for n in range(3000)
]
GIVEN = b"".join(msgspec.json.encode(one) + b"\n" for one in RECORDS)
MADE = "".join(f"{to_csv.line_of('organisations', one)}\r\n" for one in RECORDS).encode()


@pytest.mark.parametrize("rows", [len(RECORDS), beside.MANY], ids=["here", "beside"])
async def test_lines_are_the_same_wherever_they_are_made(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "table.csv"
    with path.open("wb") as file:
        file.write(b"header\r\n")
        async with beside.table("organisations", file, rows) as add:
            cut = GIVEN.index(b"\n", 100_000) + 1
            await add(GIVEN[:cut])
            await add(GIVEN[cut:])
    assert path.read_bytes() == b"header\r\n" + MADE


async def test_full_disk_there_is_a_full_disk_here() -> None:
    with open("/dev/full", "wb") as file, pytest.raises(OSError) as full:
        async with beside.table("organisations", file, beside.MANY) as add:
            await add(GIVEN)
    assert full.value.errno == errno.ENOSPC


async def test_what_fails_here_ends_the_other_process(tmp_path: Path) -> None:
    with (tmp_path / "table.csv").open("wb") as file, pytest.raises(KeyError):
        async with beside.table("organisations", file, beside.MANY) as add:
            await add(GIVEN)
            raise KeyError
