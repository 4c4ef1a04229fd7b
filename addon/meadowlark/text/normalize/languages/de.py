"""German, with the differences of Austria and Switzerland at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import regex

from meadowlark.text.normalize import postcodes
from meadowlark.text.normalize.integers import Spellout
from meadowlark.text.normalize.language import (
    Clock,
    Currency,
    Day,
    Dotted,
    Language,
    always,
    in_order,
    no_year_word,
    noun,
    nouns,
    numbered,
    one_or_more,
    plainly,
    words,
)

_spelled = Spellout(
    "de",
    {
        "": "spellout-numbering",
        "m": "spellout-cardinal-masculine",
        "n": "spellout-cardinal-neuter",
        "f": "spellout-cardinal-feminine",
        "×": "spellout-cardinal-neuter",
        "dm": "spellout-cardinal-m",
        "dn": "spellout-cardinal-m",
        "df": "spellout-cardinal-r",
        "am": "spellout-cardinal-n",
        "an": "spellout-cardinal-neuter",
        "af": "spellout-cardinal-feminine",
        "rm": "spellout-cardinal-neuter",
        "rn": "spellout-cardinal-neuter",
        "rf": "spellout-cardinal-neuter",
    },
)
"""Genders; dative and accusative; "r": in ranges, "ein bis zwei Stunden"."""
_ordinal = Spellout(
    "de",
    {
        "": "spellout-ordinal",
        "n": "spellout-ordinal-n",
        "r": "spellout-ordinal-r",
        "s": "spellout-ordinal-s",
        "m": "spellout-ordinal-m",
    },
)
_numbering_year = Spellout("de", {"": "spellout-numbering-year"})

_MONTH_LIST = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
_MONTHS = in_order(_MONTH_LIST)
_OTHER_MONTHS = {
    "jänner": 1, "feber": 2, "jan": 1, "feb": 2, "mär": 3, "mrz": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sep": 9,
    "sept": 9, "okt": 10, "nov": 11, "dez": 12,
}  # fmt: skip
_MONTH_NAMES = numbered(_MONTH_LIST, _OTHER_MONTHS)

_ARTICLES = words(
    "am im vom zum zur beim den dem des der die das einen einem einer eines diesen diesem dieser dieses jeden jedem "
    "jeder meinen meinem meiner deinen deinem deiner seinen seinem seiner ihren ihrem ihrer unseren unserem unserer"
)
_BEFORE_DAYS = words("am vom zum dem den der im beim")
"""Behind these a number with a full stop is an ordinal at the end of a sentence too; "nimm die 5." is none."""
_LAST_DAY = 31
_WEAK_N = words(
    "am im vom zum zur beim den dem des einen einem einer eines diesen diesem dieser dieses jeden jedem jenen meinen "
    "meinem meiner deinen deinem deiner seinen seinem seiner ihren ihrem ihrer unseren unserem unserer keinen keinem "
    "keiner übers ans ins bis gegen um ab seit nach vor"
)
_WEAK_E = words("der die das eine diese jede meine deine seine ihre unsere keine welche")
_AND = words("und oder bis sowie")
"""Between two ordinals: "am 3. und 4. Mai"."""
_PREPOSITIONS = words(
    "in an auf aus bei mit nach seit von zu während ab unter über vor hinter neben zwischen wegen trotz zur laut"
)
_FEMININE_RE = regex.compile(r"(?:ung|heit|keit|schaft|ion|tät|ei|[^e]e|ur|ik|[Nn]achricht|[Pp]erson|[Tt]ür|[Mm]ail)$")
_ADJECTIVE_RE = regex.compile(r"(?!(?:weitere?[rs]?|dieser|aber|oder|über|unter)$|eine|seine)\p{Ll}{2,}?(e|er|es|en)")
_DATIVE = words("in nach mit vor seit von zu bei aus ab außer binnen innerhalb")
_QUEENS = words("Elisabeth Katharina Maria Margrethe Beatrix Viktoria")
_NEUTER = words(
    "halbjahr halbfinale viertel drittel mal auto jahr kapitel quartal semester spiel tor kind stockwerk obergeschoss "
    "og lebensjahr"
)
_FEMININE = words(
    "kw kalenderwoche etage klasse auflage woche liga runde minute stunde sinfonie symphonie person reihe seite "
    "zeile stelle"
)
_ORDINAL_NOUNS = words(
    "fc sc bfc stock platz rang geburtstag jahrestag hochzeitstag jahrhundert weltkrieg tag monat bezirk spieltag "
    "advent versuch "
    "schritt teil punkt satz alarm oberstock weihnachtstag feiertag"
)


def _cardinal(number: int, form: str = "") -> str:
    """Only 1 is declined."""
    return _spelled(number, form if number == 1 else "")


def _agreement(before: str, noun: str, following: str) -> str:
    """ "1 neue Nachricht", "1 neues Gerät"; of unknown nouns all but feminine ones take "ein"."""
    if before[:1].isupper():
        return ""  # "Sensor 1 Temperatur"
    if noun[:1].isupper():
        return "f" if _FEMININE_RE.search(noun) else "m"
    found = _ADJECTIVE_RE.fullmatch(noun) if following[:1].isupper() else None
    if found and found[1] == "en":
        gender = "f" if _FEMININE_RE.search(following) else "m"
        return gender if gender == "f" or before.lower() in _DATIVE else "am"
    return {"e": "f", "er": "m", "es": "n"}[found[1]] if found else ""


def _regnal(number: int, name: str) -> str:
    return f"{'die' if name in _QUEENS else 'der'} {_ordinal(number).capitalize()}"


def _decade(year: int) -> str:
    return _numbering_year(year) + "er"


def _ending(before: str, noun: str = "") -> str:
    """The form of an ordinal behind these text: "am" → "-n", "der" → "-e", nothing → "-r"."""
    earlier, _, last = before.rpartition(" ")
    if last == "der" and earlier in _PREPOSITIONS:
        return "n"
    if last in _WEAK_N or (last in _AND and noun.lower() not in _FEMININE):
        return "n"
    if last in _WEAK_E:
        return ""
    noun = noun.lower()
    return "s" if noun in _NEUTER else "" if noun in _FEMININE else "r"


def _dotted(number: Dotted) -> str:
    """ "3. Stock": behind an article always, else before nouns that are counted so."""
    if number.written.endswith("°"):
        return ""
    noun = number.after.lower()
    last = number.before.rpartition(" ")[2]
    if not noun.isalpha():
        known = last in (_ARTICLES if noun and not noun.isdecimal() else _BEFORE_DAYS)
        return _ordinal(number.number, _ending(number.before)) if known and number.number <= _LAST_DAY else ""
    counted = noun in _NEUTER or noun in _FEMININE or noun in _ORDINAL_NOUNS
    if not counted and last not in _ARTICLES:
        return number.written if number.after[:1].islower() and number.before else ""
    return _ordinal(number.number, _ending(number.before, number.after))


def _date(date: Day, months: Sequence[str] = _MONTHS) -> str:
    text = f"{_ordinal(date.day, _ending(date.before))} {months[date.month - 1]}"
    return text if date.year is None else f"{text} {_numbering_year(date.year)}"


def _date_range(first: Day, until: int, months: Sequence[str] = _MONTHS) -> str:
    form = _ending(first.before)
    text = f"{_ordinal(first.day, form)} bis {_ordinal(until, form)} {months[first.month - 1]}"
    return text if first.year is None else f"{text} {_numbering_year(first.year)}"


def _hour(hour: int) -> str:
    return "ein" if hour == 1 else _cardinal(hour)


def _time(clock: Clock) -> str:
    """Sieben Uhr dreißig."""
    text = f"{_hour(clock.hour)} Uhr"
    if clock.minute:
        text += f" {_cardinal(clock.minute)}"
    if clock.second is not None:
        text += f" und {_cardinal(clock.second, 'f')} Sekunde{'n' * (clock.second != 1)}"
    return text


def _time_range(start: Clock, end: Clock) -> str:
    """Vierzehn bis sechzehn Uhr."""
    if not start.minute and start.second is None:
        return f"{_hour(start.hour) if start.hour != 1 else 'eins'} bis {_time(end)}"
    return f"{_time(start)} bis {_time(end)}"


# fmt: off
_UNITS = {
    **nouns(
        "n",
        {
            "°C ℃": "Grad Celsius",
            "°F ℉": "Grad Fahrenheit",
            "°": "Grad",
            "K": "Kelvin",
            "%": "Prozent",
            "‰": "Promille",
            "W": "Watt",
            "kW": "Kilowatt",
            "MW": "Megawatt",
            "Wp": "Watt Peak",
            "kWp": "Kilowatt Peak",
            "VA": "Voltampere",
            "kVA": "Kilovoltampere",
            "V": "Volt",
            "mV": "Millivolt",
            "kV": "Kilovolt",
            "A": "Ampere",
            "mA": "Milliampere",
            "Ω": "Ohm",
            "Hz": "Hertz",
            "kHz": "Kilohertz",
            "MHz": "Megahertz",
            "GHz": "Gigahertz",
            "J": "Joule",
            "kJ": "Kilojoule",
            "MJ": "Megajoule",
            "lx lux": "Lux",
            "lm": "Lumen",
            "ppm": "ppm",
            "ppb": "ppb",
            "µS μS": "Mikrosiemens",
            "Bq": "Becquerel",
            "bpm BPM": "Schläge pro Minute",
            "V/m": "Volt pro Meter",
            "MWp": "Megawatt Peak",
            "Mbit/s": "Megabit pro Sekunde",
            "µg μg ug": "Mikrogramm",
            "mg": "Milligramm",
            "g": "Gramm",
            "kg": "Kilogramm",
            "Pa": "Pascal",
            "hPa": "Hektopascal",
            "kPa": "Kilopascal",
            "mbar": "Millibar",
            "mmHg": "Millimeter Quecksilbersäule",
            "bar": "Bar",
            "dB dB(A) dBA": "Dezibel",
            "dBm": "dBm",
            "B": "Byte",
            "kB KB": "Kilobyte",
            "MB": "Megabyte",
            "GB": "Gigabyte",
            "TB": "Terabyte",
            "Mbit": "Megabit",
            "Gbit": "Gigabit",
            "px": "Pixel",
            "MP": "Megapixel",
        },
    ),
    **nouns(
        "f",
        {
            "Wh": "Wattstunde|Wattstunden",
            "kWh": "Kilowattstunde|Kilowattstunden",
            "MWh": "Megawattstunde|Megawattstunden",
            "GWh": "Gigawattstunde|Gigawattstunden",
            "kVAh": "Kilovoltamperestunde|Kilovoltamperestunden",
            "Ah": "Amperestunde|Amperestunden",
            "mAh": "Milliamperestunde|Milliamperestunden",
            "kcal": "Kilokalorie|Kilokalorien",
            "mph": "Meile pro Stunde|Meilen pro Stunde",
            "t": "Tonne|Tonnen",
            "ms": "Millisekunde|Millisekunden",
            "s sek Sek. Sek sec": "Sekunde|Sekunden",
            "min Min. Min": "Minute|Minuten",
            "h Std. Std": "Stunde|Stunden",
            "rpm U/min": "Umdrehung pro Minute|Umdrehungen pro Minute",
        },
    ),
    **nouns(
        "m",
        {
            "nm": "Nanometer",
            "µm μm": "Mikrometer",
            "mm": "Millimeter",
            "cm": "Zentimeter",
            "m": "Meter",
            "km": "Kilometer",
            "km/h kmh": "Kilometer pro Stunde",
            "″": "Zoll",
            "mm² mm2": "Quadratmillimeter",
            "cm² cm2": "Quadratzentimeter",
            "m² m2 ㎡ qm": "Quadratmeter",
            "km² km2": "Quadratkilometer",
            "cm³ cm3": "Kubikzentimeter",
            "m³ m3 ㎥": "Kubikmeter",
            "ha": "Hektar",
            "l L": "Liter",
            "ml mL": "Milliliter",
            "cl": "Zentiliter",
            "dl": "Deziliter",
            "kn": "Knoten",
            "Bft": "Beaufort",
            "EL": "Esslöffel",
            "TL": "Teelöffel",
        },
    ),
}
_PER = {
    "s": "pro Sekunde", "min": "pro Minute", "h": "pro Stunde", "d": "pro Tag", "Tag": "pro Tag", "Woche": "pro Woche",
    "Monat": "pro Monat", "Jahr": "pro Jahr", "a": "pro Jahr", "kWh": "pro Kilowattstunde", "MWh": "pro Megawattstunde",
    "m": "pro Meter", "cm": "pro Zentimeter", "km": "pro Kilometer", "100 km": "auf einhundert Kilometer",
    "m²": "pro Quadratmeter",
    "m2": "pro Quadratmeter", "qm": "pro Quadratmeter", "m³": "pro Kubikmeter", "m3": "pro Kubikmeter",
    "l": "pro Liter",
    "L": "pro Liter", "dl": "pro Deziliter", "g": "pro Gramm", "kg": "pro Kilogramm", "Person": "pro Person",
    "Stück": "pro Stück",
}
_EURO = Currency(noun("Euro", "m"), noun("Cent", "m"))
_FRANKEN = Currency(noun("Franken", "m"), noun("Rappen", "m"))
_CURRENCIES = {
    "€": _EURO, "EUR": _EURO, "Euro": _EURO, "¢": Currency(noun("Cent", "m")), "ct": Currency(noun("Cent", "m")),
    "Ct": Currency(noun("Cent", "m")), "Cent": Currency(noun("Cent", "m")),
    "$": Currency(noun("Dollar", "m"), noun("Cent", "m")), "US$": Currency(noun("US-Dollar", "m"), noun("Cent", "m")),
    "USD": Currency(noun("US-Dollar", "m"), noun("Cent", "m")),
    "£": Currency(noun("Pfund", "n"), noun("Penny|Pence", "m")), "GBP": Currency(noun("Pfund",
    "n"), noun("Penny|Pence", "m")),
    "CHF": _FRANKEN, "Fr.": _FRANKEN, "SFr.": _FRANKEN, "¥": Currency(noun("Yen", "m")), "JPY": Currency(noun("Yen",
    "m")),
    "zł": Currency(noun("Złoty", "m"), noun("Grosz", "m")), "PLN": Currency(noun("Złoty", "m"), noun("Grosz", "m")),
    "Kč": Currency(noun("tschechische Krone|tschechische Kronen", "f")),
    "CZK": Currency(noun("tschechische Krone|tschechische Kronen", "f")),
    "DKK": Currency(noun("dänische Krone|dänische Kronen", "f")),
    "SEK": Currency(noun("schwedische Krone|schwedische Kronen", "f")),
    "NOK": Currency(noun("norwegische Krone|norwegische Kronen", "f")),
    "₽": Currency(noun("Rubel", "m")), "₹": Currency(noun("Rupie|Rupien", "f")),
    "₿": Currency(noun("Bitcoin|Bitcoins", "m")),
}

_WEEKDAYS = {
    "Mo": "Montag", "Di": "Dienstag", "Mi": "Mittwoch", "Do": "Donnerstag", "Fr": "Freitag", "Sa": "Samstag",
    "So": "Sonntag",
}
_WINDS = words("wind winde böen windböen windrichtung westwind nordwind")
_COMPASS = {
    "N": "Nord", "NO": "Nordost", "NE": "Nordost", "O": "Ost", "E": "Ost", "SO": "Südost", "SE": "Südost",
    "S": "Süd", "SW": "Südwest", "W": "West", "NW": "Nordwest", "NNO": "Nordnordost", "NNE": "Nordnordost",
    "ONO": "Ostnordost", "ENE": "Ostnordost", "OSO": "Ostsüdost", "ESE": "Ostsüdost", "SSO": "Südsüdost",
    "SSE": "Südsüdost", "SSW": "Südsüdwest", "WSW": "Westsüdwest", "WNW": "Westnordwest", "NNW": "Nordnordwest",
}

LANGUAGE = Language(
    code="de",
    decimal=",",
    groups=".",
    cardinal=_cardinal,
    plural=one_or_more,
    minus="minus",
    point=always("Komma"),
    fraction_digits=1,
    magnitudes={
        "Tsd.": noun("tausend"), "Tausend": noun("tausend"), "tausend": noun("tausend"),
        "Mio.": noun("Million|Millionen", "f"), "Mio": noun("Million|Millionen", "f"),
        "Millionen": noun("Million|Millionen", "f"), "Million": noun("Million|Millionen", "f"),
        "Mrd.": noun("Milliarde|Milliarden", "f"), "Mrd": noun("Milliarde|Milliarden", "f"),
        "Milliarden": noun("Milliarde|Milliarden", "f"), "Milliarde": noun("Milliarde|Milliarden", "f"),
    },
    magnitudes_of=plainly,
    year=_numbering_year,
    years_before=words(
        "jahr jahre jahres seit bis ab von um anno sommer winter herbst frühjahr frühling ende anfang mitte vor "
        "nach januar februar märz april mai juni juli august september oktober november dezember jahrgang baujahr"
    ),
    years_unless=r"[ -](?:\p{Lu}|weitere|neue|andere|mal)",
    ordinal=_ordinal,
    ordinal_marks={"te": "", "ten": "n", "ter": "r", "tes": "s", "tem": "m", "ste": "", "sten": "n", "ster": "r",
    "stes": "s"},
    dotted=_dotted,
    decade_marks=("er",),
    decades_after=frozenset(),
    decade=_decade,
    range_words=("", "bis"),
    range_case="r",
    range_plural=None,
    fractions={
        "1/2": "ein halb", "1/3": "ein Drittel", "2/3": "zwei Drittel", "1/4": "ein Viertel", "3/4": "drei Viertel",
        "1/5": "ein Fünftel", "2/5": "zwei Fünftel", "3/5": "drei Fünftel", "4/5": "vier Fünftel",
        "1/6": "ein Sechstel",
        "5/6": "fünf Sechstel", "1/8": "ein Achtel", "3/8": "drei Achtel", "5/8": "fünf Achtel", "7/8": "sieben Achtel",
        "1/10": "ein Zehntel", "24/7": "vierundzwanzig sieben", "50/50": "fünfzig-fünfzig",
    },
    mixed={"1/2": "{n}einhalb", "1/4": "{n}einviertel", "3/4": "{n}dreiviertel", "1/3": "{n}eindrittel",
    "2/3": "{n}zweidrittel"},
    mixed_gender="n",
    halves={"m": "ein halber", "n": "ein halbes", "f": "eine halbe"},
    fraction_plural=0,
    operators={
        ":": "zu",
        "+": "plus", "−": "minus", "×": "mal", "÷": "geteilt durch", "=": "ist gleich", "≈": "ist etwa",
        "<": "ist kleiner als", ">": "ist größer als", "≤": "ist höchstens", "≥": "ist mindestens",
    },
    by="mal",
    out_of="von",
    over="zu",
    times_suffix="mal",
    signs={
        "#": "Nummer", "№": "Nummer", "Nr.": "Nummer", "Nr": "Nummer", "§": "Paragraf", "§§": "Paragrafen",
        "±": "plus minus", "√": "Wurzel aus",
        "≈": "etwa", "<": "unter", ">": "über", "≤": "höchstens", "≥": "mindestens", "Abs.": "Absatz",
        "Art.": "Artikel",
        "Kap.": "Kapitel", "Abb.": "Abbildung", "S.": "Seite", "Bd.": "Band",
    },
    counted={
        **dict.fromkeys(words("grad prozent watt volt"), "n"),
        **dict.fromkeys(words("stunde minute sekunde woche lampe leuchte nachricht tür person aufgabe kamera steckdose "
                              "erinnerung etage million e-mail mail stelle meldung batterie tasse packung "
                              "flasche tafel dose zwiebel zitrone gurke prise"), "f"),
        **dict.fromkeys(words("licht fenster gerät auto update ereignis kind bild tor jahr mal"), "n"),
        **dict.fromkeys(words("tag monat timer wecker alarm termin raum anruf artikel schritt sensor schalter liter "
                              "becher teelöffel esslöffel"), "m"),
    },
    agreement=_agreement,
    cases={
        **dict.fromkeys(_DATIVE, "d"),
        **dict.fromkeys(words("für um ohne gegen durch auf"), "a"),
    },
    units=_UNITS,
    per=_PER,
    currencies=_CURRENCIES,
    money="{major} {cents}",
    month_names=_MONTH_NAMES,
    capital_months=True,
    short_months=frozenset(),
    day_marks=(".",),
    of="",
    month_first=False,
    date=_date,
    date_range=_date_range,
    until=("bis", "bis zum"),
    year_words=(),
    year_with=no_year_word,
    time=_time,
    time_range=_time_range,
    clock_words=("Uhr", "h"),
    clock_hour="",
    dot="Punkt",
    colon="Doppelpunkt",
    port="Port",
    version="Version",
    phone_pairs=False,
    spelled_after=words("polizei feuerwehr passwort kennwort bestätigungscode türcode zugangscode pin code geheimzahl "
                        "notruf notrufnummer wählen durchwahl postleitzahl plz wähle rufe ruf tel telefon"),
    episode="Staffel {season} Folge {episode}",
    postcodes=postcodes.GERMAN,
    postcode_digits=0,
    powers={"²": "hoch zwei", "³": "hoch drei", "^": "hoch"},
    rewrites={
        **{rf"(?<!\p{{L}}){short}\.(?= bis (?:{'|'.join(_WEEKDAYS)})\.)": day for short, day in _WEEKDAYS.items()},
        **{
            rf"(?<=(?<!\p{{L}})(?i:am|bis|ab|seit|vom|zum|jeden|nächsten|letzten|diesen) ){short}\.(?= )": day
            for short, day in _WEEKDAYS.items()
        },
        **{rf"(?<=^|[,(] ?){short}\.(?= (?!und |oder |bis )\p{{Ll}})": day for short, day in _WEEKDAYS.items()},
        **{
            rf"(?<![\p{{L}}\p{{N}}])['’]?{century}{tens}0ern(?!\p{{L}})": f"{said}{stem}ern"
            for century, said in (("", ""), ("19", "neunzehnhundert"), ("18", "achtzehnhundert"))
            for tens, stem in enumerate(in_order("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"), 2)
        },
        # "Verlängert um 2 h", "um 3 h länger" are of hours.
        r"(?<=(?<!\p{L})(?<!er(?:läng|kürz|schieb|schob|spät|höh)\p{Ll}{0,4} (?:\p{L}{1,12} ){0,3})"
        r"(?i:um|ab|gegen) [0-9]{1,2}) ?h(?![\p{L}\p{N}/]| (?:ver|redu|erhöh|vorge|zurückge)\p{Ll}+[tn](?!\p{L})"
        r"| (?:länger|kürzer|später|früher|mehr|weniger|nach hinten|nach vorn)(?!\p{L}))": " Uhr",
        r"(?<=(?<!\p{L})(?i:um|ab|gegen) [0-9]{1,2})h(?=[0-5][0-9](?![\p{L}\p{N}]))": ":",
        r"(?<=[0-9] )J\.(?= \p{Ll}|[,;:)])": "Jahre",
        r"(?<=[0-9] )J(?=\.$)": "Jahre",
        r"(?<=[0-9])A(?=-\p{Lu})": " A",
        r"(?<=[0-9]{1,2}\. ?(?:\p{Lu}\p{Ll}{2,8}\.?|[0-9]{1,2}\.)) [-–] (?=[0-9]{1,2}\. ?[\p{Lu}0-9])": " bis zum ",
        r"(?<=[0-9]{1,2}\.[0-9]{1,2}\.)[-–](?=[0-9]{1,2}\.[0-9]{1,2}\.)": " bis zum ",
        r"(?<![\p{L}\p{N}.,:])1 bis (?=[0-9]{1,2} (?!Uhr)\p{Lu})": "ein bis ",
        r"(?<=[0-9]-[0-9]{1,2})[x×](?![\p{L}\p{N}])": " mal",
        r"(?<![\p{L}.])ca (?=[0-9])": "circa ",
    },
    winds=_WINDS,
    compass=_COMPASS,
    endings={"str.": "straße"},
    letters={
        "CO2": "C O zwei", "CO₂": "C O zwei", "PM2.5": "P M zwei Komma fünf", "PM2,5": "P M zwei Komma fünf",
        "PM10": "P M zehn", "PM1": "P M eins", "H2O": "H zwei O", "H₂O": "H zwei O", "O₃": "Ozon", "NO₂": "N O zwei",
        "NO2": "N O zwei", "SO₂": "S O zwei", "SO2": "S O zwei",
    },
    abbreviations={
        "z.B.": "zum Beispiel", "z. B.": "zum Beispiel", "Z.B.": "Zum Beispiel", "Z. B.": "Zum Beispiel",
        "d.h.": "das heißt", "d. h.": "das heißt", "u.a.": "unter anderem", "u. a.": "unter anderem",
        "o.ä.": "oder ähnlich", "o. ä.": "oder ähnlich", "u.ä.": "und ähnlich", "u. ä.": "und ähnlich",
        "i.d.R.": "in der Regel", "i. d. R.": "in der Regel", "v.a.": "vor allem", "v. a.": "vor allem",
        "z.T.": "zum Teil", "z. T.": "zum Teil", "s.o.": "siehe oben", "s. o.": "siehe oben", "s.u.": "siehe unten",
        "s. u.": "siehe unten", "u.U.": "unter Umständen", "u. U.": "unter Umständen", "m.E.": "meines Erachtens",
        "v.Chr.": "vor Christus", "v. Chr.": "vor Christus", "n.Chr.": "nach Christus", "n. Chr.": "nach Christus",
        "usw.": "und so weiter", "Jh.": "Jahrhundert", "Jhd.": "Jahrhundert", "Std.": "Stunden",
        "Mo.,": "Montag,", "Di.,": "Dienstag,", "Mi.,": "Mittwoch,", "Do.,": "Donnerstag,", "Fr.,": "Freitag,",
        "Sa.,": "Samstag,", "So.,": "Sonntag,", "usf.": "und so fort", "etc.": "et cetera", "bzw.": "beziehungsweise",
        "ca.": "circa", "evtl.": "eventuell", "ggf.": "gegebenenfalls", "inkl.": "inklusive", "exkl.": "exklusive",
        "bspw.": "beispielsweise", "zzgl.": "zuzüglich", "abzgl.": "abzüglich",
        "Dr. med.": "Doktor med", "Dr. h. c.": "Doktor honoris causa", "zw.": "zwischen", "tgl.": "täglich",
        "mtl.": "monatlich", "bzgl.": "bezüglich", "sog.": "sogenannt", "o. g.": "oben genannt",
        "mind.": "mindestens", "Pck.": "Päckchen", "Pkg.": "Packung", "Msp.": "Messerspitze", "Bhf.": "Bahnhof",
        "Hbf.": "Hauptbahnhof", "Hbf": "Hauptbahnhof", "Nachm.": "Nachmittag", "Vorm.": "Vormittag",
        "durchschn.": "durchschnittlich",
        "max.": "maximal", "min.": "minimal", "vgl.": "vergleiche", "Tel.": "Telefon", "tel.": "telefonisch",
        "Temp.": "Temperatur", "einschl.": "einschließlich", "insb.": "insbesondere",
        "Mo.-Fr.": "Montag bis Freitag", "Mo.–Fr.": "Montag bis Freitag",
        "Mo-Fr": "Montag bis Freitag", "Mo–Fr": "Montag bis Freitag",
    },
    titles={
        "Dr.": "Doktor", "Prof.": "Professor", "Hr.": "Herr", "Fr.": "Frau", "St.": "Sankt", "Ing.": "Ingenieur",
        "Dipl.-Ing.": "Diplomingenieur",
    },
    weekdays=_WEEKDAYS,
    regnal=words(
        "Heinrich Ludwig Friedrich Wilhelm Karl Otto Georg Elisabeth Katharina Philipp Franz Joseph Leopold "
        "Maximilian Napoleon Johannes Paul Pius Benedikt Gregor Clemens Innozenz Leo Ferdinand Albert Rudolf "
        "Alexander Nikolaus Peter Ramses Charles"
    ),
    regnal_ordinal=_regnal,
    numbered=words("kapitel teil band akt abschnitt klasse stufe phase typ artikel anhang buch folge staffel hartz"),
    centuries={},
)
# fmt: on

_AUSTRIAN_MONTHS = ("Jänner", *_MONTHS[1:])
AUSTRIAN = replace(
    LANGUAGE,
    code="de-AT",
    date=lambda date: _date(date, _AUSTRIAN_MONTHS),
    date_range=lambda first, until: _date_range(first, until, _AUSTRIAN_MONTHS),
)
SWISS = replace(LANGUAGE, code="de-CH", decimal=".", groups="'")

REGIONS = {"de-at": AUSTRIAN, "de-ch": SWISS, "de-li": SWISS}
