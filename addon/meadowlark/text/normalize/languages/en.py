"""English: American where nothing else is said, with the differences of other regions at the end."""

from __future__ import annotations

from dataclasses import replace

from meadowlark.text.normalize import postcodes
from meadowlark.text.normalize.integers import Spellout
from meadowlark.text.normalize.language import (
    SINGULAR,
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

# "2048 songs" is a count, "2026 is" is a year.
_COUNTED = (
    r"[ -](?:more |other |new |different )?(?:\p{Ll}+s\b(?<!\b(?:is|was|has|as|its|this))|people|men|women|children)"
)
_cardinal = Spellout("en", {"": "spellout-cardinal"})
_cardinal_and = Spellout("en", {"": "spellout-cardinal-verbose"})
_ordinal = Spellout("en", {"": "spellout-ordinal"})
_ordinal_and = Spellout("en", {"": "spellout-ordinal-verbose"})
_numbering_year = Spellout("en", {"": "spellout-numbering-year"})

_MONTH_LIST = "January February March April May June July August September October November December"
_MONTHS = in_order(_MONTH_LIST)
_SHORT_MONTHS = {
    "jan": 1,
    "feb": 2,
    "apr": 4,
    "jun": 6,
    "jul": 7,
    "aug": 8,
    "sep": 9,
    "sept": 9,
    "oct": 10,
    "nov": 11,
    "dec": 12,
}
_ANY_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\\.?"
_MONTH_NAMES = numbered(_MONTH_LIST, _SHORT_MONTHS)


def _year(year: int) -> str:
    return _numbering_year(year).replace("oh-", "oh ")


def _year_and(year: int) -> str:
    return _cardinal_and(year) if 2000 < year < 2010 else _year(year)


def _decade(year: int) -> str:
    """1990 → nineteen nineties."""
    text = _year(year)
    return text[:-1] + "ies" if text.endswith("y") else text + "s"


def _mdy(date: Day) -> str:
    text = f"{_MONTHS[date.month - 1]} {_ordinal(date.day)}"
    if date.before == "the":
        text = f"{_ordinal(date.day)} of {_MONTHS[date.month - 1]}"
    return text if date.year is None else f"{text}, {_year(date.year)}"


def _mdy_range(first: Day, until: int) -> str:
    text = f"{_MONTHS[first.month - 1]} {_ordinal(first.day)} to {_ordinal(until)}"
    return text if first.year is None else f"{text}, {_year(first.year)}"


def _dmy(date: Day) -> str:
    text = f"{_the(date)}{_ordinal(date.day)} of {_MONTHS[date.month - 1]}"
    return text if date.year is None else f"{text} {_year_and(date.year)}"


def _dmy_range(first: Day, until: int) -> str:
    text = f"{_the(first)}{_ordinal(first.day)} to the {_ordinal(until)} of {_MONTHS[first.month - 1]}"
    return text if first.year is None else f"{text} {_year_and(first.year)}"


def _the(date: Day) -> str:
    return "" if date.before == "the" else "the "


def _half(word: str) -> str:
    """ "p.m." and its like as letters that cannot be taken for a word: "PM"."""
    letters = word.replace(".", "").replace(" ", "").upper()
    return f" {letters}" if letters in ("AM", "PM") else ""


def _time(clock: Clock) -> str:
    """Seven thirty; fourteen oh five; seven o'clock; seven thirty PM."""
    half = _half(clock.word)
    hours = " hours" if clock.word in ("hours", "hrs", "h") else ""
    if clock.second is not None:
        seconds = f" and {_cardinal(clock.second, '')} {'second' if clock.second == 1 else 'seconds'}"
    else:
        seconds = ""
    hour = _cardinal(clock.hour, "")
    if clock.minute is None:
        return f"{hour}{hours or half}" if hours or half else f"{hour} o'clock"
    if clock.minute:
        minute = f"oh {_cardinal(clock.minute, '')}" if clock.minute < 10 else _cardinal(clock.minute, "")
        hour = "twelve" if clock.hour == 0 else hour
        half = half or (" AM" if clock.hour == 0 else "")
        return f"{hour} {minute}{seconds}{half}{hours}"
    if half:
        return f"{hour}{seconds}{half}"
    if clock.hour in (0, 24):
        return f"midnight{seconds}"
    if clock.hour > 12:
        return f"{hour} hundred{seconds}{hours}"
    return f"{hour} o'clock{seconds}"


def _time_range(start: Clock, end: Clock) -> str:
    if start.word:
        return f"{_time(start)} to {_time(end)}"
    if end.word in ("hours", "hrs", "h") and start.minute is None and end.minute is None:
        return ""  # how long it takes
    half = _half(end.word)
    if half and start.minute in (None, 0):
        return f"{_cardinal(start.hour, '')} to {_time(end)}"
    return f"{_time(start)} to {_time(end)}"


# fmt: off
_UNITS = nouns(
    "",
    {
        "°C ℃": "degree Celsius|degrees Celsius",
        "°F ℉": "degree Fahrenheit|degrees Fahrenheit",
        "°": "degree|degrees",
        "K": "kelvin|kelvins",
        "%": "percent",
        "‰": "per mille",
        "W": "watt|watts",
        "kW": "kilowatt|kilowatts",
        "MW": "megawatt|megawatts",
        "Wp": "watt peak|watts peak",
        "kWp": "kilowatt peak|kilowatts peak",
        "VA": "volt-ampere|volt-amperes",
        "kVA": "kilovolt-ampere|kilovolt-amperes",
        "Wh": "watt hour|watt hours",
        "kWh": "kilowatt hour|kilowatt hours",
        "MWh": "megawatt hour|megawatt hours",
        "GWh": "gigawatt hour|gigawatt hours",
        "mAh": "milliamp hour|milliamp hours",
        "Ah": "amp hour|amp hours",
        "V": "volt|volts",
        "mV": "millivolt|millivolts",
        "kV": "kilovolt|kilovolts",
        "A": "amp|amps",
        "mA": "milliamp|milliamps",
        "Ω": "ohm|ohms",
        "Hz": "hertz",
        "kHz": "kilohertz",
        "MHz": "megahertz",
        "GHz": "gigahertz",
        "J": "joule|joules",
        "kJ": "kilojoule|kilojoules",
        "MJ": "megajoule|megajoules",
        "kcal": "kilocalorie|kilocalories",
        "cal": "calorie|calories",
        "kph": "kilometer per hour|kilometers per hour",
        "mph": "mile per hour|miles per hour",
        "kn kt kts": "knot|knots",
        "fps": "frame per second|frames per second",
        "rpm RPM": "revolution per minute|revolutions per minute",
        "bpm BPM": "beat per minute|beats per minute",
        "lx lux": "lux",
        "lm": "lumen|lumens",
        "ppm": "part per million|parts per million",
        "ppb": "part per billion|parts per billion",
        "µg μg ug": "microgram|micrograms",
        "mg": "milligram|milligrams",
        "g": "gram|grams",
        "kg": "kilogram|kilograms",
        "t": "ton|tons",
        "lb lbs": "pound|pounds",
        "oz": "ounce|ounces",
        "Pa": "pascal|pascals",
        "hPa": "hectopascal|hectopascals",
        "kPa": "kilopascal|kilopascals",
        "MPa": "megapascal|megapascals",
        "mbar": "millibar|millibars",
        "bar": "bar|bars",
        "in/h in/hr": "inch per hour|inches per hour",
        "psi": "pound per square inch|pounds per square inch",
        "inHg": "inch of mercury|inches of mercury",
        "mmHg": "millimeter of mercury|millimeters of mercury",
        "dB": "decibel|decibels",
        "dBm": "decibel milliwatt|decibel milliwatts",
        "nm": "nanometer|nanometers",
        "µm μm": "micrometer|micrometers",
        "mm": "millimeter|millimeters",
        "cm": "centimeter|centimeters",
        "m": "meter|meters",
        "km": "kilometer|kilometers",
        "ft": "foot|feet",
        "yd": "yard|yards",
        "mi": "mile|miles",
        "″": "inch|inches",
        "′": "foot|feet",
        "mm² mm2": "square millimeter|square millimeters",
        "cm² cm2": "square centimeter|square centimeters",
        "m² m2 ㎡": "square meter|square meters",
        "km² km2": "square kilometer|square kilometers",
        "ft² sqft": "square foot|square feet",
        "ha": "hectare|hectares",
        "cm³ cm3": "cubic centimeter|cubic centimeters",
        "m³ m3 ㎥": "cubic meter|cubic meters",
        "ft³": "cubic foot|cubic feet",
        "CCF": "hundred cubic feet",
        "l L": "liter|liters",
        "ml mL": "milliliter|milliliters",
        "cl cL": "centiliter|centiliters",
        "dl dL": "deciliter|deciliters",
        "gal": "gallon|gallons",
        "tsp": "teaspoon|teaspoons",
        "tbsp": "tablespoon|tablespoons",
        "B": "byte|bytes",
        "kB KB": "kilobyte|kilobytes",
        "MB": "megabyte|megabytes",
        "GB": "gigabyte|gigabytes",
        "TB": "terabyte|terabytes",
        "KiB": "kibibyte|kibibytes",
        "MiB": "mebibyte|mebibytes",
        "GiB": "gibibyte|gibibytes",
        "kbit": "kilobit|kilobits",
        "Mbit": "megabit|megabits",
        "Gbit": "gigabit|gigabits",
        "kbps": "kilobit per second|kilobits per second",
        "Mbps": "megabit per second|megabits per second",
        "Gbps": "gigabit per second|gigabits per second",
        "MP": "megapixel|megapixels",
        "px": "pixel|pixels",
        "ns": "nanosecond|nanoseconds",
        "µs μs": "microsecond|microseconds",
        "ms": "millisecond|milliseconds",
        "s sec secs": "second|seconds",
        "min mins": "minute|minutes",
        "h hr hrs": "hour|hours",
        "d": "day|days",
        "pH": "pH",
        "ac": "acre|acres",
        "µS μS": "microsiemens",
        "Bq": "becquerel|becquerels",
        "cfm": "cubic foot per minute|cubic feet per minute",
        "cd": "candela|candelas",
        "nit nits": "nit|nits",
        "kVAh": "kilovolt-ampere hour|kilovolt-ampere hours",
        "MWp": "megawatt peak|megawatts peak",
        "dBA dB(A)": "A-weighted decibel|A-weighted decibels",
        "BTU BTUs": "BTU|BTUs",
    },
) | {
    "fl oz": noun("fluid ounce|fluid ounces"), "fl. oz.": noun("fluid ounce|fluid ounces"),
    "sq ft": noun("square foot|square feet"), "sq. ft.": noun("square foot|square feet"),
    "sq m": noun("square meter|square meters"), "cu ft": noun("cubic foot|cubic feet"),
}
_PER = {
    "s": "per second", "sec": "per second", "min": "per minute", "h": "per hour", "hr": "per hour", "d": "per day",
    "day": "per day", "week": "per week", "month": "per month", "year": "per year", "yr": "per year",
    "mo": "per month", "wk": "per week",
    "kWh": "per kilowatt hour", "MWh": "per megawatt hour", "m": "per meter", "km": "per kilometer",
    "mi": "per mile", "m²": "per square meter", "m2": "per square meter", "m³": "per cubic meter",
    "m3": "per cubic meter", "l": "per liter", "L": "per liter", "dl": "per deciliter", "dL": "per deciliter",
    "gal": "per gallon", "g": "per gram", "kg": "per kilogram", "lb": "per pound",
    "100 km": "per one hundred kilometers",
    "cm": "per centimeter", "person": "per person",
}
_DOLLAR = Currency(noun("dollar|dollars"), noun("cent|cents"))
_EURO = Currency(noun("euro|euros"), noun("cent|cents"))
_POUND = Currency(noun("pound|pounds"), noun("penny|pence"))
_CURRENCIES = {
    "$": _DOLLAR, "US$": _DOLLAR, "USD": Currency(noun("US dollar|US dollars"), noun("cent|cents")),
    "A$": Currency(noun("Australian dollar|Australian dollars"), noun("cent|cents")),
    "AUD": Currency(noun("Australian dollar|Australian dollars"), noun("cent|cents")),
    "C$": Currency(noun("Canadian dollar|Canadian dollars"), noun("cent|cents")),
    "CAD": Currency(noun("Canadian dollar|Canadian dollars"), noun("cent|cents")),
    "NZD": Currency(noun("New Zealand dollar|New Zealand dollars"), noun("cent|cents")),
    "€": _EURO, "EUR": _EURO, "£": _POUND, "GBP": Currency(noun("British pound|British pounds"), noun("penny|pence")),
    "¢": Currency(noun("cent|cents")), "ct": Currency(noun("cent|cents")),
    "CHF": Currency(noun("Swiss franc|Swiss francs"), noun("centime|centimes")),
    "¥": Currency(noun("yen")), "JPY": Currency(noun("yen")),
    "CNY": Currency(noun("yuan")),
    "₹": Currency(noun("rupee|rupees"), noun("paisa|paise")),
    "INR": Currency(noun("rupee|rupees"), noun("paisa|paise")),
    "zł": Currency(noun("zloty|zlotys"), noun("grosz|groszy")),
    "PLN": Currency(noun("zloty|zlotys"), noun("grosz|groszy")),
    "Kč": Currency(noun("Czech crown|Czech crowns")), "CZK": Currency(noun("Czech crown|Czech crowns")),
    "kr": Currency(noun("crown|crowns")), "R$": Currency(noun("real|reais"), noun("centavo|centavos")),
    "SEK": Currency(noun("Swedish crown|Swedish crowns")), "NOK": Currency(noun("Norwegian crown|Norwegian crowns")),
    "DKK": Currency(noun("Danish crown|Danish crowns")), "₽": Currency(noun("ruble|rubles")),
    "₿": Currency(noun("bitcoin|bitcoins")),
}
_REGNAL = (
    "Henry Louis Elizabeth Charles George William Edward James Richard Philip Mary Catherine Frederick Nicholas Peter "
    "Alexander Ivan Leopold Albert Francis Christian Gustav Napoleon Pius Benedict Gregory Clement Innocent Leo Paul "
    "Anne Victoria Urban Ramesses Rameses Ptolemy Cleopatra Otto Alfonso Ferdinand Felipe Wilhelm Harald Haakon "
    "Margrethe"
)

_DEVICES = (
    "LED|LEDs|bulb|bulbs|lamp|clock|TV|TVs|rack|monitor|screen|display|fuse|breaker|circuit|socket|outlet|charger|plug|"
    "battery|pipe|drive|SSD|disk|adapter|panel|motor|fan|speaker|timer|microphone|supply|heater"
)
"""What is named by its size: "a 60-watt bulb"."""
_MEASURED = (
    "seconds?|minutes?|hours?|days?|weeks?|months?|years?|degrees?|percent|times|points?|stars?|hundred|thousand|million|"
    "billion|inch(?:es)?|f(?:oo|ee)t|yards?|miles?|(?:kilo|centi|milli)?met(?:er|re)s?|(?:milli)?lit(?:er|re)s?|gallons?|"
    "cups?|tablespoons?|teaspoons?|ounces?|pounds?|tons?|(?:kilo|milli)?grams?|kilos?|(?:kilo|mega)?watts?|volts?|amps?|"
    "kilowatt[- ]hours?|euros?|dollars?|gigabytes?|megabytes?"
)
"""Before these words "1,5" is a number with the decimal comma of other languages."""
_WINDS = words("wind winds gust gusts breeze heading bearing")
_COMPASS = {
    "N": "north", "NE": "northeast", "E": "east", "SE": "southeast", "S": "south", "SW": "southwest", "W": "west",
    "NW": "northwest", "NNE": "north-northeast", "ENE": "east-northeast", "ESE": "east-southeast",
    "SSE": "south-southeast", "SSW": "south-southwest", "WSW": "west-southwest", "WNW": "west-northwest",
    "NNW": "north-northwest",
}

LANGUAGE = Language(
    code="en",
    decimal=".",
    groups=",",
    cardinal=_cardinal,
    plural=one_or_more,
    minus="minus",
    point=always("point"),
    fraction_digits=1,
    magnitudes={
        "thousand": noun("thousand"), "k": noun("thousand"), "million": noun("million"), "mn": noun("million"),
        "M": noun("million"), "m": noun("million"), "B": noun("billion"), "K": noun("thousand"), "T": noun("trillion"),
        "billion": noun("billion"), "bn": noun("billion"), "trillion": noun("trillion"),
    },
    magnitudes_of=plainly,
    year=_year,
    years_before=words(
        "in since by from until till before after during around circa year early late mid summer winter spring "
        "autumn fall of january february march april may june july august september october november december and "
        "to"
    ),
    years_unless=_COUNTED,
    ordinal=_ordinal,
    ordinal_marks={"st": "", "nd": "", "rd": "", "th": "", "ST": "", "ND": "", "RD": "", "TH": ""},
    dotted=never,
    decade_marks=("s", "'s", "’s"),
    decades_after=words("the early late mid"),
    decade=_decade,
    range_words=("", "to"),
    range_case="",
    range_plural=None,
    fractions={
        "1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters",
        "1/5": "one fifth", "2/5": "two fifths", "3/5": "three fifths", "4/5": "four fifths", "1/6": "one sixth",
        "5/6": "five sixths", "1/8": "one eighth", "3/8": "three eighths", "5/8": "five eighths",
        "7/8": "seven eighths", "1/10": "one tenth", "24/7": "twenty-four seven", "9/11": "nine eleven",
        "50/50": "fifty-fifty",
    },
    mixed={
        "1/2": "{n} and a half", "1/3": "{n} and a third", "2/3": "{n} and two thirds", "1/4": "{n} and a quarter",
        "3/4": "{n} and three quarters", "1/8": "{n} and an eighth", "3/8": "{n} and three eighths",
        "5/8": "{n} and five eighths", "7/8": "{n} and seven eighths",
    },
    mixed_gender="",
    halves={},
    fraction_plural=0,
    operators={
        ":": "to",
        "+": "plus", "−": "minus", "×": "times", "÷": "divided by", "=": "equals", "≈": "is about",
        "<": "is less than", ">": "is greater than", "≤": "is at most", "≥": "is at least",
    },
    by="by",
    out_of="out of",
    over="over",
    times_suffix="times",
    signs={
        "#": "number", "№": "number", "No.": "number", "no.": "number", "Nos.": "numbers", "§": "section",
        "±": "plus or minus", "√": "square root of", "p.": "page", "pp.": "pages", "Vol.": "volume", "Fig.": "figure",
        "Ep.": "episode", "Ch.": "chapter", "Tab.": "table",
        "≈": "about", "<": "less than", ">": "more than", "≤": "at most", "≥": "at least",
    },
    counted={},
    agreement=unknown,
    cases={"a": SINGULAR, "an": SINGULAR},
    units=_UNITS,
    per=_PER,
    currencies=_CURRENCIES,
    money="{major} and {minor}",
    month_names=_MONTH_NAMES,
    capital_months=True,
    short_months=frozenset(),
    day_marks=("st", "nd", "rd", "th"),
    of="of",
    month_first=True,
    date=_mdy,
    date_range=_mdy_range,
    until=("to", "until", "to the"),
    year_words=(),
    year_with=no_year_word,
    time=_time,
    time_range=_time_range,
    clock_words=("o'clock", "o’clock", "hours", "hrs", "AM", "PM", "am", "pm", "a.m.", "p.m.", "A.M.", "P.M.",
    "a. m.", "p. m.", "Am", "Pm"),
    clock_hour="",
    dot="dot",
    colon="colon",
    port="port",
    version="version",
    phone_pairs=False,
    spelled_after=words("dialing emergency password pin code passcode call dial extension ext zip tel telephone phone"),
    episode="season {season} episode {episode}",
    postcodes=postcodes.AMERICAN,
    postcode_digits=0,
    powers={"²": "squared", "³": "cubed", "^": "to the power of"},
    rewrites={
        r"(?<=[0-9]) ?deg\.? ?(?=[CF](?!\p{L}))": "°",
        rf"(?<![\p{{L}}\p{{N}}.,])([0-9]),([0-9])(?=[ -](?:{_MEASURED})(?!\p{{L}}))": r"\1.\2",
        r"(?<=[0-9]) in\.?(?= of )|(?<=[0-9]) in\.(?= \p{Ll})": "″",
        r"(?<=[0-9]) in(?= (?:tall|wide|long|deep|high|thick))": "″",
        r"(?<=[0-9])[\"”](?= of )|(?<=[0-9]/[0-9])[\"”]|(?<=ft [0-9]{1,2}) in(?!\p{L})": "″",
        **{
            rf"(?<=[0-9]) ?{sign}(?= (?:{_DEVICES})(?!\p{{L}}))": f"-{word}"
            for sign, word in {
                "W": "watt", "V": "volt", "A": "amp", "h": "hour", "(?:″|\"|”)": "inch", "Hz": "hertz",
                "GB": "gigabyte",
                "TB": "terabyte", "mAh": "milliamp-hour", "kWh": "kilowatt-hour",
            }.items()
        },
        r"(?<![\p{L}\p{N}.,:/-])9-5(?![\p{L}\p{N}/-]|[.,:][0-9]| ?=)": "9 to 5",
        r"(?<=(?:^|[\s(\"“])[-−]?)\.(?=[0-9]{1,2}(?![\p{L}\p{N}]|[.,][0-9]))": "0.",
        r"(?<!\p{L})apt\.(?= #?[0-9])": "apartment",
        r"(?<!\p{L})Apt\.(?= #?[0-9])": "Apartment",
        r"(?<=[0-9]-[0-9]{1,2})[x×](?![\p{L}\p{N}])": " times",
        r"(?<=[0-9](?:st|nd|rd|th) )St\.(?=[,;:)]| |$)": "Street",
        r"(?<=[0-9])A(?=[ -](?:fuse|breaker|circuit|socket|outlet|charger|plug))": " A",
        r"(?<=\p{Lu}\p{Ll}{1,20} )St\.(?=[,;:)]| \p{Ll})|(?<=[0-9] \p{Lu}\p{Ll}{1,20} )St\.(?= )": "Street",
        r"(?<=\p{Lu}\p{Ll}{1,20} )St\.(?=[\"')]*$)": "Street.",
        rf"(?<=(?<!\p{{L}})(?:{_ANY_MONTH}) [0-9]{{1,2}}) ?[-–] ?(?=(?:{_ANY_MONTH}) [0-9])": " to ",
        r"(?<!\p{L})approx (?=[0-9])": "approximately ",
    },
    winds=_WINDS,
    compass=_COMPASS,
    endings={},
    letters={
        "CO2": "C O two", "CO₂": "C O two", "PM2.5": "P M two point five", "PM₂.₅": "P M two point five",
        "PM10": "P M ten", "PM1": "P M one", "H2O": "H two O", "H₂O": "H two O", "O₃": "ozone", "NO₂": "N O two",
        "NO2": "N O two", "SO₂": "S O two", "SO2": "S O two",
    },
    abbreviations={
        "e.g.": "for example", "e. g.": "for example", "i.e.": "that is", "i. e.": "that is", "etc.": "et cetera",
        "approx.": "approximately", "vs.": "versus", "vs": "versus", "Ver.": "version", "ver.": "version",
        "incl.": "including", "excl.": "excluding", "temp.": "temperature",
        "max.": "maximum", "min.": "minimum", "avg.": "average", "Tel.": "telephone", "tel.": "telephone",
        "w/o": "without",
        "w/": "with", "doz.": "dozen", "appt.": "appointment",
        "Mon-Fri": "Monday to Friday", "Mon–Fri": "Monday to Friday", "a.k.a.": "also known as",
        "Jr.": "Junior", "Sr.": "Senior", "dept.": "department",
        "viz.": "namely", "cf.": "compare", "Blvd.": "Boulevard", "Ave.": "Avenue", "Rd.": "Road",
    },
    titles={
        "Dr.": "Doctor", "Mr.": "Mister", "Mrs.": "Missus", "Prof.": "Professor", "St.": "Saint", "Mt.": "Mount",
        "Ft.": "Fort", "Gen.": "General", "Col.": "Colonel", "Sgt.": "Sergeant", "Capt.": "Captain",
        "Lt.": "Lieutenant",
        "Sen.": "Senator", "Rev.": "Reverend", "Gov.": "Governor",
    },
    weekdays={
        "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday",
        "Thur": "Thursday", "Thurs": "Thursday", "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
    },
    regnal=frozenset([*words(_REGNAL), "John Paul"]),
    regnal_ordinal=lambda number, name: f"the {_ordinal(number)}",
    numbered=frozenset(
        [
            *words("Chapter Part Act Volume Section Phase Type Appendix Book Article Title Season Episode Level Class"),
            "World War", "Star Wars", "Rocky", "Super Bowl", "Final Fantasy",
        ]
    ),
    centuries={},
)
# fmt: on

BRITISH = replace(
    LANGUAGE,
    code="en-GB",
    cardinal=_cardinal_and,
    ordinal=_ordinal_and,
    year=_year_and,
    month_first=False,
    date=_dmy,
    date_range=_dmy_range,
    units={
        symbol: replace(
            unit, forms=tuple(form.replace("meter", "metre").replace("liter", "litre") for form in unit.forms)
        )
        for symbol, unit in _UNITS.items()
    },
)

REGIONS = {f"en-{region}": BRITISH for region in ("gb", "au", "ie", "nz", "za", "in", "scotland")}
