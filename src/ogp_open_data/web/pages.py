"""HTML made here: a page's frame, and the contract explained, with a form that tries each address."""

import re
from html import escape
from typing import Any

import msgspec

from ogp_open_data.errors import OpenDataError


def page(title: str, body: str) -> bytes:
    """A whole page; `body` is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en-NZ"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="/docs/style.css">'
        '<script src="/docs/script.js" defer></script></head>'
        f'<body><header><a href="/">Open data</a></header><main><h1>{escape(title)}</h1>{body}</main></body></html>\n'
    ).encode()


def explain(openapi: dict[str, Any]) -> str:
    """The operations of an OpenAPI document, by tag."""
    operations = [(path, item["get"]) for path, item in openapi["paths"].items()]
    tags = list(dict.fromkeys(tag for _, operation in operations for tag in operation["tags"]))
    parts = [f'<p>{escape(openapi["info"]["description"])} The contract: <a href="/openapi.json">openapi.json</a>.</p>']
    for tag in tags:
        parts.append(f"<h2>{escape(tag)}</h2>")
        parts += [_operation(path, operation) for path, operation in operations if tag in operation["tags"]]
    return "".join(parts)


def explain_error(error: type[OpenDataError], type: str) -> str:
    """An error: why it comes, what it looks like, what to do."""
    problem = {"type": type, "title": error.titled(), "status": error.status, "detail": "…", "instance": "urn:uuid:…"}
    looks = msgspec.json.format(msgspec.json.encode(problem), indent=2).decode()
    return (
        f"<p>{escape(error.__doc__ or '')} HTTP status {error.status}.</p><h2>Why</h2><p>{_marked(error.cause)}</p>"
        f"<h2>For example</h2><pre>{escape(error.example)}</pre><pre>{escape(looks)}</pre>"
        f'<h2>What to do</h2><p>{_marked(error.remedy)}</p><p><a href="/docs/errors">All errors</a></p>'
    )


def _marked(text: str) -> str:
    """A sentence with its `names` as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _operation(path: str, operation: dict[str, Any]) -> str:
    statuses = "".join(
        f'<tr><th scope="row">{status}</th><td>{escape(one["description"])}</td></tr>'
        for status, one in operation["responses"].items()
    )
    return (
        f"<details><summary><code>GET {escape(path)}</code> {escape(operation['summary'])}</summary>"
        f"{_form(path, operation)}<table><caption>Answers</caption><tbody>{statuses}</tbody></table></details>"
    )


def _form(path: str, operation: dict[str, Any]) -> str:
    """A form that asks this address; one with a variable in its path is only described."""
    parameters = operation.get("parameters", [])
    fields = "".join(_field(operation["operationId"], one) for one in parameters)
    if "{" in path:
        return f"<dl>{''.join(_description(one) for one in parameters)}</dl>"
    return f'<form action="{escape(path)}" method="get">{fields}<button>Try it</button></form>'


def _description(one: dict[str, Any]) -> str:
    return f"<dt><code>{escape(one['name'])}</code></dt><dd>{escape(one['description'])}</dd>"


def _field(operation: str, one: dict[str, Any]) -> str:
    id = f"{operation}-{one['name']}"
    name = escape(one["name"])
    return f'<p><label for="{id}"><code>{name}</code> {escape(one["description"])}</label><input id="{id}" name="{name}"></p>'
