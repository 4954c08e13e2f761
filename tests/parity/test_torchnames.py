"""The names that PyTorch has for NumPy's functions mean what they mean there."""

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.cases.case import signed

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")

X, Y, Z = signed(4, 3), signed(4, 3, seed=1), signed(2, 3, 4)
LINES = """
torch.cat([x, y])
torch.cat((x, y), dim=1)
torch.concat([x, y], dim=-1)
torch.unsqueeze(x, 1)
torch.permute(z, (2, 0, 1))
z.permute(2, 0, 1)
z.permute((1, 2, 0))
x.t()
torch.mm(x, y.t())
x.mm(y.t())
torch.bmm(z, z.permute(0, 2, 1))
torch.clamp(x, -1.0, 1.0)
torch.clamp(x, min=0.5)
x.clamp(max=0.5)
torch.mul(x, y) + x.mul(y) + x.sub(y) + torch.sub(x, y) + x.add(y) + torch.div(x, y) + x.div(y) + torch.neg(x) + x.neg()
torch.flatten(z)
torch.flatten(z, 1)
torch.flatten(z, start_dim=0, end_dim=1)
z.flatten() + z.flatten(0).sum()
z.flatten(1)
z.flatten(start_dim=0, end_dim=1)
torch.chunk(x, 3)[1]
x.chunk(2, dim=1)[1]
torch.gather(x, 1, i)
x.gather(0, i)
torch.masked_fill(x, x > 0, -7.0)
x.masked_fill(x.lt(0), 0.0)
x.contiguous().view_as(y)
x.unsqueeze(0).expand_as(torch.cat([x.unsqueeze(0), y.unsqueeze(0)]))
torch.abs(x) + torch.pow(x, 2)
torch.rsqrt(x * x + 1) + (x * x + 1).rsqrt()
torch.amax(x, dim=1) + x.amin(1)
x.amax(dim=(0, 1), keepdim=True) + torch.amin(x)
torch.topk(x, 2)[0]
x.topk(2, dim=0, largest=False).values
torch.unbind(z)[1] + z.unbind(0)[0]
z.unbind(dim=1)[2]
torch.index_select(x, 0, torch.tensor([2, 0, 2]))
x.index_select(1, torch.tensor([1, 1]))
x.softmax(dim=-1) + x.log_softmax(1)
x.flip(0) + x.flip(0, 1) + x.flip([1])
x.triu() + x.tril(diagonal=-1)
x.reciprocal() + x.maximum(y) + x.minimum(y)
x.type(torch.float64) + x.type_as(y)
F.pad(x, (1, 2))
F.pad(z, (1, 0, 2, 1), value=3.0)
F.pad(z, (1, 2), mode="reflect") + F.pad(z, (1, 2), mode="replicate") + F.pad(z, (1, 2), mode="circular")
F.normalize(x)
F.normalize(z, p=1, dim=-1)
F.cosine_similarity(x, y)
F.cosine_similarity(x, y, dim=0)
F.glu(z)
F.glu(x, 0)
F.softmin(x, dim=1) + F.threshold(x, 0.1, 20.0)
nn.CosineSimilarity(dim=1)(x, y)
nn.GLU()(z) * nn.GLU(dim=2)(z)
nn.Softmin(dim=1)(x) + nn.Threshold(0.1, 20)(x)
torch.t(x) + x.t() + torch.swapdims(x, 0, 1) + x.swapdims(1, 0) + torch.movedim(x, 0, 1) + x.movedim(1, 0)
torch.mv(x, y[0]) + x.mv(y[1])
torch.addmm(x, x @ y.t(), y, beta=2, alpha=0.5) + x.addmm(x @ y.t(), y)
torch.baddbmm(z @ z.mT, z, z.mT)
torch.asin(x / 3) + torch.acos(x / 3) + torch.atan(x) + torch.atan2(x, y) + torch.asinh(x) + torch.atanh(x / 3)
(x / 3).asin() + (x / 3).arccos() + x.atan() + x.arctan2(y) + x.asinh() + (x / 3).atanh() + torch.acosh(x * x + 2)
x.tan() + x.sinh() + x.cosh() + x.erf() + x.erfc() + x.sinc() + x.exp2() + x.expm1()
(x * x + 1).log2() + (x * x + 1).log10() + (x * x).log1p() + x.absolute() + x.negative() + x.deg2rad()
x.multiply(y) + x.subtract(y) + x.divide(y) + x.true_divide(y) + torch.true_divide(x, y) + x.hypot(y) + x.logaddexp(y)
x.fmod(0.7) + x.remainder(0.7) + x.fmax(y + 0.01) + x.fmin(y + 0.01) + x.copysign(y) + x.nan_to_num()
x.roll(1) + x.roll(1, 0) + x.tile((1, 1)) + x.fliplr() + x.flipud()
x.inner(y) + x @ y.t()
x.cross(y, dim=1) + torch.cross(x, y, dim=1)
(x.t() @ x).det() + (x.t() @ x).slogdet()[1] + torch.diag(x).sum() + x.diag()[0]
(x.t() @ x).inverse() + (x.t() @ x).matrix_power(2) + torch.diag_embed(x[0]) + x[1].diag_embed()
x[:3].median() + x.quantile(0.3) + x.nansum() + x.nanmean() + torch.dist(x, y) + x.dist(y, 1)
x.diff(dim=0) + torch.diff(x, dim=0)
torch.lerp(x, y, 0.3) + x.lerp(y, 0.3) + torch.logit(x.sigmoid()) + x.sigmoid().logit(1e-3)
torch.std_mean(x, dim=1)[0] + torch.var_mean(x, dim=1, keepdim=True)[1].squeeze(1)
torch.cdist(x, y)
torch.cdist(z, z[:, :2] + 1, p=1.0)
torch.broadcast_tensors(x, y[:1])[1]
torch.unflatten(x, 0, (2, -1)) + x.unflatten(0, (-1, 2))
x.addcmul(x, y, value=0.5) + x.addcdiv(y, x * x + 1, value=2)
x.masked_select(x > 0)
torch.masked_select(x, i > 0)
torch.repeat_interleave(x, 2) * 2
torch.repeat_interleave(x, torch.tensor([1, 0, 2, 1]), dim=0) + x.repeat_interleave(1, dim=0)
torch.take_along_dim(x, i, dim=1) + x.take_along_dim(i, 1)
x.take_along_dim(i)
torch.narrow(x, 0, 1, 2) + x.narrow(0, -3, 2)
x.select(1, 2) + x.select(0, -1).sum()
torch.where(x > 0, x, y) + x.where(x > y, 0.5)
x.scatter(1, i, 5.0) + x.scatter(0, i[:3].expand(-1, 3), y[:3])
x.scatter_add(0, i.expand(-1, 3), y) + x.scatter_add(1, i.repeat(1, 1, 3)[0], y)
x.index_add(0, torch.tensor([0, 2, 0]), y[:3], alpha=2) + x.index_add(1, torch.tensor([1, 1]), y[:, :2])
x.index_copy(0, torch.tensor([0, 2]), y[:2]) + x.index_fill(1, torch.tensor([0]), 3.0)
z.unfold(2, 3, 1)
z.unfold(1, 2, 1) * 2
x.reshape_as(y.t()).sum() + x.split_with_sizes([1, 2], 1)[1]
F.pairwise_distance(x, y) + F.pairwise_distance(x, y, p=1.0)
F.pairwise_distance(x, y, keepdim=True)
nn.ZeroPad2d(1)(z) * nn.ZeroPad2d((2, 0, 1, 1))(z)
""".strip().splitlines()
PLAIN = """
torch.argmax(x, dim=1)
torch.argmax(x, 0, keepdim=True)
torch.argmin(x)
torch.eq(x, y) | torch.gt(x, y) | x.ge(y)
torch.lt(x, y) & torch.le(x, y) & torch.ne(x, y) | torch.ge(x, y)
x.eq(x) & x.ne(y) & (x.le(y) | x.gt(y))
x.numel() + 10 * x.dim()
x.clone().zero_()
x.clone().fill_(3.0)
x.clone().copy_(y)
x.clone().add_(y, alpha=2.0).sub_(y, alpha=0.5).mul_(y).div_(3.0)
x.clone().add_(1.0).sub_(y)
torch.all(x > 0) | torch.any(x > 0)
torch.all(x > -9, dim=1)
torch.topk(x, 2).indices
x.topk(1, 0, largest=False)[1]
torch.allclose(x, x + 1e-9) + 2 * x.allclose(y) + 4 * torch.is_tensor(x) + 8 * torch.is_tensor(3)
torch.numel(x) + x.nelement() + 100 * x.is_cuda
torch.empty(2, 3).shape + torch.empty_like(x).shape + torch.rand_like(x).shape + torch.randn_like(x).shape
torch.full_like(x, 7.0)
torch.FloatTensor([1, 2]) + torch.LongTensor([[1.0], [2.0]])
x.new_zeros(2, 3) + x.new_ones((2, 3))
x.sign() + x.floor() + x.ceil() + x.trunc()
x.isnan() | x.isinf() | ~x.isfinite()
x.int() + (x > 0).bool().half()
x.clone().clamp_(-0.5, 0.5)
x.clone().clamp_(min=0)
x.clone().masked_fill_(x > 0, 9.0)
x.clone().scatter_(1, i, 5.0)
x.clone().scatter_(0, i, y)
x.round().scatter_add_(0, i, y.round()).index_add_(0, torch.tensor([1, 1]), y[:2].round())
x.clone().index_copy_(0, torch.tensor([1]), y[:1]).index_fill_(1, torch.tensor([2, 0]), 7.0)
torch.nonzero(x > 0)
torch.nonzero(x > 0, as_tuple=True)[1]
(x > 0).nonzero(as_tuple=False)
torch.where(x > 0)[0]
torch.isclose(x, x + 1e-9) & x.isclose(x) & torch.isin(i, torch.tensor([0, 1]))
torch.count_nonzero(x > 0) + (x > 0).count_nonzero(dim=0)
(x > 0).logical_and(y > 0) | (x > 0).logical_or(y > 0).logical_not() | (x > 0).logical_xor(y > 0)
x.greater(y) | x.less(y) | x.greater_equal(y) | x.less_equal(y) | x.not_equal(y)
(x * x).exp_().log_().sqrt_().square_().nan_to_num_().sin_().cos_().tanh_().sigmoid_().sub_(0.6).sign_()
x.clone().abs_().neg_().relu_() + x.clone().round_().floor_().ceil_().trunc_().sign_() + x.clone().pow_(2)
(x * x + 1).rsqrt_() + x.clone().clip_(0, 1) + x.clone().reciprocal_() + x.clone().lerp_(y, 0.5)
x.clone().tril_() + x.clone().triu_(1) + x.clone().fill_diagonal_(9.0)
x.round().addcmul_(x.round(), y.round(), value=2.0).addcdiv_(x.round() * 4, y * 0 + 2)
(x * 2).detach_()
x.new_full((2,), 3.0) + x.new_tensor([1, 2])
x.ndimension() + x.element_size() + x.is_floating_point() + torch.is_floating_point(i)
x.short() + x.abs().byte()
torch.tril_indices(3, 4) + torch.triu_indices(4, 3, 0)[:, :9]
torch.searchsorted(torch.tensor([1.0, 2.0]), x) + torch.bucketize(x, torch.tensor([1.0, 2.0]), right=True)
torch.logspace(0, 2, 3) * 2 + (torch.pi > torch.e)
torch.DoubleTensor([1, 2]).type(torch.FloatTensor) + torch.IntTensor([1, 2])
torch.tensor([1.0]).type(torch.BoolTensor)
torch.zeros(4, 3).scatter_(1, i, 1)
torch.bernoulli((x > 0).type(torch.float64))
torch.multinomial((x == x.max()).type(torch.float64)[x.argmax() // 3], 1)
torch.multinomial(torch.ones(5, 4), 4).sum(1)
x.clone().uniform_(2, 2) + x.clone().normal_(3, 0)
F.one_hot(i)
F.one_hot(i[:, 0], num_classes=5)
""".strip().splitlines()


def names(library: Any, tensor: Any) -> dict[str, Any]:
    return {
        "torch": library,
        "nn": library.nn,
        "F": library.nn.functional,
        "x": tensor(X),
        "y": tensor(Y),
        "z": tensor(Z),
        "i": tensor(np.array([[2], [0], [1], [0]])),
    }


@pytest.mark.parametrize("line", LINES)
def test_a_value_and_its_gradients(line: str) -> None:
    ours, theirs = names(tg, tg.Tensor), names(torch, torch.tensor)
    for values in (ours, theirs):
        for name in "xyz":
            values[name].requires_grad_()
    mine, other = eval(line, ours), eval(line, theirs)
    np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=1e-13)
    mine.backward(signed(*mine.shape, seed=4))
    other.backward(torch.tensor(signed(*other.shape, seed=4)))
    for name in "xyz":
        found, wanted = ours[name].grad, theirs[name].grad
        assert (found is None) == (wanted is None)
        if found is not None:
            np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("line", PLAIN)
def test_a_value(line: str) -> None:
    mine, other = eval(line, names(tg, tg.Tensor)), eval(line, names(torch, torch.tensor))
    np.testing.assert_array_equal(np.asarray(mine), np.asarray(other))


def test_random_fills() -> None:
    x = tg.zeros(2000, dtype=np.float32)
    g = tg.Generator().manual_seed(0)
    assert x.uniform_(-1, 3, generator=g) is x
    assert -1 <= x.numpy().min() < -0.9
    assert 2.9 < x.numpy().max() <= 3
    assert x.normal_(5, 0.1, generator=g).dtype == np.float32
    assert abs(x.mean().item() - 5) < 0.01
    assert abs(x.std().item() - 0.1) < 0.01
    drawn = tg.multinomial(tg.tensor([1.0, 0.0, 3.0]), 4000, replacement=True, generator=g).numpy()
    np.testing.assert_allclose(np.bincount(drawn) / 4000, [0.25, 0, 0.75], atol=0.03)


def test_the_inference_mode_records_nothing() -> None:
    x = tg.Tensor(X, requires_grad=True)
    with tg.inference_mode():
        assert not (x * 2).requires_grad


def test_a_change_in_place_is_recorded() -> None:
    x = tg.Tensor(X, requires_grad=True)
    y = x * 2
    y.masked_fill_(X > 0, 0.0).clamp_(min=-1.0).sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), np.where((X < 0) & (2 * X > -1), 2.0, 0.0))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("F.one_hot(i, num_classes=2)", "label 2 is none of the 2 classes"),
        ("F.one_hot(-i)", "label -2 is none"),
        ("F.one_hot(x)", r"labels\.long\(\)"),
        ("F.pad(x, (1,))", "pairs"),
        ("F.pad(x, (-1, 0))", "negative length"),
        ("F.pad(x, (1, 1), mode='mirror')", "reflect.*not 'mirror'"),
        ("F.glu(x)", "length 3 is odd"),
        ("torch.topk(x, 4)", "has 3 numbers, and 4"),
        ("torch.bernoulli(x * 9)", "probabilities"),
        ("torch.multinomial(-x * x, 1)", "0 or larger"),
        ("torch.multinomial(torch.eye(2), 2)", "fewer than 2"),
    ],
)
def test_what_cannot_be_is_told(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        eval(line, names(tg, tg.Tensor))
