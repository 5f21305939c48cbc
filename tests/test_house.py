"""The rules of the house that a program can keep: sizes, names, who may touch what, and what no file may name."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "ogp_open_data"
CODE = sorted(path for room in ("src", "tests", "benchmarks") for path in (ROOT / room).rglob("*.py"))
SOURCE = [path for path in CODE if PACKAGE in path.parents]
ROOMS = sorted({path.parent for path in CODE})
COPIES = [PACKAGE / "client" / "in_sqlite.py", PACKAGE / "client" / "in_postgresql.py"]
LOCKS = sorted(ROOT.glob("requirements*.lock"))

LONGEST_FILE = 400
LONG_FUNCTION = 35
LONGEST_README = 150

EMPTY_NAME = re.compile(r"(?i)^_?(utils?|helpers?|common|misc)$")
EMPTY_CLASS = re.compile(r"^_?Base[A-Z]|(Manager|Service|Repository|Utils?|Helpers?)$")
SQL = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP|TRUNCATE|COPY|WITH|LISTEN|NOTIFY)\s")
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv"}
MACHINE = re.compile(r"/(?:work|root|farm)/|index[-]url|pypi\.org|pythonhosted\.org|registry\.npmjs|://[^\s\"']*\.whl")
BUILT = re.compile(r"(^|/)(__pycache__|node_modules|\.venv|\.[a-z]+_cache|.*\.egg-info)(/|$)")


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The name and the number of lines of each function, its decorators left out."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{label(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def project_files() -> list[Path]:
    """What is kept under version control, told without asking git."""
    rooms = ("src", "tests", "benchmarks", "docs", "schemas", ".ci")
    found = [path for room in rooms for path in (ROOT / room).rglob("*")] + list(ROOT.iterdir())
    return sorted(path for path in found if path.is_file() and not BUILT.search(label(path)))


def test_no_file_is_longer_than_a_reader_can_hold():
    lengths = {label(path): len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


@pytest.mark.parametrize("room", ROOMS, ids=label)
def test_nine_functions_in_ten_are_short(room: Path):
    found = [function for path in CODE if path.parent == room for function in functions(path)]
    long = sorted(name for name, lines in found if lines >= LONG_FUNCTION)
    assert len(long) * 10 <= len(found), long


def test_every_module_says_what_it_is_for():
    assert [label(path) for path in CODE if not ast.get_docstring(tree(path))] == []


def test_no_file_has_a_name_that_says_nothing():
    assert [label(path) for path in CODE if EMPTY_NAME.match(path.stem) or EMPTY_NAME.match(path.parent.name)] == []


def test_no_class_has_a_name_that_says_nothing():
    classes = [(path, node) for path in SOURCE for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]
    assert classes
    assert [f"{label(path)} {node.name}" for path, node in classes if EMPTY_CLASS.search(node.name)] == []


def test_sql_stands_in_the_store_only():
    texts = [
        (path, node)
        for path in SOURCE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]
    assert texts, "the pattern finds the statements of the store"
    # A copy in a database is the copy's own affair; it is not our store.
    others = [one for one in texts if PACKAGE / "store" not in one[0].parents and one[0] not in COPIES]
    assert [f"{label(path)}:{node.lineno}" for path, node in others] == []


def test_only_the_settings_read_the_environment():
    readers = {
        label(path)
        for path in SOURCE
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT)
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and ENVIRONMENT & {name.name for name in node.names}
        )
    }
    assert readers == {label(PACKAGE / "settings.py")}


def test_readme_is_read_in_one_sitting():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= LONGEST_README


def test_no_file_names_a_machine_or_a_registry():
    named = [
        f"{label(path)}:{number} {line.strip()[:80]}"
        for path in project_files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert named == []


def test_locks_pin_every_version_by_hash_and_name_no_address():
    assert [path.name for path in LOCKS] == ["requirements-build.lock", "requirements-dev.lock", "requirements.lock"]
    for path in LOCKS:
        text = path.read_text(encoding="utf-8")
        entries = re.split(r"\n(?=\S)", text.strip())
        assert [
            entry for entry in entries if not re.match(r"[a-z0-9.-]+==\S+", entry) or "--hash=sha256:" not in entry
        ] == []
        assert "://" not in text


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    wanted = {
        "requirements.lock": project["project"]["dependencies"],
        "requirements-dev.lock": project["project"]["dependencies"] + groups["dev"],
        "requirements-build.lock": project["build-system"]["requires"] + groups["build"],
    }
    for name, requirements in wanted.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        locked = dict(re.findall(r"^([a-z0-9.-]+)==([^\s;]+)", text, re.MULTILINE))
        assert {re.split(r"[^a-z0-9.-]", requirement)[0] for requirement in requirements} <= locked.keys(), name


def test_there_is_one_kind_of_lock():
    assert [name for name in ("uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock") if (ROOT / name).exists()] == []
