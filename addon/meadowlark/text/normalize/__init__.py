"""Numbers, times, units and the like in words, sentence by sentence. Pure; tables load when a language first comes."""

from meadowlark.text.normalize.normalizer import Normalizer, Spoken, languages, normalize, prepare

__all__ = ["Normalizer", "Spoken", "languages", "normalize", "prepare"]
