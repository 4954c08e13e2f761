"""Cases of `ops.activations`."""

import tinygrad_edu as tg
from tests.cases.case import Case, signed, unary

CASES: list[Case] = [
    *unary("relu", tg.relu, lambda t, x: t.relu(x)),
    *unary("leaky_relu", tg.leaky_relu, lambda t, x: t.nn.functional.leaky_relu(x)),
    *unary("elu", tg.elu, lambda t, x: t.nn.functional.elu(x)),
    *unary("selu", tg.selu, lambda t, x: t.selu(x)),
    *unary("sigmoid", tg.sigmoid, lambda t, x: t.sigmoid(x)),
    *unary("silu", tg.silu, lambda t, x: t.nn.functional.silu(x)),
    *unary("softplus", tg.softplus, lambda t, x: t.nn.functional.softplus(x)),
    *unary("gelu", tg.gelu, lambda t, x: t.nn.functional.gelu(x)),
    *unary("erf", tg.erf, lambda t, x: t.erf(x)),
    *unary("erfc", tg.erfc, lambda t, x: t.erfc(x)),
    Case(
        "leaky_relu",
        "slope",
        lambda x: tg.leaky_relu(x, 0.3),
        (signed(2, 3),),
        lambda t, x: t.nn.functional.leaky_relu(x, 0.3),
    ),
    Case("elu", "alpha", lambda x: tg.elu(x, alpha=0.7), (signed(2, 3),), lambda t, x: t.nn.functional.elu(x, 0.7)),
    Case(
        "softplus",
        "beta",
        lambda x: tg.softplus(x, beta=3.0),
        (signed(2, 3),),
        lambda t, x: t.nn.functional.softplus(x, 3.0),
    ),
]
