"""Numbers in Chinese text, as characters: 22.5℃ → 二十二点五摄氏度. Pure."""

from __future__ import annotations

import re

from .symbols import pairs

_DIGITS = "零一二三四五六七八九"
_UNITS = pairs(
    """°C=摄氏度 ℃=摄氏度 °F=华氏度 °=度 km/h=公里每小时 m/s=米每秒 kWh=千瓦时 Wh=瓦时 kW=千瓦 W=瓦 V=伏 A=安 Hz=赫兹
    hPa=百帕 lx=勒克斯 dB=分贝 km=公里 cm=厘米 mm=毫米 m=米 kg=公斤 g=克 ml=毫升 L=升 l=升"""
)
_UNIT = "|".join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))
_NUMBER = (
    r"(?P<minus>(?<![0-9A-Za-z\u4e00-\u9fff])[-−])?(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.(?P<part>[0-9]+))?"
)
_CLOCK = re.compile(r"(?<![0-9:.])([01]?[0-9]|2[0-4]):([0-5][0-9])(?![0-9:])")
_YEAR = re.compile("(?<![0-9])([0-9]{4})(?= ?年)")
_QUANTITY = re.compile(rf"{_NUMBER}(?:\ ?(?P<unit>%|{_UNIT})(?![A-Za-z]))?")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９％", "0123456789%")

LONGEST = 16
"""Digits of a number that is read as one; longer ones are read digit by digit, as telephone numbers are."""


def spoken(text: str) -> str:
    """The text with its numbers written as they are read."""
    text = text.translate(_FULL_WIDTH)
    text = _CLOCK.sub(lambda match: _clock(int(match[1]), int(match[2])), text)
    text = _YEAR.sub(lambda match: digits(match[1]), text)
    return _QUANTITY.sub(_quantity, text)


def digits(text: str) -> str:
    """Digit by digit, as years and telephone numbers."""
    return "".join(_DIGITS[int(each)] for each in text)


def cardinal(number: int) -> str:
    """A whole number from 0 to 9999 9999 9999 9999."""
    if number < 20:
        return _DIGITS[number] if number < 10 else "十" + (_DIGITS[number - 10] if number > 10 else "")
    groups = [number // 10000**place % 10000 for place in (3, 2, 1, 0)]
    read, gap = "", False
    for group, name in zip(groups, ("万亿", "亿", "万", ""), strict=True):
        if group:
            read += ("零" if read and (gap or group < 1000) else "") + _group(group) + name
        gap = bool(read) and not group
    return read


def _group(number: int) -> str:
    """1-9999."""
    read, gap = "", False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // size % 10
        if digit:
            read += ("零" if gap and read else "") + _DIGITS[digit] + name
        gap = not digit
    return read


def _clock(hour: int, minute: int) -> str:
    if not minute:
        return f"{cardinal(hour)}点"
    return f"{cardinal(hour)}点{'零' if minute < 10 else ''}{cardinal(minute)}分"


def _quantity(match: re.Match[str]) -> str:
    whole = match["whole"].replace(",", "")
    long = len(whole) > LONGEST or (len(whole) > 1 and whole.startswith("0"))
    read = digits(whole) if long else cardinal(int(whole))
    if match["part"]:
        read += "点" + digits(match["part"])
    if match["minus"]:
        read = ("零下" if match["unit"] in {"°C", "℃", "°F", "°"} else "负") + read
    if match["unit"] == "%":
        return "百分之" + read
    return read + _UNITS.get(match["unit"] or "", "")
