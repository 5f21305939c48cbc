"""Importing documents, one process and one release each, against parsing them alone."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, Place, database
from ogp_open_data.intake import importer
from ogp_open_data.intake.importer import Document
from ogp_open_data.intake.reading import vocabulary
from ogp_open_data.store.doors import Store

TWIN = Path(__file__).parent.parent / "tests" / "documents" / "twin.txt"


def figures(place: Place) -> Iterator[Figure]:
    with database(place.dsn, "bench_empty") as dsn:
        found = asyncio.run(imports(dsn, place.asked.documents))
        yield Figure("import into an empty store, documents/s", "parsing alone", *found, "≥ 0.5")
    with database(place.dsn, "bench_country", template="postgres") as dsn:
        found = asyncio.run(imports(dsn, place.asked.documents // 4))
        yield Figure("import into the synthetic country, documents/s", "parsing alone", *found)


async def imports(dsn: str, documents: int) -> tuple[float, float]:
    """Documents/s of importing reports of many commitments, and of parsing them alone."""
    known = vocabulary.load()
    text = TWIN.read_text()
    made = [
        Document(name=f"{n}.txt", body=re.sub(r"Commitment \d+", f"Commitment {n}", text).encode())
        for n in range(1, documents + 1)
    ]
    began = time.perf_counter()
    for document in made:
        importer.read(document, known)
    parsing = documents / (time.perf_counter() - began)
    store = Store(dsn)
    await store.open()
    began = time.perf_counter()
    for document in made:
        assert (await importer.import_document(store, document, known)).release is not None
    importing = documents / (time.perf_counter() - began)
    await store.close()
    return importing, parsing
