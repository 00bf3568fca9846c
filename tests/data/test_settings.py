"""Settings come from ONEMAP_* only, wrong ones are refused by name, secrets stay hidden."""

import dataclasses

import pytest

from data.settings import Settings, settings_table
from geo.errors import InputError


def test_nothing_set_gives_the_defaults() -> None:
    settings = Settings.from_environment({"PATH": "/bin", "LANG": "C"})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.limit_s) == ("127.0.0.1", 8000, 3600.0)


def test_values_are_read_with_their_type() -> None:
    settings = Settings.from_environment(
        {"ONEMAP_DATABASE": "/data/崇川.gpkg", "ONEMAP_PORT": " 9000 ", "ONEMAP_SNAP_M": "250.5"}
    )
    assert settings.database == "/data/崇川.gpkg"
    assert settings.port == 9000
    assert settings.snap_m == 250.5


def test_an_unknown_name_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(InputError, match=r"ONEMAP_PROT is not a setting.*ONEMAP_PORT"):
        Settings.from_environment({"ONEMAP_PROT": "1"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ONEMAP_PORT", "eighty", "whole number"),
        ("ONEMAP_PORT", "80.5", "whole number"),
        ("ONEMAP_PORT", "65536", "expected 0 to 65535"),
        ("ONEMAP_PORT", "-1", "expected 0 to 65535"),
        ("ONEMAP_LIMIT_S", "nan", "finite"),
        ("ONEMAP_LIMIT_S", "inf", "finite"),
        ("ONEMAP_LIMIT_S", "0.5", "expected 1 to 86400"),
        ("ONEMAP_SNAP_M", "", "a number"),
        ("ONEMAP_DATABASE", "", "empty"),
    ],
)
def test_wrong_values_are_refused_by_name(name: str, value: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        Settings.from_environment({name: value})
    assert name in caught.value.detail


@pytest.mark.parametrize(("value", "kept"), [("0", 0), ("65535", 65_535)])
def test_bounds_are_included(value: str, kept: int) -> None:
    assert Settings.from_environment({"ONEMAP_PORT": value}).port == kept


def test_a_password_in_the_database_url_is_never_shown() -> None:
    settings = Settings(database="postgresql+psycopg://ops:hunter2@db/district")
    assert "hunter2" not in repr(settings)
    assert "ops:***@db" in repr(settings)
    assert all("hunter2" not in row.value for row in settings_table(settings))
    assert "hunter2" not in repr(Settings(database="://hunter2"))


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_the_table_names_every_setting_with_help_in_both_languages() -> None:
    rows = settings_table(Settings(port=9))
    assert [row.name for row in rows] == [f"ONEMAP_{field.name.upper()}" for field in dataclasses.fields(Settings)]
    port = next(row for row in rows if row.name == "ONEMAP_PORT")
    assert (port.value, port.default) == ("9", "8000")
    assert all(row.help_zh and row.help_en for row in rows)
