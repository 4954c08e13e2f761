"""Names under the paths where PyTorch has them, and parameters as one vector."""

import pytest

import tinygrad_edu as tg
from tinygrad_edu import errors, nn


def test_the_paths_of_pytorch_can_be_imported() -> None:
    from tinygrad_edu.nn.utils import clip_grad_norm_
    from tinygrad_edu.nn.utils.clip_grad import clip_grad_value_
    from tinygrad_edu.utils.data import DataLoader, Dataset, TensorDataset, random_split

    assert clip_grad_norm_ is tg.optim.clip.clip_grad_norm_
    assert clip_grad_value_ is nn.utils.clip_grad_value_
    assert (DataLoader, Dataset) == (tg.data.DataLoader, tg.utils.data.Dataset)
    parts = random_split(TensorDataset(tg.arange(10)), [8, 2])
    assert [len(part) for part in parts] == [8, 2]


def test_parameters_come_back_from_their_vector() -> None:
    first, second = nn.Linear(3, 2), nn.Linear(3, 2)
    vector = nn.utils.parameters_to_vector(first.parameters())
    assert vector[:6].tolist() == first.weight.reshape(-1).tolist()
    assert vector[6:].tolist() == first.bias.tolist()
    nn.utils.vector_to_parameters(vector, second.parameters())
    assert second.weight.tolist() == first.weight.tolist()
    assert second.weight.requires_grad
    second.weight.data[0, 0] = 5.0
    assert first.weight[0, 0].item() != 5.0
    (vector * vector).sum().backward()
    assert first.bias.grad is not None
    assert first.bias.grad.tolist() == (2 * first.bias).tolist()


def test_a_vector_of_another_length() -> None:
    with pytest.raises(errors.ShapeError, match=r"8 numbers together.*\(9,\)"):
        nn.utils.vector_to_parameters(tg.zeros(9), nn.Linear(3, 2).parameters())
