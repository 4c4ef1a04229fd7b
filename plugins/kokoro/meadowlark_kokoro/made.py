"""The parts that a model is used in: the fastest form that was seen to give what the file as it is gives.

Published files differ in ways that nobody foresees. So the whole, as exported, speaks a few tokens once, and so do the
parts, with the same noise. Where they differ, a slower form is taken and says why: the generator without its rewriting,
else no parts at all. The parts are kept, and with them what was found.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto

from meadowlark.kit.onnx_build import Writer
from meadowlark.kit.onnx_graph import GraphError, load, tensor
from meadowlark.kit.onnx_same import Arrays, by_name, difference, results
from meadowlark.kit.ort import trim

from . import taken
from .rewrites import lighter
from .split import SOUND, TEXT, Seams, find, signed_share, sound_part, text_part

RECIPE = "kokoro-5"

SIGNED = "meadowlark.signed_weights"
"""Metadata of the text part: the share of the model's weights that are signed 8-bit numbers."""

HALF = 300
"""Samples for each of the features' steps, which are half-frames."""

WHOLE, AS_EXPORTED, NOT_SMALL = "meadowlark.whole", "meadowlark.as_exported", "meadowlark.not_small"
"""Metadata of the text part, whose values say why: there are no parts; the generator is not rewritten; the text part is
not in 8 bits."""

SAME: dict[int, float] = {TensorProto.FLOAT: 5e-5, TensorProto.FLOAT16: 0.05}
"""Of the loudest sample, by the type of what goes from one part to the other. At full size the rewriting makes 8e-7 and
cutting none; a mistake in one channel of one of its 48 places 1.6e-4 to 2e-2. Where fp16 is rounded at the cut, that
makes 6e-4, or 1.4e-2 with steps of 8 bits behind it; nothing is rewritten there, and what is cut in a wrong place gives
an error, another length or another sound."""

ALIKE = 0.8
"""The text part in 8 bits and as it was, of 40 tokens: the shorter to the longer, and how the means of their channels
correlate."""

Rewriting = Callable[[ModelProto, str], object]
"""Changes a model whose style's name is given."""


def parts(
    path: Path, rewrite: Rewriting = lighter, seams_of: Callable[[ModelProto], Seams] = find
) -> dict[str, ModelProto]:
    """The two parts; stand-ins where it can only be used as a whole.

    Raises GraphError for what is no ONNX file, and where memory did not suffice to find out.
    """
    whole = [load(path)]
    signed = signed_share(whole[0])
    try:
        made = _proven(path, whole, seams_of(whole[0]), rewrite)
    except Exception as error:  # whatever onnx, numpy and ONNX Runtime have to say about a graph that makes no sense
        if _is_short_of_memory(error):
            raise GraphError(f"there was too little memory to cut it ({error})") from error
        reason = str(error) if isinstance(error, GraphError) else f"it cannot be cut in two ({error})"
        made = {TEXT: _stand_in(), SOUND: _stand_in()}
        _say(made[TEXT], WHOLE, reason)
    _say(made[TEXT], SIGNED, f"{signed:.3f}")
    trim()  # of the copies that cutting made, before these are written
    return made


def small(path: Path) -> dict[str, ModelProto]:
    """With the text part in unsigned 8-bit weights: as fast as fp32 on x86 and a third of its size; signed ones are 3.4
    times slower. As it was where that does not work. Raises what `parts` raises."""
    made = parts(path)
    if any(each.key == WHOLE for each in made[TEXT].metadata_props):
        return made
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder, "text.onnx")
        onnx.save(made.pop(TEXT), full)  # in memory there is one of them at a time
        try:
            return {TEXT: _in_8_bits(full), **made}
        except Exception as error:  # as above
            text = load(full)
            _say(text, NOT_SMALL, str(error) if isinstance(error, GraphError) else f"it cannot be ({error})")
            return {TEXT: text, **made}


def _proven(path: Path, whole: list[ModelProto], seams: Seams, rewrite: Rewriting) -> dict[str, ModelProto]:
    """Raises GraphError where the parts do not give what the whole gives, which is taken out of its list: in memory
    there is no second model while one runs."""
    examples = [_example(whole[0])]
    expected = [{seams.audio.name: each[seams.audio.name]} for each in results([whole.pop], examples, by_name)]
    try:
        apart = _apart(path, seams, rewrite, examples, expected)
        doubt = f"rewritten it differs by {apart:.1g}"
    except Exception as error:  # as above; what is wrong with the cut itself shows below
        if _is_short_of_memory(error):
            raise  # what comes below takes a little less, and its outcome would be kept
        apart, doubt = math.inf, f"it cannot be rewritten ({error})"
    if apart <= _same(seams):
        return _cut(_changed(path, seams, rewrite), seams)
    apart = _apart(path, seams, _leave, examples, expected)
    if apart > _same(seams):
        raise GraphError(f"cut in two it differs by {apart:.1g}")
    made = _cut(load(path), seams)
    _say(made[TEXT], AS_EXPORTED, doubt)
    return made


def _is_short_of_memory(error: BaseException | None) -> bool:
    """Whether that is why, as numpy, protobuf and ONNX Runtime say it, and `load`, which names its cause."""
    return error is not None and (
        isinstance(error, MemoryError) or "alloc" in str(error).lower() or _is_short_of_memory(error.__cause__)
    )


def _apart(
    path: Path, seams: Seams, rewrite: Rewriting, examples: Sequence[Arrays], expected: Sequence[Arrays]
) -> float:
    """How far what the parts give is from what is expected. Raises GraphError where windows of it would have another
    length. The file is read for each of the parts: 0.7 s instead of a tenth more memory."""
    read = partial(_changed, path, seams, rewrite)
    parts = [lambda: text_part(read(), seams), lambda: sound_part(read(), seams)]
    heard = results(parts, examples, by_name)
    for each in heard:
        features, source, audio = (each[value.name] for value in (seams.features, seams.source, seams.audio))
        frames = features.shape[2]
        if (source.shape[2] - 1) % frames or abs(audio.size - frames * HALF) > HALF:
            raise GraphError(f"it makes {audio.size} samples of {source.shape[2]} steps and {frames} half-frames")
    return difference(expected, heard)


def _cut(model: ModelProto, seams: Seams) -> dict[str, ModelProto]:
    return {TEXT: text_part(model, seams), SOUND: sound_part(model, seams)}


def _changed(path: Path, seams: Seams, rewrite: Rewriting) -> ModelProto:
    model = load(path)
    rewrite(model, seams.style.name)
    return model


def _leave(model: ModelProto, style: str) -> None:
    """No rewriting."""


def _same(seams: Seams) -> float:
    return max(SAME.get(each.type.tensor_type.elem_type, 0) for each in (seams.features, seams.source))


def _example(model: ModelProto, count: int = 4) -> Arrays:
    """A word, spoken fast, in a voice of no one: with few frames the work is in opening the parts."""
    given = taken.taken(taken.of_graph(taken.inputs(model)))
    assert given is not None, "found before"
    random = np.random.default_rng(0)
    tokens = random.integers(43, 70, count)  # letters
    return given.feeds([0, *tokens, 0], random.standard_normal((1, taken.WIDTH)) * 0.2, 1.25)


def _in_8_bits(full: Path) -> ModelProto:
    """Raises GraphError where features have another length or course than rounding to 8 bits explains."""
    from onnxruntime.quantization import QuantType, quantize_dynamic  # half a second, once for each model

    rounded = full.with_name("small.onnx")
    quantize_dynamic(full, rounded, weight_type=QuantType.QUInt8)
    small = load(rounded)
    examples, features = [_example(small, 40)], small.graph.output[0].name
    expected, found = (results([each], examples, by_name)[0][features] for each in (lambda: load(full), small))
    if not np.isfinite(found).all() or not ALIKE < found.shape[2] / expected.shape[2] < 1 / ALIKE:
        raise GraphError(f"40 tokens then have {found.shape[2]} half-frames, not {expected.shape[2]}")
    means = (each.astype(np.float64).mean(2).reshape(-1) for each in (expected, found))
    with np.errstate(all="ignore"):
        alike = float(np.corrcoef(*means)[0, 1])
    if not alike > ALIKE:
        raise GraphError(f"its features then are others (they correlate by {alike:.2f})")
    return small


def _stand_in() -> ModelProto:
    write = Writer()
    value = tensor(write("Identity", "none"), (1,))
    return write.model("none", [tensor("none", (1,))], [value])


def _say(model: ModelProto, key: str, value: str) -> None:
    model.metadata_props.add(key=key, value=value)
