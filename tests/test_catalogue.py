"""The catalogue in each of its forms, judged by tools that nobody here wrote, and its figures by counting them again."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pyshacl
import pytest
import rdflib
from csvw import CSVW
from frictionless import Package, system
from rdflib.compare import isomorphic

from database import executed, named
from ogp_open_data import schemas
from ogp_open_data.formats import to_csv, to_csvw, to_data_json, to_datapackage, to_dcat
from ogp_open_data.formats.facts import Facts, Size
from ogp_open_data.records import NOUNS, Plan
from serving import running

# What the tools say of their own libraries is theirs. The answers do not depend on which PostgreSQL is behind them.
pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.embedded]
BASE = "https://data.example.org"
SHAPES = Path(__file__).with_name("dcat_shapes.ttl")
DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
SPDX = rdflib.Namespace("http://spdx.org/rdf/terms#")


def facts(**given: Any) -> Facts:
    plan = Plan(
        id="nz-nap2",
        url="/v1/plans/nz-nap2",
        version=1,
        release=1,
        country="nz",
        time_zone="Pacific/Auckland",
        number="2",
        title='Māori \\ "plan"\n',
        starts_on=date(2016, 10, 20),
        ends_on=date(2018, 8, 31),
        website="https://example.org/a plan|<x>",
    )
    size = Size(3, hashlib.sha256(b"abc").hexdigest())
    known: dict[str, Any] = {
        "base": BASE,
        "release": 12,
        "made_at": datetime(2026, 11, 24, 9, tzinfo=UTC),
        "publisher": "Te Kawa Mataaho",
        "contact": "mailto:data@example.org",
        "licence_name": "CC BY 4.0",
        "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        "counts": dict.fromkeys(NOUNS, 1),
        "plans": [plan],
        "files": {noun: {"csv": size, "ndjson": size} for noun in NOUNS},
        "suffixes": {"json": "application/json", "csv": "text/csv", "ndjson": "application/x-ndjson"},
    }
    return Facts(**known | given)


@pytest.fixture(scope="module")
def own(server: str, template: str) -> Iterator[str]:
    """Address of a served sample whose public links lead to itself."""
    import asyncio
    import os

    name = f"ogp_catalogue_{os.getpid()}"
    asyncio.run(executed(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    with running("--sample", "--database-url", named(server, name), "--workers", "1") as (_, url):
        # Once it answers at all: tools give up after ten seconds.
        assert httpx.get(f"{url}/readyz", timeout=60).status_code == 200
        yield url


def test_frictionless_finds_the_served_package_valid(own: str) -> None:
    with system.use_context(trusted=True):
        report = Package(f"{own}/datapackage.json").validate()
    assert report.valid, report.flatten(["name", "type", "message"])
    assert [task.name for task in report.tasks] == list(NOUNS)


def test_unpacked_archive_is_valid_without_a_network(own: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(httpx.get(f"{own}/dataset.zip").content)) as archive:
        archive.extractall(tmp_path)
    with system.use_context(trusted=True):
        report = Package(str(tmp_path / "datapackage.json")).validate()
    assert report.valid, report.flatten(["name", "type", "message"])
    assert CSVW(str(tmp_path / "csv-metadata.json"), validate=True).is_valid
    for noun in NOUNS:
        assert (tmp_path / f"{noun}.csv").read_bytes() == httpx.get(f"{own}/v1/{noun}.csv").content


def test_frictionless_would_see_a_fault(own: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(httpx.get(f"{own}/dataset.zip").content)) as archive:
        archive.extractall(tmp_path)
    table = tmp_path / "milestones.csv"
    table.write_bytes(table.read_bytes().replace(b"nz-nap2-c5,", b"nz-nap2-c99,", 1))
    with system.use_context(trusted=True):
        report = Package(str(tmp_path / "datapackage.json")).validate()
    assert {kind for (kind,) in report.flatten(["type"])} >= {"foreign-key", "hash-count"}


@pytest.mark.parametrize("noun", NOUNS)
def test_validator_finds_the_metadata_of_a_csv_by_itself(own: str, noun: str) -> None:
    one = CSVW(f"{own}/v1/{noun}.csv", validate=True)
    assert one.is_valid, one.warnings
    assert one.t.tableSchema.primaryKey == ["id"]
    assert httpx.get(f"{own}/v1/{noun}.csv").links["describedby"]["url"] == f"{own}/v1/{noun}.csv-metadata.json"


def test_both_forms_of_the_catalogue_are_the_same_statements(own: str) -> None:
    graphs = [
        rdflib.Graph().parse(data=httpx.get(f"{own}/catalog.{suffix}").text, format=format)
        for suffix, format in (("jsonld", "json-ld"), ("ttl", "turtle"))
    ]
    assert len(graphs[0]) > 500 and isomorphic(*graphs)
    odd = facts()
    first = rdflib.Graph().parse(data=to_dcat.jsonld(odd), format="json-ld")
    assert isomorphic(first, rdflib.Graph().parse(data=to_dcat.turtle(odd), format="turtle"))


def test_catalogue_has_what_dcat_ap_demands(own: str) -> None:
    graph = rdflib.Graph().parse(data=httpx.get(f"{own}/catalog.ttl").text, format="turtle")
    conforms, _, text = pyshacl.validate(graph, shacl_graph=str(SHAPES), shacl_graph_format="turtle")
    assert conforms, text
    # The shapes can tell: without its publisher the same catalogue does not conform.
    graph.remove((None, rdflib.DCTERMS.publisher, None))
    assert not pyshacl.validate(graph, shacl_graph=str(SHAPES), shacl_graph_format="turtle")[0]


def test_sizes_and_digests_are_those_of_the_files(own: str) -> None:
    package = httpx.get(f"{own}/datapackage.json").json()
    for resource in package["resources"]:
        body = httpx.get(resource["path"]).content
        assert (resource["bytes"], resource["hash"]) == (len(body), f"sha256:{hashlib.sha256(body).hexdigest()}")
    graph = rdflib.Graph().parse(data=httpx.get(f"{own}/catalog.ttl").text, format="turtle")
    summed = list(graph.subject_objects(SPDX.checksum))
    assert len(summed) == 2 * len(NOUNS)
    for distribution, checksum in summed:
        body = httpx.get(str(graph.value(distribution, DCAT.downloadURL))).content
        assert str(graph.value(checksum, SPDX.checksumValue)) == hashlib.sha256(body).hexdigest()
        assert int(graph.value(distribution, DCAT.byteSize)) == len(body)


def test_every_download_that_is_told_of_is_there(own: str) -> None:
    graph = rdflib.Graph().parse(data=httpx.get(f"{own}/catalog.jsonld").text, format="json-ld")
    told = {str(url) for url in graph.objects(None, DCAT.downloadURL)}
    for dataset in httpx.get(f"{own}/data.json").json()["dataset"]:
        told |= {one[name] for one in dataset["distribution"] for name in ("downloadURL", "describedBy")}
    with httpx.Client() as client:
        assert {url: client.head(url).status_code for url in told if client.head(url).status_code != 200} == {}


def test_data_json_has_every_field_that_dcat_us_demands() -> None:
    demanded = {"title", "description", "keyword", "modified", "publisher", "contactPoint", "identifier", "accessLevel"}
    whole = msgspec.json.decode(to_data_json.catalogue(facts()))
    assert whole["conformsTo"] == "https://project-open-data.cio.gov/v1.1/schema"
    for dataset in whole["dataset"]:
        assert demanded | {"license", "temporal", "accrualPeriodicity", "distribution"} <= dataset.keys()
        assert dataset["contactPoint"]["hasEmail"] == "mailto:data@example.org"
        assert all(one.keys() >= {"downloadURL", "mediaType", "title"} for one in dataset["distribution"])


def test_descriptions_are_the_same_bytes_for_the_same_release() -> None:
    for write in (to_dcat.jsonld, to_dcat.turtle, to_datapackage.descriptor, to_csvw.of_all, to_data_json.catalogue):
        assert (
            write(facts()) == write(facts()) != write(facts(publisher="Another", licence_url="https://example.org/l"))
        )


def test_archive_is_the_same_bytes_for_the_same_release(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"id\r\n1\r\n")
    outs = [io.BytesIO(), io.BytesIO()]
    for out in outs:
        to_datapackage.archive(out, facts(), {"plans": tmp_path / "a"})
    assert outs[0].getvalue() == outs[1].getvalue()


def test_package_describes_every_column_in_its_order() -> None:
    package = msgspec.json.decode(to_datapackage.descriptor(facts()))
    assert (
        package["version"] == f"{schemas.VERSION.rpartition('.')[0]}.12"
        and package["created"] == "2026-11-24T09:00:00Z"
    )
    assert package["licenses"][0]["name"] == "CC-BY-4.0"
    for resource in package["resources"]:
        assert [field["name"] for field in resource["schema"]["fields"]] == to_csv.columns(resource["name"])
        assert resource["path"] == f"{BASE}/v1/{resource['name']}.csv?as_of=12"
    inside = msgspec.json.decode(to_datapackage.descriptor(facts(), inside=True))
    assert [one["path"] for one in inside["resources"]] == [f"{noun}.csv" for noun in NOUNS]
