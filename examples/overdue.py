"""Print what is overdue, and what changed since a release: python overdue.py https://data.publisher.example nz-nap2 12"""

import asyncio
import sys

from ogp_open_data import Client


async def main(url: str, plan: str, since: int) -> None:
    async with Client(url) as client:
        async for milestone in client.milestones(plan=plan, timeliness="overdue"):
            print(f"{milestone.due_on}  {milestone.id}  {milestone.text}")
        async for change in client.changes(since=since, plan=plan):
            print(f"{change.release}  {change.action}  {change.id}  {', '.join(change.changed_fields)}")


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
