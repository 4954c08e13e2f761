"""A tour of idioms: tensors, devices, gradients, data sets, losses, surgery on modules, averages, checks."""

import math
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset, Dataset, WeightedRandomSampler, Subset, ConcatDataset


def tensor_ops_tour():
    t = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    out = []
    out.append(t.shape == torch.Size([2, 3]))
    out.append(t.view(-1).tolist())
    out.append(t.view(3, -1))
    out.append(t.reshape(-1, 2).size())
    out.append(t[:, 1])
    out.append(t[..., 0])
    out.append(t[t > 2])
    out.append(t[[0, 1], [2, 0]])
    out.append(torch.stack([t, t], dim=0).shape)
    out.append(torch.cat([t, t], dim=1).shape)
    out.append(t.sum(0))
    out.append(t.mean())
    out.append(t.max())
    out.append(t.argmax())
    out.append(t.prod(1))
    out.append(torch.matmul(t, t.T))
    out.append((t @ t.t()).trace())
    out.append(torch.linalg.norm(t))
    out.append(torch.linalg.inv(t @ t.T))
    out.append(t.unsqueeze(0).squeeze(0).shape)
    out.append(torch.zeros_like(t))
    out.append(torch.full((2, 2), 7.0))
    out.append(torch.arange(0, 1, 0.25))
    out.append(torch.linspace(0, 1, steps=5))
    out.append(torch.where(t > 3, t, torch.zeros_like(t)))
    out.append(torch.clamp(t, 2, 5))
    out.append(t.clone().fill_(1))
    out.append(torch.eye(2)[None].expand(3, 2, 2).shape)
    out.append(torch.tensor(3).item())
    out.append(torch.tensor([True, False]).any())
    out.append(torch.allclose(t, t + 1e-9))
    out.append(torch.std(t, dim=0))
    out.append(t.var(dim=1, unbiased=False))
    out.append(torch.sort(t, dim=1, descending=True).values)
    out.append(torch.unique(torch.tensor([1, 2, 2, 3])))
    out.append(torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")[0])
    out.append(torch.outer(t[0], t[0]))
    out.append(torch.roll(t, 1, 1))
    out.append(torch.flip(t, [1]))
    out.append(torch.bincount(torch.tensor([0, 1, 1]), minlength=4))
    out.append(t.numpy())
    out.append(torch.from_numpy(np.ones(3)))
    out.append(torch.as_tensor([1, 2]))
    out.append(t.double().dtype == torch.float64)
    out.append(t.int())
    out.append(t.bool())
    out.append(t.to(torch.int64))
    out.append(torch.isnan(torch.tensor([float("nan"), 1.0])))
    out.append(torch.tensor(float("inf")) > 5)
    out.append(torch.numel(t))
    out.append(t.ndim)
    out.append(t.nelement())
    out.append(t.is_contiguous())
    out.append(t.T.contiguous().view(-1))
    return out


def device_agnostic():
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    device = torch.device("cpu")
    x = torch.ones(2, 2, device=device)
    y = torch.zeros(2, 2).to(device)
    m = nn.Linear(2, 2).to(device)
    start(m)
    p = next(m.parameters())
    return [
        m(x),
        y,
        p.device.type,
        str(x.device),
        x.device == device,
        x.to(device, non_blocking=True),
        p.is_cuda,
        x.cpu().numpy(),
        x.to(device="cpu", dtype=torch.float64),
    ]


def requires_grad_rules():
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    b = a * 2
    out = [a.is_leaf, b.is_leaf, b.requires_grad, b.grad_fn is not None, a.grad is None]
    with torch.no_grad():
        out.append((a * 2).requires_grad)
    c = b.detach()
    out.append(c.requires_grad)
    d = b.detach().clone().requires_grad_(True)
    out.append(d.is_leaf)
    b.sum().backward()
    out.append(a.grad.clone())
    a.grad = None
    (a**2).sum().backward(retain_graph=False)
    out.append(a.grad.clone())
    a.grad.data.zero_()
    out.append(a.grad.clone())
    v = torch.tensor([0.1, 1.0])
    y = a * 3
    y.backward(v)
    out.append(a.grad)
    x = torch.tensor(2.0, requires_grad=True)
    g = torch.autograd.grad(x**3, x, create_graph=True)[0]
    out.append(torch.autograd.grad(g, x)[0])
    return out


def dataset_variants():
    X = torch.arange(20.0).reshape(10, 2)
    y = torch.arange(10)
    ds = TensorDataset(X, y)
    dl = DataLoader(ds, batch_size=4, shuffle=False, num_workers=0, pin_memory=False, drop_last=False)
    out = [len(dl), len(dl.dataset), [b[0].shape[0] for b in dl], dl.batch_size]
    out.append([yb.tolist() for _, yb in DataLoader(Subset(ds, [1, 3, 5]), batch_size=2)])
    out.append(len(ConcatDataset([ds, ds])))
    s = WeightedRandomSampler([0.0] * 9 + [1.0], num_samples=5, replacement=True)
    out.append([yb.tolist() for _, yb in DataLoader(ds, sampler=s, batch_size=5)])
    xb, yb = next(iter(dl))
    out.append(xb)
    out.append(ds[3])
    for i, (xb, yb) in enumerate(dl):
        if i == 2:
            out.append([i, xb])
    return out


def functional_losses():
    x = torch.tensor([[0.2, -0.3, 1.0], [0.5, 0.1, -1.0]], requires_grad=True)
    t = torch.tensor([2, 0])
    w = torch.tensor([1.0, 2.0, 0.5])
    out = [
        F.cross_entropy(x, t, weight=w),
        F.nll_loss(F.log_softmax(x, 1), t),
        F.cross_entropy(x, t, reduction="none"),
        F.cross_entropy(x, t, label_smoothing=0.1),
        nn.CrossEntropyLoss(ignore_index=0)(x, t),
        F.mse_loss(x, torch.zeros_like(x)),
        F.l1_loss(x, torch.ones_like(x)),
        F.smooth_l1_loss(x, torch.zeros_like(x)),
        F.huber_loss(x, torch.zeros_like(x), delta=0.5),
        F.kl_div(F.log_softmax(x, 1), F.softmax(x.detach() * 2, 1), reduction="batchmean"),
        F.binary_cross_entropy_with_logits(x, torch.ones_like(x), pos_weight=w),
        F.binary_cross_entropy(torch.sigmoid(x), torch.zeros_like(x)),
        F.hinge_embedding_loss(x, torch.tensor([[1.0, -1, 1], [-1, 1, -1]])),
        F.cosine_embedding_loss(x, x.detach() + 1, torch.tensor([1.0, -1])),
        F.margin_ranking_loss(x[0], x[1], torch.tensor([1.0, -1, 1])),
        F.triplet_margin_loss(x, x.detach() + 0.1, x.detach() - 1),
        F.multi_margin_loss(x, t),
        F.poisson_nll_loss(x, torch.ones_like(x)),
        F.gaussian_nll_loss(x, torch.zeros_like(x), torch.ones_like(x)),
    ]
    sum(o.sum() for o in out).backward()
    out.append(x.grad)
    out.append(F.cross_entropy(torch.ones(2, 3, 4, 4), torch.zeros(2, 4, 4, dtype=torch.long)))
    return out


def named_module_surgery():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2))
            self.classifier = nn.Sequential(nn.Dropout(0.0), nn.Linear(4 * 3 * 3, 5))
            self._initialize_weights()

        def _initialize_weights(self):
            for m in self.modules():
                if isinstance(m, nn.Conv2d):
                    nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                    if m.bias is not None:
                        nn.init.constant_(m.bias, 0)
                elif isinstance(m, (nn.BatchNorm2d, nn.LayerNorm)):
                    nn.init.constant_(m.weight, 1)
                    nn.init.constant_(m.bias, 0)
                elif isinstance(m, nn.Linear):
                    nn.init.normal_(m.weight, 0, 0.01)
                    nn.init.constant_(m.bias, 0)

        def forward(self, x):
            return self.classifier(torch.flatten(self.features(x), 1))

    net = Net()
    start(net)
    net.classifier[1] = nn.Linear(36, 3)
    start(net.classifier[1])
    for name, child in net.named_children():
        if name == "features":
            for p in child.parameters():
                p.requires_grad_(False)
    x = torch.tensor(np.random.default_rng(0).standard_normal((2, 1, 8, 8)), dtype=torch.float32)
    params = [p for p in net.parameters() if p.requires_grad]
    opt = optim.SGD(params, lr=0.1)
    loss = net(x).sum()
    loss.backward()
    opt.step()
    sd = net.state_dict()
    missing = net.load_state_dict({k: v for k, v in sd.items() if "classifier" not in k}, strict=False)
    feats = nn.Sequential(*list(net.features.children())[:-1])
    net.eval()
    return [
        len(params),
        sorted(sd),
        missing.missing_keys,
        missing.unexpected_keys,
        feats(x),
        net(x),
        [type(m).__name__ for m in net.modules()],
        sum(p.numel() for p in net.parameters() if p.requires_grad),
        repr(net),
    ]


def ema_and_lr_groups():
    m = nn.Linear(3, 2)
    start(m)
    ema = {k: v.clone() for k, v in m.state_dict().items()}
    opt = optim.Adam([{"params": [m.weight], "weight_decay": 0.1}, {"params": [m.bias], "lr": 0.5}], lr=0.01)
    for _ in range(3):
        opt.zero_grad()
        (m(torch.ones(1, 3)) ** 2).sum().backward()
        opt.step()
        for k, v in m.state_dict().items():
            ema[k].mul_(0.9).add_(v, alpha=0.1)
    opt.param_groups[0]["lr"] *= 0.5
    for g in opt.param_groups:
        g["lr"] = g["lr"] * 0.1
    return [
        ema["weight"],
        ema["bias"],
        [g["lr"] for g in opt.param_groups],
        len(opt.state),
        sorted(opt.state[m.weight]),
    ]


def numpy_interop_plots():
    x = torch.linspace(-5, 5, 11, requires_grad=True)
    y = torch.sigmoid(x)
    y.backward(torch.ones_like(x))
    return [
        x.detach().numpy(),
        y.detach().numpy(),
        x.grad.numpy(),
        np.array(x.detach()),
        float(y.sum()),
        int(torch.tensor(3.7)),
        float(y.data.numpy().max()),
        x.grad.data.mean(),
        list(map(float, x.detach()[:3])),
        [round(v.item(), 3) for v in y[:2]],
        max(y.tolist()),
    ]


def gradcheck_and_anomaly():
    gradcheck = torch.autograd.gradcheck
    x = torch.tensor(np.random.default_rng(0).standard_normal((3, 2)), requires_grad=True)
    with torch.autograd.detect_anomaly():
        torch.tanh(x).sum().backward()
    torch.autograd.set_detect_anomaly(False)
    return [gradcheck(lambda a: (a**3).sum(), (x,), eps=1e-6, atol=1e-4), x.grad]


def mini_loop_idioms():
    torch.manual_seed(0)
    np.random.seed(0)
    torch.set_printoptions(precision=4)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    start(model)
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, "min", patience=1, factor=0.5)
    X = torch.tensor(np.random.default_rng(0).standard_normal((30, 4)), dtype=torch.float32)
    y = torch.tensor(np.random.default_rng(1).integers(0, 3, 30))
    hist = {"loss": [], "acc": []}
    for epoch in range(5):
        perm = torch.arange(30)
        tot, correct = 0.0, 0
        for i in range(0, 30, 10):
            idx = perm[i : i + 10]
            xb, yb = X[idx], y[idx]
            out = model(xb)
            loss = F.cross_entropy(out, yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * xb.size(0)
            correct += (out.argmax(1) == yb).sum().item()
        hist["loss"].append(tot / 30)
        hist["acc"].append(correct / 30)
        sched.step(tot)
    with torch.inference_mode():
        probs = model(X).softmax(-1)
    top = probs.topk(2, dim=-1)
    return [hist["loss"], hist["acc"], opt.param_groups[0]["lr"], probs.sum(-1), top.values, top.indices]
