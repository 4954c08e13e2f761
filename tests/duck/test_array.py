"""What a duck takes and refuses: as CuPy, whose coverage it has."""

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.duck.array import Duck, waits
from tests.duck.coverage import coverage
from tests.duck.module import upload
from tinygrad_edu import Tensor, cuda, device, errors


def duck(*numbers: float) -> Any:
    return upload(np.array(numbers))


@pytest.mark.parametrize(
    "call",
    [
        np.asarray,
        np.array,
        lambda d: np.ones(2) * d,
        lambda d: d * np.ones(2),
        lambda d: np.add(d, np.ones(2)),
        lambda d: operator.iadd(d, np.ones(2)),
        lambda d: np.add(d, d, out=np.empty(2)),
        lambda d: np.add(d, d, where=d > 0),
        lambda d: np.exp(d, order="C"),
        lambda d: np.sum(d, where=d > 0),
        lambda d: np.max(d, initial=0),
        lambda d: np.where(d > 0, d, np.ones(2)),
        lambda d: np.concatenate([d, np.ones(2)]),
        lambda d: np.take_along_axis(d, np.array([0]), 0),
        lambda d: operator.setitem(d, slice(None), np.ones(2)),
        lambda d: np.reshape(d, shape=(2, 1)),
        lambda d: np.ones(2, like=d),
        lambda d: np.vecdot(d, d),
        lambda d: np.dot(d, 2.0),
        lambda d: np.insert(d, 0, 1.0),
        lambda d: np.nanquantile(d, 0.5),
        lambda d: np.array([d, d]),
        lambda d: range(d[0]),
        lambda d: d.astype(str),
        lambda d: d.astype(np.longdouble),
    ],
)
def test_type_errors(call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        call(duck(1.0, 2.0))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda d: np.maximum.reduce(d), NotImplementedError),
        (lambda d: np.sort(d, kind="quicksort"), ValueError),
        (lambda d: np.where(True, d, d), AttributeError),
        (lambda d: np.tensordot(d, d[0], ([], [])), ValueError),
        (lambda d: np.linalg.solve(upload(np.eye(2)) * d[0], upload(np.ones((3, 2, 1)))), ValueError),
        (lambda d: d.flags.writeable, AttributeError),
        (lambda d: d.real_if_close(), AttributeError),
    ],
)
def test_other_errors(call: Callable[[Any], Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        call(duck(1.0, 2.0))


def test_numbers_and_hosts_indices_are_welcome() -> None:
    d = duck(1.0, 2.0, 3.0)
    for found, expected in [
        (d * 2, [2, 4, 6]),
        (np.float32(2) * d, [2, 4, 6]),
        (d[np.array([2, 0])], [3, 1]),
        (d[[True, False, True]], [1, 3]),
        (np.where(d > 1, d, 0.0), [0, 2, 3]),
    ]:
        assert isinstance(found, Duck)
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found._host, expected)


@pytest.mark.parametrize("call", [lambda d: d.sum(), lambda d: d[0], np.linalg.norm, lambda d: np.all(d > 0), np.dot])
def test_one_number_is_an_array_without_axes(call: Callable[..., Any]) -> None:
    d = duck(1.0, 2.0)
    found = call(d, d) if call is np.dot else call(d)
    assert isinstance(found, Duck)
    assert found.shape == ()


@pytest.mark.parametrize(
    "call",
    [
        lambda d: d.get(),
        lambda d: d[0].item(),
        lambda d: float(d[0]),
        lambda d: bool(d[0] > 0),
        repr,
        lambda d: d[d > 0],
        lambda d: np.nonzero(d),
        np.unique,
        lambda d: np.linalg.matrix_rank(d[None]),
    ],
)
def test_what_waits_is_counted_and_can_be_forbidden(call: Callable[[Any], Any]) -> None:
    d, before = duck(1.0, 2.0), waits.count
    call(d)
    assert waits.count > before
    with pytest.raises(errors.HostCopyError), cuda.no_copies():
        call(d)


def test_a_loop_is_cupys() -> None:
    """It has none of NumPy's for the sign of a boolean or the remainder of one, and picks by the same rules."""
    whole = upload(np.array([1, 2], np.int8))
    assert (whole + 1).dtype == np.int8
    assert (whole + 1.0).dtype == np.float64
    assert np.sqrt(whole).dtype == np.sqrt(np.ones(1, np.int8)).dtype
    with pytest.raises(TypeError):
        np.arctan2(whole + 0j, 1.0)


def test_of_values_that_go_to_one_place_it_is_not_said_which_stays() -> None:
    d = duck(0.0, 0.0)
    d[[1, 1]] = duck(5.0, 6.0)
    assert d._host[1] in (5, 6)
    assert d._host[1] != 6  # NumPy's last: nobody may count on it


def test_views_know_the_array_that_owns_their_memory() -> None:
    d = duck(1.0, 2.0, 3.0, 4.0)
    view = d.reshape(2, 2)[1].T
    assert view.base is d
    view += 1
    assert d._host.tolist() == [1, 2, 4, 5]
    assert d.copy().base is None


def test_it_has_the_methods_of_cupys_array_and_no_other() -> None:
    own = {name for name in dir(Duck) if not name.startswith("_")}
    assert own - {"base"} <= coverage().methods
    left_out = "argpartition byteswap choose cstruct dump dumps flat mdspan reduced_view scatter_add scatter_max"
    left_out += " scatter_min toDlpack tofile base"
    assert coverage().methods - own <= set(left_out.split())


def test_the_library_takes_it_for_a_gpus() -> None:
    t = Tensor([1.0, 2.0]).to("cuda")
    assert isinstance(t.array, Duck)
    assert t.device == device("cuda:0")
    assert (t * 2).sum().item() == 6.0
    assert t.cpu().device == device("cpu")


def test_the_coverage_reads_well() -> None:
    known = coverage()
    assert re.fullmatch(r"\d+\.\d+\.\d+", known.version)
    assert known.ufuncs["sqrt"] == ["e->e", "f->f", "d->d", "F->F", "D->D"]
    assert known.functions["linalg.norm"].startswith("(x, ord=None")
    assert "vecdot" not in {*known.ufuncs, *known.functions}
