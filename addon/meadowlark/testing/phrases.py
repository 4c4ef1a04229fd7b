"""What the conformance suite has engines say: a plain sentence per language, and texts that nobody should send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DIGITS: Final = "1, 2, 3, 4, 5."
"""For languages without a sentence here: nearly every voice reads numbers (of espeak-ng's all but chr, cv and sjn)."""

SENTENCES: Final[Mapping[str, str]] = {
    "af": "Vandag skyn die son in die tuin.",
    "ar": "الشمس مشرقة اليوم في الحديقة.",
    "bg": "Днес слънцето грее в градината.",
    "bn": "আজ বাগানে রোদ উঠেছে।",
    "ca": "Avui fa sol al jardí.",
    "chr": "ᎣᏏᏲ, ᏙᎯᏧ?",
    "cs": "Dnes na zahradě svítí slunce.",
    "cv": "Паян пахчара хӗвел пӑхать.",
    "cy": "Mae'r haul yn tywynnu heddiw.",
    "da": "I dag skinner solen i haven.",
    "de": "Heute scheint die Sonne im Garten.",
    "el": "Σήμερα λάμπει ο ήλιος στον κήπο.",
    "en": "The sun is shining in the garden today.",
    "es": "Hoy brilla el sol en el jardín.",
    "et": "Täna paistab aias päike.",
    "eu": "Gaur eguzkia dago lorategian.",
    "fa": "امروز آفتاب در باغ می‌تابد.",
    "fi": "Tänään aurinko paistaa puutarhassa.",
    "fr": "Le soleil brille aujourd'hui dans le jardin.",
    "ga": "Tá an ghrian ag taitneamh inniu.",
    "gl": "Hoxe brilla o sol no xardín.",
    "he": "השמש זורחת היום בגינה.",
    "hi": "आज बगीचे में धूप निकली है।",
    "hr": "Danas u vrtu sja sunce.",
    "hu": "Ma süt a nap a kertben.",
    "id": "Hari ini matahari bersinar di taman.",
    "is": "Sólin skín í garðinum í dag.",
    "it": "Oggi il sole splende nel giardino.",
    "ja": "今日は庭の天気がいいです。",
    "ka": "დღეს ბაღში მზე ანათებს.",
    "ko": "오늘은 정원의 날씨가 좋아요.",
    "lt": "Šiandien sode šviečia saulė.",
    "lv": "Šodien dārzā spīd saule.",
    "ms": "Hari ini matahari bersinar di taman.",
    "nb": "I dag skinner solen i hagen.",
    "nl": "Vandaag schijnt de zon in de tuin.",
    "no": "I dag skinner solen i hagen.",
    "pl": "Dzisiaj w ogrodzie świeci słońce.",
    "pt": "Hoje o sol está brilhando no jardim.",
    "ro": "Astăzi soarele strălucește în grădină.",
    "ru": "Сегодня в саду светит солнце.",
    "sjn": "Mae govannen, mellon nín.",
    "sk": "Dnes v záhrade svieti slnko.",
    "sl": "Danes na vrtu sije sonce.",
    "sr": "Данас у башти сија сунце.",
    "sv": "I dag skiner solen i trädgården.",
    "sw": "Leo jua linawaka bustanini.",
    "ta": "இன்று தோட்டத்தில் வெயில் அடிக்கிறது.",
    "te": "ఈ రోజు తోటలో ఎండగా ఉంది.",
    "th": "วันนี้แดดออกในสวน",
    "tr": "Bugün bahçede güneş parlıyor.",
    "uk": "Сьогодні в саду світить сонце.",
    "ur": "آج باغ میں دھوپ نکلی ہے۔",
    "vi": "Hôm nay trời nắng trong vườn.",
    "yue": "今日花園陽光好好。",
    "zh": "今天花园里阳光很好。",
}
"""Language → a sentence of a few words, nearly the same in each."""

STRANGE: Final[Mapping[str, str]] = {
    "empty": "",
    "space": "   ",
    "newlines": "\n\n\t\n",
    "punctuation": "?! … — ; : ( ) „“ ...",
    "one letter": "a",
    "emoji": "😀👩‍👩‍👧‍👦🇩🇪👍🏽",
    "emoji in words": "Good 👍🏽 morning ☀️!",
    "null": "before\x00after",
    "control characters": "bell\x07 escape\x1b[31m backspace\x08 delete\x7f",
    "right to left": "שלום مرحبا \u202eabc\u202c",
    "other scripts": "English 中文 русский ไทย العربية हिन्दी",
    "combining marks": "e" + "\u0301" * 60 + " Z\u0334\u0316a\u0337l",
    "private and unassigned": "\ue000 \uffff \U0010ffff \U000e0041",
    "invisible": "\u200b\u200d\ufeff\u2060",
    "ssml": '<speak><prosody rate="x"><break time="9999s"/>Hi & bye</prosody>',
    "format strings": "%s %n %99999d {0} {} ${HOME} \\x41 ../../etc/passwd",
    "brackets": "[ [[ ]] {{ }} (( <|endoftext|> [INST] </s> <pad>",
    "digits": "9" * 300,
    "one word of 2,000 letters": "a" * 2000,
    "2,000 characters": "The sun is shining in the garden today and nobody is there to see it. "[:-1] * 29,
}
"""Name → text, given to the pipeline as it is: the core cleans texts, but a pipeline must not depend on it to live."""


def sentence(language: str, own: Mapping[str, str] | None = None) -> str:
    """A sentence in a BCP 47 language; `own` comes before the table, and may name tags or languages."""
    tag = language.replace("_", "-")
    base = tag.partition("-")[0].lower()
    for table in (own or {}, SENTENCES):
        found = table.get(tag) or table.get(base)
        if found:
            return found
    return DIGITS
