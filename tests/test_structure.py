"""The arrows between the packages, the reading budget, and the table's size: what keeps the engine readable."""

import ast
import inspect
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import tinygrad_edu
from tinygrad_edu import Op, ops

ROOT = Path(__file__).parent.parent
PACKAGE, VIZ = ROOT / "tinygrad_edu", ROOT / "viz"


def imports(path: Path) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", [alias.name for alias in node.names]


def importers(pattern: str, *folders: Path) -> set[str]:
    found = set()
    for folder in folders:
        for path in folder.rglob("*.py"):
            names = [n for module, parts in imports(path) for n in (module, *(f"{module}.{part}" for part in parts))]
            if any(re.fullmatch(pattern, name) for name in names):
                found.add(path.relative_to(ROOT).as_posix())
    return found


def test_the_engine_fits_its_reading_budget() -> None:
    lines = sum(len((PACKAGE / name).read_text("utf-8").splitlines()) for name in ("tensor.py", "op.py", "autograd.py"))
    assert lines < 600


@pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="this is no clone, so nothing says which files are the project's"
)
def test_the_top_level_holds_what_it_should() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607 - on PATH
    top = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    shown = {name for name in top if not name.startswith(".")}
    assert shown == {"LICENSE", "README.md", "pyproject.toml", "demos", "tests", "tinygrad_edu", "viz"}


def test_only_the_command_line_imports_viz_and_only_when_it_runs() -> None:
    assert importers(r"viz(\..*)?", PACKAGE) <= {"tinygrad_edu/__main__.py"}
    main = PACKAGE / "__main__.py"
    if main.exists():
        top = ast.parse(main.read_text("utf-8")).body
        assert not [n for n in top if isinstance(n, ast.ImportFrom) and (n.module or "").startswith("viz")]


def test_nothing_imports_demos_or_tests() -> None:
    assert not importers(r"(demos|tests)(\..*)?", PACKAGE, VIZ)


def test_one_file_names_cupy() -> None:
    assert not importers(r"cupy(\..*)?|cupyx(\..*)?", VIZ, PACKAGE)
    named = {p.name for p in PACKAGE.rglob("*.py") if re.search(r"\"cupyx?[.\"]", p.read_text("utf-8"))}
    assert named == {"device.py"}


def test_ops_know_nothing_of_what_is_built_on_them() -> None:
    assert not importers(r"tinygrad_edu\.(tensor|autograd|operators|nn|optim|train)(\..*)?", PACKAGE / "ops")


@pytest.mark.parametrize("name", ["op.py", "autograd.py", "plan.py", "fast.py", "graph.py"])
def test_the_engine_knows_no_particular_op(name: str) -> None:
    assert not [m for m, parts in imports(PACKAGE / name) if m.startswith("tinygrad_edu.ops") or "ops" in parts]


def test_viz_uses_public_names_only() -> None:
    for path in VIZ.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for module, parts in imports(path):
            if module.startswith("tinygrad_edu"):
                assert not [part for part in parts if part.startswith("_")]
        private = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and re.match(r"_[a-z]", n.attr)}
        own = (
            {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
            | {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
            | {n.target.id for n in ast.walk(tree) if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
        )
        assert private <= own, f"{path.name} reaches into {private - own}"


def test_every_public_name_is_listed_and_documented() -> None:
    assert len(set(tinygrad_edu.__all__)) == len(tinygrad_edu.__all__)
    assert set(ops.__all__) <= set(tinygrad_edu.__all__)
    for name in tinygrad_edu.__all__:
        thing = getattr(tinygrad_edu, name)
        if not isinstance(thing, Op) and (inspect.isclass(thing) or inspect.isfunction(thing)):
            assert thing.__doc__, name


def test_a_rule_is_a_line_or_a_documented_function() -> None:
    for name, op in vars(ops).items():
        if isinstance(op, Op):
            for operand, rule in op.rules.items():
                named = rule is not None and rule.__name__ != "<lambda>"
                assert not named or rule.__doc__, f"{name} by {operand}"


def test_an_op_is_one_declaration() -> None:
    """Adding an op with its gradient takes a line or two: what a learner types works everywhere at once."""
    import numpy as np

    from tinygrad_edu.op import implementations

    assert np.i0 not in implementations
    cubed = Op(lambda x: x**3, name="cubed", implements=[np.i0], x=lambda g, x: g * 3 * x * x)
    try:
        x = tinygrad_edu.Tensor(2.0, requires_grad=True)
        (first,) = tinygrad_edu.autograd.grad(np.i0(x), x, create_graph=True)
        assert first is not None
        (second,) = tinygrad_edu.autograd.grad(first, x)
        assert second is not None
        assert (cubed(x).item(), first.item(), second.item()) == (8.0, 12.0, 12.0)
    finally:
        del implementations[np.i0]
