"""A table as Parquet, by pyarrow, which reads the records' JSON itself: no object is made per row, but where JSON is nested.

pyarrow is loaded when it is first needed: it is an extra, and takes 60 MB of memory.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from ogp_open_data.formats.about import About
from ogp_open_data.formats.columns import Column, table

if TYPE_CHECKING:
    import pyarrow

# What pyarrow reads of JSON at once; a row must lie in one block.
BLOCK = 1 << 20


def write(out: BinaryIO, noun: str, lines: Iterable[bytes], fields: Sequence[str] | None, about: About) -> None:
    """Write records (batches of NDJSON, each a row group) as a Parquet file."""
    from pyarrow import parquet

    columns = table(noun, fields)
    schema = _schema(columns, about)
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for batch in lines:
            writer.write_table(_read(batch, columns, schema))


def _schema(columns: Sequence[Column], about: About) -> "pyarrow.Schema":
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "json": pa.string(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "instant": pa.timestamp("us", tz="UTC"),
        "list": pa.list_(pa.string()),
    }
    fields = [
        pa.field(one.name, types[one.kind], metadata={"description": one.description or one.name}) for one in columns
    ]
    return pa.schema(fields, metadata=about.facts())


def _read(batch: bytes, columns: Sequence[Column], schema: "pyarrow.Schema") -> "pyarrow.Table":
    """Lines of JSON as a table of a schema."""
    import pyarrow as pa

    if not batch:
        return schema.empty_table()
    try:
        read = _parsed(batch, columns, BLOCK)
    except pa.ArrowInvalid:
        # A line is longer. To look at them all first took a tenth of the time.
        read = _parsed(batch, columns, len(batch) + 1)
    nested = [one for one in columns if one.kind == "json"]
    texts = _texts(batch.splitlines(), nested) if nested else {}
    arrays = [texts.get(one.name) or _of(read, one) for one in columns]
    return pa.Table.from_arrays(
        [array.cast(field.type) for array, field in zip(arrays, schema, strict=True)], schema=schema
    )


def _parsed(batch: bytes, columns: Sequence[Column], block: int) -> "pyarrow.Table":
    """The fields of lines of JSON as pyarrow reads them, in blocks of so many bytes. Raises ArrowInvalid where a line is longer."""
    import pyarrow as pa
    from pyarrow import json

    return json.read_json(
        pa.BufferReader(batch),
        json.ReadOptions(block_size=block),
        json.ParseOptions(explicit_schema=_as_json(columns), unexpected_field_behavior="ignore"),
    )


def _as_json(columns: Sequence[Column]) -> "pyarrow.Schema":
    """How the fields look in JSON, where days and instants are strings. Nested ones are left out, but for what is spread."""
    import pyarrow as pa

    types: dict[str, Any] = {"integer": pa.int64(), "boolean": pa.bool_(), "list": pa.list_(pa.string())}
    spread: dict[str, list[Any]] = {}
    found = []
    for one in columns:
        if one.part is not None:
            spread.setdefault(one.field, []).append(pa.field(one.part, pa.string()))
        elif one.kind != "json":
            found.append(pa.field(one.field, types.get(one.kind, pa.string())))
    return pa.schema([*found, *(pa.field(name, pa.struct(parts)) for name, parts in spread.items())])


def _of(read: "pyarrow.Table", column: Column) -> Any:
    """The array of a column that pyarrow has read."""
    from pyarrow import compute

    array = read[column.field]
    return array if column.part is None else compute.struct_field(array, column.part)


def _texts(lines: Sequence[bytes], columns: Sequence[Column]) -> dict[str, Any]:
    """Nested values as the JSON texts that they are in the records."""
    import pyarrow as pa

    struct = msgspec.defstruct("Nested", [(one.field, msgspec.Raw, msgspec.Raw(b"null")) for one in columns])
    decoder = msgspec.json.Decoder(struct)
    records = [decoder.decode(line) for line in lines]
    return {
        one.name: pa.array([bytes(getattr(r, one.field)).decode() for r in records], pa.string()) for one in columns
    }
