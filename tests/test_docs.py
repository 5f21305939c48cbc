"""What the README and the docs tell people to ask is answered, and what they link to is there."""

import re
import shlex
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
HERE = re.compile(r"http://(?:127\.0\.0\.1|localhost):8000")
ASKED = sorted(
    {
        (page.name, line.strip())
        for page in PAGES
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith("curl ") and HERE.search(line)
    }
)


def test_readme_has_something_to_try() -> None:
    assert [page for page, _ in ASKED].count("README.md") >= 3


@pytest.mark.parametrize(("page", "line"), ASKED, ids=[f"{page} {line}"[:80] for page, line in ASKED])
def test_request_in_the_docs_is_answered(client: httpx.Client, page: str, line: str) -> None:
    words = shlex.split(line.partition(" | ")[0], comments=True)
    address = next(HERE.sub("", word) for word in words if HERE.match(word))
    headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
    assert client.get(address, headers=headers).status_code in (200, 304), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_test_that_a_page_names_is_there(page: Path) -> None:
    named = set(re.findall(r"\b(test_[a-z0-9_]+)(?:\.py)?\b", page.read_text(encoding="utf-8")))
    files = {one.stem for one in (ROOT / "tests").rglob("*.py")}
    told = "".join(one.read_text(encoding="utf-8") for one in (ROOT / "tests").rglob("*.py"))
    assert [name for name in sorted(named - files) if f"def {name}(" not in told] == []
