"""Polish. Ordinals are our own (unicode-rbnf has none), and so are the cases that times, dates and years take."""

from __future__ import annotations

from meadowlark.text.normalize import postcodes
from meadowlark.text.normalize.integers import Spellout
from meadowlark.text.normalize.language import (
    GENITIVE,
    Clock,
    Currency,
    Day,
    Dotted,
    Language,
    Noun,
    always,
    by_ending,
    in_order,
    noun,
    nouns,
    numbered,
    plainly,
    words,
)

_spelled = Spellout(
    "pl",
    {
        "": "spellout-numbering",
        "m": "spellout-cardinal-masculine",
        "f": "spellout-cardinal-feminine",
        "n": "spellout-cardinal-neuter",
        "g": "spellout-cardinal-masculine-genitive",
        "gm": "spellout-cardinal-masculine-genitive",
        "gf": "spellout-cardinal-feminine-genitive",
        "gn": "spellout-cardinal-neuter-genitive",
        "am": "spellout-cardinal-masculine",
        "af": "spellout-cardinal-feminine-accusative",
        "an": "spellout-cardinal-neuter",
    },
)
_MONTH_LIST = "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia"
_MONTHS = in_order(_MONTH_LIST)
_OTHER_MONTHS = {"sty": 1, "lut": 2, "kwi": 4, "cze": 6, "lip": 7, "sie": 8, "wrz": 9, "paź": 10, "lis": 11, "gru": 12}
_UNIT_ORDINALS = in_order(
    "zerowy pierwszy drugi trzeci czwarty piąty szósty siódmy ósmy dziewiąty dziesiąty jedenasty dwunasty trzynasty "
    "czternasty piętnasty szesnasty siedemnasty osiemnasty dziewiętnasty"
)
_TEN_ORDINALS = in_order(
    "dwudziesty trzydziesty czterdziesty pięćdziesiąty sześćdziesiąty siedemdziesiąty osiemdziesiąty dziewięćdziesiąty"
)
_HUNDRED_ORDINALS = in_order(
    "setny dwusetny trzechsetny czterechsetny pięćsetny sześćsetny siedemsetny osiemsetny dziewięćsetny"
)
_ENDINGS = {"": "y", "n": "e", "g": "ego", "l": "ym", "f": "a", "fg": "ej", "fa": "ą"}
"""Nominative (masculine, neuter), genitive, locative; feminine nominative, genitive and locative, accusative."""

_INSTRUMENTAL = "i"
"""No unit has it: only before nouns that are written out."""
_INSTRUMENTALS = in_order(
    "zerem jednym dwoma trzema czterema pięcioma sześcioma siedmioma ośmioma dziewięcioma dziesięcioma"
)

_HOUR_CASES = {
    **dict.fromkeys(("o", "godzinie", "godziny", "od", "do", "po", "około", "koło", "okolo"), "fg"),
    **dict.fromkeys(("na", "godzinę", "godziną", "przed", "za", "między", "pomiędzy"), "fa"),
}
_CASES = {
    **dict.fromkeys(
        words(
            "do od około ok poniżej powyżej poza blisko bez spośród oprócz podczas koło wśród ciągu przeciągu z ze dla "
            "według wg zamiast spod znad wobec"
        ),
        GENITIVE,
    ),
    **dict.fromkeys(words("za na przez ponad o masz mam ma mamy dodaj ustaw włącz dodano znaleziono"), "a"),
}
_WITH = words("z ze przed nad pod za")
_FEMININES = (
    "lampami",
    "godzinami",
    "minutami",
    "sekundami",
    "osobami",
    "żarówkami",
    "rzeczami",
    "zmianami",
    "kamerami",
)
"""Nouns that take "dwiema"."""
_QUEENS = words("Elżbieta Katarzyna Maria Małgorzata Beatrycze Wiktoria")
_agreement_of_one = by_ending(
    "a",
    "(?!)",
    "m",
    words(
        "masz mam ma jest są została zostało za w na co i lub oraz tylko jeszcze przez od do po około masz dodano mamy "
        "ponad poniżej powyżej"
    ),
    words("z ze do na i w we o od lub po jest są za to nie że się czy ale oraz"),
)
_NOUNS = {
    **dict.fromkeys(words("piętro miejsce urodziny stulecie zadanie okrążenie"), "n"),
    **dict.fromkeys(words("piętrze miejscu rozdziale dniu etapie rzędzie stuleciu"), "l"),
    **dict.fromkeys(words("piętra miejsca dnia rozdziału wieku roku etapu rzędu"), "g"),
    **dict.fromkeys(words("dzień rozdział wiek rok etap rząd raz"), ""),
    **dict.fromkeys(words("klasa rocznica strona runda liga godzina minuta"), "f"),
    **dict.fromkeys(words("klasie klasy rocznicy stronie strony rundzie rundy lidze ligi godzinie godziny"), "fg"),
    **dict.fromkeys(words("klasę rocznicę stronę rundę ligę godzinę"), "fa"),
}


def _cardinal(number: int, form: str = "") -> str:
    """The instrumental is our own: unicode-rbnf has none."""
    return _instrumental(number, form[1:]) if form.startswith(_INSTRUMENTAL) else _spelled(number, form)


def _instrumental(number: int, gender: str) -> str:
    """ "Z trzema lampami"; from eleven on also the genitive is right, but for what ends in two to four."""
    if number == 1 and gender == "f":
        return "jedną"
    if number == 2 and gender == "f":
        return "dwiema"
    if number < len(_INSTRUMENTALS):
        return _INSTRUMENTALS[number]
    tens, units = divmod(number, 10)
    if units in (2, 3, 4) and tens % 10 != 1:
        return f"{_spelled(tens * 10, GENITIVE)} {_INSTRUMENTALS[units]}"
    return _spelled(number, GENITIVE)


def _agreement(before: str, noun: str, following: str) -> str:
    """ "1 wiadomość" is in the table; "po 5 minutach" has the form of the genitive."""
    if noun.endswith(("ach", "ich", "ych")):
        return GENITIVE + "m"
    if noun.endswith(("mi", "oma")) or noun == "laty":
        return _INSTRUMENTAL + ("f" if noun.endswith(_FEMININES) else "m")
    if noun.endswith("em") and before.lower() in _WITH:
        return _INSTRUMENTAL + "m"
    if noun.endswith(("ę", "ą")):
        return "af"
    gender = _agreement_of_one(before, noun, following)
    return "n" if gender == "m" and noun.endswith(("o", "ie")) else gender


def _plural(whole: int, decimals: bool) -> int:
    """Jeden stopień, dwa stopnie, pięć stopni, półtora stopnia."""
    if decimals:
        return 3
    if whole == 1:
        return 0
    return 1 if whole % 10 in (2, 3, 4) and whole % 100 not in (12, 13, 14) else 2


def _declined(ordinal: str, form: str) -> str:
    ending = _ENDINGS[form]
    if ordinal.endswith("y"):
        return ordinal[:-1] + ending
    if not form:
        return ordinal
    # drugi: drugiego, drugim, drugie, druga, drugiej; trzeci: trzecia, trzecią
    stem = ordinal if ordinal == "trzeci" or ending[0] in "eyi" else ordinal[:-1]
    return stem + {"ym": "m"}.get(ending, ending)


def _ordinal(number: int, form: str = "") -> str:
    """ "Dwudziesty pierwszy"; from a hundred on only the last part is an ordinal; "" where it is not known."""
    tens, units = divmod(number % 100, 10)
    higher = number - number % 100
    if number % 100 == 0:
        return _round_ordinal(number, form)
    last = [_UNIT_ORDINALS[number % 100]] if tens < 2 else [_TEN_ORDINALS[tens - 2]]
    if tens >= 2 and units:
        last.append(_UNIT_ORDINALS[units])
    return " ".join([*([_cardinal(higher)] if higher else []), *(_declined(word, form) for word in last)])


def _round_ordinal(number: int, form: str) -> str:
    thousands, rest = divmod(number, 1000)
    if number == 0:
        return _declined(_UNIT_ORDINALS[0], form)
    if rest:
        text = _declined(_HUNDRED_ORDINALS[rest // 100 - 1], form)
        return f"{_cardinal(thousands * 1000)} {text}" if thousands else text
    stem = {1: "tysięczny", 2: "dwutysięczny", 3: "trzytysięczny"}.get(thousands)
    return _declined(stem, form) if stem else ""


def _dotted(number: Dotted) -> str:
    """ "3. piętro": by the noun's own form; other nouns are left to the engine."""
    form = _NOUNS.get(number.after)
    if form is None:
        return number.written if number.after[:1].islower() and number.before else ""
    if form == "g" and number.after in ("wieku", "roku") and number.before.rpartition(" ")[2] in ("w", "we"):
        form = "l"
    return _ordinal(number.number, form)


def _year_with(year: int, before: str, word: str) -> str:
    """ "W 2026 roku" in the locative, "2026 rok" in the nominative, else the genitive."""
    form = "" if word == "rok" else "l" if before in ("w", "we", "po") else "g"
    text = _ordinal(year, form)
    return text and f"{text} {'roku' if word == 'r.' else word}"


def _date(date: Day) -> str:
    text = f"{_ordinal(date.day, 'g')} {_MONTHS[date.month - 1]}"
    return text if date.year is None else f"{text} {_ordinal(date.year, 'g')}{' roku' if date.year_word else ''}"


def _date_range(first: Day, until: int) -> str:
    text = f"{_ordinal(first.day, 'g')} do {_ordinal(until, 'g')} {_MONTHS[first.month - 1]}"
    return text if first.year is None else f"{text} {_ordinal(first.year, 'g')}"


def _time(clock: Clock) -> str:
    """Siódma trzydzieści; o siódmej trzydzieści."""
    text = _ordinal(clock.hour, _HOUR_CASES.get(clock.before, "f")) if clock.hour else "zero"
    if clock.minute or not clock.hour:
        minute = clock.minute or 0
        text += f" zero {_cardinal(minute)}" if minute < 10 else f" {_cardinal(minute)}"
    if clock.second is not None:
        text += f" i {_cardinal(clock.second, 'f')} {('sekunda', 'sekundy', 'sekund')[_plural(clock.second, False)]}"
    return text


def _time_range(start: Clock, end: Clock) -> str:
    opening = "" if start.before in ("od", "w") else "od "
    first = Clock(start.hour, start.minute, start.second, "", "od")
    return f"{opening}{_time(first)} do {_time(Clock(end.hour, end.minute, end.second, '', 'do'))}"


def _feminine(forms: str) -> Noun:
    """With the accusative: "za minutę", "koronę czeską"."""
    said = noun(forms, "f")
    first, space, rest = said.forms[0].partition(" ")
    rest = rest[:-1] + "ą" if rest.endswith("ka") else rest
    first = first[:-1] + "ę" if first.endswith("a") else first
    return Noun((*said.forms, first + space + rest), "f")


# fmt: off
_UNITS = nouns(
    "m",
    {
        "°C ℃": "stopień Celsjusza|stopnie Celsjusza|stopni Celsjusza|stopnia Celsjusza",
        "°F ℉": "stopień Fahrenheita|stopnie Fahrenheita|stopni Fahrenheita|stopnia Fahrenheita",
        "°": "stopień|stopnie|stopni|stopnia", "K": "kelwin|kelwiny|kelwinów|kelwina", "%": "procent",
        "‰": "promil|promile|promili|promila", "W": "wat|waty|watów|wata", "kW": "kilowat|kilowaty|kilowatów|kilowata",
        "Wp": "wat szczytowy|waty szczytowe|watów szczytowych|wata szczytowego",
        "kWp": "kilowat szczytowy|kilowaty szczytowe|kilowatów szczytowych|kilowata szczytowego",
        "MW": "megawat|megawaty|megawatów|megawata", "V": "wolt|wolty|woltów|wolta",
        "mV": "miliwolt|miliwolty|miliwoltów|miliwolta", "A": "amper|ampery|amperów|ampera",
        "mA": "miliamper|miliampery|miliamperów|miliampera", "Hz": "herc|herce|herców|herca",
        "kHz": "kiloherc|kiloherce|kiloherców|kiloherca", "MHz": "megaherc|megaherce|megaherców|megaherca",
        "GHz": "gigaherc|gigaherce|gigaherców|gigaherca", "lx": "luks|luksy|luksów|luksa",
        "lm": "lumen|lumeny|lumenów|lumena", "µg μg": "mikrogram|mikrogramy|mikrogramów|mikrograma",
        "mg": "miligram|miligramy|miligramów|miligrama", "g": "gram|gramy|gramów|grama",
        "kg": "kilogram|kilogramy|kilogramów|kilograma", "Pa": "paskal|paskale|paskali|paskala",
        "hPa": "hektopaskal|hektopaskale|hektopaskali|hektopaskala",
        "kPa": "kilopaskal|kilopaskale|kilopaskali|kilopaskala",
        "mmHg": "milimetr słupa rtęci|milimetry słupa rtęci|milimetrów słupa rtęci|milimetra słupa rtęci",
        "mbar": "milibar|milibary|milibarów|milibara",
        "bar": "bar|bary|barów|bara", "dB": "decybel|decybele|decybeli|decybela",
        "mm": "milimetr|milimetry|milimetrów|milimetra", "cm": "centymetr|centymetry|centymetrów|centymetra",
        "m": "metr|metry|metrów|metra", "km": "kilometr|kilometry|kilometrów|kilometra",
        "m² m2 ㎡": "metr kwadratowy|metry kwadratowe|metrów kwadratowych|metra kwadratowego",
        "cm² cm2": "centymetr kwadratowy|centymetry kwadratowe|centymetrów kwadratowych|centymetra kwadratowego",
        "km² km2": "kilometr kwadratowy|kilometry kwadratowe|kilometrów kwadratowych|kilometra kwadratowego",
        "m³ m3 ㎥": "metr sześcienny|metry sześcienne|metrów sześciennych|metra sześciennego",
        "ha": "hektar|hektary|hektarów|hektara", "l L": "litr|litry|litrów|litra",
        "ml mL": "mililitr|mililitry|mililitrów|mililitra", "cl": "centylitr|centylitry|centylitrów|centylitra",
        "B": "bajt|bajty|bajtów|bajta", "kB KB": "kilobajt|kilobajty|kilobajtów|kilobajta",
        "MB": "megabajt|megabajty|megabajtów|megabajta", "GB": "gigabajt|gigabajty|gigabajtów|gigabajta",
        "TB": "terabajt|terabajty|terabajtów|terabajta", "Mbit Mb": "megabit|megabity|megabitów|megabita",
        "Gbit": "gigabit|gigabity|gigabitów|gigabita",
        "obr/min rpm": "obrót na minutę|obroty na minutę|obrotów na minutę|obrotu na minutę",
        "px": "piksel|piksele|pikseli|piksela",
        "″": "cal|cale|cali|cala",
    },
) | {
    symbol: _feminine(forms)
    for symbols, forms in {
        "Wh": "watogodzina|watogodziny|watogodzin|watogodziny",
        "kWh": "kilowatogodzina|kilowatogodziny|kilowatogodzin|kilowatogodziny",
        "MWh": "megawatogodzina|megawatogodziny|megawatogodzin|megawatogodziny",
        "Ah": "amperogodzina|amperogodziny|amperogodzin|amperogodziny",
        "mAh": "miliamperogodzina|miliamperogodziny|miliamperogodzin|miliamperogodziny",
        "ppm": "część na milion|części na milion|części na milion|części na milion", "t": "tona|tony|ton|tony",
        "kcal": "kilokaloria|kilokalorie|kilokalorii|kilokalorii",
        "ms": "milisekunda|milisekundy|milisekund|milisekundy", "s sek": "sekunda|sekundy|sekund|sekundy",
        "min": "minuta|minuty|minut|minuty", "h godz godz.": "godzina|godziny|godzin|godziny",
        "mph": "mila na godzinę|mile na godzinę|mil na godzinę|mili na godzinę",
    }.items()
    for symbol in symbols.split()
}
_ZLOTY = Currency(noun("złoty|złote|złotych|złotego", "m"), noun("grosz|grosze|groszy|grosza", "m"))
_EURO = Currency(noun("euro", "n"), noun("cent|centy|centów|centa", "m"))
_DOLLAR = Currency(noun("dolar|dolary|dolarów|dolara", "m"), noun("cent|centy|centów|centa", "m"))
_POUND = Currency(noun("funt|funty|funtów|funta", "m"), noun("pens|pensy|pensów|pensa", "m"))
_FRANC = Currency(noun("frank szwajcarski|franki szwajcarskie|franków szwajcarskich|franka szwajcarskiego", "m"))

_DECADES = in_order(
    "dwudziest trzydziest czterdziest pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt dziewięćdziesiąt"
)
_REWRITES = {
    **{rf"(?<=(?i:lata) )['’]?{tens}0(?!\p{{N}})\.?": stem + "e" for tens, stem in enumerate(_DECADES, 2)},
    **{
        rf"(?<=(?i:lat|latach|latom) )['’]?{tens}0(?!\p{{N}})\.?(?! *\p{{Ll}})": stem + "ych"
        for tens, stem in enumerate(_DECADES, 2)
    },
    **{
        rf"(?<=(?<!\p{{L}})[Pp]rzed {number}) ?{unit}(?!\p{{L}})(?:\.(?= \p{{Ll}}))?": f" {word}"
        for unit, one, many in (
            ("min", "minutą", "minutami"), ("(?:h|godz)", "godziną", "godzinami"), ("s", "sekundą", "sekundami"),
        )
        for number, word in (("1", one), ("[0-9]{1,3}", many))
    },
    **{
        rf"(?<=(?<!\p{{L}})[Zz]e? ){point}(?!\p{{L}})": side
        for point, side in {
            "NW": "północnego zachodu", "NE": "północnego wschodu", "SW": "południowego zachodu",
            "SE": "południowego wschodu",
        }.items()
    },
    **{
        rf"(?<=(?i:wiatr|wieje|podmuchy|porywy) (?:wieje )?ze? ){point}(?!\p{{L}})": side
        for point, side in {"N": "północy", "S": "południa", "W": "zachodu", "E": "wschodu"}.items()
    },
    **{
        rf"(?<=(?i:(?<!\p{{L}})(?:{before})) )godz\.(?= [0-9])": said
        for before, said in {
            "o|po": "godzinie", "od|do|około|koło": "godziny", "na": "godzinę", "przed|między": "godziną",
        }.items()
    },
    # But "50 km na godzinę 24 maja", "po godzinie 3 osoby".
    r"(?<=(?i:(?<!\p{L}|(?:km|metr\p{L}{0,3}) )(?:o|po|od|do|około|koło|na|przed) godzin[ęąy]"
    r"|(?<!\p{L})(?:o|po) godzinie) )"
    r"([01]?[0-9]|2[0-4])(?![\p{L}\p{N}:%]|[.,][0-9]|[-–]| (?:min|sek|km|stop|os[oó]b|kolejn))": r"\1:00",
    r"(?<=(?i:(?<!\p{L})(?:u|do|od|dla|bez)) )dr\.(?= \p{Lu})": "doktora",
    r"(?<=(?i:(?<!\p{L})(?:z|przed|nad|za)) )dr\.(?= \p{Lu})": "doktorem",
    r"(?<![\p{L}\p{N}] ?)<(?= ?[0-9])": "poniżej ",
    r"(?<![\p{L}\p{N}] ?)>(?= ?[0-9])": "powyżej ",
    r"(?<=(?<!\p{L})[wW] )godz\. ?([0-9]{1,2})[-–]([0-9]{1,2})(?![0-9:.,])": r"godzinach \1:00–\2:00",
    r"(?<=(?<!\p{L})[oO] )godz\. ?(?=[0-9])": "godzinie ",
}
_WINDS = words("wiatr wiatru porywy")
_COMPASS = {
    "N": "północny", "NE": "północno-wschodni", "E": "wschodni", "SE": "południowo-wschodni", "S": "południowy",
    "SW": "południowo-zachodni", "W": "zachodni", "NW": "północno-zachodni",
}

LANGUAGE = Language(
    code="pl",
    decimal=",",
    groups=" ",
    cardinal=_cardinal,
    plural=_plural,
    minus="minus",
    point=always("przecinek"),
    fraction_digits=2,
    magnitudes={
        "tys.": noun("tysiąc|tysiące|tysięcy|tysiąca", "m"), "mln": noun("milion|miliony|milionów|miliona", "m"),
        "mld": noun("miliard|miliardy|miliardów|miliarda", "m"),
    },
    magnitudes_of=plainly,
    year=lambda year: _cardinal(year),
    years_before=frozenset(),
    years_unless="",
    ordinal=_ordinal,
    ordinal_marks={"-szy": "", "-gi": "", "-ci": "", "-ty": "", "-my": "", "-go": "g"},
    dotted=_dotted,
    decade_marks=(),
    decades_after=frozenset(),
    decade=lambda year: "",
    range_words=("od", "do"),
    range_case="g",
    range_plural=2,
    fractions={
        "1/2": "jedna druga", "1/3": "jedna trzecia", "2/3": "dwie trzecie", "1/4": "jedna czwarta",
        "3/4": "trzy czwarte", "1/5": "jedna piąta", "1/8": "jedna ósma", "1/10": "jedna dziesiąta",
        "24/7": "dwadzieścia cztery na siedem", "50/50": "pół na pół",
    },
    mixed={"1/2": "{n} i pół", "1/4": "{n} i jedna czwarta", "3/4": "{n} i trzy czwarte", "1/3": "{n} i jedna trzecia"},
    mixed_gender="m",
    halves={"": "pół"},
    fraction_plural=3,
    operators={
        "+": "plus", "−": "minus", "×": "razy", "÷": "podzielić przez", "=": "równa się", ":": "do",
        "<": "jest mniejsze niż", ">": "jest większe niż",
    },
    by="na",
    out_of="na",
    over="na",
    times_suffix="razy",
    signs={"#": "numer", "№": "numer", "nr": "numer", "Nr": "numer", "§": "paragraf", "±": "plus minus", "≈": "około"},
    counted={
        **dict.fromkeys(words("godzina godziny minuta minuty sekunda sekundy lampa lampy osoba osoby żarówka żarówki "
                              "wiadomość wiadomości kamera kamery łyżka łyżki łyżeczka łyżeczki "
                              "szklanka szklanki butelka butelki puszka puszki"), "f"),
        **dict.fromkeys(words("światło światła okno okna urządzenie urządzenia zadanie zadania przypomnienie "
                              "przypomnienia wydarzenie wydarzenia"), "n"),
        **dict.fromkeys(words("dzień dni miesiąc miesiące tydzień tygodnie rok lata alarm alarmy"), "m"),
    },
    agreement=_agreement,
    cases=_CASES,
    units=_UNITS,
    per={
        "s": "na sekundę", "min": "na minutę", "h": "na godzinę", "godz": "na godzinę", "dzień": "na dzień",
        "rok": "na rok", "miesiąc": "na miesiąc", "mies.": "na miesiąc", "tydzień": "na tydzień",
        "osobę": "na osobę", "kWh": "za kilowatogodzinę", "MWh": "za megawatogodzinę", "m": "na metr",
        "km": "na kilometr",
        "100 km": "na sto kilometrów", "m²": "na metr kwadratowy", "m2": "na metr kwadratowy",
        "m³": "na metr sześcienny", "m3": "na metr sześcienny", "l": "na litr", "kg": "za kilogram",
    },
    currencies={
        "zł": _ZLOTY, "PLN": _ZLOTY, "€": _EURO, "EUR": _EURO, "$": _DOLLAR, "USD": _DOLLAR, "£": _POUND,
        "GBP": _POUND, "CHF": _FRANC, "gr": Currency(noun("grosz|grosze|groszy|grosza", "m")),
        "Kč": Currency(_feminine("korona czeska|korony czeskie|koron czeskich|korony czeskiej")),
    },
    money="{major} {minor}",
    month_names=numbered(_MONTH_LIST, _OTHER_MONTHS),
    capital_months=False,
    short_months=frozenset(_OTHER_MONTHS),
    day_marks=(".",),
    of="",
    month_first=False,
    date=_date,
    date_range=_date_range,
    until=("do",),
    year_words=("roku", "rok", "r."),
    year_with=_year_with,
    time=_time,
    time_range=_time_range,
    clock_words=(),
    clock_hour="",
    dot="kropka",
    colon="dwukropek",
    port="port",
    version="wersja",
    phone_pairs=False,
    spelled_after=words("pin kod wewnętrzny tel telefon zadzwoń dzwoń"),
    episode="sezon {season} odcinek {episode}",
    postcodes=postcodes.POLISH,
    postcode_digits=2,
    powers={"²": "do kwadratu", "³": "do sześcianu", "^": "do potęgi"},
    rewrites=_REWRITES,
    winds=_WINDS,
    compass=_COMPASS,
    endings={},
    letters={
        "H2O": "H dwa O", "H₂O": "H dwa O",
        "CO2": "C O dwa", "CO₂": "C O dwa", "PM2.5": "P M dwa i pół", "PM2,5": "P M dwa i pół", "PM10": "P M dziesięć",
        "NO₂": "N O dwa", "NO2": "N O dwa", "O₃": "ozon",
    },
    abbreviations={
        "np.": "na przykład", "Np.": "Na przykład", "itd.": "i tak dalej", "itp.": "i tym podobne", "tzn.": "to znaczy",
        "tj.": "to jest", "rozdz.": "rozdział", "zob.": "zobacz", "por.": "porównaj",
        "m.in.": "między innymi", "m. in.": "między innymi", "ok.": "około",

        "p.n.e.": "przed naszą erą", "n.e.": "naszej ery", "tel.": "telefon", "Tel.": "telefon", "godz.": "godzina",
        "str.": "strona", "art.": "artykuł",
        "pon.-pt.": "od poniedziałku do piątku", "pon.–pt.": "od poniedziałku do piątku",
        "pn.-pt.": "od poniedziałku do piątku", "pn.–pt.": "od poniedziałku do piątku",
        "pon-pt": "od poniedziałku do piątku", "pon–pt": "od poniedziałku do piątku",
        "Pn-pt": "od poniedziałku do piątku", "Pn–pt": "od poniedziałku do piątku",
        "maks.": "maksymalnie", "min.": "minimalnie", "temp.": "temperatura", "dr hab.": "doktor habilitowany",
    },
    titles={"dr": "doktor", "Dr": "doktor", "prof.": "profesor", "Prof.": "profesor", "inż.": "inżynier",
    "mgr": "magister",
            "ks.": "ksiądz", "św.": "święty"},
    weekdays={
        "pon": "poniedziałek", "pn": "poniedziałek", "wt": "wtorek", "śr": "środa", "czw": "czwartek", "pt": "piątek",
        "sob": "sobota", "niedz": "niedziela", "Pon": "poniedziałek", "Pn": "poniedziałek", "Wt": "wtorek",
        "Śr": "środa", "Czw": "czwartek", "Pt": "piątek", "Sob": "sobota", "Niedz": "niedziela",
    },
    regnal=words(
        "Elżbieta Katarzyna Wiktoria Małgorzata Maria "
        "Jan Zygmunt Kazimierz Bolesław Władysław Stanisław Henryk Ludwik Karol Filip Fryderyk Wilhelm Napoleon "
        "Paweł Pius Benedykt Grzegorz Klemens Innocenty Leon Jerzy Edward Ryszard Mikołaj Aleksander Piotr "
        "Franciszek Leopold"
    ),
    regnal_ordinal=lambda number, name: _ordinal(number, "f" if name in _QUEENS else ""),
    numbered=words("rozdział część akt tom sekcja faza typ załącznik"),
    centuries={"wiek": "", "wieku": "g", "w wieku": "l"},
)
