"""Numbers as Chinese readers say them."""

from __future__ import annotations

import pytest

from meadowlark_kokoro.chinese_numbers import cardinal, spoken


@pytest.mark.parametrize(
    ("number", "read"),
    [
        (0, "零"),
        (10, "十"),
        (15, "十五"),
        (20, "二十"),
        (105, "一百零五"),
        (110, "一百一十"),
        (1002, "一千零二"),
        (1020, "一千零二十"),
        (10000, "一万"),
        (10005, "一万零五"),
        (110_020, "一十一万零二十"),
        (100_000_000, "一亿"),
        (100_000_001, "一亿零一"),
        (12_3456_7890, "一十二亿三千四百五十六万七千八百九十"),
        (1_0000_0000_0000, "一万亿"),
    ],
)
def test_whole_numbers(number: int, read: str) -> None:
    assert cardinal(number) == read


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("温度22.5℃", "温度二十二点五摄氏度"),
        ("温度 -5°C", "温度 零下五摄氏度"),
        ("湿度45%", "湿度百分之四十五"),
        ("2026年10月3日", "二零二六年十月三日"),
        ("8:30", "八点三十分"),
        ("12:00", "十二点"),
        ("7:05", "七点零五分"),
        ("耗电1,500W", "耗电一千五百瓦"),
        ("3.2 kWh", "三点二千瓦时"),
        ("５个", "五个"),
        ("电话010", "电话零一零"),
        ("没有数字", "没有数字"),
        ("卧室-2", "卧室-二"),
        ("5GHz", "五GHz"),
    ],
)
def test_texts(text: str, read: str) -> None:
    assert spoken(text) == read
