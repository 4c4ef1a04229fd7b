"""Every language's table is whole, and what it says can be spoken."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from meadowlark.text.normalize import languages, normalize
from meadowlark.text.normalize.language import Language, Noun, words
from meadowlark.text.normalize.normalizer import tables

TABLES = {tag: table for code in languages() for tag, table in tables(code).items()}
NOT_EVERYWHERE = {
    "range_case", "range_plural", "years_before", "years_unless", "decade_marks", "decades_after", "times_suffix",
    "mixed_gender", "clock_words", "clock_hour", "of", "year_words", "centuries", "phone_pairs", "month_first",
    "ordinal_marks", "fraction_plural", "counted", "short_months", "endings", "halves", "cases", "postcodes",
    "rewrites",
}  # fmt: skip
"""What a language may do without; the rest has something in it."""
HOUSEHOLD = words("°C °F ° % W kW Wh kWh MWh V A Hz lx ppm µg hPa mbar dB mm cm m km m² m³ l ml g kg MB GB min s h")


def nouns(table: Language) -> list[Noun]:
    money = [each for currency in table.currencies.values() for each in (currency.major, currency.minor) if each]
    return [*table.units.values(), *table.magnitudes.values(), *money]


@pytest.mark.parametrize("tag", TABLES)
def test_no_category_is_missing(tag: str) -> None:
    table = TABLES[tag]
    empty = {each.name for each in dataclasses.fields(table) if getattr(table, each.name) in ("", (), {}, frozenset())}
    assert empty <= NOT_EVERYWHERE


@pytest.mark.parametrize("tag", TABLES)
def test_what_a_house_measures_is_there(tag: str) -> None:
    table = TABLES[tag]
    assert table.units.keys() >= HOUSEHOLD
    assert {"s", "h", "min", "kWh", "m³"} <= table.per.keys()
    assert {"€", "$", "£", "CHF", "zł", "Kč"} <= table.currencies.keys()
    assert {"1/2", "1/4", "3/4"} <= table.fractions.keys()
    assert set(table.month_names.values()) == set(range(1, 13))


@pytest.mark.parametrize("tag", TABLES)
def test_every_noun_has_the_forms_that_its_language_asks_for(tag: str) -> None:
    table = TABLES[tag]
    asked = {table.plural(number, decimals) for number in range(200) for decimals in (False, True)}
    for noun in nouns(table):
        assert len(noun.forms) in (1, max(asked) + 1, max(asked) + 2), noun  # perhaps with an accusative
        assert all(form and form == form.strip() for form in noun.forms), noun


@pytest.mark.parametrize("tag", TABLES)
def test_genders_are_known(tag: str) -> None:
    table = TABLES[tag]
    for noun in nouns(table):
        assert table.cardinal(1, noun.gender)
        if noun.gender and len({table.cardinal(1, ""), table.cardinal(1, "m"), table.cardinal(1, "f")}) > 1:
            assert noun.gender in ("m", "f", "n", "'")


@pytest.mark.parametrize("tag", TABLES)
def test_all_hours_days_and_months_can_be_said(tag: str) -> None:
    for hour in range(25):
        for minute in (0,) if hour == 24 else (0, 1, 5, 30, 59):
            said = normalize(f"{hour}:{minute:02}", tag)
            assert not any(char.isdecimal() for char in said), said
    for month in range(1, 13):
        for day in range(1, 29):
            said = normalize(f"2026-{month:02}-{day:02}", tag)
            assert not any(char.isdecimal() for char in said), said


@pytest.mark.parametrize("tag", TABLES)
def test_all_units_can_be_said(tag: str) -> None:
    table = TABLES[tag]
    for unit in table.units:
        for number in ("0", "1", "2", "5", "21", "1000"):
            said = normalize(f"{number} {unit}", tag)
            assert not any(char.isdecimal() for char in said), (number, unit, said)


def test_nothing_is_loaded_before_it_is_needed() -> None:
    """unicode-rbnf costs 45 ms and an XML parser, which the start of the server must not."""
    code = (
        "import sys\n"
        "from meadowlark.text.normalize import normalize\n"
        "normalize('The light is on.', 'en')\n"
        "assert 'unicode_rbnf' not in sys.modules\n"
        "assert not [name for name in sys.modules if name.endswith('languages.de')]\n"
        "assert normalize('5', 'en') == 'five'\n"
        "assert 'unicode_rbnf' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
