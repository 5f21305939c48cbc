"""The reference: an ASGI application that answers every address with the header and body it was given at the start."""

import os
import pickle
from pathlib import Path
from typing import Any

# Address (path and query) → header, body.
ANSWERS: dict[bytes, tuple[list[tuple[bytes, bytes]], bytes]] = pickle.loads(
    Path(os.environ["BARE_ANSWERS"]).read_bytes()
)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    headers, body = ANSWERS[scope["raw_path"] + b"?" + scope["query_string"]]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
