"""Rules for dates and times of day."""

from __future__ import annotations

from calendar import monthrange

from meadowlark.text.normalize.language import Clock, Day, Language, words
from meadowlark.text.normalize.rules import (
    GAP,
    HYPHENS,
    Match,
    Rule,
    alternatives,
    ends_text,
    rule,
    starts_text,
    word_after,
    word_before,
)

_YEAR = r"(?P<year>[12][0-9]{3})"
_TIME = r"(?P<hour{0}>2[0-4]|[01]?[0-9]):(?P<minute{0}>[0-5][0-9])(?::(?P<second{0}>[0-5][0-9])(?:[.,][0-9]{{1,9}})?)?"


_ON_A_DATE = words(
    "on by due until till since from before after through le du au dès il dal al el del em a até desde op van tot "
    "am vom "
    "zum bis ab seit den der dem und oder od do dne dnia w v we ve na"
)
"""Behind these two numbers are a day and a month, where they might be something else."""

PARTS = words(
    "page step part score rated rating level episode chapter question task day of phase round seite schritt teil note "
    "bewertung runde folge étape partie étape paso página parte puntuación passo pagina punteggio stap deel pagina "
    "strona krok ocena etap strana část etapa hodnocení"
)
"""Behind these "2/5" is the second of five."""
_AT = words("um alle dalle ore las om ve às das godz godzinie")
"""Behind these "19.30" is a time of day; "v" and "o" may stand before decimals."""
_NO_PLURALS = words("is was has this")


class Calendar:
    """The rules of one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._weekdays = frozenset(day.lower() for each in language.weekdays.items() for day in each)

    def dates(self) -> tuple[Rule, ...]:
        """In the order in which they are tried."""
        language = self._language
        tail = rf"(?: ?(?P<word>{alternatives(language.year_words)}))?"
        stamp = r"[T ](?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])(?::[0-5][0-9](?:[.,][0-9]{1,9})?)?"
        zone = r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
        iso = rf"{_YEAR}(?P<dash>[-/])(?P<month>0[1-9]|1[0-2])(?P=dash)(?P<day>0[1-9]|[12][0-9]|3[01])"
        first, last = ("month", "day") if language.month_first else ("day", "month")
        slashes = rf"(?P<{first}>[0-9]{{1,2}})/(?P<{last}>[0-9]{{1,2}})/(?P<year>[12][0-9]{{3}}|[0-9]{{2}})"
        short_year = r"[0-9]{2}(?![.,]?[0-9])"
        # Only who writes ordinals with a full stop writes dates without a year so; "OS 16.3." is none in English.
        no_year = r"|(?![0-9]| [0-9](?![0-9]?:))" if "." in language.day_marks else ""
        year = rf"(?: ?(?P<year>[12][0-9]{{3}}|{short_year}){no_year})"
        dots = rf"(?P<day>[0-9]{{1,2}})\. ?(?P<month>1[0-2]|0?[1-9])\.{year}"
        hyphens = rf"(?P<day>[0-9]{{1,2}})-(?P<month>1[0-2]|0?[1-9])-{_YEAR}"
        mark = rf"(?:{alternatives(language.day_marks)})?"
        names = alternatives(language.month_names.keys() - language.short_months)
        capital = r"(?=(?-i:\p{Lu}))" if language.capital_months else ""
        shorts = alternatives(language.short_months)
        name = rf"{capital}(?:(?P<name>{names})(?![\p{{L}}\p{{M}}])\.?|(?P<name>{shorts})\.)"
        of = f"(?: {language.of})?" if language.of else ""
        to = rf"(?: ?[{HYPHENS}] ?| (?:{alternatives(language.until)}) )"
        days = rf"(?P<day>[0-9]{{1,2}}){mark}(?:{to}(?P<until>[0-9]{{1,2}}){mark})?"
        dotted_range = rf"(?P<day>[0-9]{{1,2}})\.{to}(?P<until>[0-9]{{1,2}})\. ?(?P<month>1[0-2]|0?[1-9])\.{year}"
        rules = [
            rule(rf"{iso}(?:{stamp}{zone})?", self._read_date),
            rule(rf"{slashes}{tail}", self._read_date),
            *([rule(dotted_range, self._read_date)] if "." in language.day_marks else ()),
            rule(rf"{dots}{tail}", self._read_date),
            rule(rf"{hyphens}{tail}", self._read_date),
            rule(rf"(?i:{days}{of} {name}(?:,?{of} {_YEAR}{tail})?)", self._read_date),
        ]
        if shorts != "(?!)":
            rules.append(rule(rf"(?i:{days}{of} (?P<name>{shorts}){of} {_YEAR}{tail})", self._read_date))
        if language.month_first:
            rules.append(rule(rf"(?i:{name} {days}(?:,? {_YEAR})?)", self._read_date))
        rules += [
            rule(rf"(?i:(?P<day>[0-9]{{1,2}})-(?P<name>{names})-{_YEAR})", self._read_date),
            rule(rf"(?P<{first}>[0-9]{{1,2}})/(?P<{last}>[0-9]{{1,2}})(?!/)(?! ?[%°])", self._read_short),
        ]
        return tuple(rules)

    def _read_short(self, match: Match) -> str:
        """ "12/25", where it is no fraction, and nothing out of something."""
        if "." in self._language.day_marks or match[0] in self._language.fractions:
            return ""
        before, after = word_before(match), word_after(match)
        told = before in _ON_A_DATE or before in self._weekdays
        counts = before in PARTS or (self._language.month_first and after.endswith("s") and after not in _NO_PLURALS)
        day, month = int(match["day"]), int(match["month"])
        sure = (day > 12 or (self._language.month_first and day < month <= 12)) and not counts
        return self._read_date(match) if told or sure else ""

    def _read_date(self, match: Match) -> str:
        language, found = self._language, match.groupdict()
        month = language.month_names[found["name"].lower()] if found.get("name") else int(found["month"])
        year = _full_year(found["year"]) if found.get("year") else None
        days = [int(found["day"]), *([int(found["until"])] if found.get("until") else [])]
        if not 1 <= month <= 12 or not all(1 <= day <= monthrange(year or 2024, month)[1] for day in days):
            return ""
        before = word_before(match)
        if year is None and "name" not in found and match[0].endswith(".") and not self._sure(match, before):
            return ""
        if len(days) == 2:
            said = language.date_range(Day(days[0], month, year, before), days[1]) if days[0] < days[1] else ""
        else:
            said = language.date(Day(days[0], month, year, before, found.get("word") or ""))
        if said and match[0].endswith(".") and ends_text(match) and (found.get("name") or not starts_text(match)):
            said += "."
        if said and found.get("hour"):
            said += ", " + language.time(Clock(int(found["hour"]), int(found["minute"]), None, "", ""))
        return said

    def _sure(self, match: Match, before: str) -> bool:
        """Whether "16.3." is a date: at the end of a sentence it may as well be a number."""
        if not ends_text(match) or starts_text(match):
            return True
        return before in _ON_A_DATE or before in self._weekdays or before in self._language.month_names

    def times(self) -> tuple[Rule, ...]:
        """In the order in which they are tried."""
        language = self._language
        word = rf"(?:{GAP}(?P<word>{alternatives(language.clock_words)}))"
        # "2 h" alone is how long something takes.
        sure = rf"(?:{GAP}(?P<word>{alternatives(each for each in language.clock_words if len(each) > 1)}))"
        to = rf"{GAP}[{HYPHENS}]{GAP}"
        first = sure.replace("<word>", "<word1>")
        either = r"(?P<hour{0}>2[0-4]|1[0-9]|0?[0-9])(?::(?P<minute{0}>[0-5][0-9]))?"
        hour = r"(?P<hour{0}>2[0-4]|1[0-9]|0?[0-9])"
        dotted = hour.format("") + r"\.(?P<minute>[0-5][0-9])"
        dotted2 = r"(?P<hour2>2[0-4]|1[0-9]|0?[0-9])\.(?P<minute2>[0-5][0-9])"
        lettered = hour.format("") + rf" ?{language.clock_hour} ?(?P<minute>[0-5][0-9])(?P<word> ?min)?"
        letter = hour.format("") + rf" ?{language.clock_hour}"
        measures = (*language.units, *language.currencies, *language.magnitudes)
        rules = [
            rule(rf"{either.format('')}{first}{to}{either.format('2')}{sure}", self._read_time),
            rule(rf"{_TIME.format('')}(?:{to}{_TIME.format('2')})?{word}?", self._read_time),
            rule(rf"{dotted}(?:{to}{dotted2})?{word}", self._read_time),
            rule(rf"{hour.format('')}(?:{to}{hour.format('2')})?{sure}", self._read_time),
            rule(rf"{dotted}(?:{to}{dotted2})?(?! ?(?:{alternatives(measures)})(?!\p{{L}}))", self._read_dotted_time),
        ]
        if language.clock_hour:
            lettered2 = rf"(?P<hour2>2[0-4]|1[0-9]|0?[0-9]) ?{language.clock_hour} ?(?P<minute2>[0-5][0-9])?"
            rules.insert(0, rule(rf"{letter} ?(?P<minute>[0-5][0-9])?{to}{lettered2}", self._read_time))
            rules += [rule(lettered, self._read_time), rule(letter, self._read_time)]
        return tuple(rules)

    def _read_dotted_time(self, match: Match) -> str:
        """ "Alle 19.30", where the full stop is no decimal mark."""
        return self._read_time(match) if self._language.decimal == "," and word_before(match) in _AT else ""

    def _read_time(self, match: Match) -> str:
        language, found = self._language, match.groupdict()
        word = found.get("word") or ""
        end = _clock(found, "2", word, "")
        start = _clock(found, "", (found.get("word1") or "") if end else word, word_before(match))
        if start is None or (found.get("hour2") and end is None):
            return ""
        said = language.time(start) if end is None else language.time_range(start, end)
        # "at 5 p.m." also ends the sentence with its full stop.
        return said + "." * (said != "" and word.endswith(".") and ends_text(match))


def _clock(found: dict[str, str | None], suffix: str, word: str, before: str) -> Clock | None:
    hour, minute, second = (found.get(part + suffix) for part in ("hour", "minute", "second"))
    if hour is None or (int(hour) == 24 and int(minute or 0)):
        return None
    return Clock(
        int(hour), None if minute is None else int(minute), None if second is None else int(second), word, before
    )


def _full_year(written: str) -> int:
    year = int(written)
    return year if len(written) == 4 else year + (2000 if year < 70 else 1900)
