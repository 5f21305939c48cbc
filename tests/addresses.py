"""Every address that can be read, from the contract and from the routes, each with an example that answers 200."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
from msgspec import Struct

from ogp_open_data.records import NOUNS
from ogp_open_data.settings import Settings
from ogp_open_data.web import app, contract

BASE = "https://data.example.org"
# Operators' addresses answer of this moment, so they have no validators; the contract leaves them out too.
OPERATORS = ("/livez", "/readyz", "/status", "/status.json", "/metrics")
# Pages are no part of the contract, which would name an example.
OF_PAGES = {"/releases/{number}": "/releases/1", "/static/{name}": "/static/style.css"}


class Address(Struct, frozen=True):
    """An address as the contract, or else the table of routes, writes it, and what the contract says of it."""

    template: str
    operation: dict[str, Any] = {}
    methods: tuple[str, ...] = ("get", "head")

    def __str__(self) -> str:
        return self.template


@cache
def document() -> dict[str, Any]:
    return contract.openapi(Settings(contact="mailto:data@example.org"), BASE)


def of_contract() -> list[Address]:
    """The addresses of the contract that anybody can read."""
    paths = document()["paths"].items()
    readable = [(path, item) for path, item in paths if "get" in item and not item["get"].get("security")]
    return [Address(path, item["get"], tuple(item)) for path, item in readable]


def of_routes() -> list[Address]:
    """The pages and assets that are no part of the contract."""
    known = list(document()["paths"])
    routes = sorted({re.sub(r":\w+\}", "}", path) for path, *_ in app.routes()})
    return [Address(path) for path in routes if not any(_means(path, one) or _means(one, path) for one in known)]


def _means(template: str, other: str) -> bool:
    """Whether an address, its variables taken as they stand, is one of those that a template is for."""
    pattern = "[^/]+".join(map(re.escape, re.split(r"\{\w+\}", template)))
    return re.fullmatch(pattern, re.sub("[{}]", "", other)) is not None


def example(client: httpx.Client, address: Address) -> str:
    """The address with something that there is for each of its variables: what the contract lists or names as an example,
    else the first record of the noun that stands before it."""
    path = OF_PAGES.get(address.template, address.template)
    for one in address.operation.get("parameters", []):
        path = path.replace(f"{{{one['name']}}}", str(value)) if (value := _named(one)) is not None else path
    for noun, variable in re.findall(r"/([a-z]+)/\{(\w+)\}", path):
        assert noun in NOUNS, f"give the parameter {variable} of {address} an example in the contract"
        path = path.replace(f"{{{variable}}}", client.get(f"/v1/{noun}?limit=1").json()["data"][0]["id"])
    return path


def _named(parameter: dict[str, Any]) -> Any:
    """The example of a parameter in the path, where the contract has one."""
    if parameter["in"] != "path":
        return None
    schema = parameter["schema"]
    return parameter.get("example", next(iter(schema.get("enum", schema.get("examples", []))), None))


def readable() -> Iterator[Address]:
    """All of them but the operators'."""
    yield from (one for one in [*of_contract(), *of_routes()] if one.template not in OPERATORS)
