"""Portuguese of Brazil, with the differences of Portugal at the end."""

from __future__ import annotations

from dataclasses import replace

from meadowlark.text.normalize import postcodes
from meadowlark.text.normalize.integers import Spellout
from meadowlark.text.normalize.language import (
    Cardinal,
    Clock,
    Currency,
    Day,
    Language,
    Noun,
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

_FORMS = {"": "spellout-numbering", "m": "spellout-cardinal-masculine", "f": "spellout-cardinal-feminine"}
_FORMS["×"] = _FORMS["f"]
_brazilian = Spellout("pt", _FORMS)
_european = Spellout("pt_PT", _FORMS, {"um mil milhões": "mil milhões"})
_ordinal = Spellout("pt", {"": "spellout-ordinal-masculine", "f": "spellout-ordinal-feminine"})
_MONTH_LIST = "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"
_MONTHS = in_order(_MONTH_LIST)
_OTHER_MONTHS = {
    "jan": 1, "fev": 2, "mar": 3, "abr": 4, "mai": 5, "jun": 6, "jul": 7, "ago": 8, "set": 9, "out": 10, "nov": 11,
    "dez": 12, "marco": 3,
}  # fmt: skip


def _plural(whole: int, decimals: bool) -> int:
    return 0 if whole < 2 else 1


def _regnal(cardinal: Cardinal, number: int, name: str) -> str:
    """Pedro segundo, Isabel segunda, Luís catorze."""
    if number > 10:
        return cardinal(number, "")
    return _ordinal(number, "f" if name in ("Isabel", "Elizabeth", "Maria", "Catarina") else "")


_agreement = by_ending(
    "as?|[çs]ão|[çs]ões|dade|dades|gem|gens",
    "dias?|mapas?|planetas?|idiomas?|climas?|problemas?|sistemas?|programas?|temas?",
    "m",
    words(
        "há tem tens tenho temos têm resta restam falta faltam em com de por e ou só apenas recebeu recebido durante "
        "dentro adicione adicionado uns os as cada para sem mais menos são últimos últimas próximos próximas"
    ),
    words(
        "de do da e ou a o em no na por para com sem é são está estão mais menos que se ao as os um uma até desde mas "
        "não também ponto vírgula agora hoje ontem"
    ),
)


def _day(cardinal: Cardinal, day: int) -> str:
    return "primeiro" if day == 1 else cardinal(day, "")


def _date(cardinal: Cardinal, date: Day) -> str:
    text = f"{_day(cardinal, date.day)} de {_MONTHS[date.month - 1]}"
    return text if date.year is None else f"{text} de {cardinal(date.year, '')}"


def _date_range(cardinal: Cardinal, first: Day, until: int) -> str:
    text = f"{_day(cardinal, first.day)} a {cardinal(until, '')} de {_MONTHS[first.month - 1]}"
    return text if first.year is None else f"{text} de {cardinal(first.year, '')}"


def _time(cardinal: Cardinal, clock: Clock) -> str:
    """Sete e trinta; sete horas."""
    text = cardinal(clock.hour, "f")
    if clock.word.strip() == "min" and clock.minute:  # how long it takes
        hours, minutes = ("s" * (each > 1) for each in (clock.hour, clock.minute))
        return f"{text} hora{hours} e {cardinal(clock.minute, 'm')} minuto{minutes}"
    if clock.minute:
        text += f" e {cardinal(clock.minute, '')}"
    else:
        text += " horas" if clock.hour > 1 else " hora"
    if clock.second is not None:
        text += f" e {cardinal(clock.second, 'm')} segundo{'s' * (clock.second > 1)}"
    return text


def _time_range(cardinal: Cardinal, start: Clock, end: Clock) -> str:
    return f"{_time(cardinal, start)} às {_time(cardinal, end)}"


# fmt: off
_UNITS = nouns(
    "m",
    {
        "°C ℃": "grau Celsius|graus Celsius", "°F ℉": "grau Fahrenheit|graus Fahrenheit", "°": "grau|graus",
        "K": "kelvin|kelvins", "W": "watt|watts", "kW": "quilowatt|quilowatts", "MW": "megawatt|megawatts",
        "Wp": "watt-pico|watts-pico", "kWp": "quilowatt-pico|quilowatts-pico", "VA": "volt-ampere|volt-amperes",
        "Wh": "watt-hora|watts-hora", "kWh": "quilowatt-hora|quilowatts-hora",
        "MWh": "megawatt-hora|megawatts-hora", "GWh": "gigawatt-hora|gigawatts-hora", "V": "volt|volts",
        "mV": "milivolt|milivolts", "A": "ampere|amperes", "mA": "miliampere|miliamperes",
        "Ah": "ampere-hora|amperes-hora", "mAh": "miliampere-hora|miliamperes-hora", "Hz": "hertz",
        "kHz": "quilohertz", "MHz": "megahertz", "GHz": "gigahertz", "lx lux": "lux", "lm": "lúmen|lúmens",
        "µg μg": "micrograma|microgramas", "mg": "miligrama|miligramas", "g": "grama|gramas",
        "kg": "quilograma|quilogramas", "Pa": "pascal|pascals", "hPa": "hectopascal|hectopascals",
        "kPa": "quilopascal|quilopascals",
        "mmHg": "milímetro de mercúrio|milímetros de mercúrio",
        "mbar": "milibar|milibares", "bar": "bar|bares",
        "dB": "decibel|decibéis", "mm": "milímetro|milímetros", "cm": "centímetro|centímetros", "m": "metro|metros",
        "km": "quilômetro|quilômetros", "km/h kmh": "quilômetro por hora|quilômetros por hora",
        "cm² cm2": "centímetro quadrado|centímetros quadrados", "m² m2 ㎡": "metro quadrado|metros quadrados",
        "km² km2": "quilômetro quadrado|quilômetros quadrados",
        "cm³ cm3": "centímetro cúbico|centímetros cúbicos", "m³ m3 ㎥": "metro cúbico|metros cúbicos",
        "ha": "hectare|hectares", "l L": "litro|litros", "ml mL": "mililitro|mililitros",
        "cl": "centilitro|centilitros", "dl": "decilitro|decilitros", "B": "byte|bytes",
        "kB KB": "quilobyte|quilobytes", "MB": "megabyte|megabytes", "GB": "gigabyte|gigabytes",
        "TB": "terabyte|terabytes", "Mbit": "megabit|megabits", "Gbit": "gigabit|gigabits", "px": "pixel|pixels",
        "ms": "milissegundo|milissegundos", "s seg": "segundo|segundos", "min": "minuto|minutos",
    },
) | nouns("", {"%": "por cento", "‰": "por mil"}) | nouns(
    "f",
    {
        "ppm": "parte por milhão|partes por milhão", "rpm": "rotação por minuto|rotações por minuto",
        "t": "tonelada|toneladas", "kcal": "quilocaloria|quilocalorias",
        "mph": "milha por hora|milhas por hora", "h": "hora|horas", "″": "polegada|polegadas",
    },
)
_EURO = Currency(noun("euro|euros", "m"), noun("cêntimo|cêntimos", "m"))
_REAL = Currency(noun("real|reais", "m"), noun("centavo|centavos", "m"))
_DOLLAR = Currency(noun("dólar|dólares", "m"), noun("centavo|centavos", "m"))
_POUND = Currency(noun("libra|libras", "f"), noun("penny|pence", "m"))

_WINDS = words("vento ventos rajadas")
_COMPASS = {
    "N": "norte", "NE": "nordeste", "SE": "sudeste", "S": "sul", "SO": "sudoeste", "SW": "sudoeste",
    "NO": "noroeste", "NW": "noroeste",
    "NNE": "nor-nordeste", "ENE": "és-nordeste", "ESE": "és-sudeste", "SSE": "su-sudeste",
    "SSO": "su-sudoeste", "SSW": "su-sudoeste", "OSO": "oés-sudoeste", "WSW": "oés-sudoeste",
    "ONO": "oés-noroeste", "WNW": "oés-noroeste", "NNO": "nor-noroeste", "NNW": "nor-noroeste",
}

LANGUAGE = Language(
    code="pt",
    decimal=",",
    groups=". ",
    cardinal=_brazilian,
    plural=_plural,
    minus="menos",
    point=always("vírgula"),
    fraction_digits=2,
    magnitudes={
        "mil": noun("mil"), "milhão": noun("milhão|milhões", "m"), "milhões": noun("milhão|milhões", "m"),
        "mi": noun("milhão|milhões", "m"), "bilhão": noun("bilhão|bilhões", "m"), "bilhões": noun("bilhão|bilhões",
        "m"),
    },
    magnitudes_of=lambda text: f"de {text}",
    year=lambda year: _brazilian(year),
    years_before=frozenset(),
    years_unless="",
    ordinal=_ordinal,
    ordinal_marks={"º": "", "ª": "f", ".º": "", ".ª": "f", "o": "", "a": "f"},
    dotted=never,
    decade_marks=(),
    decades_after=frozenset(),
    decade=lambda year: "",
    range_words=("", "a"),
    range_case="",
    range_plural=None,
    fractions={
        "1/2": "um meio", "1/3": "um terço", "2/3": "dois terços", "1/4": "um quarto", "3/4": "três quartos",
        "1/5": "um quinto", "1/8": "um oitavo", "1/10": "um décimo", "24/7": "vinte e quatro por sete",
        "50/50": "cinquenta cinquenta",
    },
    mixed={"1/2": "{n} e meio", "1/4": "{n} e um quarto", "3/4": "{n} e três quartos", "1/3": "{n} e um terço"},
    mixed_gender="",
    halves={"m": "meio", "f": "meia"},
    fraction_plural=0,
    operators={
        "+": "mais", "−": "menos", "×": "vezes", "÷": "dividido por", "=": "é igual a", ":": "a", "≈": "cerca de",
        "<": "é menor que", ">": "é maior que",
    },
    by="por",
    out_of="de",
    over="por",
    times_suffix="vez|vezes",
    signs={
        "cap.": "capítulo", "fig.": "figura", "p.": "página",
        "#": "número", "№": "número", "n.º": "número", "nº": "número", "Nº": "número", "N.º": "número",
        "±": "mais ou menos", "≈": "cerca de", "<": "menos de", ">": "mais de", "≤": "no máximo", "≥": "no mínimo",
        "§": "parágrafo",
    },
    counted={
        **dict.fromkeys(words("hora horas semana semanas luz luzes lâmpada lâmpadas porta portas janela janelas pessoa "
                              "pessoas tarefa tarefas câmera câmeras chamada chamadas vez vezes mensagem mensagens "
                              "chávena chávenas xícara xícaras colher colheres cebola cebolas dúzia garrafa "
                              "garrafas lata latas caixa caixas fatia fatias"),
                              "f"),
        **dict.fromkeys(words("litro litros quilo quilos quilograma copo copos metro metros"), "m"),
    },
    agreement=_agreement,
    cases={},
    units=_UNITS,
    per={
        "s": "por segundo", "min": "por minuto", "h": "por hora", "dia": "por dia", "mês": "por mês", "ano": "por ano",
        "kWh": "por quilowatt-hora", "MWh": "por megawatt-hora", "m": "por metro", "km": "por quilômetro",
        "100 km": "aos cem quilômetros", "m²": "por metro quadrado", "m2": "por metro quadrado",
        "m³": "por metro cúbico", "m3": "por metro cúbico", "l": "por litro", "L": "por litro", "kg": "por quilo",
        "pessoa": "por pessoa",
    },
    currencies={
        "€": _EURO, "EUR": _EURO, "R$": _REAL, "BRL": _REAL, "$": _DOLLAR, "US$": _DOLLAR, "USD": _DOLLAR,
        "£": _POUND, "GBP": _POUND, "CHF": Currency(noun("franco suíço|francos suíços", "m")),
        "¥": Currency(noun("iene|ienes", "m")), "zł": Currency(noun("zloty|zlotys", "m")),
        "Kč": Currency(noun("coroa tcheca|coroas tchecas", "f")),
    },
    money="{major} e {minor}",
    month_names=numbered(_MONTH_LIST, _OTHER_MONTHS),
    capital_months=False,
    short_months=frozenset(_OTHER_MONTHS),
    day_marks=("º",),
    of="de",
    month_first=False,
    date=lambda date: _date(_brazilian, date),
    date_range=lambda first, until: _date_range(_brazilian, first, until),
    until=("a", "ao"),
    year_words=(),
    year_with=no_year_word,
    time=lambda clock: _time(_brazilian, clock),
    time_range=lambda start, end: _time_range(_brazilian, start, end),
    clock_words=("horas", "hora", "hs", "h"),
    clock_hour="h",
    dot="ponto",
    colon="dois pontos",
    port="porta",
    version="versão",
    phone_pairs=False,
    spelled_after=words("pin código senha ramal tel telefone ligue liga ligar"),
    episode="temporada {season} episódio {episode}",
    postcodes=postcodes.PORTUGUESE,
    postcode_digits=0,
    powers={"²": "ao quadrado", "³": "ao cubo", "^": "elevado a"},
    rewrites=halves_behind(
        "e meio", "e meia",
        {
            "h hora horas": "f",
            "min minuto minutos": "m",
            "kg quilo quilos": "m",
            "l L litro litros": "m",
            "dia dias": "m",
            "ano anos": "m",
            "xícara xícaras": "f",
            "colher colheres": "f",
            "semana semanas": "f",
        },
    ) | {
        r"(?<=(?i:máxima|mínima|temperatura|temperaturas|máximas|mínimas|marca|faz|fazem|atinge) "
        r"(?:\p{Ll}{1,6} )?[0-9]{1,2})º(?! ?\p{L}{4})": "°",
},
    winds=_WINDS,
    compass=_COMPASS,
    endings={},
    letters={
        "H2O": "H dois O", "H₂O": "H dois O",
        "CO2": "C O dois", "CO₂": "C O dois", "PM2.5": "P M dois vírgula cinco", "PM2,5": "P M dois vírgula cinco",
        "PM10": "P M dez", "NO₂": "N O dois", "NO2": "N O dois", "O₃": "ozônio",
    },
    abbreviations={
        "p.ex.": "por exemplo", "p. ex.": "por exemplo", "P. ex.": "Por exemplo", "etc.": "et cetera",
        "aprox.": "aproximadamente", "máx.": "máximo", "mín.": "mínimo", "tel.": "telefone", "Tel.": "telefone",
        "art.": "artigo", "pág.": "página", "págs.": "páginas", "temp.": "temperatura", "a.C.": "antes de Cristo",
        "d.C.": "depois de Cristo",
    },
    titles={
        "Sr.": "senhor", "D.": "dom", "Sra.": "senhora", "Dr.": "doutor", "Dra.": "doutora", "Prof.": "professor",
        "Profa.": "professora", "Eng.": "engenheiro", "Av.": "avenida",
    },
    weekdays={
        "seg": "segunda-feira", "ter": "terça-feira", "qua": "quarta-feira", "qui": "quinta-feira",
        "sex": "sexta-feira", "sáb": "sábado", "dom": "domingo", "Seg": "segunda-feira", "Ter": "terça-feira",
        "Qua": "quarta-feira", "Qui": "quinta-feira", "Sex": "sexta-feira", "Sáb": "sábado", "Dom": "domingo",
    },
    regnal=words(
        "Pedro João Luís Henrique Carlos Filipe Afonso Manuel Sancho Fernando Isabel Jorge Guilherme Eduardo Ricardo "
        "Napoleão Paulo Pio Bento Gregório Clemente Inocêncio Leão Nicolau Alexandre Catarina Frederico Leopoldo Maria "
        "Elizabeth"
    ),
    regnal_ordinal=lambda number, name: _regnal(_brazilian, number, name),
    numbered=words("capítulo parte ato volume tomo seção fase tipo anexo livro artigo título século temporada"),
    centuries={},
)
# fmt: on


def _in_portugal(text: str) -> str:
    return text.replace("quilômetro", "quilómetro")


def _noun_in_portugal(unit: Noun) -> Noun:
    return replace(unit, forms=tuple(map(_in_portugal, unit.forms)))


PORTUGAL = replace(
    LANGUAGE,
    code="pt-PT",
    cardinal=_european,
    year=lambda year: _european(year),
    date=lambda date: _date(_european, date),
    date_range=lambda first, until: _date_range(_european, first, until),
    time=lambda clock: _time(_european, clock),
    time_range=lambda start, end: _time_range(_european, start, end),
    regnal_ordinal=lambda number, name: _regnal(_european, number, name),
    units={symbol: _noun_in_portugal(unit) for symbol, unit in _UNITS.items()},
    per={symbol: _in_portugal(phrase) for symbol, phrase in LANGUAGE.per.items()},
)

REGIONS = {"pt-pt": PORTUGAL, "pt-ao": PORTUGAL, "pt-mz": PORTUGAL}
