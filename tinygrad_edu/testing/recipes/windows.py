"""Recipes of convolutions, pooling, and windows."""

from tinygrad_edu.testing.maker import Maker
from tinygrad_edu.testing.recipes.registry import recipe

Lengths = tuple[int, ...]


def _lead(m: Maker, channels: int) -> Lengths:
    """The axes before those that windows move along: a batch and channels, or channels alone."""
    return (*m.one_of((), (1,), (2,)), channels)


def _pairs(m: Maker, axes: int, low: int, high: int) -> int | Lengths:
    """One number for all axes, or one for each."""
    each = tuple(m.wholes(low, high, axes))
    return each if m.flag() else each[0]


def _each(numbers: int | Lengths, axes: int) -> Lengths:
    return numbers if isinstance(numbers, tuple) else (numbers,) * axes


def _images(m: Maker, axes: int, channels: int, least: Lengths) -> str:
    spare = m.wholes(0, 3 if axes == 1 else 2, axes)
    return m.of((*_lead(m, channels), *(a + b for a, b in zip(least, spare, strict=True))))


def convolution(name: str, axes: int) -> None:
    """A convolution along so many axes, with all of its options and with none."""

    @recipe(name)
    def _(m: Maker) -> str:
        groups = m.whole(1, 2)
        taken, given = m.whole(1, 2 if axes == 1 else 1), m.whole(1, 2)  # channels a group
        kernel, stride = tuple(m.wholes(1, 3 if axes == 1 else 2, axes)), _pairs(m, axes, 1, 3)
        dilation = _pairs(m, axes, 1, 2)
        padding = m.one_of(0, _pairs(m, axes, 0, 2), "valid", *(["same"] if stride in (1, (1,) * axes) else []))
        reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, _each(dilation, axes), strict=True))
        x, weight = _images(m, axes, groups * taken, reach), m.of((groups * given, taken, *kernel))
        bias = m.one_of("None", m.of((groups * given,)))
        return f"tg.{name}({x}, {weight}, {bias}, {stride}, {padding!r}, {dilation}, {groups})"

    @recipe(name)
    def _(m: Maker) -> str:
        kernel = tuple(m.wholes(1, 2, axes))
        return f"tg.{name}({_images(m, axes, 1, kernel)}, {m.of((2, 1, *kernel))})"


def transposed(name: str, axes: int) -> None:
    """A transposed convolution along so many axes."""

    @recipe(name)
    def _(m: Maker) -> str:
        groups, stride = m.whole(1, 2), _pairs(m, axes, 1, 2)
        kernel, dilation = tuple(m.wholes(1, 2, axes)), _pairs(m, axes, 1, 2)
        x = _images(m, axes, groups, (1,) * axes)
        weight = m.of((groups, m.whole(1, 2), *kernel))
        bias = m.one_of("None", m.of((groups * m.shape(weight)[1],)))
        more = m.one_of(0, tuple(m.whole(0, s - 1) for s in _each(stride, axes)))
        padding = m.one_of(0, _pairs(m, axes, 0, 1))
        return f"tg.{name}({x}, {weight}, {bias}, {stride}, {padding}, {more}, {groups}, {dilation})"


def pooling(name: str, axes: int) -> None:
    """A pooling along so many axes, and its adaptive form."""

    @recipe(name)
    def _(m: Maker) -> str:
        kernel = _pairs(m, axes, 1, 3)
        x = _images(m, axes, m.whole(1, 2), _each(kernel, axes))
        stride = m.one_of(None, _pairs(m, axes, 1, 3))
        padding = m.one_of(0, tuple(m.whole(0, k // 2) for k in _each(kernel, axes)))
        options = f"{x}, {kernel}, {stride}, {padding}, ceil_mode={m.flag()}"
        if name.startswith("avg"):
            return f"tg.{name}({options}, count_include_pad={m.flag()})"
        return f"tg.{name}({options}, dilation={m.one_of(1, 1, 2)})"

    @recipe(f"adaptive_{name}")
    def _(m: Maker) -> str:
        x = _images(m, axes, m.whole(1, 2), (1,) * axes)
        size = m.one_of(_pairs(m, axes, 1, 3), *([(None, m.whole(1, 3))] if axes == 2 else []))
        return f"tg.adaptive_{name}({x}, {size})"


for axes in (1, 2):
    convolution(f"conv{axes}d", axes)
    transposed(f"conv_transpose{axes}d", axes)
    pooling(f"max_pool{axes}d", axes)
    pooling(f"avg_pool{axes}d", axes)


def _windows(m: Maker) -> tuple[str, Lengths]:
    """The options of windows over an image, and an image that they fit on."""
    kernel, dilation, padding, stride = (_pairs(m, 2, low, high) for low, high in ((1, 2), (1, 2), (0, 1), (1, 2)))
    reach = [d * (k - 1) + 1 for k, d in zip(_each(kernel, 2), _each(dilation, 2), strict=True)]
    return f"{kernel}, {dilation}, {padding}, {stride}", tuple(n + m.whole(0, 1) for n in reach)


@recipe("unfold")
def _(m: Maker) -> str:
    options, size = _windows(m)
    return f"tg.unfold({m.of((*_lead(m, 1), *size))}, {options})"


@recipe("fold")
def _(m: Maker) -> str:
    options, size = _windows(m)
    image = m.of((*_lead(m, 1), *size))
    columns = m.of(m.shape_of(f"tg.unfold({image}, {options})"))
    return f"tg.fold({columns}, {size}, {options})"
