"""Themes: every text can be read on what it stands on, by every kind of eye, and on paper."""

from itertools import combinations

import numpy as np
import pytest

from tinygrad_edu import Tensor
from viz import make_dot
from viz.draw import BORDERS
from viz.themes import THEMES, Theme, themed

NAMED = {
    "white": "#ffffff",
    "black": "#000000",
    "lightblue": "#add8e6",
    "gray93": "#ededed",
    "darkolivegreen1": "#caff70",
    "orange": "#ffa500",
}
"""Those of X11's names that are used, as https://graphviz.org/doc/info/colors.html has them."""
FILLS = ("leaf", "op", "root", "constant", "saved", "module")


def linear(color: str) -> np.ndarray:
    """Red, green and blue light."""
    digits = NAMED.get(color, color)[1:]
    parts = np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    dark, light = sorted(float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (one, other))
    return (light + 0.05) / (dark + 0.05)


SIGHT = {
    "every colour": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""Machado, Oliveira and Fernandes 2009, severity 1: what an eye without one kind of cone sees of linear light."""


def lab(light: np.ndarray) -> np.ndarray:
    """CIELAB, in which distances are about what an eye sees."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ light.clip(0, 1)
    f = np.cbrt(xyz / [0.9505, 1, 1.089])
    f = np.where(f > 6 / 29, f, xyz / [0.9505, 1, 1.089] * 841 / 108 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_contrast_is_that_of_the_standard() -> None:
    assert contrast("white", "black") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # a grey that is known to fall just short


@pytest.mark.parametrize("name", THEMES)
def test_every_text_can_be_read(name: str) -> None:
    theme = THEMES[name]
    places = [getattr(theme, fill) for fill in (*FILLS, "opened", "background")]
    for ink in ("ink", "faint", "value", "gradient"):
        for place in places:
            assert contrast(getattr(theme, ink), place) >= 4.5, f"{ink} on {place}"
    for place in (theme.background, theme.opened):
        assert contrast(theme.line, place) >= 3, f"arrows on {place}"
        assert contrast(theme.border, place) >= 3, f"borders on {place}"
        assert contrast(theme.wrong, place) >= 4.5, f"wrong on {place}"


@pytest.mark.parametrize("sight", SIGHT)
def test_one_theme_is_told_apart_by_every_kind_of_eye(sight: str) -> None:
    theme = THEMES["colorblind"]
    seen = {kind: lab(np.array(SIGHT[sight]) @ linear(getattr(theme, kind))) for kind in FILLS}
    for one, other in combinations(FILLS, 2):
        near = {one, other} == {"op", "constant"}  # nearly white both; their borders differ
        assert np.linalg.norm(seen[one] - seen[other]) >= (5 if near else 12), (one, other)


def test_no_kind_is_told_by_colour_alone() -> None:
    looks = [tuple(sorted(BORDERS[kind].items())) for kind in FILLS]
    assert len(set(looks)) == len(FILLS)


def test_a_theme_paints_the_picture() -> None:
    x = Tensor(2.0, requires_grad=True)
    source = make_dot(x * x, theme="dark").source
    assert THEMES["dark"].background in source
    assert THEMES["dark"].leaf in source
    own = Theme(**dict.fromkeys(Theme.__dataclass_fields__, "#123456"))
    assert 'fillcolor="#123456"' in make_dot(x * x, theme=own).source


def test_an_unknown_theme_is_answered_with_the_known() -> None:
    with pytest.raises(ValueError, match="there is no theme 'drak': take one of light, dark, print, colorblind"):
        themed("drak")
