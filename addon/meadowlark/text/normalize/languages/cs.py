"""Czech. Ordinals are our own (unicode-rbnf has none), and so is the agreement of 1 and 2 with what is counted."""

from __future__ import annotations

from meadowlark.text.normalize.integers import Spellout
from meadowlark.text.normalize.language import (
    GENITIVE,
    Clock,
    Currency,
    Day,
    Dotted,
    Language,
    Noun,
    by_ending,
    in_order,
    no_year_word,
    noun,
    nouns,
    numbered,
    plainly,
    words,
)

_spelled = Spellout("cs", {"": "spellout-numbering"})
_ONE = {"m": "jeden", "n": "jedno"}
_TWO = {"f": "dvě", "n": "dvě", ".": "dvě"}
_BILLION = 10**9

_MONTH_LIST = "ledna února března dubna května června července srpna září října listopadu prosince"
_MONTHS = in_order(_MONTH_LIST)
_UNIT_ORDINALS = in_order(
    "nultý první druhý třetí čtvrtý pátý šestý sedmý osmý devátý desátý jedenáctý dvanáctý třináctý čtrnáctý patnáctý "
    "šestnáctý sedmnáctý osmnáctý devatenáctý"
)
_TEN_ORDINALS = in_order("dvacátý třicátý čtyřicátý padesátý šedesátý sedmdesátý osmdesátý devadesátý")
_BEFORE_HOURS = words("v ve je od do před kolem okolo až mezi na")
_GENITIVE_AFTER = words("od do kolem okolo")
_HOURS_GENITIVE = in_order(
    "nula jedné dvou tří čtyř pěti šesti sedmi osmi devíti deseti jedenácti dvanácti třinácti čtrnácti patnácti "
    "šestnácti sedmnácti osmnácti devatenácti dvaceti jednadvaceti dvaadvaceti třiadvaceti čtyřiadvaceti"
)
_CASES = {
    **dict.fromkeys(words("do od kolem okolo bez během z ze podle méně"), GENITIVE),
    **dict.fromkeys(words("za na přes o pro máš mám má máme přidej nastav zapni"), "a"),
}
_INSTRUMENTAL, _DATIVE = "i", "d"
"""No unit has them: only before nouns that are written out."""
_OTHER_CASES = {
    _INSTRUMENTAL: in_order("nulou jedním dvěma třemi čtyřmi"),
    _DATIVE: in_order("nule jednomu dvěma třem čtyřem"),
}
_UNIT_GENITIVES = in_order("nula jedné dvou tří čtyř pěti šesti sedmi osmi devíti")
_gender = by_ending(
    "a",
    "(?!)",
    "m",
    words("máš mám má je jsou za v na a nebo jen ještě přes od do po asi máte máme přidána přidáno kolem zbývá"),
    words("z ze do na a v ve o od nebo po je jsou za to ne že se ale s k u"),
)
_HARD = {"np": "á", "lp": "ých", "": "ý", "n": "é", "g": "ého", "l": "ém", "f": "á", "fg": "é", "fa": "ou"}
_SOFT = {"np": "í", "lp": "ích", "": "í", "n": "í", "g": "ího", "l": "ím", "f": "í", "fg": "í", "fa": "í"}
"""Nominative (masculine, neuter), genitive, locative; feminine nominative, genitive, accusative."""
_NOUNS = {
    "léta": "np",
    **dict.fromkeys(words("letech let"), "lp"),
    **dict.fromkeys(words("patro místo století poschodí výročí"), "n"),
    **dict.fromkeys(words("patře místě dni dnu ročníku"), "l"),
    **dict.fromkeys(words("patra místa dne ročníku týdne"), "g"),
    **dict.fromkeys(words("den ročník týden pokus díl"), ""),
    **dict.fromkeys(words("třída kapitola řada minuta"), "f"),
    **dict.fromkeys(words("třídě třídy kapitole kapitoly řadě řady minutě minuty hodině hodiny"), "fg"),
    **dict.fromkeys(words("třídu kapitolu řadu minutu hodinu hodinou"), "fa"),
}


def _plural(whole: int, decimals: bool) -> int:
    """Jeden stupeň, dva stupně, pět stupňů, jedna celá pět stupně."""
    if decimals:
        return 3
    return 0 if whole == 1 else 1 if whole in (2, 3, 4) else 2


def _cardinal(number: int, form: str = "") -> str:
    """1 and 2 agree with what is counted; "dvacet jedna", "dvacet dva" never do."""
    if form.startswith(GENITIVE):
        return _genitive(number, form[1:])
    if form[:1] in _OTHER_CASES:
        return _other_case(number, form)
    if number == 1:
        return "jednu" if form == "af" else _ONE.get(form[-1:], "jedna")
    form = form[-1:]
    if number == 2:
        return _TWO.get(form, "dva")
    if number >= _BILLION:
        return _billions(number)
    text = _spelled(number).replace("milión", "milion")
    return text[:-5] + "jedna" if text.endswith(" jeden") else text


def _genitive(number: int, gender: str) -> str:
    """Dvaceti pěti; from a hundred on only what is behind the hundreds is declined, as one speaks."""
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        return f"{_cardinal(hundreds * 100)} {_genitive(rest, gender)}" if rest else _cardinal(number)
    if number == 1:
        return "jedné" if gender in ("f", "") else "jednoho"
    if number < 10:
        return _UNIT_GENITIVES[number]
    if number < 25:
        return _HOURS_GENITIVE[number] if number <= 20 else f"dvaceti {_last_genitive(number - 20)}"
    tens, units = divmod(number, 10)
    return f"{_cardinal(tens * 10)}i" + (f" {_last_genitive(units)}" if units else "")


def _last_genitive(units: int) -> str:
    """ "Jedna" is not declined behind tens."""
    return "jedna" if units == 1 else _UNIT_GENITIVES[units]


def _other_case(number: int, form: str) -> str:
    """ "Se třemi lampami", "k jedné lampě"; from five on it is as the genitive."""
    if number == 1 and form.endswith("f"):
        return "jednou" if form[0] == _INSTRUMENTAL else "jedné"
    forms = _OTHER_CASES[form[0]]
    return forms[number] if number < len(forms) else _genitive(number, form[1:])


def _agreement(before: str, noun: str, following: str) -> str:
    """ "Po 5 minutách" has the form of the genitive but for 3 and 4."""
    if noun.endswith(("ách", "ích", "ech")):
        return GENITIVE + "m"
    if noun.endswith(("ami", "emi", "ími")) or before.lower() in ("s", "se", "před"):
        return _INSTRUMENTAL + ("f" if noun.endswith("ou") else "m")
    if before.lower() in ("k", "ke", "díky", "kvůli", "proti"):
        return _DATIVE + ("f" if noun.endswith("ě") else "m")
    if noun.endswith("u"):
        return "af"
    gender = _gender(before, noun, following)
    return "n" if gender == "m" and noun.endswith(("o", "í")) else "" if noun.endswith(("e", "y")) else gender


def _billions(number: int) -> str:
    """unicode-rbnf counts a feminine noun in the masculine: "jeden miliarda"."""
    billions, rest = divmod(number, _BILLION)
    text = f"{_cardinal(billions, 'f')} {('miliarda', 'miliardy', 'miliard')[_plural(billions, False)]}"
    return f"{text} {_cardinal(rest)}" if rest else text


def _point(whole: int) -> str:
    """Jedna celá pět; dvě celé pět; pět celých pět."""
    return "celá" if whole < 2 else "celé" if whole in (2, 3, 4) else "celých"


def _declined(ordinal: str, form: str) -> str:
    return ordinal[:-1] + (_HARD if ordinal.endswith("ý") else _SOFT)[form]


def _ordinal(number: int, form: str = "") -> str:
    """ "Dvacátý první"; "" from a hundred on."""
    if number > 99:
        return ""
    tens, units = divmod(number, 10)
    parts = [_UNIT_ORDINALS[number]] if tens < 2 else [_TEN_ORDINALS[tens - 2]]
    if tens >= 2 and units:
        parts.append(_UNIT_ORDINALS[units])
    return " ".join(_declined(part, form) for part in parts)


def _dotted(number: Dotted) -> str:
    """ "5. patro": by the noun's own form; other nouns are left to the engine."""
    form = _NOUNS.get(number.after)
    if form is None:
        return number.written if number.after[:1].islower() and number.before else ""
    if form == "n" and number.after == "století" and number.before.rpartition(" ")[2] in ("v", "ve"):
        form = "l"
    return _ordinal(number.number, form) or number.written


def _year(year: int) -> str:
    """Devatenáct set devadesát čtyři."""
    century, rest = divmod(year, 100)
    if not 11 <= century <= 19:
        return _cardinal(year)
    return f"{_cardinal(century)} set" + (f" {_cardinal(rest)}" if rest else "")


def _with_year(text: str, year: int | None) -> str:
    return text if year is None else f"{text} {_year(year)}"


def _date(date: Day) -> str:
    return _with_year(f"{_ordinal(date.day, 'g')} {_MONTHS[date.month - 1]}", date.year)


def _date_range(first: Day, until: int) -> str:
    text = f"{_ordinal(first.day, 'g')} do {_ordinal(until, 'g')} {_MONTHS[first.month - 1]}"
    return _with_year(text, first.year)


def _time(clock: Clock) -> str:
    """Sedm třicet; čtrnáct nula pět; sedm hodin; od sedmi hodin; "" for "během tří hodin"."""
    if clock.minute is None and clock.word == "hodin" and clock.before not in _BEFORE_HOURS:
        return ""
    if not clock.minute and clock.second is None and clock.before in _GENITIVE_AFTER:
        return f"{_HOURS_GENITIVE[clock.hour]} {'hodiny' if clock.hour == 1 else 'hodin'}"
    if clock.minute and clock.minute >= 10 and clock.before in _GENITIVE_AFTER and clock.second is None:
        return f"{_HOURS_GENITIVE[clock.hour]} {_genitive(clock.minute, 'f')}"
    if clock.minute:
        text = f"{_cardinal(clock.hour)} {'nula ' * (clock.minute < 10)}{_cardinal(clock.minute)}"
    else:
        text = f"{_cardinal(clock.hour, 'f')} {('hodina', 'hodiny', 'hodin')[_plural(clock.hour, False)]}"
        if clock.hour == 1 and clock.before in ("v", "na", "za", "po"):
            text = "jednu hodinu"
    if clock.second is not None:
        text += f" a {_cardinal(clock.second, 'f')} {('sekunda', 'sekundy', 'sekund')[_plural(clock.second, False)]}"
    return text


def _time_range(start: Clock, end: Clock) -> str:
    return f"{_cardinal(start.hour) if not start.minute else _time(start)} až {_time(end)}"


def _feminine(forms: str) -> Noun:
    """With the accusative: "za hodinu"."""
    said = noun(forms, "f")
    first, space, rest = said.forms[0].partition(" ")
    last = {"a": "u", "e": "i"}.get(first[-1], first[-1])
    return Noun((*said.forms, first[:-1] + last + space + rest), "f")


# fmt: off
_UNITS = nouns(
    "m",
    {
        "°C ℃": "stupeň Celsia|stupně Celsia|stupňů Celsia|stupně Celsia",
        "°F ℉": "stupeň Fahrenheita|stupně Fahrenheita|stupňů Fahrenheita|stupně Fahrenheita",
        "°": "stupeň|stupně|stupňů|stupně", "K": "kelvin|kelviny|kelvinů|kelvinu", "W": "watt|watty|wattů|wattu",
        "kW": "kilowatt|kilowatty|kilowattů|kilowattu", "Wp": "watt peak|watty peak|wattů peak|wattu peak",
        "kWp": "kilowatt peak|kilowatty peak|kilowattů peak|kilowattu peak",
        "MW": "megawatt|megawatty|megawattů|megawattu",
        "V": "volt|volty|voltů|voltu", "mV": "milivolt|milivolty|milivoltů|milivoltu",
        "A": "ampér|ampéry|ampérů|ampéru", "mA": "miliampér|miliampéry|miliampérů|miliampéru",
        "Hz": "hertz|hertze|hertzů|hertzu", "kHz": "kilohertz|kilohertze|kilohertzů|kilohertzu",
        "MHz": "megahertz|megahertze|megahertzů|megahertzu", "GHz": "gigahertz|gigahertze|gigahertzů|gigahertzu",
        "lx": "lux|luxy|luxů|luxu", "lm": "lumen|lumeny|lumenů|lumenu",
        "µg μg": "mikrogram|mikrogramy|mikrogramů|mikrogramu", "mg": "miligram|miligramy|miligramů|miligramu",
        "g": "gram|gramy|gramů|gramu", "kg": "kilogram|kilogramy|kilogramů|kilogramu",
        "Pa": "pascal|pascaly|pascalů|pascalu", "hPa": "hektopascal|hektopascaly|hektopascalů|hektopascalu",
        "kPa": "kilopascal|kilopascaly|kilopascalů|kilopascalu",
        "mmHg": "milimetr rtuti|milimetry rtuti|milimetrů rtuti|milimetru rtuti",
        "mbar": "milibar|milibary|milibarů|milibaru",
        "bar": "bar|bary|barů|baru", "dB": "decibel|decibely|decibelů|decibelu",
        "mm": "milimetr|milimetry|milimetrů|milimetru", "cm": "centimetr|centimetry|centimetrů|centimetru",
        "m": "metr|metry|metrů|metru", "km": "kilometr|kilometry|kilometrů|kilometru",
        "m² m2 ㎡": "metr čtvereční|metry čtvereční|metrů čtverečních|metru čtverečního",
        "cm² cm2": "centimetr čtvereční|centimetry čtvereční|centimetrů čtverečních|centimetru čtverečního",
        "km² km2": "kilometr čtvereční|kilometry čtvereční|kilometrů čtverečních|kilometru čtverečního",
        "m³ m3 ㎥": "metr krychlový|metry krychlové|metrů krychlových|metru krychlového",
        "ha": "hektar|hektary|hektarů|hektaru", "l L": "litr|litry|litrů|litru",
        "ml mL": "mililitr|mililitry|mililitrů|mililitru", "B": "bajt|bajty|bajtů|bajtu",
        "kB KB": "kilobajt|kilobajty|kilobajtů|kilobajtu", "MB": "megabajt|megabajty|megabajtů|megabajtu",
        "GB": "gigabajt|gigabajty|gigabajtů|gigabajtu", "TB": "terabajt|terabajty|terabajtů|terabajtu",
        "Mbit Mb": "megabit|megabity|megabitů|megabitu", "Gbit": "gigabit|gigabity|gigabitů|gigabitu",
        "px": "pixel|pixely|pixelů|pixelu", "″": "palec|palce|palců|palce",
    },
) | nouns("n", {"%": "procento|procenta|procent|procenta", "‰": "promile|promile|promile|promile"}) | {
    symbol: _feminine(forms)
    for symbols, forms in {
        "Wh": "watthodina|watthodiny|watthodin|watthodiny",
        "kWh": "kilowatthodina|kilowatthodiny|kilowatthodin|kilowatthodiny",
        "MWh": "megawatthodina|megawatthodiny|megawatthodin|megawatthodiny",
        "ot/min rpm": "otáčka za minutu|otáčky za minutu|otáček za minutu|otáčky za minutu",
        "t": "tuna|tuny|tun|tuny",
        "mAh": "miliampérhodina|miliampérhodiny|miliampérhodin|miliampérhodiny",
        "ppm": "částice na milion|částice na milion|částic na milion|částice na milion",
        "kcal": "kilokalorie|kilokalorie|kilokalorií|kilokalorie",
        "ms": "milisekunda|milisekundy|milisekund|milisekundy", "s sek": "sekunda|sekundy|sekund|sekundy",
        "min": "minuta|minuty|minut|minuty", "h hod hod.": "hodina|hodiny|hodin|hodiny",
        "mph": "míle za hodinu|míle za hodinu|mil za hodinu|míle za hodinu",
    }.items()
    for symbol in symbols.split()
}
_CROWN = Currency(_feminine("koruna|koruny|korun|koruny"), noun("haléř|haléře|haléřů|haléře", "m"))
_EURO = Currency(noun("euro|eura|eur|eura", "n"), noun("cent|centy|centů|centu", "m"))
_DOLLAR = Currency(noun("dolar|dolary|dolarů|dolaru", "m"), noun("cent|centy|centů|centu", "m"))
_POUND = Currency(_feminine("libra|libry|liber|libry"), noun("pence|pence|pencí|pence", "f"))
_FRANC = Currency(noun("švýcarský frank|švýcarské franky|švýcarských franků|švýcarského franku", "m"))

_WINDS = words("vítr větru nárazy")
_COMPASS = {
    "S": "severní", "SV": "severovýchodní", "JV": "jihovýchodní", "J": "jižní", "JZ": "jihozápadní",
    "SZ": "severozápadní",
}

LANGUAGE = Language(
    code="cs",
    decimal=",",
    groups=" ",
    cardinal=_cardinal,
    plural=_plural,
    minus="minus",
    point=_point,
    fraction_digits=2,
    magnitudes={
        "tis.": noun("tisíc|tisíce|tisíc|tisíce", "m"), "mil.": noun("milion|miliony|milionů|milionu", "m"),
        "milion": noun("milion|miliony|milionů|milionu", "m"), "miliony": noun("milion|miliony|milionů|milionu", "m"),
        "milionů": noun("milion|miliony|milionů|milionu", "m"), "mld.": noun("miliarda|miliardy|miliard|miliardy", "f"),
        "miliard": noun("miliarda|miliardy|miliard|miliardy", "f"),
        "miliardy": noun("miliarda|miliardy|miliard|miliardy", "f"),
    },
    magnitudes_of=plainly,
    year=_year,
    years_before=words(
        "roce roku rok od do v let z před po kolem ledna února března dubna května června července srpna září října "
        "listopadu prosince"
    ),
    years_unless="",
    ordinal=_ordinal,
    ordinal_marks={},
    dotted=_dotted,
    decade_marks=(),
    decades_after=frozenset(),
    decade=lambda year: "",
    range_words=("", "až"),
    range_case="",
    range_plural=None,
    fractions={
        "1/2": "jedna polovina", "1/3": "jedna třetina", "2/3": "dvě třetiny", "1/4": "jedna čtvrtina",
        "3/4": "tři čtvrtiny", "1/5": "jedna pětina", "1/8": "jedna osmina", "1/10": "jedna desetina",
        "24/7": "dvacet čtyři sedm", "50/50": "padesát na padesát",
    },
    mixed={"1/2": "{n} a půl", "1/4": "{n} a čtvrt", "3/4": "{n} a tři čtvrtě"},
    mixed_gender="m",
    halves={"": "půl"},
    fraction_plural=3,
    operators={
        "+": "plus", "−": "minus", "×": "krát", "÷": "děleno", "=": "rovná se", ":": "ku", "<": "je menší než",
        ">": "je větší než",
    },
    by="krát",
    out_of="lomeno",
    over="na",
    times_suffix="krát",
    signs={"#": "číslo", "№": "číslo", "č.": "číslo", "§": "paragraf", "±": "plus minus", "≈": "asi"},
    counted={
        **dict.fromkeys(words("hodina hodiny minuta minuty sekunda sekundy lampa lampy osoba osoby žárovka žárovky "
                              "zpráva zprávy kamera kamery událost události"), "f"),
        **dict.fromkeys(words("lžíce lžíci lžička lžičky lžičku sklenice sklenici láhev láhve"), "f"),
        **dict.fromkeys(words("světlo světla okno okna zařízení procento procenta vejce"), "n"),
        **dict.fromkeys(words("stupeň stupně metr metry kilometr kilometry litr litry gram gramy kilogram kilogramy "
                              "watt watty bod body kus kusy rohlík rohlíky"), "m"),
        **dict.fromkeys(words("den měsíc měsíce týden rok budík budíky úkol úkoly časovač časovače"),
        "m"),
    },
    agreement=_agreement,
    cases=_CASES,
    units=_UNITS,
    per={
        "s": "za sekundu", "min": "za minutu", "h": "za hodinu", "hod": "za hodinu", "den": "za den",
        "rok": "za rok", "měsíc": "za měsíc", "týden": "za týden", "osobu": "na osobu",
        "kWh": "za kilowatthodinu", "MWh": "za megawatthodinu", "km": "na kilometr", "100 km": "na sto kilometrů",
        "m²": "na metr čtvereční", "m2": "na metr čtvereční", "m³": "na metr krychlový", "m3": "na metr krychlový",
        "l": "za litr", "kg": "za kilogram", "m": "na metr",
    },
    currencies={
        "Kč": _CROWN, "CZK": _CROWN, "€": _EURO, "EUR": _EURO, "$": _DOLLAR, "USD": _DOLLAR, "£": _POUND,
        "GBP": _POUND, "CHF": _FRANC, "zł": Currency(noun("zlotý|zloté|zlotých|zlotého", "m")),
    },
    money="{major} {minor}",
    month_names=numbered(_MONTH_LIST, {}),
    capital_months=False,
    short_months=frozenset(),
    day_marks=(".",),
    of="",
    month_first=False,
    date=_date,
    date_range=_date_range,
    until=("do", "až"),
    year_words=(),
    year_with=no_year_word,
    time=_time,
    time_range=_time_range,
    clock_words=("hodin", "hod.", "hod"),
    clock_hour="",
    dot="tečka",
    colon="dvojtečka",
    port="port",
    version="verze",
    phone_pairs=False,
    spelled_after=words("pin kód linka tel telefon volej volejte zavolej zavolejte"),
    episode="série {season} díl {episode}",
    postcodes="",
    postcode_digits=0,
    powers={"²": "na druhou", "³": "na třetí", "^": "na"},
    rewrites={
        **{
            rf"(?<=(?<!\p{{L}})[Pp]řed {number}) ?{unit}(?!\p{{L}})": f" {word}"
            for unit, one, many in (
                ("min", "minutou", "minutami"), ("h", "hodinou", "hodinami"), ("s", "sekundou", "sekundami"),
            )
            for number, word in (("1", one), ("[0-9]{1,3}", many))
        },
        **{
            rf"(?<=(?i:(?<!\p{{L}})(?:ze?|od)) ){point}(?!\p{{L}})": side
            for point, side in {
                "SZ": "severozápadu", "SV": "severovýchodu", "JZ": "jihozápadu", "JV": "jihovýchodu",
            }.items()
        },
        r"(?<=(?<!\p{L})[Ss]e? )dr\.(?= \p{Lu}\p{Ll}+(?:em|ým)(?!\p{L}))": "doktorem",
        r"(?<=(?<!\p{L})[Ss]e? )dr\.(?= \p{Lu}\p{Ll}+ou(?!\p{L}))": "doktorkou",
        r"(?<=(?i:(?<!\p{L})(?:u|od|do|bez)) )dr\.(?= \p{Lu}\p{Ll}+(?:a|e|ého|ího)(?!\p{L}))": "doktora",
        r"(?<=(?i:(?<!\p{L})(?:u|od|do|bez)) )dr\.(?= \p{Lu}\p{Ll}+é(?!\p{L}))": "doktorky",
        r"(?<![\p{L}\p{N}] ?)<(?= ?[0-9])": "méně než ",
        r"(?<![\p{L}\p{N}] ?)>(?= ?[0-9])": "více než ",
    },
    winds=_WINDS,
    compass=_COMPASS,
    endings={},
    letters={
        "H2O": "H dva O", "H₂O": "H dva O",
        "CO2": "C O dva", "CO₂": "C O dva", "PM2.5": "P M dva a půl", "PM2,5": "P M dva a půl", "PM10": "P M deset",
        "NO₂": "N O dva", "NO2": "N O dva", "O₃": "ozon",
    },
    abbreviations={
        "např.": "například", "Např.": "Například", "atd.": "a tak dále", "apod.": "a podobně", "aj.": "a jiné",
        "tj.": "to jest", "tzn.": "to znamená", "cca": "cirka", "cca.": "cirka",
        "resp.": "respektive",
        "popř.": "popřípadě", "příp.": "případně", "čl.": "článek", "po-pá": "pondělí až pátek",
        "po–pá": "pondělí až pátek", "Po-Pá": "pondělí až pátek",
        "Po–Pá": "pondělí až pátek", "max.": "maximálně", "min.": "minimálně", "tel.": "telefon",
        "Tel.": "telefon", "př. n. l.": "před naším letopočtem", "n. l.": "našeho letopočtu", "mj.": "mimo jiné",
        "str.": "strana", "kap.": "kapitola", "odst.": "odstavec", "vč.": "včetně", "zejm.": "zejména",
    },
    titles={
        "Dr.": "doktor", "dr.": "doktor", "Ing.": "inženýr", "Mgr.": "magistr", "Bc.": "bakalář", "MUDr.": "doktor",
        "JUDr.": "doktor", "prof.": "profesor", "Prof.": "profesor", "doc.": "docent", "sv.": "svatý",
    },
    weekdays={
        "út": "úterý", "st": "středa", "čt": "čtvrtek", "pá": "pátek", "so": "sobota", "ne": "neděle", "Út": "úterý",
        "St": "středa", "Čt": "čtvrtek", "Pá": "pátek", "So": "sobota", "Ne": "neděle",
    },
    regnal=words(
        "Karel Václav Jindřich Ludvík Filip Fridrich František Josef Leopold Ferdinand Rudolf Matyáš Napoleon Jan "
        "Pavel Pius Benedikt Řehoř Klement Inocenc Lev Jiří Eduard Richard Mikuláš Alexandr Petr Alžběta Vladislav"
    ),
    regnal_ordinal=lambda number, name: _ordinal(number, "f" if name in ("Alžběta", "Marie", "Kateřina") else ""),
    numbered=words("kapitola část díl svazek fáze typ příloha článek"),
    centuries={"století": "n", "v století": "l", "ve století": "l"},
)
