"""`python -m tinygrad_edu fuzz`: a table, an exit code, and what is left of a failure."""

from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu import ops
from tinygrad_edu.__main__ import main
from tinygrad_edu.plan import Plan
from viz import make_dot
from viz.themes import THEMES

RED = THEMES["light"].wrong


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def wrong_tanh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ops.tanh.rules, "x", lambda g, out: g * (1 - out))
    monkeypatch.setattr(ops.tanh.plan((True,)), "pulls", Plan(ops.tanh, (True,)).pulls)


def test_right_ops_have_a_row_each(capsys: Any) -> None:
    assert main(["fuzz", "exp", "matmul", "--examples", "20", "--seed", "1"]) == 0
    said = capsys.readouterr().out
    assert [line.split()[:2] for line in said.splitlines()[1:3]] == [["exp", "20"], ["matmul", "20"]]
    assert "40 programs, none wrong" in said
    assert "the same programs again: --seed 1" in said


@pytest.mark.usefixtures("wrong_tanh")
def test_a_wrong_op_is_shown_as_a_program_and_a_picture(capsys: Any, tmp_path: Path) -> None:
    assert main(["fuzz", "tanh", "sin", "--examples", "20", "--seed", "1"]) == 1
    said = capsys.readouterr().out
    assert "WRONG" in said.splitlines()[1]
    assert "the wrong line is t0 = np.tanh(x0), by x0" in said
    assert "wrote fuzz-tanh.svg: the wrong edges are red" in said
    assert "np.tanh(x0)" in (tmp_path / "fuzz-tanh.py").read_text()
    assert RED in (tmp_path / "fuzz-tanh.svg").read_text()


@pytest.mark.usefixtures("wrong_tanh")
def test_a_formula_with_a_wrong_op_is_wrong(capsys: Any, tmp_path: Path) -> None:
    assert main(["fuzz", "--expr", "a * tanh(b) + c", "--examples", "20", "--seed", "1"]) == 1
    assert "tanh(b)" in capsys.readouterr().out
    assert (tmp_path / "fuzz-a-tanh-b-c.py").exists()


def test_a_formula_is_fuzzed_within_its_seconds(capsys: Any) -> None:
    assert main(["fuzz", "--expr", "log(a*a + 1) / b", "--examples", "1000000", "--seconds", "1"]) == 0
    assert "none wrong" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tanhh"], "there is no op 'tanhh' in the table: do you mean tanh?"),
        (["exp", "--expr", "a"], "either ops or --expr"),
        (["--expr", "a > 0"], "has no gradient: its results are conditions"),
        (["--expr", "a ^ b"], "write a ** b"),
        (["--expr", "sqrt(-1 - a**2)", "--examples", "10"], "has no finite value"),
    ],
)
def test_a_mistake_is_one_message(arguments: list[str], said: str, capsys: Any) -> None:
    assert main(["fuzz", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        *((["--examples", text], "a whole number from 1 on") for text in ("0", "-1", "2.5", "many")),
        *((["--seconds", text], "a number of seconds above 0") for text in ("0", "-1", "nan", "inf", "soon")),
    ],
)
def test_counts_and_times_are_above_0(option: list[str], said: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as left:
        main(["fuzz", "exp", *option])
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_edges_can_be_marked_in_a_picture() -> None:
    import tinygrad_edu as tg

    a = tg.Tensor(2.0, requires_grad=True, name="a")
    root = tg.tanh(a) * a
    picture = make_dot(root, wrong=[(root.grad_fn, 1)])
    assert picture.source.count(RED) == 2
    assert picture.source.count("xlabel=wrong") == 1
