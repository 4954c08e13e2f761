"""What only a GPU can show: memory, names, random numbers, float16, and arrays shared with PyTorch."""

import math
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import tests.gpu.needed
import tinygrad_edu as tg
from tests.test_cuda import MAKERS, NETWORKS, RANDOM, READS
from tinygrad_edu import Tensor, cuda, errors, nn, optim, train
from tinygrad_edu.data import load_digits


def test_it_has_a_name_and_memory_that_arrays_take() -> None:
    before, (free, total) = cuda.memory_allocated(), cuda.mem_get_info()
    held = tg.zeros(1 << 20, device="cuda")
    assert cuda.get_device_name()
    assert 0 < free <= total
    assert cuda.memory_allocated() - before == held.nbytes
    assert cuda.memory_reserved() >= cuda.memory_allocated()
    del held
    assert cuda.memory_allocated() == before
    cuda.empty_cache()
    cuda.synchronize()


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_made_there_is_what_is_made_on_the_host(name: str) -> None:
    made, expected = MAKERS[name](device="cuda"), MAKERS[name]()
    assert made.is_cuda
    assert made.dtype == expected.dtype
    np.testing.assert_allclose(made.numpy(), expected.numpy(), rtol=1e-15)


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_gives_the_same_numbers_again(name: str) -> None:
    drawn = [(tg.manual_seed(5), RANDOM[name](device="cuda"), RANDOM[name](device="cuda"))[1:] for _ in range(2)]
    (first, second), (again, _) = drawn
    assert first.is_cuda
    assert (first.shape, first.dtype) == (RANDOM[name]().shape, RANDOM[name]().dtype)
    assert first.tolist() == again.tolist() != second.tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_random_numbers_lie_where_they_should(dtype: Any) -> None:
    tg.manual_seed(0)
    uniform, normal = (draw(1_000_000, dtype=dtype, device="cuda").astype(np.float64) for draw in (tg.rand, tg.randn))
    assert 0 <= uniform.min().item() < 1e-3
    assert 0.999 < uniform.max().item() < 1
    assert abs(uniform.mean().item() - 1 / 2) < 2e-3
    assert abs(normal.mean().item()) < 5e-3
    assert abs((normal * normal).mean().item() - 1) < 1e-2
    assert abs((normal < 1).astype(np.float64).mean().item() - (1 + math.erf(math.sqrt(0.5))) / 2) < 3e-3


@pytest.mark.parametrize("name", READS)
def test_no_copies_refuses_what_reads_on_the_host(name: str) -> None:
    t = tg.ones(3, device="cuda")
    with pytest.raises(errors.HostCopyError, match=r"test_cuda.py:\d+"), cuda.no_copies():
        READS[name](t)
    READS[name](t)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_step_in_float16_has_the_gradients_of_float32(network: str) -> None:
    tg.manual_seed(0)
    model = NETWORKS[network]().eval().to("cuda")
    x, y = tg.randn(4096, 1, 8, 8, dtype=tg.float32, device="cuda"), tg.randint(10, (4096,), device="cuda")
    found = []
    for dtype in (np.float32, np.float16):
        model.to(dtype).zero_grad()
        with cuda.no_copies():
            nn.CrossEntropyLoss()(model(x.astype(dtype)), y).backward()
        found.append([p.grad.astype(np.float32).numpy() for p in model.parameters()])
    for wide, short in zip(*found, strict=True):
        assert np.abs(wide - short).max() < 0.05 * np.abs(wide).max() + 1e-4


def test_a_sum_of_float16_is_added_in_float32() -> None:
    b = tg.zeros(2, dtype=np.float16, device="cuda", requires_grad=True)
    (tg.ones(10_000, 2, dtype=np.float16, device="cuda") * b).sum(axis=1).backward(
        tg.ones(10_000, dtype=np.float16, device="cuda")
    )
    assert b.grad.tolist() == [10_000.0, 10_000.0]


@pytest.mark.skipif(not find_spec("torch"), reason="PyTorch is not installed")
def test_memory_is_shared_with_pytorch_both_ways() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("this PyTorch has no GPU")
    theirs = torch.arange(4.0, device="cuda")
    ours = tg.from_dlpack(theirs)
    ours += 1
    cuda.synchronize()
    assert theirs.tolist() == [1.0, 2.0, 3.0, 4.0]
    back = torch.from_dlpack(ours)
    assert back.data_ptr() == theirs.data_ptr() == ours.array.data.ptr


def test_the_digits_are_learned() -> None:
    data, test = load_digits().split(seed=0)
    tg.manual_seed(0)
    model = NETWORKS["convolutional"]().to("cuda")
    images, held_out = (part.X.reshape(-1, 1, 8, 8) / 16 for part in (data, test))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    train.fit(model, (images, data.y), nn.CrossEntropyLoss(), optimizer, 5, batch_size=64)
    scores = train.evaluate(model, (held_out, test.y), nn.CrossEntropyLoss(), ["accuracy"])
    assert scores["accuracy"] > 0.95


def test_a_label_that_is_none_is_nan() -> None:
    loss = nn.CrossEntropyLoss()(tg.zeros(2, 3, device="cuda"), Tensor([0, 7], device="cuda"))
    assert math.isnan(loss.item())
