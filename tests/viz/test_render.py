"""Files: by whichever Graphviz is there, whole or not at all, and a way out where there is none."""

import stat
import sys
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import graphviz
import pytest

from tinygrad_edu import Tensor, nn
from tinygrad_edu.errors import RenderError
from viz import fonts, make_dot, notebook, plots, render
from viz.picture import fluid

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


@pytest.fixture
def real_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program called dot that draws, by the Graphviz in pygraphviz, and no pygraphviz in this process."""
    program = tmp_path / "bin" / "dot"
    program.parent.mkdir()
    draw = "import pygraphviz as p, sys; k = next(a[2:] for a in sys.argv if a[:2] == '-T')"
    draw += "; sys.stdout.buffer.write(p.AGraph(string=sys.stdin.read()).draw(format=k, prog='dot'))"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{draw}" "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


@pytest.mark.skipif(sys.platform == "win32", reason="the dot made here is a shell script")
def test_both_ways_to_draw_give_the_same_picture(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    picture = make_dot(model, inputs=Tensor([[1.0, 2.0]]).float(), expand="0", legend=True)
    with monkeypatch.context() as without:
        without.setenv("PATH", "")
        in_process = render(picture, tmp_path / "a.svg").read_text("utf-8")
    request.getfixturevalue("real_dot")
    assert render(picture, tmp_path / "b.svg").read_text("utf-8") == in_process
    assert picture.pipe("svg", encoding="utf-8") == in_process
    assert render(picture, tmp_path / "b.png").read_bytes().startswith(STARTS[".png"])


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
    assert 'size="40.000000,40.000000"' in drawn  # a bitmap has a largest size
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


@pytest.mark.parametrize("both", [True, False], ids=["dot or pygraphviz", "pygraphviz"])
def test_what_is_set_on_a_picture_is_drawn(
    both: bool, picture: graphviz.Digraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As users of torchviz do, where pictures come out too large or too small."""
    if not both:
        monkeypatch.setenv("PATH", "")
    picture.graph_attr.update(bgcolor="red", size="1,1")
    assert 'fill="red"' in render(picture, tmp_path / "a.svg").read_text("utf-8")
    assert 'fill="red"' in picture.pipe("svg", encoding="utf-8")
    assert max(size_of(render(picture, tmp_path / "a.png", dpi=100))) == 100
    picture.graph_attr.update(dpi="200")
    assert max(size_of(render(picture, tmp_path / "a.png", dpi=100))) == 200
    other = graphviz.Graph("undirected", engine="circo", body=["\ta -- b\n"])
    assert "<svg" in render(other, tmp_path / "b.svg").read_text("utf-8")
    render(graphviz.Source("digraph { a -> b }"), tmp_path / "c.png")


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
    picture = make_dot(y, max_nodes=400)
    assert 5_000 < max(size_of(render(picture, tmp_path / "a.png"))) <= 5_760
    picture.graph_attr.update(dpi="600")
    assert 5_000 < max(size_of(render(picture, tmp_path / "b.png"))) <= 5_760


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


def size_of(png: Path) -> tuple[int, int]:
    header = png.read_bytes()[16:24]
    return int.from_bytes(header[:4]), int.from_bytes(header[4:])


def test_the_size_of_a_bitmap_can_be_chosen_up_to_a_limit(picture: graphviz.Digraph, tmp_path: Path) -> None:
    coarse, fine = (size_of(render(picture, tmp_path / f"{dpi}.png", dpi=dpi)) for dpi in (72, 288))
    assert fine[0] == pytest.approx(4 * coarse[0], abs=4)
    assert max(size_of(render(picture, tmp_path / "small.png", size=1))) <= 144
    assert max(size_of(render(picture, tmp_path / "huge.png", dpi=30_000))) <= 5_760
    for wrong in ({"dpi": 0}, {"size": -1.0}, {"size": float("nan")}):
        with pytest.raises(ValueError, match="dpi and size are above 0"):
            render(picture, tmp_path / "a.png", **wrong)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux systems come without fonts")
def test_letters_that_no_font_has_are_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "fc-list"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1" = :charset=65e5 ] || echo "Some Font"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))
    fonts._known.cache_clear()
    a = Tensor(2.0, requires_grad=True, name="日é本")
    with pytest.warns(UserWarning, match="no font that is installed has 日, which come out as boxes: draw SVG"):
        render(make_dot(a * a), tmp_path / "a.png")
    render(make_dot(a * a), tmp_path / "a.svg")
    a.name = "é"
    render(make_dot(a * a), tmp_path / "b.png")
    fonts._known.cache_clear()


@pytest.mark.usefixtures("no_dot")
def test_what_torchviz_users_write_needs_no_dot(
    picture: graphviz.Digraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert picture.render("net", format="png") == "net.png"
    assert (tmp_path / "net.png").read_bytes().startswith(STARTS[".png"])
    assert (tmp_path / "net").read_text("utf-8") == picture.source
    assert picture.render("here/other", format="svg", cleanup=True) == "here/other.svg"
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["other.svg"]
    assert picture.render(outfile="third.svg") == "third.svg"
    assert (tmp_path / "third.svg").read_bytes().startswith(STARTS[".svg"])
    with pytest.raises(graphviz.ExecutableNotFound):
        picture.render("net", engine="neato")


@pytest.mark.usefixtures("no_dot")
def test_a_picture_shows_itself_in_a_notebook_and_is_not_clipped(picture: graphviz.Digraph) -> None:
    shown = picture._repr_mimebundle_()["image/svg+xml"]
    root = ET.fromstring(shown)  # noqa: S314 - drawn here
    assert root.get("style") == "max-width: 100%; height: auto"
    assert root.get("viewBox") is not None
    assert shown == picture._repr_svg_() == fluid(picture.pipe("svg", encoding="utf-8"))


@pytest.mark.usefixtures("no_dot")
def test_a_notebook_without_any_graphviz_is_told_what_to_install(
    picture: graphviz.Digraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert "pip install pygraphviz" in picture._repr_mimebundle_()["text/plain"]
    a = Tensor(2.0, requires_grad=True)
    assert notebook.page(a * a) is None


class Formatter:
    """What a notebook is told to show, and how."""

    def __init__(self) -> None:
        self.shown: dict[Any, Any] = {}

    def for_type(self, kind: type, function: Any) -> None:
        self.shown[kind] = function

    def for_type_by_name(self, module: str, name: str, function: Any) -> None:
        self.shown[f"{module}.{name}"] = function


@pytest.fixture
def formatters(monkeypatch: pytest.MonkeyPatch) -> dict[str, Formatter]:
    """Those of a notebook that has just imported viz."""
    found = {"text/html": Formatter(), "image/png": Formatter()}
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters=found))
    with monkeypatch.context() as elsewhere:
        elsewhere.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
        notebook.show_in_notebooks()
    assert not found["text/html"].shown  # a terminal shows text
    with monkeypatch.context() as there:
        there.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        notebook.show_in_notebooks()
    return found


def test_a_plot_shows_itself_in_a_notebook(formatters: dict[str, Formatter], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install matplotlib")
    axes = plots.learning_curves([3.0, 2.0, 1.0])
    for drawn in (axes, axes.figure):
        kind = next(k for k in type(drawn).__mro__ if k.__module__.startswith("matplotlib."))
        show = formatters["image/png"].shown[f"{kind.__module__}.{kind.__qualname__}"]
        assert show(drawn).startswith(STARTS[".png"])
    monkeypatch.setattr("matplotlib.figure.Figure.number", 1, raising=False)  # of pyplot, which shows them itself
    assert show(axes) is None


def test_a_computed_tensor_shows_its_numbers_and_its_graph_in_a_notebook(formatters: dict[str, Formatter]) -> None:
    shown = formatters["text/html"].shown
    a = Tensor(2.0, requires_grad=True, name="<b>")
    assert shown[Tensor](a) is None
    page = shown[Tensor](a * a)
    assert page.startswith("<pre style='white-space: pre-wrap'>Tensor(4., grad_fn=&lt;multiply&gt;)</pre><svg")
    root = ET.fromstring(page.partition("</pre>")[2])  # noqa: S314 - drawn here
    assert "<b>" in [element.text for element in root.iter() if element.tag.endswith("text")]


def test_a_long_computation_is_shown_in_short_without_a_warning() -> None:
    x = y = Tensor(1.0, requires_grad=True)
    for _ in range(1_000):
        y = y * x
    with warnings.catch_warnings(action="error"):
        page = notebook.page(y)
    assert page is not None
    assert "999 times" in page.replace("&#160;", " ")
