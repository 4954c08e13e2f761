"""The command line as a learner meets it: what it prints, what it writes, and what it says when it cannot."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_edu.__main__ import main

ABC = ["trace", "a*b + c", "a=2", "b=-3", "c=10"]
ROOT = Path(__file__).parents[1]

ABC_TEXT = """\
Forward: the inputs, then every value in the order it was computed.

  name  made by  value  in the expression
  a     given    2
  b     given    -3
  c     given    10
  p     a * b    -6     a*b
  out   p + c    4      a*b + c

Backward: from d out/d out = 1 to the inputs, one line of the chain rule a step.

  step  node  gradient   what arrives * local derivative  handed on      accumulated
  1     out   d out/d p  = d out/d out * d(p + c)/d p     = 1 * 1 = 1    1
  2     out   d out/d c  = d out/d out * d(p + c)/d c     = 1 * 1 = 1    1
  3     p     d out/d a  = d out/d p * d(a * b)/d a       = 1 * -3 = -3  -3
  4     p     d out/d b  = d out/d p * d(a * b)/d b       = 1 * 2 = 2    2

Gradients: add a small h to an input, and out changes by about its gradient times h.

  gradient   value
  d out/d a  -3
  d out/d b  2
  d out/d c  1
"""


def run(*arguments: str, stdout: int = subprocess.PIPE, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Python in a process of its own, where every warning is an error."""
    return subprocess.run(  # noqa: S603 - runs this Python with the arguments of these tests
        [sys.executable, "-W", "error", *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )


def test_the_chain_rule_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ABC) == 0
    assert capsys.readouterr() == (ABC_TEXT, "")


def test_a_neuron_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "sigmoid(w @ x + b)", "w=[1,2]", "x=[5,2]", "b=-5"]) == 0
    out = capsys.readouterr().out
    assert "out   sigmoid(q)  0.982014  sigmoid(w @ x + b)" in out
    assert re.search(r"d out/d w +(= )?d out/d p \* x += \[0.0883135, 0.0353254\]", out)


def test_no_line_is_wider_than_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            ["trace", "sum((w*x + b - 1)**2 / 7, axis=0) + mean(w)*w[0] + x[1]*x[1]", "w=[1,2,3]", "x=[5,2,1]", "b=-5"]
        )
        == 0
    )
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 110


@pytest.mark.parametrize("expression", ["-a", "-a*b", "-(a)", "- a", "-3*a"])
def test_a_formula_may_start_with_a_minus_sign(expression: str, capsys: pytest.CaptureFixture[str]) -> None:
    values = ["a=2", "b=3"] if "b" in expression else ["a=2"]
    assert main(["trace", expression, *values]) == 0
    assert "d out/d a  -" in capsys.readouterr().out


def test_files_are_written_by_their_endings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [
        str(tmp_path / f"abc.{ending}") for ending in ("svg", "png", "pdf", "dot", "gv", "txt", "html", "tex", "SVG")
    ]
    assert main([*ABC[:3], *(part for file in files for part in ("--out", file)), *ABC[3:]]) == 0
    assert capsys.readouterr().out == ABC_TEXT + "\n" + "".join(f"wrote {file}\n" for file in files)
    starts = [Path(file).read_bytes()[:8] for file in files]
    assert [start[:5] for start in starts] == [
        b"<?xml",
        b"\x89PNG\r",
        b"%PDF-",
        b"digra",
        b"digra",
        b"Forwa",
        b"<!doc",
        b"% \\us",
        b"<?xml",
    ]
    assert len(list(tmp_path.iterdir())) == len(files)  # and nothing else: no temporary files


def test_the_page_and_the_lines_for_latex_are_about_the_formula(tmp_path: Path) -> None:
    assert main([*ABC, "--out", str(tmp_path / "abc.html"), "--out", str(tmp_path / "abc.tex")]) == 0
    assert "<h1>a*b + c</h1>" in (tmp_path / "abc.html").read_text(encoding="utf-8")
    assert r"= 1 \cdot b = -3" in (tmp_path / "abc.tex").read_text(encoding="utf-8")


def test_the_first_file_is_opened_when_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    files = [str(tmp_path / "abc.html"), str(tmp_path / "abc.txt")]
    assert main([*ABC, "--out", files[0], "--out", files[1]]) == 0
    assert opened == []
    assert main([*ABC, "--open", "--out", files[0], "--out", files[1]]) == 0
    assert opened == [Path(files[0]).as_uri()]
    assert main([*ABC, "--open", "--out", str(tmp_path / "no" / "abc.html")]) == 2
    assert main([*ABC, "--open"]) == 2
    assert len(opened) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
def test_a_terminal_gets_colors_where_rich_is_installed() -> None:
    pytest.importorskip("rich")
    import pty

    leader, follower = pty.openpty()
    run("-m", "tinygrad_edu", *ABC, stdout=follower, TERM="xterm-256color", COLUMNS="100")
    said = os.read(leader, 100_000).decode()
    os.close(leader)
    os.close(follower)
    assert "\x1b[" in said
    assert "Backward, from d out/d out = 1" in said


def test_the_picture_has_the_value_and_the_gradient_of_every_node(tmp_path: Path) -> None:
    assert main([*ABC, "--out", str(tmp_path / "abc.dot")]) == 0
    vertices = [line for line in (tmp_path / "abc.dot").read_text().splitlines() if "value" in line]
    assert len(vertices) == 5
    assert all("grad" in line for line in vertices)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trace", "a +", "a=1"], "error: the expression ends too early"),
        (["trace", "sigmod(a)", "a=1"], "did you mean sigmoid?\n  sigmod(a)\n  ^\n"),
        (["trace", "a", "a=x"], "error: a=x is no number"),
        (["trace", "w * 2", "w=[1,2]"], "write sum(...) or mean(...) around it"),
        (["trace", "where(a > 0, 1, 2)", "a=1"], "does not require grad"),
        (["trace", "a", "a=1", "--out", "a.jpg"], "must be one of .html, .svg, .png, .pdf, .dot, .gv, .tex, .txt"),
    ],
)
def test_errors_are_one_message_on_stderr(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert said in err


def test_a_file_that_cannot_be_written_loses_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The tables are printed and the other files written all the same."""
    assert main([*ABC, "--out", "no/such/folder/a.svg", "--out", str(tmp_path / "abc.txt")]) == 2
    out, err = capsys.readouterr()
    assert out == f"{ABC_TEXT}\nwrote {tmp_path / 'abc.txt'}\n"
    assert err.startswith("error: cannot write 'no/such/folder/a.svg'")
    assert (tmp_path / "abc.txt").exists()


@pytest.mark.parametrize(
    "arguments", [[], ["trace"], ["draw"], ["trace", "a", "a=1", "--uot"], ["trace", "a", "--out"]]
)
def test_a_command_that_is_not_understood_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["trace", "-h"], ["--version"]])
def test_help_and_version_exit_with_0(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0


def test_a_result_that_is_no_number_is_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "log(a)", "a=-1"]) == 0
    assert "warning: the result is nan" in capsys.readouterr().err


def test_without_a_renderer_the_source_of_the_picture_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert main([*ABC, "--out", str(tmp_path / "abc.svg")]) == 2
    err = capsys.readouterr().err
    assert "pip install pygraphviz" in err
    assert f"the picture's source is in {tmp_path / 'abc.dot'}" in err
    assert (tmp_path / "abc.dot").read_text().startswith("digraph")
    assert not (tmp_path / "abc.svg").exists()


def test_a_terminal_that_knows_only_ascii_is_no_problem() -> None:
    done = run("-m", "tinygrad_edu", "trace", "größe * 2", "größe=3", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"gr??e" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_reader_that_stops_listening_is_no_problem() -> None:
    read, write = os.pipe()
    os.close(read)
    done = run("-m", "tinygrad_edu", *ABC, stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_pictures_are_imported_only_when_they_are_wanted() -> None:
    done = run("-c", "import sys, tinygrad_edu.__main__; print({'viz', 'graphviz', 'matplotlib'} & set(sys.modules))")
    assert done.stdout.strip() == b"set()"
