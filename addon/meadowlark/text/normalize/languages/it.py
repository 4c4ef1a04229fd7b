"""Italian."""

from __future__ import annotations

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
    by_ending,
    halves_behind,
    in_order,
    no_year_word,
    noun,
    nouns,
    numbered,
    one_or_more,
    words,
)

_spelled = Spellout("it", {"": "spellout-numbering"})
_ordinal = Spellout("it", {"": "spellout-ordinal-masculine", "f": "spellout-ordinal-feminine"})
_MONTH_LIST = "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
_MONTHS = in_order(_MONTH_LIST)
_OTHER_MONTHS = {
    "gen": 1, "feb": 2, "apr": 4, "mag": 5, "giu": 6, "lug": 7, "ago": 8, "sett": 9, "set": 9, "ott": 10, "nov": 11,
    "dic": 12,
}  # fmt: skip
_ORDINAL_NOUNS = {
    **dict.fromkeys(words("piano posto giorno livello capitolo secolo anno grado tentativo turno semestre"), ""),
    **dict.fromkeys(words("classe volta settimana puntata stagione edizione fila"), "f"),
}
_MASCULINE = words(
    "il lo l' al allo all' del dello dell' nel nello nell' sul sullo sull' dal dallo dall' un quel suo mio tuo "
    "ogni questo"
)
_NO_NOUNS = words(
    "e o di del della in a al all con per da dal oggi domani ma non che è c f nel nella alle il la stasera"
)
_ONE = {"m": "un", "f": "una", "×": "una", "'": "un'", "s": "uno"}
_UNO_RE = regex.compile(r"s[bcdfghlmnpqrtvz]|z|ps|gn|x|y")


def _cardinal(number: int, form: str = "") -> str:
    """Only 1 has a gender: "un grado", "una tonnellata", "un'ora", "ventuno gradi"."""
    return _ONE.get(form, "uno") if number == 1 else _spelled(number)


_gender = by_ending(
    "a|[zs]ione|ice|tà|tù|ie",
    "problema|sistema|programma|tema|clima|pianeta",
    "m",
    words(
        "c'è hai ha ho abbiamo hanno resta restano manca mancano rimane in con di per e o solo soltanto durante "
        "entro tra "
        "fra aggiungi aggiunto ogni da senza più meno sono ultimi ultime prossimi prossime ricevuto trovato"
    ),
    words(
        "di del della e o a in su per con da è sono più meno che se al il lo la gli le un una fino ma non anche punto "
        "virgola volte ora oggi ieri domani"
    ),
)


def _agreement(before: str, noun: str, following: str) -> str:
    """Un utente, uno schermo, una luce."""
    gender = _gender(before, noun, following)
    return "s" if gender == "m" and _UNO_RE.match(noun) else gender


def _day(day: int) -> str:
    return "primo" if day == 1 else _cardinal(day)


def _with_year(text: str, year: int | None) -> str:
    return text if year is None else f"{text} {_cardinal(year)}"


def _date(date: Day) -> str:
    return _with_year(f"{_day(date.day)} {_MONTHS[date.month - 1]}", date.year)


def _date_range(first: Day, until: int) -> str:
    return _with_year(f"{_day(first.day)} al {_cardinal(until)} {_MONTHS[first.month - 1]}", first.year)


def _time(clock: Clock) -> str:
    """Sette e trenta."""
    text = "una" if clock.hour == 1 else _cardinal(clock.hour)
    if clock.minute:
        text += f" e {_cardinal(clock.minute)}"
    if clock.second is not None:
        text += " e un secondo" if clock.second == 1 else f" e {_cardinal(clock.second)} secondi"
    return text


def _time_range(start: Clock, end: Clock) -> str:
    until = f"{'all' + chr(39) if end.hour == 1 else 'alle '}{_time(end)}"
    if start.before in ("dalle", "le", "ore", "tra", "dall'", "dall’"):
        return f"{_time(start)} {until}"
    return f"{'dall' + chr(39) if start.hour == 1 else 'dalle '}{_time(start)} {until}"


def _dotted(number: Dotted) -> str:
    """ "2° piano": a degree sign, but before these nouns it stands for "º"."""
    if not number.written.endswith("°"):
        return ""
    form = _ORDINAL_NOUNS.get(number.after)
    if form is None and number.after.islower() and number.after not in _NO_NOUNS:
        form = "" if number.before.rpartition(" ")[2].replace("’", "'") in _MASCULINE else None
    return "" if form is None else _ordinal(number.number, form)


# fmt: off
_UNITS = nouns(
    "m",
    {
        "°C ℃": "grado Celsius|gradi Celsius", "°F ℉": "grado Fahrenheit|gradi Fahrenheit", "°": "grado|gradi",
        "K": "kelvin", "W": "watt", "kW": "chilowatt", "MW": "megawatt", "Wp": "watt di picco",
        "kWp": "chilowatt di picco", "VA": "voltampere", "Wh": "wattora", "kWh": "chilowattora", "MWh": "megawattora",
        "GWh": "gigawattora", "V": "volt", "mV": "millivolt", "A": "ampere", "mA": "milliampere",
        "Ah": "ampereora", "mAh": "milliampereora", "Hz": "hertz",
        "kHz": "chilohertz", "MHz": "megahertz", "GHz": "gigahertz", "lx lux": "lux", "lm": "lumen",
        "µg μg": "microgrammo|microgrammi", "mg": "milligrammo|milligrammi", "g": "grammo|grammi",
        "kg": "chilogrammo|chilogrammi", "Pa": "pascal", "hPa": "ettopascal", "kPa": "chilopascal",
        "mmHg": "millimetro di mercurio|millimetri di mercurio",
        "mbar": "millibar", "bar": "bar", "dB": "decibel", "mm": "millimetro|millimetri",
        "cm": "centimetro|centimetri", "m": "metro|metri", "km": "chilometro|chilometri",
        "km/h kmh": "chilometro all'ora|chilometri all'ora", "cm² cm2": "centimetro quadrato|centimetri quadrati",
        "m² m2 ㎡ mq": "metro quadrato|metri quadrati", "km² km2": "chilometro quadrato|chilometri quadrati",
        "cm³ cm3": "centimetro cubo|centimetri cubi", "m³ m3 ㎥ mc": "metro cubo|metri cubi", "l L": "litro|litri",
        "ml mL": "millilitro|millilitri", "cl": "centilitro|centilitri", "dl": "decilitro|decilitri", "B": "byte",
        "kB KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "Mbit": "megabit",
        "Gbit": "gigabit", "px": "pixel", "ms": "millisecondo|millisecondi", "s sec": "secondo|secondi",
        "giri/min rpm": "giro al minuto|giri al minuto", "min": "minuto|minuti", "″": "pollice|pollici",
    },
) | nouns("", {"%": "per cento", "‰": "per mille"}) | nouns(
    "f",
    {
        "ppm": "parte per milione|parti per milione", "t": "tonnellata|tonnellate",
        "kcal": "chilocaloria|chilocalorie",
    },
) | nouns("'", {"h": "ora|ore"})
_EURO = Currency(noun("euro", "m"), noun("centesimo|centesimi", "m"))
_DOLLAR = Currency(noun("dollaro|dollari", "m"), noun("centesimo|centesimi", "m"))
_POUND = Currency(noun("sterlina|sterline", "f"), noun("penny|pence", "m"))

_WINDS = words("vento venti raffiche")
_COMPASS = {
    "N": "nord", "NE": "nord-est", "E": "est", "SE": "sud-est", "S": "sud", "SO": "sud-ovest", "SW": "sud-ovest",
    "O": "ovest", "NO": "nord-ovest", "NW": "nord-ovest",
    "NNE": "nord-nord-est", "ENE": "est-nord-est", "ESE": "est-sud-est", "SSE": "sud-sud-est",
    "SSO": "sud-sud-ovest", "SSW": "sud-sud-ovest", "OSO": "ovest-sud-ovest", "WSW": "ovest-sud-ovest",
    "ONO": "ovest-nord-ovest", "WNW": "ovest-nord-ovest", "NNO": "nord-nord-ovest", "NNW": "nord-nord-ovest",
}

LANGUAGE = Language(
    code="it",
    decimal=",",
    groups=".",
    cardinal=_cardinal,
    plural=one_or_more,
    minus="meno",
    point=always("virgola"),
    fraction_digits=2,
    magnitudes={
        "mila": noun("mila"), "milione": noun("milione|milioni", "m"), "milioni": noun("milione|milioni", "m"),
        "mln": noun("milione|milioni", "m"), "miliardo": noun("miliardo|miliardi", "m"),
        "miliardi": noun("miliardo|miliardi", "m"), "mld": noun("miliardo|miliardi", "m"),
    },
    magnitudes_of=lambda text: f"di {text}",
    year=lambda year: _cardinal(year),
    years_before=frozenset(),
    years_unless="",
    ordinal=_ordinal,
    ordinal_marks={"º": "", "ª": "f"},
    dotted=_dotted,
    decade_marks=(),
    decades_after=frozenset(),
    decade=lambda year: "",
    range_words=("da", "a"),
    range_case="",
    range_plural=None,
    fractions={
        "1/2": "un mezzo", "1/3": "un terzo", "2/3": "due terzi", "1/4": "un quarto", "3/4": "tre quarti",
        "1/5": "un quinto", "1/8": "un ottavo", "1/10": "un decimo", "24/7": "ventiquattro sette",
        "16/9": "sedici noni",
        "50/50": "cinquanta e cinquanta",
    },
    mixed={"1/2": "{n} e mezzo", "1/4": "{n} e un quarto", "3/4": "{n} e tre quarti", "1/3": "{n} e un terzo"},
    mixed_gender="",
    halves={"m": "mezzo", "f": "mezza"},
    fraction_plural=0,
    operators={
        "+": "più", "−": "meno", "×": "per", "÷": "diviso", "=": "uguale", ":": "a", "≈": "circa",
        "<": "è minore di", ">": "è maggiore di",
    },
    by="per",
    out_of="su",
    over="su",
    times_suffix="volta|volte",
    signs={
        "#": "numero", "№": "numero", "n.": "numero", "n°": "numero", "nº": "numero", "N.": "numero",
        "§": "paragrafo", "±": "più o meno", "≈": "circa", "<": "meno di", ">": "più di", "≤": "al massimo",
        "≥": "almeno",
    },
    counted={
        **dict.fromkeys(words("settimana luce lampada porta finestra persona sveglia volta telecamera stanza "
                              "tazza cipolla"), "f"),
        **dict.fromkeys(words("minuto secondo giorno mese messaggio evento dispositivo timer promemoria cucchiaio "
                              "cucchiaino bicchiere limone litro chilo metro"), "m"),
    },
    agreement=_agreement,
    cases={},
    units=_UNITS,
    per={
        "s": "al secondo", "min": "al minuto", "h": "all'ora", "giorno": "al giorno", "mese": "al mese",
        "anno": "all'anno", "kWh": "al chilowattora", "MWh": "al megawattora", "m": "al metro", "km": "al chilometro",
        "100 km": "per cento chilometri", "m²": "al metro quadrato", "m2": "al metro quadrato",
        "mq": "al metro quadrato",
        "m³": "al metro cubo", "m3": "al metro cubo", "l": "al litro", "L": "al litro", "kg": "al chilo",
        "persona": "a persona",
    },
    currencies={
        "€": _EURO, "EUR": _EURO, "$": _DOLLAR, "USD": _DOLLAR, "£": _POUND, "GBP": _POUND,
        "CHF": Currency(noun("franco svizzero|franchi svizzeri", "m"), noun("centesimo|centesimi", "m")),
        "¥": Currency(noun("yen", "m")), "zł": Currency(noun("zloty", "m")),
        "Kč": Currency(noun("corona ceca|corone ceche", "f")),
    },
    money="{major} e {cents}",
    month_names=numbered(_MONTH_LIST, _OTHER_MONTHS),
    capital_months=False,
    short_months=frozenset(_OTHER_MONTHS),
    day_marks=("º", "°"),
    of="",
    month_first=False,
    date=_date,
    date_range=_date_range,
    until=("al", "all'"),
    year_words=(),
    year_with=no_year_word,
    time=_time,
    time_range=_time_range,
    clock_words=(),
    clock_hour="",
    dot="punto",
    colon="due punti",
    port="porta",
    version="versione",
    phone_pairs=False,
    spelled_after=words("pin codice interno tel telefono chiama chiamare chiamate"),
    episode="stagione {season} episodio {episode}",
    postcodes=postcodes.ITALIAN,
    postcode_digits=0,
    powers={"²": "al quadrato", "³": "al cubo", "^": "elevato a"},
    rewrites=halves_behind(
        "e mezzo", "e mezza",
        {
            "h ora ore": "f",
            "min minuto minuti": "m",
            "kg chilo chili": "m",
            "l L litro litri": "m",
            "giorno giorni": "m",
            "anno anni": "m",
            "tazza tazze": "f",
            "settimana settimane": "f",
        },
    ) | {
        r"(?<![\p{L}\p{N}.,:/-])1 (?=(?:ora|e-?mail|altra|unità|app|area|auto|uscita|ultima)(?!\p{L}))": "un'",
        r"(?<=anni )['’](?=[0-9]0(?![\p{L}\p{N}]))": "",
        r"(?<=[IVX] )sec\.": "secolo",
    },
    winds=_WINDS,
    compass=_COMPASS,
    endings={},
    letters={
        "H2O": "H due O", "H₂O": "H due O",
        "CO2": "C O due", "CO₂": "C O due", "PM2.5": "P M due virgola cinque", "PM2,5": "P M due virgola cinque",
        "PM10": "P M dieci", "NO₂": "N O due", "NO2": "N O due", "O₃": "ozono",
    },
    abbreviations={
        "p.es.": "per esempio", "p. es.": "per esempio", "P. es.": "Per esempio", "ad es.": "ad esempio",
        "Ad es.": "Ad esempio", "ecc.": "eccetera", "etc.": "eccetera", "art.": "articolo", "ca.": "circa",
        "max.": "massimo",
        "min.": "minimo", "tel.": "telefono", "Tel.": "telefono", "temp.": "temperatura", "pag.": "pagina",
        "pagg.": "pagine", "a.C.": "avanti Cristo", "d.C.": "dopo Cristo", "cap.": "capitolo",
    },
    titles={
        "Sig.": "signor", "Sig.ra": "signora", "Sig.na": "signorina", "Dott.": "dottor", "Dott.ssa": "dottoressa",
        "Prof.": "professor", "Prof.ssa": "professoressa",
        "sig.": "signor", "sig.ra": "signora", "sig.na": "signorina", "dott.": "dottor",
        "dott.ssa": "dottoressa", "prof.": "professor", "prof.ssa": "professoressa",
        "Ing.": "ingegner", "Avv.": "avvocato",
    },
    weekdays={
        "lun": "lunedì", "mar": "martedì", "mer": "mercoledì", "gio": "giovedì", "ven": "venerdì", "sab": "sabato",
        "dom": "domenica", "Lun": "lunedì", "Mar": "martedì", "Mer": "mercoledì", "Gio": "giovedì", "Ven": "venerdì",
        "Sab": "sabato", "Dom": "domenica",
    },
    regnal=frozenset(["Vittorio Emanuele", "Giovanni Paolo", *words(
        "Enrico Luigi Carlo Filippo Vittorio Umberto Giovanni Paolo Pio Benedetto Gregorio Clemente Innocenzo Leone "
        "Elisabetta Giorgio Guglielmo Edoardo Riccardo Napoleone Nicola Alessandro Pietro Caterina Federico Ferdinando"
    )]),
    regnal_ordinal=lambda number, name: _ordinal(number, "f" if name in ("Elisabetta", "Caterina", "Maria") else ""),
    numbered=words("capitolo parte atto volume tomo sezione fase tipo allegato libro articolo titolo stagione"),
    centuries={"secolo": "", "sec.": ""},
)
