"""Spanish, with the decimal point of Mexico and its neighbours at the end."""

from __future__ import annotations

from dataclasses import replace

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
    one_or_more,
    words,
)

_cardinal = Spellout(
    "es",
    {
        "": "spellout-numbering",
        "m": "spellout-cardinal-masculine",
        "f": "spellout-cardinal-feminine",
        "×": "spellout-cardinal-feminine",
    },
)
_spelled_ordinal = Spellout(
    "es",
    {
        "": "spellout-ordinal-masculine",
        "f": "spellout-ordinal-feminine",
        "adjective": "spellout-ordinal-masculine-adjective",
    },
)
_MONTH_LIST = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
_MONTHS = in_order(_MONTH_LIST)
_OTHER_MONTHS = {
    "setiembre": 9, "ene": 1, "feb": 2, "mar": 3, "abr": 4, "may": 5, "jun": 6, "jul": 7, "ago": 8, "sept": 9,
    "sep": 9, "oct": 10, "nov": 11, "dic": 12,
}  # fmt: skip


def _ordinal(number: int, form: str) -> str:
    irregular = {(11, ""): "undécimo", (11, "f"): "undécima", (12, ""): "duodécimo", (12, "f"): "duodécima"}
    return irregular.get((number, form)) or _spelled_ordinal(number, form)


def _regnal(number: int, name: str) -> str:
    """Felipe sexto, Isabel segunda, Alfonso trece."""
    return _ordinal(number, "f" if name in ("Isabel", "María") else "") if number <= 10 else _cardinal(number)


_agreement = by_ending(
    "(?<!m)as?|[cs]ión|[cs]iones|dad|dades|tud|umbre",
    "días?|mapas?|planetas?|idiomas?|climas?",
    "m",
    words(
        "hay tiene tienes tengo tenemos tienen queda quedan falta faltan en con de por y o solo sólo recibido "
        "recibiste "
        "encontré hace durante dentro añade añadido unos los las cada para sin más menos otros otras últimos próximos"
    ),
    words(
        "de del y o a e u en por para con sin es son está están más menos que se al el la los las un una hasta desde "
        "pero si no también punto coma veces ahora hoy ayer mañana"
    ),
)


def _with_year(text: str, year: int | None) -> str:
    return text if year is None else f"{text} de {_cardinal(year)}"


def _date(date: Day) -> str:
    return _with_year(f"{_cardinal(date.day)} de {_MONTHS[date.month - 1]}", date.year)


def _date_range(first: Day, until: int) -> str:
    text = f"{_cardinal(first.day)} al {_cardinal(until)} de {_MONTHS[first.month - 1]}"
    return _with_year(text, first.year)


def _time(clock: Clock) -> str:
    """Siete treinta; siete y cinco; catorce horas."""
    text = _cardinal(clock.hour, "f")
    if clock.minute:
        text += f" y {_cardinal(clock.minute)}" if clock.minute < 10 else f" {_cardinal(clock.minute)}"
    elif clock.hour > 12 or clock.word in ("h", "horas"):
        text += " hora" if clock.hour == 1 else " horas"
    if clock.second is not None:
        text += f" con {_cardinal(clock.second, 'm')} segundo{'s' * (clock.second != 1)}"
    half = clock.word.replace(".", "").replace(" ", "").upper()
    return f"{text} {half}" if half in ("AM", "PM") else text


def _time_range(start: Clock, end: Clock) -> str:
    return f"{_time(start)} a {_time(end)}"


# fmt: off
_UNITS = nouns(
    "m",
    {
        "°C ℃": "grado Celsius|grados Celsius", "°F ℉": "grado Fahrenheit|grados Fahrenheit", "°": "grado|grados",
        "K": "kelvin|kelvins", "W": "vatio|vatios", "kW": "kilovatio|kilovatios", "MW": "megavatio|megavatios",
        "Wp": "vatio pico|vatios pico", "kWp": "kilovatio pico|kilovatios pico", "VA": "voltiamperio|voltiamperios",
        "Wh": "vatio hora|vatios hora", "kWh": "kilovatio hora|kilovatios hora",
        "MWh": "megavatio hora|megavatios hora", "GWh": "gigavatio hora|gigavatios hora", "V": "voltio|voltios",
        "mV": "milivoltio|milivoltios", "A": "amperio|amperios", "mA": "miliamperio|miliamperios",
        "Ah": "amperio hora|amperios hora", "mAh": "miliamperio hora|miliamperios hora", "Hz": "hercio|hercios",
        "kHz": "kilohercio|kilohercios", "MHz": "megahercio|megahercios", "GHz": "gigahercio|gigahercios",
        "lx lux": "lux", "lm": "lumen|lúmenes", "µg μg": "microgramo|microgramos", "mg": "miligramo|miligramos",
        "g": "gramo|gramos", "kg": "kilogramo|kilogramos", "Pa": "pascal|pascales",
        "hPa": "hectopascal|hectopascales", "kPa": "kilopascal|kilopascales",
        "mmHg": "milímetro de mercurio|milímetros de mercurio",
        "mbar": "milibar|milibares",
        "bar": "bar|bares", "dB": "decibelio|decibelios", "mm": "milímetro|milímetros",
        "cm": "centímetro|centímetros", "m": "metro|metros", "km": "kilómetro|kilómetros",
        "km/h kmh": "kilómetro por hora|kilómetros por hora", "cm² cm2": "centímetro cuadrado|centímetros cuadrados",
        "m² m2 ㎡": "metro cuadrado|metros cuadrados", "km² km2": "kilómetro cuadrado|kilómetros cuadrados",
        "cm³ cm3": "centímetro cúbico|centímetros cúbicos", "m³ m3 ㎥": "metro cúbico|metros cúbicos",
        "l L": "litro|litros", "ml mL": "mililitro|mililitros", "cl": "centilitro|centilitros",
        "dl": "decilitro|decilitros", "ha": "hectárea|hectáreas", "B": "byte|bytes", "kB KB": "kilobyte|kilobytes",
        "MB": "megabyte|megabytes", "GB": "gigabyte|gigabytes", "TB": "terabyte|terabytes",
        "Mbit": "megabit|megabits", "Gbit": "gigabit|gigabits", "px": "píxel|píxeles",
        "ms": "milisegundo|milisegundos", "s seg": "segundo|segundos", "min": "minuto|minutos",
    },
) | nouns("", {"%": "por ciento", "‰": "por mil"}) | nouns(
    "f",
    {
        "ppm": "parte por millón|partes por millón", "rpm": "revolución por minuto|revoluciones por minuto",
        "ppb": "parte por mil millones|partes por mil millones", "t": "tonelada|toneladas",
        "kcal": "kilocaloría|kilocalorías",
        "ha": "hectárea|hectáreas", "mph": "milla por hora|millas por hora", "h": "hora|horas", "″": "pulgada|pulgadas",
    },
)
_EURO = Currency(noun("euro|euros", "m"), noun("céntimo|céntimos", "m"))
_DOLLAR = Currency(noun("dólar|dólares", "m"), noun("centavo|centavos", "m"))
_POUND = Currency(noun("libra|libras", "f"), noun("penique|peniques", "m"))

_NO_NOUNS = (
    "más|menos|dentro|fuera|hoy|de|del|y|o|e|u|a|al|en|con|por|para|que|es|está|fue|se|entre|hay|sin|desde|hasta|como|"
    "pero"
)
_WINDS = words("viento vientos rachas")
_COMPASS = {
    "N": "norte", "NE": "noreste", "E": "este", "SE": "sureste", "S": "sur", "SO": "suroeste", "SW": "suroeste",
    "O": "oeste", "NO": "noroeste", "NW": "noroeste",
    "NNE": "nornoreste", "ENE": "estenoreste", "ESE": "estesureste", "SSE": "sursureste",
    "SSO": "sursuroeste", "SSW": "sursuroeste", "OSO": "oestesuroeste", "WSW": "oestesuroeste",
    "ONO": "oestenoroeste", "WNW": "oestenoroeste", "NNO": "nornoroeste", "NNW": "nornoroeste",
}

LANGUAGE = Language(
    code="es",
    decimal=",",
    groups=". ",
    cardinal=_cardinal,
    plural=one_or_more,
    minus="menos",
    point=always("coma"),
    fraction_digits=2,
    magnitudes={
        "mil": noun("mil", "m"), "millón": noun("millón|millones", "m"), "millones": noun("millón|millones", "m"),
        "M": noun("millón|millones", "m"),
    },
    magnitudes_of=lambda text: f"de {text}",
    year=lambda year: _cardinal(year),
    years_before=frozenset(),
    years_unless="",
    ordinal=_ordinal,
    ordinal_marks={
        "º": "", ".º": "", "ª": "f", ".ª": "f", "er": "adjective", ".er": "adjective", "ro": "", "ra": "f",
        "do": "", "da": "f", "to": "", "ta": "f",
    },
    dotted=never,
    decade_marks=(),
    decades_after=frozenset(),
    decade=lambda year: "",
    range_words=("", "a"),
    range_case="",
    range_plural=None,
    fractions={
        "1/2": "un medio", "1/3": "un tercio", "2/3": "dos tercios", "1/4": "un cuarto", "3/4": "tres cuartos",
        "1/5": "un quinto", "1/8": "un octavo", "1/10": "un décimo", "24/7": "veinticuatro siete",
        "50/50": "cincuenta cincuenta",
    },
    mixed={"1/2": "{n} y medio", "1/4": "{n} y cuarto", "3/4": "{n} y tres cuartos", "1/3": "{n} y un tercio"},
    mixed_gender="",
    halves={"m": "medio", "f": "media"},
    fraction_plural=0,
    operators={
        "+": "más", "−": "menos", "×": "por", "÷": "entre", "=": "igual a", ":": "a", "≈": "aproximadamente",
        "<": "es menor que", ">": "es mayor que",
    },
    by="por",
    out_of="de",
    over="sobre",
    times_suffix="vez|veces",
    signs={
        "cap.": "capítulo", "fig.": "figura", "p.": "página",
        "#": "número", "№": "número", "n.º": "número", "nº": "número", "N.º": "número", "Nº": "número",
        "núm.": "número", "±": "más menos", "≈": "unos", "<": "menos de", ">": "más de",
        "§": "párrafo", "≤": "como máximo", "≥": "como mínimo",
    },
    counted={
        **dict.fromkeys(words("hora horas semana semanas luz luces lámpara lámparas puerta puertas ventana ventanas "
                              "persona personas tarea tareas alarma alarmas cámara cámaras llamada llamadas vez veces "
                              "taza tazas cucharada cucharadas cucharadita cucharaditas cebolla docena"),
                        "f"),
        **dict.fromkeys(words("minuto minutos segundo segundos día días mes meses año años mensaje mensajes evento "
                              "eventos dispositivo dispositivos temporizador temporizadores recordatorio recordatorios "
                              "artículo artículos correo correos litro litros kilo kilos kilogramo "
                              "limón vaso vasos metro metros"), "m"),
    },
    agreement=_agreement,
    cases={},
    units=_UNITS,
    per={
        "s": "por segundo", "min": "por minuto", "h": "por hora", "día": "por día", "mes": "por mes", "año": "por año",
        "kWh": "por kilovatio hora", "MWh": "por megavatio hora", "m": "por metro", "km": "por kilómetro",
        "100 km": "a los cien kilómetros", "m²": "por metro cuadrado", "m2": "por metro cuadrado",
        "m³": "por metro cúbico", "m3": "por metro cúbico", "l": "por litro", "L": "por litro", "kg": "por kilo",
        "persona": "por persona",
    },
    currencies={
        "€": _EURO, "EUR": _EURO, "$": _DOLLAR, "US$": _DOLLAR, "USD": _DOLLAR, "£": _POUND, "GBP": _POUND,
        "CHF": Currency(noun("franco suizo|francos suizos", "m"), noun("céntimo|céntimos", "m")),
        "MXN": Currency(noun("peso|pesos", "m"), noun("centavo|centavos", "m")), "¥": Currency(noun("yen|yenes", "m")),
        "zł": Currency(noun("esloti|eslotis", "m")), "Kč": Currency(noun("corona checa|coronas checas", "f")),
    },
    money="{major} con {minor}",
    month_names=numbered(_MONTH_LIST, _OTHER_MONTHS),
    capital_months=False,
    short_months=frozenset(_OTHER_MONTHS),
    day_marks=("º",),
    of="de",
    month_first=False,
    date=_date,
    date_range=_date_range,
    until=("al", "a"),
    year_words=(),
    year_with=no_year_word,
    time=_time,
    time_range=_time_range,
    clock_words=("horas", "h", "a. m.", "p. m.", "a.m.", "p.m.", "am", "pm", "AM", "PM"),
    clock_hour="",
    dot="punto",
    colon="dos puntos",
    port="puerto",
    version="versión",
    phone_pairs=False,
    spelled_after=words("pin código clave extensión tel teléfono llame llama llamar marque"),
    episode="temporada {season} episodio {episode}",
    postcodes=postcodes.SPANISH,
    postcode_digits=2,
    powers={"²": "al cuadrado", "³": "al cubo", "^": "elevado a"},
    rewrites=halves_behind(
        "y medio", "y media",
        {
            "h hora horas": "f",
            "min minuto minutos": "m",
            "kg kilo kilos": "m",
            "l L litro litros": "m",
            "día días": "m",
            "año años": "m",
            "taza tazas": "f",
            "cucharada cucharadas": "f",
            "cucharadita cucharaditas": "f",
            "semana semanas": "f",
        },
    ) | {
        r"(?<![\p{L}\p{N}.,])1\.?º(?= de \p{L})": "primero",
        # "1º" and "3º" are shorter before a masculine noun.
        rf"(?<=(?<![\p{{L}}\p{{N}}.,])[0-9]?[13])\.?º(?= (?!(?:{_NO_NOUNS})(?!\p{{L}}))\p{{Ll}})": "er",
        r"(?<=(?i:máxima|mínima|temperatura|temperaturas|máximas|mínimas|marca|hace|hacen|alcanza) "
        r"(?:\p{Ll}{1,6} )?[0-9]{1,2})º(?! ?\p{L}{4})": "°",
        r"(?<=años )['’](?=[0-9]0(?![\p{L}\p{N}]))": "",
    },
    winds=_WINDS,
    compass=_COMPASS,
    endings={},
    letters={
        "H2O": "H dos O", "H₂O": "H dos O",
        "CO2": "C O dos", "CO₂": "C O dos", "PM2.5": "P M dos coma cinco", "PM2,5": "P M dos coma cinco",
        "PM10": "P M diez", "NO₂": "N O dos", "NO2": "N O dos", "O₃": "ozono",
    },
    abbreviations={
        "p. ej.": "por ejemplo", "p.ej.": "por ejemplo", "P. ej.": "Por ejemplo", "etc.": "etcétera",
        "aprox.": "aproximadamente", "máx.": "máximo", "mín.": "mínimo", "tel.": "teléfono", "Tel.": "teléfono",
        "EE. UU.": "Estados Unidos", "EE.UU.": "Estados Unidos", "Ud.": "usted", "Uds.": "ustedes",
        "art.": "artículo", "C/": "calle", "pág.": "página", "págs.": "páginas", "temp.": "temperatura",
        "Avda.": "avenida",
    },
    titles={
        "Sr.": "señor", "Sra.": "señora", "Srta.": "señorita", "Dr.": "doctor", "Dra.": "doctora", "D.": "don",
        "Dña.": "doña", "Prof.": "profesor", "Sto.": "santo", "Sta.": "santa",
    },
    weekdays={
        "lun": "lunes", "mar": "martes", "mié": "miércoles", "jue": "jueves", "vie": "viernes", "sáb": "sábado",
        "dom": "domingo", "Lun": "lunes", "Mar": "martes", "Mié": "miércoles", "Jue": "jueves", "Vie": "viernes",
        "Sáb": "sábado", "Dom": "domingo",
    },
    regnal=words(
        "Felipe Carlos Alfonso Fernando Isabel Enrique Luis Juan Pedro Jaime Sancho Napoleón Jorge Guillermo Eduardo "
        "Ricardo Pablo Pío Benedicto Gregorio Clemente Inocencio León Nicolás Alejandro Federico Leopoldo"
    ),
    regnal_ordinal=_regnal,
    numbered=words("capítulo parte acto volumen tomo sección fase tipo anexo libro artículo título siglo temporada"),
    centuries={},
)
# fmt: on

_POINT = replace(LANGUAGE, code="es-MX", decimal=".", groups=",", point=always("punto"))

REGIONS = {f"es-{region}": _POINT for region in ("mx", "gt", "hn", "ni", "pa", "do", "sv", "pr", "us", "pe", "419")}
