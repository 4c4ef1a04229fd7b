"""Japanese in Kokoro's notation: kana by kana, and words as they are said."""

from __future__ import annotations

import logging

import pytest

from meadowlark_espeakng.phonemes import Phonemizer
from meadowlark_kokoro.japanese import SOUNDS, in_symbols
from meadowlark_kokoro.phonemes import Speller
from meadowlark_kokoro.symbols import SYMBOLS
from meadowlark_kokoro.voices import JAPANESE

KANA = [
    ("コンニチワ", "koɲɲiʨiβa"),
    ("サヨーナラ", "sajoːnaɾa"),
    ("シンブン", "ɕimbɯɴ"),
    ("ギンコー", "ɡʲiŋkoː"),
    ("デンワ", "deɴβa"),
    ("センセー", "seɴseː"),
    ("テンキ", "teŋkʲi"),
    ("アンナイ", "annai"),
    ("コンド", "kondo"),
    ("ゴハン", "ɡohaɴ"),
    ("キッテ", "kʲiʔte"),
    ("ガッコー", "ɡaʔkoː"),
    ("ザッシ", "ʣaʔɕi"),
    ("キョー", "kʲoː"),
    ("ギューニュー", "ɡʲɨːɲɨː"),
    ("シャシン", "ɕaɕiɴ"),
    ("ジュース", "ʥɨːsɨ"),
    ("チョット", "ʨoʔto"),
    ("ヒャク", "çakɯ"),
    ("ビョーイン", "bʲoːiɴ"),
    ("リョコー", "ɾʲokoː"),
    ("ミャク", "mʲakɯ"),
    ("ツクエ", "ʦɨkɯe"),
    ("フユ", "ɸɯjɯ"),
    ("ヒト", "çito"),
    ("ミズ", "mʲizɨ"),
    ("ハナヂ", "hanaʥi"),
    ("ヌノ", "nɯno"),
    ("ヨル", "joɾɯ"),
    ("ヲ", "o"),
    ("ファイル", "ɸaiɾɯ"),
    ("パーティー", "paːtʲiː"),
    ("ヴァイオリン", "vaioɾʲiɴ"),
    ("ウィーク", "βiːkɯ"),
    ("チェック", "ʨeʔkɯ"),
    ("クォーツ", "kᵝoːʦɨ"),
    ("デュエット", "dʲɨeʔto"),
]


@pytest.mark.parametrize(("kana", "symbols"), KANA)
def test_kana(kana: str, symbols: str) -> None:
    assert in_symbols(kana) == symbols


def test_every_symbol_is_in_the_alphabet() -> None:
    assert set("".join(SOUNDS.values())) | set("mŋɲnɴ") <= SYMBOLS.keys()
    katakana = {chr(each) for each in range(ord("ァ"), ord("ヶ") + 1)} - {"ン"}
    assert katakana <= SOUNDS.keys()


@pytest.fixture(scope="module")
def speller() -> Speller:
    pytest.importorskip("pyopenjtalk", reason="needs meadowlark-kokoro[ja]")
    return Speller(SYMBOLS, Phonemizer())


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("今日は良い天気ですね。", "kʲoː βa joi teŋkʲi desɨ ne."),
        ("東京へ行きます。", "toːkʲoː e ikʲimasɨ."),
        ("お湯が沸きました！", "ojɯ ɡa βakʲimaɕita!"),
        ("雨が降っています", "ame ɡa ɸɯʔteimasɨ"),
        ("先生を思う", "seɴseː o omoɯ"),
        ("三時です", "saɲʥi desɨ"),
        ("１２３人", "çakɯɲiʥɨːsaɲɲiɴ"),
        ("温度は22.5度", "ondo βa ɲiʥɨːɲiːteŋɡodo"),
        ("5kmの道", "ɡokʲiɾomeːtoɾɯ no mʲiʨi"),
        ("Home Assistantを使う", "hˈOm əsˈɪstənt o ʦɨkaɯ"),
        ("「はい」。次は（二）", "“hai”. ʦɨɡʲi βa (ɲi)"),
        ("[東京](/toːkʲoː/)です", "toːkʲoː desɨ"),
    ],
)
def test_words_as_they_are_said(speller: Speller, text: str, spoken: str) -> None:
    assert list(speller.runs(text, JAPANESE)) == [spoken]


def test_unknown_characters_are_left_out_counted_and_said_once(
    speller: Speller, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert list(speller.runs("はい😀", JAPANESE)) == ["hai"]
    assert speller.unknown == {"😀": 1}
    assert [record.getMessage() for record in caplog.records] == ["Kokoro has no sound for 😀; left out (1 so far)"]
