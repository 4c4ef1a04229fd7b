"""The published voices, and what a voice's name says of it: "bf_emma" is a British woman."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from meadowlark.api import Attribution

ATTRIBUTION = Attribution("hexgrad", "https://huggingface.co/hexgrad/Kokoro-82M")


@dataclass(frozen=True, slots=True)
class Language:
    """What the first letter of a voice's name stands for."""

    tag: str
    """BCP 47."""

    espeak: str
    """espeak-ng's identifier."""

    needs: tuple[str, ...] = ()
    """Modules that read it; without them its voices are there for those who ask by name, who are told the remedy."""

    extra: str = ""
    """Of this distribution; brings what it needs."""

    @property
    def remedy(self) -> str:
        """What to install; empty where nothing is missing."""
        if all(map(find_spec, self.needs)):
            return ""
        return f"pip install 'meadowlark-kokoro[{self.extra}]'"


JAPANESE, MANDARIN = "jpx/ja", "sit/cmn"

LANGUAGES: dict[str, Language] = {
    "a": Language("en-US", "gmw/en-US"),
    "b": Language("en-GB", "gmw/en-GB-x-rp"),
    "e": Language("es-ES", "roa/es"),
    "f": Language("fr-FR", "roa/fr"),
    "h": Language("hi-IN", "inc/hi"),
    "i": Language("it-IT", "roa/it"),
    "j": Language("ja-JP", JAPANESE, ("pyopenjtalk",), "ja"),  # espeak-ng reads kanji as "Chinese letter"
    "p": Language("pt-BR", "roa/pt-BR"),
    "z": Language("zh-CN", MANDARIN, ("pypinyin", "rjieba"), "zh"),  # espeak-ng drops tones
}

PUBLISHED: tuple[str, ...] = (
    *("af_heart", "af_bella", "af_nicole", "af_aoede", "af_kore", "af_sarah", "am_fenrir", "am_michael", "am_puck"),
    *(
        "af_alloy",
        "af_nova",
        "af_sky",
        "am_echo",
        "am_eric",
        "am_liam",
        "am_onyx",
        "af_jessica",
        "af_river",
        "am_santa",
    ),
    *("am_adam", "bf_emma", "bf_isabella", "bm_fable", "bm_george", "bm_lewis", "bf_alice", "bf_lily", "bm_daniel"),
    *("ef_dora", "em_alex", "em_santa", "ff_siwis", "hf_alpha", "hf_beta", "hm_omega", "hm_psi", "if_sara"),
    *("im_nicola", "jf_alpha", "jf_gongitsune", "jf_tebukuro", "jf_nezumi", "jm_kumo", "pf_dora", "pm_alex"),
    *("pm_santa", "zf_xiaobei", "zf_xiaoni", "zf_xiaoxiao", "zf_xiaoyi", "zm_yunjian", "zm_yunxi", "zm_yunxia"),
    "zm_yunyang",
)
"""Of v1.0, the best of each language first, by the grades of their makers."""


def language_of(voice: str) -> Language:
    """By the name's first letter; American English where that says nothing."""
    return LANGUAGES[voice[0]] if voice[1:3] in {"f_", "m_"} and voice[0] in LANGUAGES else LANGUAGES["a"]


def title(voice: str) -> str:
    """ "Heart, female" of "af_heart"."""
    if voice[1:3] not in {"f_", "m_"}:
        return voice
    return f"{voice[3:].replace('_', ' ').title()}, {'female' if voice[1] == 'f' else 'male'}"


def rank(voice: str) -> tuple[int, str]:
    """Sorts voices as PUBLISHED has them, others behind."""
    return (PUBLISHED.index(voice), "") if voice in PUBLISHED else (len(PUBLISHED), voice)
