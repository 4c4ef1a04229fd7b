"""French."""

from __future__ import annotations

from meadowlark.text.normalize import postcodes
from meadowlark.text.normalize.integers import Spellout
from meadowlark.text.normalize.language import (
    Clock,
    Currency,
    Day,
    Language,
    always,
    by_ending,
    halves_behind,
    in_order,
    never,
    no_year_word,
    noun,
    nouns,
    numbered,
    words,
)

_cardinal = Spellout(
    "fr", {"": "spellout-numbering", "m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine"}
)
_spelled_ordinal = Spellout("fr", {"": "spellout-ordinal-masculine", "f": "spellout-ordinal-feminine"})
_MONTH_LIST = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
_MONTHS = in_order(_MONTH_LIST)
_OTHER_MONTHS = {
    "janv": 1, "jan": 1, "févr": 2, "fév": 2, "avr": 4, "juil": 7, "sept": 9, "oct": 10, "nov": 11, "déc": 12,
    "fevrier": 2, "aout": 8, "decembre": 12,
}  # fmt: skip


def _plural(whole: int, decimals: bool) -> int:
    return 0 if whole < 2 else 1


def _of(noun: str) -> str:
    """D'euros, de dollars."""
    return f"d'{noun}" if noun[:1] in "aeiouyéèhAEIOUÉ" else f"de {noun}"


_agreement = by_ending(
    "(?:[ts]ion|té|ée|ure|ette|elle|ance|ence|ie|ine|ière|euse|rice|ade|esse|que|ale)s?",
    "(?!)",
    "",
    words(
        "a as ai avez avons ont reste restent en dans de avec et ou seulement encore depuis pendant pour sur il y "
        "manque "
        "ajoute ajouté chaque les des sans reçu trouvé sont est"
    ),
    words("de du et ou a à en sur pour avec sans est sont plus moins que se au le la les un une elle elles quelques"),
)


def _ordinal(number: int, form: str) -> str:
    if form in ("second", "seconde"):
        return form if number == 2 else ""
    return _spelled_ordinal(number, form)


def _day(day: int) -> str:
    return "premier" if day == 1 else _cardinal(day)


def _with_year(text: str, year: int | None) -> str:
    return text if year is None else f"{text} {_cardinal(year)}"


def _date(date: Day) -> str:
    return _with_year(f"{_day(date.day)} {_MONTHS[date.month - 1]}", date.year)


def _date_range(first: Day, until: int) -> str:
    return _with_year(f"{_day(first.day)} au {_cardinal(until)} {_MONTHS[first.month - 1]}", first.year)


def _time(clock: Clock) -> str:
    """Quatorze heures trente."""
    text = f"{_cardinal(clock.hour, 'f')} heure{'s' * (clock.hour > 1)}"
    if clock.minute:
        text += f" {_cardinal(clock.minute, 'f')}"
    if clock.second is not None:
        text += f" et {_cardinal(clock.second, 'f')} seconde{'s' * (clock.second > 1)}"
    return text


def _time_range(start: Clock, end: Clock) -> str:
    return f"{_time(start)} à {_time(end)}"


# fmt: off
_UNITS = nouns(
    "m",
    {
        "°C ℃": "degré Celsius|degrés Celsius", "°F ℉": "degré Fahrenheit|degrés Fahrenheit", "°": "degré|degrés",
        "K": "kelvin|kelvins", "%": "pour cent", "‰": "pour mille", "W": "watt|watts", "kW": "kilowatt|kilowatts",
        "MW": "mégawatt|mégawatts", "Wc Wp": "watt-crête|watts-crête", "kWc kWp": "kilowatt-crête|kilowatts-crête",
        "VA": "voltampère|voltampères", "Wh": "wattheure|wattheures", "kWh": "kilowattheure|kilowattheures",
        "MWh": "mégawattheure|mégawattheures", "GWh": "gigawattheure|gigawattheures", "V": "volt|volts",
        "mV": "millivolt|millivolts", "A": "ampère|ampères", "mA": "milliampère|milliampères",
        "Ah": "ampèreheure|ampèreheures", "mAh": "milliampèreheure|milliampèreheures", "Hz": "hertz",
        "kHz": "kilohertz", "MHz": "mégahertz", "GHz": "gigahertz", "lx lux": "lux", "lm": "lumen|lumens",
        "µg μg": "microgramme|microgrammes", "mg": "milligramme|milligrammes", "g": "gramme|grammes",
        "kg": "kilogramme|kilogrammes", "Pa": "pascal|pascals", "hPa": "hectopascal|hectopascals",
        "kPa": "kilopascal|kilopascals",
        "mmHg": "millimètre de mercure|millimètres de mercure",
        "mbar": "millibar|millibars", "bar": "bar|bars", "dB": "décibel|décibels",
        "mm": "millimètre|millimètres", "cm": "centimètre|centimètres", "m": "mètre|mètres",
        "km": "kilomètre|kilomètres", "km/h kmh": "kilomètre par heure|kilomètres par heure", "″": "pouce|pouces",
        "cm² cm2": "centimètre carré|centimètres carrés", "m² m2 ㎡": "mètre carré|mètres carrés",
        "km² km2": "kilomètre carré|kilomètres carrés", "cm³ cm3": "centimètre cube|centimètres cubes",
        "m³ m3 ㎥": "mètre cube|mètres cubes", "ha": "hectare|hectares", "l L": "litre|litres",
        "ml mL": "millilitre|millilitres", "cl cL": "centilitre|centilitres", "dl": "décilitre|décilitres",
        "o": "octet|octets", "ko Ko kB KB": "kilooctet|kilooctets", "Mo MB": "mégaoctet|mégaoctets",
        "Go GB": "gigaoctet|gigaoctets", "To TB": "téraoctet|téraoctets", "Mbit": "mégabit|mégabits",
        "Gbit": "gigabit|gigabits", "px": "pixel|pixels",
        "tr/min rpm": "tour par minute|tours par minute",
    },
) | nouns(
    "f",
    {
        "ppm": "partie par million|parties par million", "ppb": "partie par milliard|parties par milliard",
        "t": "tonne|tonnes", "kcal": "kilocalorie|kilocalories", "mph": "mille par heure|milles par heure",
        "ms": "milliseconde|millisecondes", "s sec": "seconde|secondes", "min mn": "minute|minutes",
        "h": "heure|heures", "pers. pers": "personne|personnes",
    },
) | {
    written: noun(f"cuillère à {spoon}|cuillères à {spoon}", "f")
    for letter, spoon in (("s", "soupe"), ("c", "café"))
    for written in (f"c. à {letter}.", f"c.à.{letter}.", f"c. à {spoon}", f"cuil. à {spoon}", f"cà{letter}")
}
_EURO = Currency(noun("euro|euros", "m"), noun("centime|centimes", "m"))
_DOLLAR = Currency(noun("dollar|dollars", "m"), noun("cent|cents", "m"))
_POUND = Currency(noun("livre sterling|livres sterling", "f"), noun("penny|pence", "m"))
_FRANC = Currency(noun("franc suisse|francs suisses", "m"), noun("centime|centimes", "m"))
_YEN = Currency(noun("yen|yens", "m"))

_WINDS = words("vent vents rafales rafale")
_COMPASS = {
    "N": "nord", "NE": "nord-est", "E": "est", "SE": "sud-est", "S": "sud", "SO": "sud-ouest", "SW": "sud-ouest",
    "O": "ouest", "NO": "nord-ouest", "NW": "nord-ouest",
    "NNE": "nord-nord-est", "ENE": "est-nord-est", "ESE": "est-sud-est", "SSE": "sud-sud-est",
    "SSO": "sud-sud-ouest", "SSW": "sud-sud-ouest", "OSO": "ouest-sud-ouest", "WSW": "ouest-sud-ouest",
    "ONO": "ouest-nord-ouest", "WNW": "ouest-nord-ouest", "NNO": "nord-nord-ouest", "NNW": "nord-nord-ouest",
}

LANGUAGE = Language(
    code="fr",
    decimal=",",
    groups=" ",
    cardinal=_cardinal,
    plural=_plural,
    minus="moins",
    point=always("virgule"),
    fraction_digits=2,
    magnitudes={
        "mille": noun("mille"), "k": noun("mille"), "million": noun("million|millions", "m"),
        "millions": noun("million|millions", "m"), "M": noun("million|millions", "m"),
        "milliard": noun("milliard|milliards", "m"), "milliards": noun("milliard|milliards", "m"),
        "Md": noun("milliard|milliards", "m"),
    },
    magnitudes_of=_of,
    year=lambda year: _cardinal(year),
    years_before=frozenset(),
    years_unless="",
    ordinal=_ordinal,
    ordinal_marks={
        "er": "", "re": "f", "ère": "f", "ere": "f", "e": "", "ème": "", "eme": "", "ième": "",
        "nd": "second", "nde": "seconde", "ᵉ": "", "ᵉʳ": "",
    },
    dotted=never,
    decade_marks=(),
    decades_after=frozenset(),
    decade=lambda year: "",
    range_words=("", "à"),
    range_case="",
    range_plural=None,
    fractions={
        "1/2": "un demi", "1/3": "un tiers", "2/3": "deux tiers", "1/4": "un quart", "3/4": "trois quarts",
        "1/5": "un cinquième", "1/8": "un huitième", "1/10": "un dixième", "24/7": "vingt-quatre sept",
        "50/50": "cinquante-cinquante", "16/9": "seize neuvièmes",
    },
    mixed={"1/2": "{n} et demi", "1/4": "{n} un quart", "3/4": "{n} trois quarts", "1/3": "{n} un tiers"},
    mixed_gender="m",
    halves={"m": "un demi", "f": "une demi"},
    fraction_plural=0,
    operators={
        "+": "plus", "−": "moins", "×": "fois", "÷": "divisé par", "=": "égale", ":": "à", "≈": "environ",
        "<": "est inférieur à", ">": "est supérieur à",
    },
    by="par",
    out_of="sur",
    over="sur",
    times_suffix="fois",
    signs={
        "p.": "page", "pp.": "pages", "chap.": "chapitre", "fig.": "figure",
        "#": "numéro", "№": "numéro", "n°": "numéro", "nº": "numéro", "N°": "numéro", "§": "paragraphe",
        "±": "plus ou moins", "≈": "environ", "<": "moins de", ">": "plus de", "≤": "au plus", "≥": "au moins",
    },
    counted={
        **dict.fromkeys(words("heure heures minute minutes seconde secondes semaine semaines lampe lampes lumière "
                              "lumières porte portes fenêtre fenêtres personne personnes tâche tâches alarme alarmes "
                              "fois année années pièce pièces caméra caméras tasse tasses cuillère cuillères"),
                        "f"),
        **dict.fromkeys(words("verre litre oignon citron paquet sachet"), "m"),
    },
    agreement=_agreement,
    cases={},
    units=_UNITS,
    per={
        "s": "par seconde", "min": "par minute", "h": "par heure", "j": "par jour", "jour": "par jour",
        "semaine": "par semaine", "mois": "par mois", "an": "par an", "kWh": "par kilowattheure",
        "MWh": "par mégawattheure", "m": "par mètre", "km": "par kilomètre", "100 km": "aux cent kilomètres",
        "m²": "par mètre carré", "m2": "par mètre carré", "m³": "par mètre cube", "m3": "par mètre cube",
        "l": "par litre", "L": "par litre", "kg": "par kilo", "personne": "par personne",
    },
    currencies={
        "€": _EURO, "EUR": _EURO, "$": _DOLLAR, "USD": _DOLLAR, "£": _POUND, "GBP": _POUND, "CHF": _FRANC,
        "¥": _YEN, "JPY": _YEN, "CAD": Currency(noun("dollar canadien|dollars canadiens", "m"), noun("cent|cents",
        "m")),
        "zł": Currency(noun("zloty|zlotys", "m")), "Kč": Currency(noun("couronne tchèque|couronnes tchèques", "f")),
    },
    money="{major} {cents}",
    month_names=numbered(_MONTH_LIST, _OTHER_MONTHS),
    capital_months=False,
    short_months=frozenset(_OTHER_MONTHS),
    day_marks=("er",),
    of="",
    month_first=False,
    date=_date,
    date_range=_date_range,
    until=("au",),
    year_words=(),
    year_with=no_year_word,
    time=_time,
    time_range=_time_range,
    clock_words=("heures", "heure", "h"),
    clock_hour="h",
    dot="point",
    colon="deux-points",
    port="port",
    version="version",
    phone_pairs=True,
    spelled_after=words("code pin poste tél téléphone appelez appelle appeler"),
    episode="saison {season} épisode {episode}",
    postcodes=postcodes.FRENCH,
    postcode_digits=2,
    powers={"²": "au carré", "³": "au cube", "^": "puissance"},
    rewrites=halves_behind(
        "et demi", "et demie",
        {
            "h heure heures": "f",
            "min minute minutes": "f",
            "kg kilo kilos": "m",
            "l L litre litres": "m",
            "jour jours": "m",
            "an ans": "m",
            "tasse tasses": "f",
            "cuillère cuillères": "f",
            "semaine semaines": "f",
        },
    ) | {
        r"(?<=\p{Lu}\p{Ll}{2,20} )Ier(?!\p{L})": "premier",
        r"(?<=années )['’](?=[0-9]0(?![\p{L}\p{N}]))": "",
        r"(?<=années ['’]?)80(?![\p{L}\p{N}]|[.,][0-9])": "quatre-vingt",
    },
    winds=_WINDS,
    compass=_COMPASS,
    endings={},
    letters={
        "H2O": "H deux O", "H₂O": "H deux O",
        "CO2": "C O deux", "CO₂": "C O deux", "PM2.5": "P M deux virgule cinq", "PM2,5": "P M deux virgule cinq",
        "PM10": "P M dix", "NO₂": "N O deux", "NO2": "N O deux", "O₃": "ozone",
    },
    abbreviations={
        "p.ex.": "par exemple", "p. ex.": "par exemple", "P. ex.": "Par exemple", "c.-à-d.": "c'est-à-dire",
        "etc.": "et cetera", "art.": "article", "env.": "environ", "approx.": "approximativement", "max.": "maximum",
        "min.": "minimum",
        "tél.": "téléphone", "Tél.": "téléphone", "temp.": "température", "cf.": "voir", "bd": "boulevard",
        "av. J.-C.": "avant Jésus-Christ", "apr. J.-C.": "après Jésus-Christ", "Mme": "madame", "Mlle": "mademoiselle",
        "MM.": "messieurs",
        "24h/24": "vingt-quatre heures sur vingt-quatre", "24 h/24": "vingt-quatre heures sur vingt-quatre",
        "7j/7": "sept jours sur sept", "7 j/7": "sept jours sur sept",
    },
    titles={"M.": "monsieur", "Me": "maître", "Dr": "docteur", "Dr.": "docteur", "Pr": "professeur",
        "St": "saint", "Ste": "sainte"},
    weekdays={
        "lun": "lundi", "mar": "mardi", "mer": "mercredi", "jeu": "jeudi", "ven": "vendredi", "sam": "samedi",
        "dim": "dimanche", "Lun": "lundi", "Mar": "mardi", "Mer": "mercredi", "Jeu": "jeudi", "Ven": "vendredi",
        "Sam": "samedi", "Dim": "dimanche",
    },
    regnal=words(
        "Louis Henri François Charles Philippe Napoléon Élisabeth Elisabeth Georges Guillaume Jacques Édouard Richard "
        "Jean Paul Pie Benoît Grégoire Clément Innocent Léon Nicolas Alexandre Pierre Catherine Frédéric Albert Léopold"
    ),
    regnal_ordinal=lambda number, name: "premier" if number == 1 else _cardinal(number),
    numbered=words("chapitre partie acte volume tome section phase type annexe livre article titre saison épisode"),
    centuries={"siècle": "", "siècles": "", "République": "f", "arrondissement": ""},
)
