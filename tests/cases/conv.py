"""Cases of `ops.conv`, `ops.pooling` and `ops.windows`; of each the twin is PyTorch's function of the same name."""

from typing import Any

import numpy as np

import tinygrad_edu as tg
from tests.cases.case import Case, signed

Arrays = tuple["np.ndarray[Any, Any]", ...]


def case(op: str, label: str, arrays: Arrays, *args: Any, twin: bool = True, **kwargs: Any) -> Case:
    """The function called `op` on the arrays, with these options."""

    def ours(*operands: Any) -> Any:
        return getattr(tg, op)(*operands, *args, **kwargs)

    def pytorchs(torch: Any, *operands: Any) -> Any:
        return getattr(torch.nn.functional, op)(*operands, *args, **kwargs)

    return Case(op, label, ours, arrays, pytorchs if twin else None)


def images(*shape: int) -> "np.ndarray[Any, Any]":
    return signed(*shape, seed=2)


STRIDED = images(3, 6, 2, 4).transpose(2, 0, 3, 1)[::-1, :, :, ::2]  # (2, 3, 4, 3), in no order of memory
SHORT_COLUMNS, LONG_COLUMNS = images(1, 2, 4, 3), images(1, 16, 3, 3)  # unrolled along all axes, and along the last

CASES: list[Case] = [
    case("conv1d", "plain", (images(2, 2, 5), signed(3, 2, 3))),
    case("conv1d", "bias", (images(2, 2, 5), signed(3, 2, 2), signed(3, seed=1))),
    case("conv1d", "stride", (images(1, 2, 7), signed(1, 2, 2)), stride=3),
    case("conv1d", "all", (images(1, 4, 6), signed(2, 2, 2), signed(2)), stride=(2,), padding=1, dilation=3, groups=2),
    case("conv1d", "same", (images(1, 2, 5), signed(2, 2, 3)), padding="same"),
    case("conv1d", "same-uneven", (images(1, 2, 5), signed(2, 2, 2)), padding="same", twin=False),  # PyTorch warns
    case("conv1d", "unbatched", (images(2, 5), signed(3, 2, 3), signed(3)), padding=1),
    case("conv1d", "one-place", (images(2, 2, 4), signed(3, 2, 1))),
    case("conv1d", "empty-batch", (images(0, 2, 5), signed(3, 2, 3))),
    case("conv2d", "plain", (SHORT_COLUMNS, signed(2, 2, 2, 2))),
    case("conv2d", "bias", (SHORT_COLUMNS, signed(2, 2, 2, 2), signed(2, seed=1))),
    case("conv2d", "channels", (LONG_COLUMNS, signed(1, 16, 2, 2))),
    case("conv2d", "channels-stride", (LONG_COLUMNS, signed(1, 16, 2, 2)), stride=2, padding=1),
    case("conv2d", "channels-dilation", (LONG_COLUMNS, signed(1, 16, 2, 2)), padding=(1, 0), dilation=(2, 1)),
    case("conv2d", "padding", (SHORT_COLUMNS, signed(2, 2, 3, 3)), padding=1),
    case("conv2d", "padding-wider-than-kernel", (images(1, 1, 2, 3), signed(1, 1, 2, 1)), padding=(3, 2)),
    case("conv2d", "stride", (SHORT_COLUMNS, signed(2, 2, 2, 2)), stride=2),
    case("conv2d", "stride-beyond-kernel", (images(1, 1, 5, 4), signed(1, 1, 2, 1)), stride=3),
    case("conv2d", "pairs", (SHORT_COLUMNS, signed(1, 2, 3, 2)), stride=(1, 2), padding=(1, 0), dilation=(2, 1)),
    case("conv2d", "same", (images(1, 1, 4, 3), signed(1, 1, 1, 3)), padding="same", dilation=(1, 2)),
    case("conv2d", "valid", (images(1, 1, 4, 3), signed(1, 1, 2, 3)), padding="valid", stride=2),
    case("conv2d", "groups", (images(1, 4, 3, 3), signed(2, 2, 2, 2)), groups=2),
    case("conv2d", "groups-of-the-batch", (images(2, 2, 3, 2), signed(4, 1, 2, 2), signed(4)), groups=2, stride=2),
    case("conv2d", "depthwise", (images(1, 3, 3, 3), signed(3, 1, 2, 2)), groups=3, padding=1),
    case("conv2d", "one-by-one", (images(2, 2, 2, 3), signed(3, 2, 1, 1))),
    case("conv2d", "one-by-one-stride", (images(2, 2, 2, 3), signed(3, 2, 1, 1)), stride=2),
    case("conv2d", "oblong", (images(1, 1, 5, 4), signed(2, 1, 3, 1)), padding=(0, 1)),
    case("conv2d", "whole-image", (images(2, 2, 3, 2), signed(2, 2, 3, 2))),
    case("conv2d", "strided-memory", (STRIDED, signed(2, 2, 3, 2).T)),
    case("conv2d", "unbatched", (images(2, 4, 3), signed(2, 2, 2, 2), signed(2)), padding=1),
    case("conv2d", "empty-batch", (images(0, 2, 4, 3), signed(2, 2, 2, 2), signed(2))),
    Case(
        "conv2d",
        "twice",
        lambda x, w: tg.conv2d(tg.conv2d(x, w, padding=1), w, padding=1),
        (images(1, 2, 3, 2), signed(2, 2, 2, 2)),
        lambda t, x, w: t.conv2d(t.conv2d(x, w, padding=1), w, padding=1),
    ),
    Case(
        "conv2d",
        "of-itself",
        lambda x: tg.conv2d(x, x, padding=1),
        (images(1, 1, 3, 3),),
        lambda t, x: t.conv2d(x, x, padding=1),
    ),
    case("conv_transpose1d", "plain", (images(2, 2, 4), signed(2, 3, 3))),
    case("conv_transpose1d", "all", (images(1, 4, 3), signed(4, 1, 3), signed(2)), 3, 2, 1, 2, 2),
    case("conv_transpose1d", "unbatched", (images(2, 4), signed(2, 3, 2)), stride=2),
    case("conv_transpose1d", "cut-off", (images(1, 1, 5), signed(1, 1, 1)), stride=2, padding=2),
    case("conv_transpose2d", "plain", (images(1, 2, 3, 2), signed(2, 2, 2, 2))),
    case("conv_transpose2d", "bias", (images(1, 2, 3, 2), signed(2, 2, 2, 2), signed(2, seed=1)), padding=1),
    case("conv_transpose2d", "stride", (images(1, 2, 2, 3), signed(2, 1, 3, 2)), stride=2),
    case(
        "conv_transpose2d", "output-padding", (images(1, 1, 2, 3), signed(1, 2, 3, 2)), stride=2, output_padding=(1, 0)
    ),
    case(
        "conv_transpose2d",
        "pairs",
        (images(1, 1, 3, 2), signed(1, 1, 2, 3)),
        stride=(1, 2),
        padding=(0, 1),
        dilation=(2, 1),
    ),
    case("conv_transpose2d", "beyond-stride", (images(1, 1, 2, 2), signed(1, 1, 2, 2)), output_padding=1, dilation=2),
    case("conv_transpose2d", "groups", (images(1, 4, 2, 2), signed(4, 1, 2, 2)), groups=2),
    case("conv_transpose2d", "groups-stride", (images(2, 2, 2, 2), signed(2, 2, 2, 1), signed(4)), 2, groups=2),
    case("conv_transpose2d", "channels", (images(1, 16, 2, 2), signed(16, 1, 2, 2)), padding=1),
    case("conv_transpose2d", "strided-memory", (STRIDED, signed(2, 2, 2, 3).T), stride=2),
    case("conv_transpose2d", "unbatched", (images(2, 3, 2), signed(2, 1, 2, 2))),
    case("conv_transpose2d", "empty-batch", (images(0, 2, 3, 2), signed(2, 1, 2, 2)), stride=2),
    *[
        case(f"{kind}_pool{axes}d", label, (array,), *args, **options)
        for kind in ("max", "avg")
        for axes, label, array, args, options in [
            (1, "plain", images(2, 2, 6), (2,), {}),
            (1, "unbatched", images(2, 7), (3, 2), {"padding": 1}),
            (1, "ceil", images(1, 2, 6), (3, 2), {"ceil_mode": True}),
            (1, "whole", images(2, 2, 3), (3,), {}),
            (2, "plain", images(1, 2, 4, 4), (2,), {}),
            (2, "places-left-over", images(1, 2, 5, 3), (2,), {}),
            (2, "overlapping", images(1, 2, 4, 3), (2, 1), {}),
            (2, "padding", images(1, 1, 5, 4), (3,), {"stride": 2, "padding": 1}),
            (2, "pairs", images(1, 1, 5, 4), ((3, 2),), {"stride": (1, 2), "padding": (1, 0)}),
            (2, "stride-beyond-kernel", images(1, 1, 6, 5), (2, 3), {}),
            (2, "ceil", images(1, 1, 5, 4), (3, 2), {"ceil_mode": True}),
            (2, "ceil-padding", images(1, 1, 4, 6), (3,), {"stride": 3, "padding": 1, "ceil_mode": True}),
            (2, "ceil-of-less-than-a-window", images(1, 2, 1, 2), (2,), {"ceil_mode": True}),
            (2, "whole", images(1, 2, 3, 2), ((3, 2),), {}),
            (2, "strided-memory", STRIDED, (2, 1), {}),
            (2, "unbatched", images(2, 4, 3), (2,), {}),
            (2, "empty-batch", images(0, 2, 4, 3), (2,), {}),
        ]
    ],
    case("max_pool1d", "dilation", (images(1, 2, 6),), 2, 1, dilation=2),
    case("max_pool2d", "dilation", (images(1, 1, 5, 5),), 2, 1, 1, (2, 3)),
    case("max_pool2d", "dilation-ceil", (images(1, 1, 6, 5),), 2, 2, dilation=3, ceil_mode=True),
    case("avg_pool1d", "without-padding", (images(1, 2, 5),), 2, 2, 1, count_include_pad=False),
    case("avg_pool2d", "without-padding", (images(1, 1, 4, 5),), 3, 2, 1, count_include_pad=False),
    case("avg_pool2d", "without-padding-ceil", (images(1, 1, 4, 5),), 3, 2, 1, True, False),
    *[
        case(f"adaptive_{kind}_pool{axes}d", label, (array,), size)
        for kind in ("max", "avg")
        for axes, label, array, size in [
            (1, "alike", images(2, 2, 6), 3),
            (1, "uneven", images(1, 2, 7), 3),
            (1, "more-than-there-are", images(1, 2, 2), 3),
            (1, "unbatched", images(2, 5), 2),
            (2, "one", images(2, 2, 3, 2), 1),
            (2, "alike", images(1, 2, 4, 2), (2, 1)),
            (2, "uneven", images(1, 1, 5, 4), (3, 2)),
            (2, "one-axis-left", images(1, 1, 5, 3), (2, None)),
            (2, "strided-memory", STRIDED, (3, 2)),
            (2, "unbatched", images(2, 4, 3), 2),
            (2, "empty-batch", images(0, 2, 4, 3), 2),
        ]
    ],
    case("unfold", "plain", (images(1, 2, 4, 3),), 2),
    case("unfold", "all", (images(2, 1, 4, 5),), (3, 2), (1, 2), (1, 0), (2, 1)),
    case("unfold", "unbatched", (images(2, 3, 3),), 2),
    case("unfold", "strided-memory", (STRIDED,), (2, 1), stride=2),
    case("fold", "plain", (images(1, 8, 6),), (4, 3), 2),
    case("fold", "all", (images(2, 6, 6),), (4, 5), (3, 2), (1, 2), (1, 0), (2, 1)),
    case("fold", "unbatched", (images(8, 4),), (3, 3), 2),
    case("fold", "apart", (images(1, 4, 2),), (2, 5), 2, stride=2),
    Case("max_pool1d", "squared", lambda x: tg.max_pool1d(x, 2, 1) ** 2, (signed(1, 2, 5),)),
]
