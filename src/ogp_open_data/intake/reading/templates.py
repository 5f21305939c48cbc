"""Blank tables to be filled in, made from the columns that are read: `plan`, `progress` and `assessments`."""

from ogp_open_data.errors import NotFound
from ogp_open_data.formats import to_table
from ogp_open_data.intake.reading.columns import TABLES
from ogp_open_data.intake.reading.documents import CSV, XLSX

MEDIA_TYPES = {"csv": f"{CSV}; charset=utf-8; header=present", "xlsx": XLSX}
NAMES = [f"{table.name}.{suffix}" for table in TABLES for suffix in MEDIA_TYPES]
EXPLANATION = "Columns"


def template(name: str) -> tuple[str, bytes]:
    """Media type and bytes of a template, such as `progress.csv`; a workbook explains its columns on a sheet of their own.

    Raises NotFound, naming those that there are.
    """
    if name not in NAMES:
        raise NotFound(f"there is no template {name[:60]}; there are {', '.join(NAMES)}")
    stem, _, suffix = name.partition(".")
    table = next(one for one in TABLES if one.name == stem)
    if suffix == "csv":
        return MEDIA_TYPES[suffix], to_table.to_csv([table.columns])
    explained = [["Column", "Must be there", "Rows", "Holds"]]
    for one in table.fields:
        explained.append([one.name, "yes" if one.required else "", ", ".join(one.of), one.help])
    sheets = {stem.capitalize(): [table.columns], EXPLANATION: explained}
    return MEDIA_TYPES[suffix], to_table.to_xlsx(sheets, empty=to_table.EMPTY_ROWS)
