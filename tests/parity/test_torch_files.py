"""Files from PyTorch load here, and ours load there, to the bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import Tensor, errors

torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")

DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]


def state(dtype: str) -> dict[str, Any]:
    """PyTorch tensors of many shapes."""
    numbers = (torch.arange(24).reshape(2, 3, 4) % 7 - 3).to(getattr(torch, dtype))
    return {
        "3d": numbers,
        "number": numbers[0, 0, 0].clone(),
        "empty": numbers[:, :0].clone(),
        "row": numbers[1, 1] + 0,
    }


@pytest.mark.parametrize("dtype", DTYPES)
def test_files_go_both_ways(dtype: str, tmp_path: Path) -> None:
    theirs = state(dtype)
    safetensors_torch.save_file(theirs, tmp_path / "theirs")
    ours = tg.load(tmp_path / "theirs")
    assert ours.keys() == theirs.keys()
    tg.save(ours, tmp_path / "ours")
    back = safetensors_torch.load_file(tmp_path / "ours")
    assert back.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert isinstance(ours[name], Tensor)
        np.testing.assert_array_equal(ours[name].numpy(), tensor.numpy(), strict=True)
        assert back[name].dtype == tensor.dtype
        assert back[name].shape == tensor.shape
        assert torch.equal(back[name], tensor)


def test_views_and_shared_memory_go_to_pytorch_as_numbers(tmp_path: Path) -> None:
    whole = Tensor(np.arange(12.0, dtype=np.float32).reshape(3, 4))
    tg.save({"whole": whole, "tied": whole, "T": whole.T, "every other": whole[:, ::2]}, tmp_path / "ours")
    back = safetensors_torch.load_file(tmp_path / "ours")
    assert torch.equal(back["tied"], back["whole"])
    assert torch.equal(back["T"], back["whole"].T)
    assert torch.equal(back["every other"], back["whole"][:, ::2])


def test_bfloat16_from_pytorch(tmp_path: Path) -> None:
    theirs = torch.randn(100, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    safetensors_torch.save_file({"w": theirs}, tmp_path / "theirs")
    with pytest.warns(UserWarning, match="bfloat16"):
        ours = tg.load(tmp_path / "theirs")
    np.testing.assert_array_equal(ours["w"].numpy(), theirs.float().numpy(), strict=True)


def test_weights_of_a_network_go_both_ways(tmp_path: Path) -> None:
    theirs = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Linear(2, 2))
    safetensors_torch.save_file(theirs.state_dict(), tmp_path / "theirs")
    tg.save(tg.load(tmp_path / "theirs"), tmp_path / "ours")
    other = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Linear(2, 2))
    other.load_state_dict(safetensors_torch.load_file(tmp_path / "ours"))
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)


def test_a_checkpoint_of_ours_is_read_there_by_the_ways_to_its_tensors(tmp_path: Path) -> None:
    tg.save({"model": {"0.weight": Tensor([1.0])}, "epoch": 3}, tmp_path / "ours")
    assert safetensors_torch.load_file(tmp_path / "ours")["model.0.weight"].item() == 1


@pytest.mark.parametrize("zipped", [True, False])
def test_what_torch_save_wrote_is_refused_with_what_to_write(zipped: bool, tmp_path: Path) -> None:
    torch.save({"w": torch.ones(2)}, tmp_path / "model.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(errors.CheckpointError, match=r"torch\.save.*safetensors\.torch\.save_file"):
        tg.load(tmp_path / "model.pt")
