"""The pages in a real Chromium: a newcomer's walks, accessibility, the network, attacks, and how soon something is seen."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import feedparser
import httpx
import pytest

from browser import PHONE, Browser
from database import executed, named
from kinds import KINDS
from serving import program, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

EVIL = "evil.example"
PAYLOADS = (
    f'<script src="//{EVIL}/a.js"></script><script>alert(1)</script>',
    f'"><img src="//{EVIL}/b.png" onerror="alert(2)">',
    "</title></script><script>alert(3)</script>",
    "<svg/onload=alert(4)>",
    f"javascript:alert(5)//{EVIL}",
    f'<style>@import "//{EVIL}/c.css"</style><meta http-equiv=refresh content="0;url=//{EVIL}/d">',
    "{{ 7 * 7 }}{% raw %}]]><!--",
    f"https://{EVIL}/'onmouseover='alert(6)",
)


@pytest.fixture(scope="module")
def old_and_evil(server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A served copy of the sample whose first releases are a year old and more, and tables with attacks in every cell."""
    name = f"ogp_evil_{os.getpid()}"
    asyncio.run(executed(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    dsn = named(server, name)
    with running("--sample", "--database-url", dsn) as (_, url):
        aged = "UPDATE release SET made_at = made_at - make_interval(days => 800 - 100 * number::int) WHERE number <= 4"
        asyncio.run(executed(dsn, aged))
        for file, plan in _evil(tmp_path_factory.mktemp("evil")):
            program("import", str(file), "--plan", plan, "--database-url", dsn)
        yield url


def _evil(directory: Path) -> Iterator[tuple[Path, str]]:
    """A plan and its progress, a payload in each cell that takes any text; and a report."""
    said = [payload.replace('"', '""') for payload in PAYLOADS]
    columns = (
        "record,plan,commitment,milestone,title,text,objective,leads,themes,ogp_values,ogp_id,ends,website,source_url"
    )
    lines = [columns, f'plan,xx-evil,,,"{said[0]}",,,,,,,2030-06-30,"{said[4]}","{said[4]}"']
    for i, text in enumerate(said, 1):
        cells = f'"{text}","{text}","{text}","{text}","{text}","{text}"'
        lines.append(f'commitment,xx-evil,{i},,"{text}",,{cells[len(text) + 3 :]},,,"{text}"')
        lines.append(f'milestone,xx-evil,{i},1,,"{text}",,,,,,"{text}",,"{text}"')
    plan = directory / "plan.csv"
    plan.write_text("\n".join(lines) + "\n", encoding="utf-8")
    yield plan, "xx-evil"
    head = "plan,commitment,period_start,period_end,period,title,commitment_title,leads,milestone,text,ends,status,source_url"
    rows = [
        f'xx-evil,{i},2029-01-01,2029-03-31,"{t}","{t}","{t}","{t}",1,"{t}","{t}","{t}","{t}"'
        for i, t in enumerate(said, 1)
    ]
    progress = directory / "progress.csv"
    progress.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    yield progress, "xx-evil"


def test_newcomer_finds_commitment_5_and_sees_milestone_2_completed(chromium: Browser, served: str) -> None:
    chromium.look(f"{served}/")
    chromium.click("Ongoing engagement for OGP")
    assert chromium.path == "/commitments/nz-nap2-c5"
    assert "Completed" in chromium.one(".steps > li:nth-child(2)").text
    chromium.click("Milestone 2")
    assert "Completed" in chromium.one(".badges").text
    assert "September to November 2017" in chromium.text


def test_newcomer_takes_the_table_of_a_commitment(chromium: Browser, served: str) -> None:
    chromium.look(f"{served}/commitments/nz-nap2-c5")
    link = next(one for one in chromium.all(".side a") if one.text == "Milestones as a table (CSV)")
    lines = httpx.get(link.get_attribute("href") or "", timeout=30).text.splitlines()
    assert len(lines) == 4 and lines[0].startswith("id,") and '"completed"' not in lines[0] and "completed" in lines[2]


def test_newcomer_subscribes_to_the_feed_of_a_commitment(chromium: Browser, served: str) -> None:
    chromium.look(f"{served}/commitments/nz-nap2-c5")
    found = chromium.one('link[rel="alternate"][type="application/atom+xml"]')
    feed = feedparser.parse(httpx.get(found.get_attribute("href") or "", timeout=30).content)
    assert not feed.bozo and feed.entries
    assert all("ommitment 5" in one.title or "5" in one.link for one in feed.entries)


def test_newcomer_compares_two_reports(chromium: Browser, served: str) -> None:
    chromium.look(f"{served}/commitments/nz-nap2-c1")
    chromium.click("What changed")
    assert chromium.path == "/reports/nz-nap2-c1-r2018-03-2018-06/changes"
    rows = [row.text for row in chromium.all(".compared tbody tr")]
    assert len(rows) == 3 and all("Underway" in row for row in rows)
    assert [row.split("\n")[0] for row in rows] == ["Milestone 2", "Milestone 3", "Milestone 4"]
    chromium.one("#from option:last-child").click()
    chromium.one(".choose button").click()
    assert chromium.path.endswith("/changes?from=nz-nap2-c1-r2017-06-2017-08")


def test_newcomer_looks_at_the_state_of_last_year(chromium: Browser, old_and_evil: str) -> None:
    """Release 4 was made 400 days ago: of the sample, all but the last reports."""
    chromium.look(f"{old_and_evil}/commitments/nz-nap2-c1")
    assert "3 of 4 milestones completed" in chromium.text
    day = chromium.run("const d = new Date(Date.now() - 365 * 864e5); return d.toISOString().slice(0, 10)")
    chromium.run("document.querySelector('#as-of').value = arguments[0]", day)
    chromium.one(".past button").click()
    assert chromium.path == f"/commitments/nz-nap2-c1?as_of={day}"
    assert "You are looking at the past" in chromium.one(".banner").text and "release 4" in chromium.one(".banner").text
    assert "1 of 4 milestones completed" in chromium.text
    chromium.click("Milestone 2")
    assert chromium.path.endswith(f"?as_of={day}") and "Underway" in chromium.one(".badges").text
    chromium.click("See it as it stands today")
    assert "Completed" in chromium.one(".badges").text


def test_everything_works_without_scripts(chromium: Browser, served: str) -> None:
    chromium.look(f"{served}/", scripts=False)
    chromium.one("#find").send_keys("cabinet")
    chromium.one(".find button").click()
    assert chromium.path == "/search?q=cabinet" and "Cabinet approval" in chromium.text
    chromium.one('main a[href^="/milestones?"]').click()
    chromium.click("Parliamentary Counsel Office")
    assert "1 milestone" in chromium.one(".count").text
    assert len(chromium.all(".hits > li")) == 1


def test_api_is_tried_in_the_page(chromium: Browser, served: str) -> None:
    chromium.look(f"{served}/docs")
    form = 'form[action="/v1/commitments"]'
    chromium.run(f"document.querySelector('{form}').closest('details').open = true")
    chromium.one(f"{form} [name=status]").send_keys("delayed")
    chromium.one(f"{form} button").click()
    answer = chromium.driver.execute_async_script(
        "const done = arguments[1], look = () => { const o = document.querySelector(arguments[0]);"
        "o && /^\\d/.test(o.textContent) ? done(o.textContent) : setTimeout(look, 20); }; look();",
        f"{form} output",
    )
    assert answer.startswith("200 application/json") and '"nz-nap2-c1"' in answer
    assert chromium.path == "/docs" and chromium.complaints() == []


def test_axe_finds_nothing_on_any_kind_of_page_in_light_and_dark(chromium: Browser, served: str, node: Path) -> None:
    axe = (node / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    found = {}
    for kind, path in KINDS.items():
        chromium.look(served + path)
        chromium.run(axe)
        found[kind, "light"] = chromium.faults()
        # The document is the same: only what is about colours can differ.
        chromium.wear("dark")
        found[kind, "dark"] = chromium.faults("cat.color")
    assert {kind: faults for kind, faults in found.items() if faults} == {}


def test_axe_would_find_something(chromium: Browser, served: str, node: Path) -> None:
    chromium.look(f"{served}/")
    chromium.run((node / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    chromium.run("document.querySelector('#find').labels[0].remove(); document.documentElement.lang = ''")
    assert {one.partition(":")[0] for one in chromium.faults()} >= {"html-has-lang"}


def test_every_page_fits_320_pixels_and_asks_its_own_host_only(chromium: Browser, served: str) -> None:
    chromium.asked(), chromium.complaints()
    wide = {}
    for kind, path in KINDS.items():
        chromium.look(served + path, width=PHONE)
        wide[kind] = chromium.run("return document.documentElement.scrollWidth")
    assert {kind: width for kind, width in wide.items() if width > PHONE} == {}
    asked = chromium.asked()
    assert len(asked) > len(KINDS)
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(served).netloc}
    assert chromium.complaints() == []


def test_attacks_in_every_field_are_only_text(chromium: Browser, old_and_evil: str) -> None:
    chromium.asked(), chromium.complaints()
    ids = [f"xx-evil-c{i}" for i in range(1, len(PAYLOADS) + 1)]
    paths = [
        "/",
        "/plans/xx-evil",
        "/commitments?plan=xx-evil",
        "/milestones?plan=xx-evil",
        "/reports",
        "/organisations",
    ]
    paths += ["/releases", *(f"/releases/{number}" for number in (8, 9))]
    paths += [f"/commitments/{id}" for id in ids] + [f"/milestones/{id}-m1" for id in ids]
    paths += [f"/reports/{id}-r2029-01-2029-03{page}" for id in ids[:3] for page in ("", "/changes")]
    paths += [f"/{place}?{urlencode({'q': text})}" for text in PAYLOADS for place in ("search", "reports")]
    paths += [f"/commitments/{PAYLOADS[3]}", f"/docs/errors/{PAYLOADS[3]}"]
    for path in paths:
        chromium.look(old_and_evil + path)
        assert chromium.run("return dialogs") == [], path
        assert chromium.all('a[href^="javascript" i], [onerror], [onload], [onmouseover], main script') == [], path
    assert {urlsplit(url).netloc for url in chromium.asked()} == {urlsplit(old_and_evil).netloc}
    # Two pages of the list are 404, which the console tells; nothing was stopped by the policy, for nothing was tried.
    assert [one for one in chromium.complaints() if "status of 404" not in one] == []


def test_trap_would_notice_an_attack(chromium: Browser, served: str) -> None:
    chromium.look(f"{served}/")
    chromium.run("alert(1)")
    assert chromium.run("return dialogs") == [1]


def test_something_is_seen_within_300_milliseconds(chromium: Browser, served: str, record_property) -> None:
    times = []
    for _ in range(5):
        chromium.look(f"{served}/")
        paint = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        times.append(
            chromium.driver.execute_async_script(
                f"const done = arguments[0]; setTimeout(() => done((() => {{ {paint} }})()), 60)"
            )
        )
    seen = sorted(one for one in times if one)
    record_property("first_contentful_paint_ms", seen)
    print("first contentful paint, ms:", seen)
    assert seen and seen[0] < 300
