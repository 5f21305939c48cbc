"""Every option is documented once and read from one place."""

import typing
from pathlib import Path

import msgspec
import pytest

from ogp_open_data import settings
from ogp_open_data.errors import Refused
from ogp_open_data.settings import Settings


def test_every_setting_stands_in_operating_md_as_it_is(repository: Path) -> None:
    text = (repository / "docs" / "operating.md").read_text()
    hints = typing.get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        meta = next(one for one in typing.get_args(hints[field.name]) if isinstance(one, msgspec.Meta))
        default = "" if field.default is None else f"`{field.default}`"
        assert f"| `OGP_{field.name.upper()}` | {default} | {meta.description} |" in text


def test_command_line_wins_over_the_environment() -> None:
    environ = {"OGP_DATA_DIR": "/from/environment", "OGP_READ_CONNECTIONS": "3"}
    found = settings.load(environ, data_dir="/given", database_url=None)
    assert (found.data_dir, found.read_connections, found.database_url) == ("/given", 3, None)


@pytest.mark.parametrize(("name", "value"), [("OGP_READ_CONNECTIONS", "many"), ("OGP_TIME_ZONE", "Middle/Earth")])
def test_setting_that_cannot_be_read_is_refused(name: str, value: str) -> None:
    with pytest.raises(Refused, match="setting"):
        settings.load({name: value})


def test_empty_variable_is_one_that_was_not_set() -> None:
    assert settings.load({"OGP_DATABASE_URL": ""}).database_url is None


def test_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("postgresql://ogp:hidden@db/ogp\n")
    assert settings.load({"OGP_DATABASE_URL_FILE": str(secret)}).database_url == "postgresql://ogp:hidden@db/ogp"
    with pytest.raises(Refused, match="keep one"):
        settings.load({"OGP_DATABASE_URL_FILE": str(secret), "OGP_DATABASE_URL": "postgresql://db/ogp"})
    with pytest.raises(Refused, match=r"OGP_DATABASE_URL_FILE: .*/none cannot be read"):
        settings.load({"OGP_DATABASE_URL_FILE": str(tmp_path / "none")})


def test_what_will_hurt_in_production_is_told() -> None:
    assert [one.split()[0] for one in settings.doubts(Settings())] == ["OGP_PUBLIC_URL", "OGP_CONTACT"]
    good = Settings(public_url="https://data.example.org", contact="mailto:open@example.org")
    assert settings.doubts(good) == []
    bare = settings.doubts(Settings(public_url="http://data.example.org", contact="mailto:open@example.org"))
    assert len(bare) == 1 and "https" in bare[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("OGP_PUBLIC_URL", "data.example.org"), ("OGP_PUBLIC_URL", "https://x.org?a"), ("OGP_CONTACT", "me")],
)
def test_address_that_is_none_is_refused_with_an_example(name: str, value: str) -> None:
    with pytest.raises(Refused, match=f"{name} is .*; give it as"):
        settings.load({name: value})


def test_authority_that_is_no_domain_is_refused() -> None:
    with pytest.raises(Refused, match="OGP_TAG_AUTHORITY"):
        settings.tag_authority(Settings(public_url="http://[::1]:8000"))


def test_tag_authority_is_the_host_of_the_public_address() -> None:
    assert settings.tag_authority(Settings(public_url="https://data.example.org/ogp")) == "data.example.org"
