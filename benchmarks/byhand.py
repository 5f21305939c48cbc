"""The reference for answers that are not kept: the same query by a handler of a dozen lines, with asyncpg and nothing else."""

import os
from typing import Any

import asyncpg

ITEM = "SELECT doc FROM record WHERE noun = 'commitments' AND id = $1 AND until_release IS NULL AND doc IS NOT NULL"
LIST = """
SELECT doc FROM record WHERE noun = 'commitments' AND until_release IS NULL AND doc IS NOT NULL ORDER BY sort_key LIMIT 101
"""
POOL: list[asyncpg.Pool] = []


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    if not POOL:
        POOL.append(await asyncpg.create_pool(os.environ["BYHAND_DSN"], min_size=8, max_size=8))
    name = scope["path"].removeprefix("/v1/commitments").strip("/").removesuffix(".json")
    if name:
        body = b'{"data":%b}' % (await POOL[0].fetchval(ITEM, name)).encode()
    else:
        rows = await POOL[0].fetch(LIST)
        body = b'{"data":[%b]}' % ",".join(row[0] for row in rows[:100]).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
