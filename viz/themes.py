"""How a picture is painted; a test computes that every text can be read on what it stands on."""

from dataclasses import dataclass

__all__ = ["THEMES", "Theme", "themed"]


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a picture: fills by what a node is, and inks by what a text says.

    No theme tells anything by colour alone: values and gradients are named in words, and each kind of node has a
    shape or a border of its own.
    """

    background: str
    leaf: str
    op: str
    root: str
    constant: str
    saved: str
    module: str
    opened: str
    ink: str
    faint: str
    value: str
    gradient: str
    line: str
    border: str
    wrong: str


THEMES = {
    # The fills are what torchviz paints, so that nobody has to learn the colours anew.
    "light": Theme(
        background="white",
        leaf="lightblue",
        op="gray93",
        root="darkolivegreen1",
        constant="white",
        saved="orange",
        module="#e4daf4",
        opened="#f8f6fc",
        ink="#1a1a1a",
        faint="#454545",
        value="#0a4585",
        gradient="#8f120d",
        line="#767676",
        border="#8a8a8a",
        wrong="#e00000",
    ),
    "dark": Theme(
        background="#15181e",
        leaf="#173f56",
        op="#2b313c",
        root="#2f4a1c",
        constant="#15181e",
        saved="#63400a",
        module="#3f2f5e",
        opened="#1c1a26",
        ink="#f2f2f2",
        faint="#c3c7ce",
        value="#9cd0ff",
        gradient="#ffb3a8",
        line="#9aa0aa",
        border="#7d8590",
        wrong="#ff6b6b",
    ),
    "print": Theme(
        background="white",
        leaf="#e2e2e2",
        op="white",
        root="#cfcfcf",
        constant="white",
        saved="white",
        module="#efefef",
        opened="white",
        ink="black",
        faint="#3d3d3d",
        value="black",
        gradient="black",
        line="#444444",
        border="#444444",
        wrong="black",
    ),
    # Tints of the palette of Okabe and Ito (https://jfly.uni-koeln.de/color/), told apart by every kind of eye.
    "colorblind": Theme(
        background="white",
        leaf="#8fd0f5",
        op="#f0f0f0",
        root="#f0e442",
        constant="white",
        saved="#f2b84b",
        module="#dfb6cf",
        opened="#fbf5f9",
        ink="#000000",
        faint="#3a3a3a",
        value="#00406b",
        gradient="#6b2500",
        line="#666666",
        border="#666666",
        wrong="#b34a00",
    ),
}


def themed(theme: str | Theme) -> Theme:
    """The theme itself, or the one of that name; ValueError lists the names.

    >>> themed("dark").background
    '#15181e'
    """
    if isinstance(theme, Theme):
        return theme
    if theme not in THEMES:
        raise ValueError(f"there is no theme {theme!r}: take one of {', '.join(THEMES)}, or a Theme of your own")
    return THEMES[theme]
