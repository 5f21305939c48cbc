"""`/use`: how to take the data, with examples to copy, the licence, and how to cite a release."""

from typing import Any

from ogp_open_data.web.board import structured
from ogp_open_data.web.board.frame import NAME, Asked, Page, asked, shown
from ogp_open_data.web.site import Request, Response


async def use(request: Request) -> Response:
    """`/use`"""
    one = await asked(request)
    page = Page(
        template="use.html",
        path="/use",
        title="Use this data",
        description="Open data of open government plans: how to read it, keep a copy, and cite it.",
        structured=structured.dataset(one),
        section="use",
    )
    root = (await one.site.digests(one.head.number)).root if one.head.number else None
    return shown(one, page, examples=_examples(one), root=root, dataset=NAME)


def _examples(one: Asked) -> list[dict[str, Any]]:
    """What to copy, for each tool: each example works as it stands."""
    base, n = one.site.base, one.head.number
    return [
        {
            "name": "On the command line",
            "text": "Every address answers a plain request; no key is needed.",
            "code": f"curl '{base}/v1/milestones.csv?timeliness=overdue'\ncurl '{base}/v1/commitments.json?as_of={n}'",
        },
        {
            "name": "In Python",
            "text": "With pandas, straight into a table:",
            "code": f'import pandas as pd\n\nprogress = pd.read_csv("{base}/v1/progress.csv", dtype=str)\n'
            'print(progress.pivot_table(index="milestone", columns="period_end", values="status", aggfunc="last"))',
        },
        {
            "name": "In Python, all records",
            "text": "With the client that comes with this program, page by page:",
            "code": "import asyncio\nfrom ogp_open_data import Client\n\n\nasync def overdue():\n"
            f'    async with Client("{base}") as client:\n'
            '        async for one in client.milestones(timeliness="overdue"):\n'
            "            print(one.due_on, one.id, one.text)\n\n\nasyncio.run(overdue())",
        },
        {
            "name": "In R",
            "text": "Identifiers and numbers such as 2A stay text:",
            "code": f'library(readr)\n\nprogress <- read_csv("{base}/v1/progress.csv", col_types = cols(.default = "c"))\n'
            "table(progress$period_end, progress$status)",
        },
        {
            "name": "In a spreadsheet",
            "text": "In LibreOffice or Excel open this address as text (UTF-8, comma); in Google Sheets it is a formula:",
            "code": f'=IMPORTDATA("{base}/v1/progress.csv")',
        },
        {
            "name": "Every night, a copy that proves itself",
            "text": "The first run takes everything, each later one what changed. The copy is compared with ours by digest.",
            "code": f"ogp-open-data sync {base} --into open-government\nogp-open-data sync {base} --into open-government --verify",
        },
        {
            "name": "What changed since",
            "text": "For a program of your own: ask for the releases after the one you have; the answer says what to ask next.",
            "code": f"curl '{base}/v1/changes?since={max(0, n - 1)}'",
        },
        {
            "name": "In a feed reader",
            "text": "Everything that happens, in words. Each commitment, plan and agency has a feed of its own.",
            "code": f"{base}/feed.atom",
        },
    ]
