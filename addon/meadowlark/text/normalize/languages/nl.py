"""Dutch."""

from __future__ import annotations

from meadowlark.text.normalize import postcodes
from meadowlark.text.normalize.integers import Spellout
from meadowlark.text.normalize.language import (
    Clock,
    Currency,
    Day,
    Language,
    always,
    in_order,
    never,
    no_year_word,
    noun,
    nouns,
    numbered,
    one_or_more,
    plainly,
    unknown,
    words,
)

# Without its accents "een" is an article.
_cardinal = Spellout("nl", {"": "spellout-cardinal"}, {"een": "één"})
_ordinal = Spellout("nl", {"": "spellout-ordinal"})
_MONTH_LIST = "januari februari maart april mei juni juli augustus september oktober november december"
_MONTHS = in_order(_MONTH_LIST)
_OTHER_MONTHS = {
    "jan": 1, "feb": 2, "mrt": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sept": 9, "sep": 9, "okt": 10, "nov": 11,
    "dec": 12,
}  # fmt: skip


def _year(year: int) -> str:
    """Negentienvierennegentig; negentienhonderdvijf."""
    century, rest = divmod(year, 100)
    if not 11 <= century <= 19:
        return _cardinal(year)
    return _cardinal(century) + ("honderd" if rest < 10 else "") + (_cardinal(rest).replace("é", "e") if rest else "")


def _with_year(text: str, year: int | None) -> str:
    return text if year is None else f"{text} {_year(year)}"


def _date(date: Day) -> str:
    return _with_year(f"{_cardinal(date.day)} {_MONTHS[date.month - 1]}", date.year)


def _date_range(first: Day, until: int) -> str:
    return _with_year(f"{_cardinal(first.day)} tot {_cardinal(until)} {_MONTHS[first.month - 1]}", first.year)


def _time(clock: Clock) -> str:
    """Zeven uur dertig."""
    text = f"{_cardinal(clock.hour)} uur"
    if clock.minute:
        text += f" {_cardinal(clock.minute)}"
    if clock.second is not None:
        text += f" en {_cardinal(clock.second)} second{'e' if clock.second == 1 else 'en'}"
    return text


def _time_range(start: Clock, end: Clock) -> str:
    if not start.minute and start.second is None:
        return f"{_cardinal(start.hour)} tot {_time(end)}"
    return f"{_time(start)} tot {_time(end)}"


# fmt: off
_UNITS = nouns(
    "",
    {
        "°C ℃": "graad Celsius|graden Celsius", "°F ℉": "graad Fahrenheit|graden Fahrenheit", "°": "graad|graden",
        "K": "kelvin", "%": "procent", "‰": "promille", "W": "watt", "kW": "kilowatt", "MW": "megawatt",
        "Wp": "wattpiek", "kWp": "kilowattpiek", "VA": "voltampère", "Wh": "wattuur", "kWh": "kilowattuur",
        "MWh": "megawattuur", "GWh": "gigawattuur", "V": "volt", "mV": "millivolt", "A": "ampère",
        "mA": "milliampère", "Ah": "ampère-uur", "mAh": "milliampère-uur", "Hz": "hertz", "kHz": "kilohertz",
        "MHz": "megahertz", "GHz": "gigahertz", "lx lux": "lux", "lm": "lumen",
        "ppm": "deeltje per miljoen|deeltjes per miljoen", "µg μg": "microgram", "mg": "milligram", "g": "gram",
        "kg": "kilogram", "t": "ton", "Pa": "pascal", "hPa": "hectopascal", "kPa": "kilopascal",
        "mmHg": "millimeter kwik",
        "mbar": "millibar",
        "bar": "bar", "dB": "decibel", "mm": "millimeter", "cm": "centimeter", "m": "meter", "km": "kilometer",
        "km/h km/u kmh": "kilometer per uur", "mph": "mijl per uur", "″": "inch",
        "cm² cm2": "vierkante centimeter", "m² m2 ㎡": "vierkante meter", "km² km2": "vierkante kilometer",
        "cm³ cm3": "kubieke centimeter", "m³ m3 ㎥": "kubieke meter", "ha": "hectare", "l L": "liter",
        "ml mL": "milliliter", "cl": "centiliter", "dl": "deciliter", "B": "byte|bytes",
        "kB KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "Mbit": "megabit",
        "Gbit": "gigabit", "px": "pixel|pixels", "kcal": "kilocalorie|kilocalorieën",
        "ms": "milliseconde|milliseconden", "s sec sec.": "seconde|seconden", "min min.": "minuut|minuten",
        "h u": "uur", "tl": "theelepel|theelepels", "el": "eetlepel|eetlepels", "Bft": "beaufort",
        "tpm rpm": "toer per minuut|toeren per minuut",
    },
)
_EURO = Currency(noun("euro"), noun("cent"))
_DOLLAR = Currency(noun("dollar"), noun("cent"))
_POUND = Currency(noun("pond"), noun("penny|pence"))

_WINDS = words("wind windstoten windvlagen")
_COMPASS = {
    "N": "noord", "NO": "noordoost", "NE": "noordoost", "O": "oost", "ZO": "zuidoost", "Z": "zuid",
    "ZW": "zuidwest", "SW": "zuidwest", "W": "west", "NW": "noordwest",
    "NNO": "noordnoordoost", "NNE": "noordnoordoost", "ONO": "oostnoordoost", "ENE": "oostnoordoost",
    "OZO": "oostzuidoost", "ESE": "oostzuidoost", "ZZO": "zuidzuidoost", "SSE": "zuidzuidoost",
    "ZZW": "zuidzuidwest", "SSW": "zuidzuidwest", "WZW": "westzuidwest", "WSW": "westzuidwest",
    "WNW": "westnoordwest", "NNW": "noordnoordwest",
}

LANGUAGE = Language(
    code="nl",
    decimal=",",
    groups=".",
    cardinal=_cardinal,
    plural=one_or_more,
    minus="min",
    point=always("komma"),
    fraction_digits=2,
    magnitudes={
        "duizend": noun("duizend"), "miljoen": noun("miljoen"), "mln": noun("miljoen"), "mln.": noun("miljoen"),
        "miljard": noun("miljard"), "mld": noun("miljard"), "mld.": noun("miljard"),
    },
    magnitudes_of=plainly,
    year=_year,
    years_before=words(
        "in sinds tot van vanaf rond jaar zomer winter herfst lente voorjaar najaar eind begin medio voor na januari "
        "februari maart april mei juni juli augustus september oktober november december bouwjaar"
    ),
    years_unless="",
    ordinal=_ordinal,
    ordinal_marks={"e": "", "de": "", "ste": "", "è": "", "ᵉ": ""},
    dotted=never,
    decade_marks=(),
    decades_after=frozenset(),
    decade=lambda year: "",
    range_words=("", "tot"),
    range_case="",
    range_plural=None,
    fractions={
        "1/2": "een half", "1/3": "een derde", "2/3": "twee derde", "1/4": "een kwart", "3/4": "driekwart",
        "1/5": "een vijfde", "1/8": "een achtste", "1/10": "een tiende", "24/7": "vierentwintig zeven",
        "50/50": "fifty-fifty",
    },
    mixed={"1/2": "{n} en een half", "1/4": "{n} en een kwart", "3/4": "{n} en driekwart"},
    mixed_gender="",
    halves={},
    fraction_plural=0,
    operators={
        "+": "plus", "−": "min", "×": "keer", "÷": "gedeeld door", "=": "is", ":": "op", "≈": "is ongeveer",
        "<": "is kleiner dan", ">": "is groter dan",
    },
    by="bij",
    out_of="van de",
    over="over",
    times_suffix="keer",
    signs={
        "#": "nummer", "№": "nummer", "nr.": "nummer", "Nr.": "nummer", "nr": "nummer", "§": "paragraaf",
        "±": "plusminus", "≈": "ongeveer", "<": "minder dan", ">": "meer dan", "≤": "hoogstens", "≥": "minstens",
        "blz.": "bladzijde", "art.": "artikel",
    },
    counted={},
    agreement=unknown,
    cases={},
    units=_UNITS,
    per={
        "s": "per seconde", "min": "per minuut", "h": "per uur", "u": "per uur", "uur": "per uur", "dag": "per dag",
        "week": "per week", "maand": "per maand", "jaar": "per jaar", "kWh": "per kilowattuur",
        "MWh": "per megawattuur",
        "m": "per meter", "km": "per kilometer", "100 km": "per honderd kilometer", "m²": "per vierkante meter",
        "m2": "per vierkante meter", "m³": "per kubieke meter", "m3": "per kubieke meter", "l": "per liter",
        "L": "per liter", "kg": "per kilo", "persoon": "per persoon", "stuk": "per stuk",
    },
    currencies={
        "€": _EURO, "EUR": _EURO, "$": _DOLLAR, "USD": _DOLLAR, "£": _POUND, "GBP": _POUND,
        "CHF": Currency(noun("Zwitserse frank"), noun("rappen")), "¥": Currency(noun("yen")),
        "zł": Currency(noun("zloty")), "Kč": Currency(noun("Tsjechische kroon|Tsjechische kronen")),
    },
    money="{major} {cents}",
    month_names=numbered(_MONTH_LIST, _OTHER_MONTHS),
    capital_months=False,
    short_months=frozenset(_OTHER_MONTHS),
    day_marks=("e",),
    of="",
    month_first=False,
    date=_date,
    date_range=_date_range,
    until=("tot", "t/m", "tot en met"),
    year_words=(),
    year_with=no_year_word,
    time=_time,
    time_range=_time_range,
    clock_words=("uur", "u."),
    clock_hour="",
    dot="punt",
    colon="dubbele punt",
    port="poort",
    version="versie",
    phone_pairs=False,
    spelled_after=words("pin pincode code toestel tel telefoon bel"),
    episode="seizoen {season} aflevering {episode}",
    postcodes=postcodes.DUTCH,
    postcode_digits=2,
    powers={"²": "kwadraat", "³": "tot de derde", "^": "tot de macht"},
    rewrites={
        r"(?<=jaren )['’](?=[0-9]0(?![\p{L}\p{N}]))": "",
        r"(?<![\p{L}\p{N}.,])(2[0-4]|1[0-9]|0?[0-9])u([0-5][0-9])(?!\p{L})": r"\1:\2 uur",
        r"(?<=(?<![\p{L}\p{N}.,])(?:2[0-4]|1[0-9]|0?[0-9])\.[0-5][0-9])"
        r" ?u\b(?:\.(?= \p{Ll}|[,;:!?)]))?(?=[\s.,;:!?)]|$)": " uur",
        r"(?<!\p{L})(ma|di|wo|do|vr|za|zo) t/m (?=(?:ma|di|wo|do|vr|za|zo)(?!\p{L}))": r"\1–",
    },
    winds=_WINDS,
    compass=_COMPASS,
    endings={"str.": "straat"},
    letters={
        "H2O": "H twee O", "H₂O": "H twee O",
        "CO2": "C O twee", "CO₂": "C O twee", "PM2.5": "P M twee komma vijf", "PM2,5": "P M twee komma vijf",
        "PM10": "P M tien", "NO₂": "N O twee", "NO2": "N O twee", "O₃": "ozon",
    },
    abbreviations={
        "art.": "artikel", "hfst.": "hoofdstuk", "blz.": "bladzijde",
        "bijv.": "bijvoorbeeld", "Bijv.": "Bijvoorbeeld", "b.v.": "bijvoorbeeld", "bv.": "bijvoorbeeld",
        "d.w.z.": "dat wil zeggen", "o.a.": "onder andere", "m.b.t.": "met betrekking tot",
        "t.a.v.": "ter attentie van",
        "m.a.w.": "met andere woorden", "i.p.v.": "in plaats van", "t.o.v.": "ten opzichte van",
        "a.u.b.": "alstublieft",
        "enz.": "enzovoort", "etc.": "et cetera", "e.d.": "en dergelijke", "ca.": "circa", "max.": "maximaal",
        "min.": "minimaal", "incl.": "inclusief", "excl.": "exclusief", "evt.": "eventueel", "resp.": "respectievelijk",
        "t/m": "tot en met", "tel.": "telefoon", "Tel.": "telefoon", "temp.": "temperatuur", "gem.": "gemiddeld",
        "v.Chr.": "voor Christus", "v. Chr.": "voor Christus", "n.Chr.": "na Christus", "n. Chr.": "na Christus",
        "vs.": "versus",
    },
    titles={
        "dr.": "dokter", "Dr.": "dokter", "dhr.": "de heer", "Dhr.": "de heer", "mevr.": "mevrouw", "Mevr.": "mevrouw",
        "mw.": "mevrouw", "Mw.": "mevrouw", "prof.": "professor", "Prof.": "professor", "ir.": "ingenieur",
        "ing.": "ingenieur", "drs.": "doctorandus", "St.": "Sint",
    },
    weekdays={
        "ma": "maandag", "di": "dinsdag", "wo": "woensdag", "do": "donderdag", "vr": "vrijdag", "za": "zaterdag",
        "zo": "zondag", "Ma": "maandag", "Di": "dinsdag", "Wo": "woensdag", "Do": "donderdag", "Vr": "vrijdag",
        "Za": "zaterdag", "Zo": "zondag",
    },
    regnal=words(
        "Willem Karel Lodewijk Hendrik Filips Frederik Maurits Napoleon Leopold Albert Johannes Paulus Pius Benedictus "
        "Gregorius Clemens Innocentius Leo Elisabeth George Eduard Richard Nicolaas Alexander Peter Catharina "
        "Elizabeth"
    ),
    regnal_ordinal=lambda number, name: f"de {_ordinal(number)}",
    numbered=words("hoofdstuk deel akte volume sectie fase type bijlage boek artikel titel seizoen"),
    centuries={"eeuw": ""},
)
