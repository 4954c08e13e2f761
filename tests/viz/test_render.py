"""Files: by whichever Graphviz is there, whole or not at all, and a way out where there is none."""

import stat
import sys
from pathlib import Path

import graphviz
import pytest

from tinygrad_edu import Tensor
from tinygrad_edu.errors import RenderError
from viz import make_dot, render

STARTS = {".svg": b"<?xml", ".png": b"\x89PNG", ".pdf": b"%PDF"}


@pytest.fixture
def picture() -> graphviz.Digraph:
    a = Tensor(2.0, requires_grad=True, name="a")
    return make_dot(a * a)


@pytest.fixture
def no_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def fake_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called dot that writes its arguments and its input, and no pygraphviz."""
    program = tmp_path / "bin" / "dot"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "drawn by $*"\n/bin/cat\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    return program


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("ending", STARTS)
def test_pygraphviz_draws_where_there_is_no_dot(ending: str, picture: graphviz.Digraph, tmp_path: Path) -> None:
    path = render(picture, tmp_path / f"a{ending}")
    assert path.read_bytes().startswith(STARTS[ending])


@pytest.mark.skipif(sys.platform == "win32", reason="the fake dot is a shell script")
def test_dot_draws_where_there_is_no_pygraphviz(fake_dot: Path, picture: graphviz.Digraph, tmp_path: Path) -> None:
    assert render(picture, tmp_path / "a.svg").read_text().startswith("drawn by -Kdot -Tsvg")
    drawn = render(picture, tmp_path / "a.png").read_text()
    assert drawn.startswith("drawn by -Kdot -Tpng")
    assert 'size="40,40"' in drawn  # a bitmap has a largest size
    fake_dot.write_text("#!/bin/sh\necho 'syntax error near line 1' >&2\nexit 1\n")
    with pytest.raises(RenderError, match="Graphviz could not draw this: syntax error near line 1"):
        render(picture, tmp_path / "b.svg")


@pytest.mark.usefixtures("no_dot")
def test_without_any_graphviz_the_error_says_what_to_install(
    picture: graphviz.Digraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(RenderError, match="pip install pygraphviz"):
        render(picture, tmp_path / "a.svg")
    assert list(tmp_path.iterdir()) == []
    for ending in (".dot", ".gv", ".GV"):
        assert render(picture, tmp_path / f"a{ending}").read_text(encoding="utf-8") == picture.source


@pytest.mark.usefixtures("no_dot")
def test_a_text_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    broken = graphviz.Digraph(body=["\tnode [\n"])
    with pytest.raises(RenderError, match="Graphviz could not draw this"):
        render(broken, tmp_path / "a.svg")


@pytest.mark.parametrize("name", ["a.jpg", "a", ".svg", "a.svg.txt"])
def test_another_ending_is_an_error_that_lists_the_endings(
    name: str, picture: graphviz.Digraph, tmp_path: Path
) -> None:
    with pytest.raises(RenderError, match=r"one of \.svg, \.png, \.pdf, \.dot, \.gv"):
        render(picture, tmp_path / name)


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(picture: graphviz.Digraph, tmp_path: Path) -> None:
    (tmp_path / "a.dot").write_text("earlier")
    render(picture, tmp_path / "a.dot")
    assert [path.name for path in tmp_path.iterdir()] == ["a.dot"]
    (tmp_path / "folder.dot").mkdir()
    with pytest.raises(OSError, match=r"folder\.dot"):
        render(picture, tmp_path / "folder.dot")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dot", "folder.dot"]


def test_a_bitmap_of_many_nodes_has_a_largest_size(tmp_path: Path) -> None:
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(150):
        y = y * 2
    header = render(make_dot(y), tmp_path / "a.png").read_bytes()[16:24]
    assert max(int.from_bytes(header[:4]), int.from_bytes(header[4:])) <= 5_760


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux systems come without fonts")
def test_a_bitmap_without_fonts_is_warned_of(
    picture: graphviz.Digraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path))
    with pytest.warns(UserWarning, match="no fonts are installed"):
        render(picture, tmp_path / "a.png")
    render(picture, tmp_path / "a.svg")  # which needs none, so nothing is said
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "one.ttf").touch()
    render(picture, tmp_path / "a.png")
