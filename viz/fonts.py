"""Whether there are fonts to draw letters with: without them a bitmap shows empty boxes, and nobody says so."""

import html
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tinygrad_edu.lines import warn

__all__ = ["warn_of_fonts"]

ENDINGS = (".ttf", ".otf", ".ttc", ".pfb")
ADVICE = "draw SVG, which leaves the letters to the reader's own fonts, or install a font package such as"


def warn_of_fonts(source: str) -> None:
    """Warn where a drawing of this text would show boxes for letters; only Linux systems come without fonts."""
    if sys.platform != "linux":
        return
    if not _installed():
        warn(f"no fonts are installed, so the letters come out as boxes: {ADVICE} fonts-dejavu", UserWarning)
    elif missing := sorted({character for character in html.unescape(source) if not _covered(character)}):
        shown = " ".join(missing[:10])
        warn(f"no font that is installed has {shown}, which come out as boxes: {ADVICE} fonts-noto", UserWarning)


def _installed() -> bool:
    """Whether there is a font file in the places where Linux keeps them."""
    home = Path.home()
    data = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    places = [home / ".fonts", home / ".local/share/fonts", *(Path(place) / "fonts" for place in data.split(":"))]
    return any(path.suffix in ENDINGS for place in places for path in place.rglob("*"))


def _covered(character: str) -> bool:
    """Whether a font has the character, as far as that can be found out; every font has the letters of English."""
    return character < "\u0100" or character.isspace() or not character.isprintable() or _known(character)


@cache
def _known(character: str) -> bool:
    """What fontconfig says, where its program is there; else yes, for want of better knowledge."""
    program = shutil.which("fc-list")
    if program is None:
        return True
    asked = [program, f":charset={ord(character):x}", "family"]
    try:
        said = subprocess.run(asked, capture_output=True, timeout=5, check=False)  # noqa: S603 - one number, in hex
    except (OSError, subprocess.SubprocessError):
        return True
    return said.returncode != 0 or bool(said.stdout.strip())
