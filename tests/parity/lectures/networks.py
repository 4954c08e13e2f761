"""Networks of nn: images, data loaders, checkpoints, hooks, freezing, schedules, regularisation."""

import copy
import os
from collections import OrderedDict

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split


def images(n=32, seed=0):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.standard_normal((n, 1, 28, 28)), dtype=torch.float32), torch.tensor(rng.integers(0, 10, n))


def quickstart():
    class NeuralNetwork(nn.Module):
        def __init__(self):
            super().__init__()
            self.flatten = nn.Flatten()
            self.linear_relu_stack = nn.Sequential(
                nn.Linear(28 * 28, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10)
            )

        def forward(self, x):
            x = self.flatten(x)
            logits = self.linear_relu_stack(x)
            return logits

    device = "cuda" if torch.cuda.is_available() else "cpu"
    device = "cpu"
    model = NeuralNetwork().to(device)
    start(model)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    said = []

    def train(dataloader, model, loss_fn, optimizer):
        size = len(dataloader.dataset)
        model.train()
        for batch, (X, y) in enumerate(dataloader):
            X, y = X.to(device), y.to(device)
            pred = model(X)
            loss = loss_fn(pred, y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            if batch % 2 == 0:
                loss, current = loss.item(), (batch + 1) * len(X)
                said.append(f"loss: {loss:>7.4f}  [{current:>5d}/{size:>5d}]")

    def test(dataloader, model, loss_fn):
        size = len(dataloader.dataset)
        num_batches = len(dataloader)
        model.eval()
        test_loss, correct = 0, 0
        with torch.no_grad():
            for X, y in dataloader:
                X, y = X.to(device), y.to(device)
                pred = model(X)
                test_loss += loss_fn(pred, y).item()
                correct += (pred.argmax(1) == y).type(torch.float).sum().item()
        test_loss /= num_batches
        correct /= size
        said.append(f"Accuracy: {(100 * correct):>0.1f}%, Avg loss: {test_loss:>6.4f}")

    loader = DataLoader(TensorDataset(*images(64)), batch_size=16)
    for _ in range(3):
        train(loader, model, loss_fn, optimizer)
        test(loader, model, loss_fn)
    model.eval()
    x, y = images(1)
    with torch.no_grad():
        pred = model(x)
        predicted, actual = pred[0].argmax(0), y[0]
        said.append(f"Predicted: {predicted}, Actual: {actual}")
    probab = nn.Softmax(dim=1)(pred)
    return [said, probab.argmax(1), [(name, param.size(), param[:2]) for name, param in model.named_parameters()]]


def mnist_example():
    class Net(nn.Module):
        def __init__(self):
            super(Net, self).__init__()
            self.conv1 = nn.Conv2d(1, 4, 3, 1)
            self.conv2 = nn.Conv2d(4, 8, 3, 1)
            self.dropout1 = nn.Dropout(0.0)
            self.dropout2 = nn.Dropout(0.0)
            self.fc1 = nn.Linear(1152, 16)
            self.fc2 = nn.Linear(16, 10)

        def forward(self, x):
            x = self.conv1(x)
            x = F.relu(x)
            x = self.conv2(x)
            x = F.relu(x)
            x = F.max_pool2d(x, 2)
            x = self.dropout1(x)
            x = torch.flatten(x, 1)
            x = self.fc1(x)
            x = F.relu(x)
            x = self.dropout2(x)
            x = self.fc2(x)
            output = F.log_softmax(x, dim=1)
            return output

    torch.manual_seed(1)
    device = torch.device("cpu")
    loader = DataLoader(TensorDataset(*images(32)), **{"batch_size": 8})
    model = Net().to(device)
    start(model)
    optimizer = optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    said = []
    for epoch in range(1, 3):
        model.train()
        for batch_idx, (data, target) in enumerate(loader):
            data, target = data.to(device), target.to(device)
            optimizer.zero_grad()
            output = model(data)
            loss = F.nll_loss(output, target)
            loss.backward()
            optimizer.step()
            said.append(
                "Train Epoch: {} [{}/{} ({:.0f}%)]".format(
                    epoch, batch_idx * len(data), len(loader.dataset), 100.0 * batch_idx / len(loader)
                )
            )
            said.append(loss)
        model.eval()
        test_loss = 0
        correct = 0
        with torch.no_grad():
            for data, target in loader:
                output = model(data)
                test_loss += F.nll_loss(output, target, reduction="sum").item()
                pred = output.argmax(dim=1, keepdim=True)
                correct += pred.eq(target.view_as(pred)).sum().item()
        said += [test_loss / len(loader.dataset), correct]
        scheduler.step()
        said.append(scheduler.get_last_lr())
    return said


def cifar_tutorial():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 6, 5)
            self.pool = nn.MaxPool2d(2, 2)
            self.conv2 = nn.Conv2d(6, 16, 5)
            self.fc1 = nn.Linear(16 * 5 * 5, 120)
            self.fc2 = nn.Linear(120, 84)
            self.fc3 = nn.Linear(84, 10)

        def forward(self, x):
            x = self.pool(F.relu(self.conv1(x)))
            x = self.pool(F.relu(self.conv2(x)))
            x = torch.flatten(x, 1)
            x = F.relu(self.fc1(x))
            x = F.relu(self.fc2(x))
            x = self.fc3(x)
            return x

    net = Net()
    start(net)
    rng = np.random.default_rng(0)
    data = torch.tensor(rng.standard_normal((16, 3, 32, 32)), dtype=torch.float32)
    classes = torch.tensor(rng.integers(0, 10, 16))
    trainloader = DataLoader(TensorDataset(data, classes), batch_size=4, shuffle=False, num_workers=0)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
    found = []
    for epoch in range(2):
        running_loss = 0.0
        for i, data in enumerate(trainloader, 0):
            inputs, labels = data
            optimizer.zero_grad()
            outputs = net(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
            if i % 2 == 1:
                found.append(f"[{epoch + 1}, {i + 1:5d}] loss: {running_loss / 2:.3f}")
                running_loss = 0.0
    dataiter = iter(trainloader)
    imgs, labels = next(dataiter)
    outputs = net(imgs)
    _, predicted = torch.max(outputs, 1)
    found.append(" ".join(f"{predicted[j]}" for j in range(4)))
    correct = 0
    total = 0
    with torch.no_grad():
        for data in trainloader:
            imgs, labels = data
            outputs = net(imgs)
            _, predicted = torch.max(outputs.data, 1)
            total += labels.size(0)
            correct += (predicted == labels).sum().item()
    found.append(f"{100 * correct // total} %")
    correct_pred = {classname: 0 for classname in range(10)}
    with torch.no_grad():
        for data in trainloader:
            imgs, labels = data
            outputs = net(imgs)
            _, predictions = torch.max(outputs, 1)
            for label, prediction in zip(labels, predictions):
                if label == prediction:
                    correct_pred[label.item()] += 1
    return [*found, sorted(correct_pred.items()), imgs[0].shape]


def lenet_with_sequential():
    net = nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(),
        nn.AvgPool2d(kernel_size=2, stride=2),
        nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(),
        nn.AvgPool2d(kernel_size=2, stride=2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120), nn.Sigmoid(),
        nn.Linear(120, 84), nn.Sigmoid(),
        nn.Linear(84, 10))  # fmt: skip

    def init_weights(m):
        if type(m) == nn.Linear or type(m) == nn.Conv2d:
            nn.init.xavier_uniform_(m.weight)

    net.apply(init_weights)
    start(net)
    X = images(2)[0]
    shapes = []
    for layer in net:
        X = layer(X)
        shapes.append((layer.__class__.__name__, "output shape: \t", X.shape))
    return [shapes, X]


def residual_network():
    class Residual(nn.Module):
        def __init__(self, input_channels, num_channels, use_1x1conv=False, strides=1):
            super().__init__()
            self.conv1 = nn.Conv2d(input_channels, num_channels, kernel_size=3, padding=1, stride=strides)
            self.conv2 = nn.Conv2d(num_channels, num_channels, kernel_size=3, padding=1)
            if use_1x1conv:
                self.conv3 = nn.Conv2d(input_channels, num_channels, kernel_size=1, stride=strides)
            else:
                self.conv3 = None
            self.bn1 = nn.BatchNorm2d(num_channels)
            self.bn2 = nn.BatchNorm2d(num_channels)

        def forward(self, X):
            Y = F.relu(self.bn1(self.conv1(X)))
            Y = self.bn2(self.conv2(Y))
            if self.conv3:
                X = self.conv3(X)
            Y += X
            return F.relu(Y)

    def resnet_block(input_channels, num_channels, num_residuals, first_block=False):
        blk = []
        for i in range(num_residuals):
            if i == 0 and not first_block:
                blk.append(Residual(input_channels, num_channels, use_1x1conv=True, strides=2))
            else:
                blk.append(Residual(num_channels, num_channels))
        return blk

    b1 = nn.Sequential(
        nn.Conv2d(1, 8, kernel_size=7, stride=2, padding=3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
    )
    b2 = nn.Sequential(*resnet_block(8, 8, 2, first_block=True))
    b3 = nn.Sequential(*resnet_block(8, 16, 2))
    net = nn.Sequential(b1, b2, b3, nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(16, 10))
    start(net)
    X, y = images(4)
    out = net(X)
    loss = F.cross_entropy(out, y)
    loss.backward()
    grads = [p.grad.norm().item() for p in net.parameters()]
    net.eval()
    return [loss, grads[-4:], net(X), sorted(net.state_dict())]


def custom_dataset():
    class WineDataset(Dataset):
        def __init__(self, transform=None):
            from sklearn.datasets import load_wine

            wine = load_wine()
            self.n_samples = wine.data.shape[0]
            self.x_data = wine.data.astype(np.float32)
            self.y_data = wine.target[:, None]
            self.transform = transform

        def __getitem__(self, index):
            sample = self.x_data[index], self.y_data[index]
            if self.transform:
                sample = self.transform(sample)
            return sample

        def __len__(self):
            return self.n_samples

    class ToTensor:
        def __call__(self, sample):
            inputs, targets = sample
            return torch.from_numpy(inputs), torch.from_numpy(targets)

    class MulTransform:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, sample):
            inputs, targets = sample
            inputs *= self.factor
            return inputs, targets

    class Compose:
        def __init__(self, transforms):
            self.transforms = transforms

        def __call__(self, x):
            for t in self.transforms:
                x = t(x)
            return x

    dataset = WineDataset(transform=None)
    features, labels = dataset[0]
    loader = DataLoader(dataset=WineDataset(transform=ToTensor()), batch_size=4, shuffle=False)
    total = len(loader.dataset)
    inputs, targets = next(iter(loader))
    scaled = WineDataset(transform=Compose([ToTensor(), MulTransform(4)]))[0][0]
    bare = next(iter(DataLoader(dataset, batch_size=3)))
    train, test = random_split(dataset, [0.8, 0.2], generator=torch.Generator().manual_seed(0))
    return [features, labels, total, len(loader), inputs, targets, scaled, bare[0], bare[1], len(train), len(test)]


def dataset_of_dicts():
    class Sentences(Dataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            return {"ids": torch.tensor([i, i + 1, i + 2]), "label": i % 2, "weight": 0.5 * i, "text": f"word {i}"}

    def collate(batch):
        return {"ids": torch.stack([b["ids"] for b in batch]), "label": torch.tensor([b["label"] for b in batch])}

    found = []
    for batch in DataLoader(Sentences(), batch_size=2):
        found.append([batch["ids"], batch["label"], batch["weight"], list(batch["text"])])
    for batch in DataLoader(Sentences(), batch_size=2, collate_fn=collate, drop_last=True):
        found.append([batch["ids"], batch["label"]])
    return found


def checkpoints(folder):
    class Model(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.linear = nn.Linear(n, 1)

        def forward(self, x):
            return torch.sigmoid(self.linear(x))

    model = Model(n=6)
    start(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    model(torch.ones(2, 6)).sum().backward()
    optimizer.step()
    checkpoint = {"epoch": 90, "model_state": model.state_dict(), "optim_state": optimizer.state_dict()}
    FILE = os.path.join(folder, "checkpoint.pth")
    torch.save(checkpoint, FILE)
    model = Model(n=6)
    optimizer = optim.SGD(model.parameters(), lr=0, momentum=0.9)
    checkpoint = torch.load(FILE)
    model.load_state_dict(checkpoint["model_state"])
    optimizer.load_state_dict(checkpoint["optim_state"])
    epoch = checkpoint["epoch"]
    model.train()
    out = [model(torch.ones(1, 6)), epoch, optimizer.param_groups[0]["lr"]]
    PATH = os.path.join(folder, "weights.pt")
    torch.save(model.state_dict(), PATH)
    again = Model(6)
    again.load_state_dict(torch.load(PATH, weights_only=True))
    again.eval()
    out.append(again(torch.ones(1, 6)))
    again.load_state_dict(torch.load(PATH, map_location=torch.device("cpu")))
    x = torch.arange(4)
    torch.save([x, x * 2.0], os.path.join(folder, "x-files"))
    x2, y2 = torch.load(os.path.join(folder, "x-files"))
    torch.save({"x": x, "y": y2}, os.path.join(folder, "mydict"))
    return [*out, x2, y2, torch.load(os.path.join(folder, "mydict"))["y"]]


def early_stopping():
    rng = np.random.default_rng(0)
    X = torch.tensor(rng.standard_normal((40, 5)), dtype=torch.float32)
    y = torch.tensor(rng.standard_normal((40, 1)), dtype=torch.float32)
    X_train, X_val, y_train, y_val = X[:30], X[30:], y[:30], y[30:]
    model = nn.Sequential(nn.Linear(5, 30), nn.Tanh(), nn.Linear(30, 1))
    start(model)
    optimizer = optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-4)
    best_loss = float("inf")
    best_model_weights = None
    patience = 3
    history = []
    for epoch in range(200):
        model.train()
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X_train), y_train)
        loss.backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            val_loss = nn.MSELoss()(model(X_val), y_val)
        history.append(val_loss)
        if val_loss < best_loss:
            best_loss = val_loss
            best_model_weights = copy.deepcopy(model.state_dict())
            patience = 3
        else:
            patience -= 1
            if patience == 0:
                break
    model.load_state_dict(best_model_weights)
    return [epoch, torch.stack(history), best_loss, model(X_val)]


def transfer_learning():
    backbone = nn.Sequential(
        OrderedDict([("conv", nn.Conv2d(1, 4, 3)), ("relu", nn.ReLU()), ("pool", nn.AdaptiveAvgPool2d(1))])
    )
    model = nn.Sequential(OrderedDict([("backbone", backbone), ("flat", nn.Flatten()), ("fc", nn.Linear(4, 1000))]))
    start(model)
    for param in model.parameters():
        param.requires_grad = False
    num_ftrs = model.fc.in_features
    model.fc = nn.Linear(num_ftrs, 2)
    start(model.fc)
    optimizer_ft = optim.SGD(model.fc.parameters(), lr=0.1, momentum=0.9)
    exp_lr_scheduler = optim.lr_scheduler.StepLR(optimizer_ft, step_size=7, gamma=0.1)
    X, y = images(8)
    y = y % 2
    losses = []
    for _ in range(10):
        with torch.set_grad_enabled(True):
            outputs = model(X)
            _, preds = torch.max(outputs, 1)
            loss = F.cross_entropy(outputs, y)
            optimizer_ft.zero_grad()
            loss.backward()
            optimizer_ft.step()
        exp_lr_scheduler.step()
        losses.append([loss.item() * X.size(0), torch.sum(preds == y.data)])
    trainable = [n for n, p in model.named_parameters() if p.requires_grad]
    optimizer = optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=1e-3)
    model.backbone.conv.weight.requires_grad_(True)
    parts = optim.SGD(
        [{"params": model.backbone.parameters()}, {"params": model.fc.parameters(), "lr": 1e-3}], lr=1e-2
    )
    return [losses, trainable, len(optimizer.param_groups), [g["lr"] for g in parts.param_groups],
            model.backbone.conv.weight.grad is None]


def hooks():
    activation = {}

    def get_activation(name):
        def hook(model, input, output):
            activation[name] = output.detach()

        return hook

    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    start(model)
    handle = model[1].register_forward_hook(get_activation("relu"))
    gradients = []

    def backward_hook(module, grad_input, grad_output):
        gradients.append(grad_output[0])

    second = model[2].register_full_backward_hook(backward_hook)
    before = model[0].register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    x = torch.ones(2, 4, requires_grad=True)
    y = model(x)
    h = y.register_hook(lambda grad: grad * 3)
    y.sum().backward()
    handle.remove()
    second.remove()
    before.remove()
    h.remove()
    return [activation["relu"], gradients, x.grad, model(x)]


def gradient_accumulation_and_clipping():
    X, y = images(16)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    start(model)
    optimizer = optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95), weight_decay=0.1)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    found = []
    accumulation_steps = 4
    for _ in range(5):
        optimizer.zero_grad(set_to_none=True)
        for i in range(accumulation_steps):
            loss = F.cross_entropy(model(X[i * 4 : i * 4 + 4]), y[i * 4 : i * 4 + 4]) / accumulation_steps
            loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        torch.nn.utils.clip_grad_value_(model.parameters(), clip_value=0.5)
        optimizer.step()
        scheduler.step()
        found.append([loss.item(), float(norm), optimizer.param_groups[0]["lr"]])
    return found


def l1_and_l2_by_hand():
    X, y = images(8)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    start(model)
    loss = F.cross_entropy(model(X), y)
    l1_norm = sum(p.abs().sum() for p in model.parameters())
    l2_norm = sum(p.pow(2.0).sum() for p in model.parameters())
    l2_reg = torch.tensor(0.0)
    for name, param in model.named_parameters():
        if "weight" in name:
            l2_reg = l2_reg + torch.norm(param) ** 2
    (loss + 1e-4 * l1_norm + 1e-3 * l2_norm + 1e-3 * l2_reg).backward()
    with torch.no_grad():
        for param in model.parameters():
            param.data = param.data - 0.1 * param.grad.data
            param.data.add_(param.grad.data, alpha=-0.1)
            param.data.mul_(0.9)
    return [loss, l1_norm, l2_norm, l2_reg, [p.data for p in model.parameters()]]


def parameters_of_ones_own():
    class MyLinear(nn.Module):
        def __init__(self, in_units, units):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(in_units, units))
            self.bias = nn.Parameter(torch.zeros(units))
            self.register_buffer("calls", torch.zeros(1))

        def forward(self, X):
            self.calls += 1
            linear = torch.matmul(X, self.weight.data) + self.bias.data
            return F.relu(linear)

    class MyListDense(nn.Module):
        def __init__(self):
            super().__init__()
            self.params = nn.ParameterList([nn.Parameter(torch.randn(4, 4)) for i in range(3)])
            self.params.append(nn.Parameter(torch.randn(4, 1)))

        def forward(self, x):
            for i in range(len(self.params)):
                x = torch.mm(x, self.params[i])
            return x

    class MyDictDense(nn.Module):
        def __init__(self):
            super().__init__()
            self.params = nn.ParameterDict(
                {"linear1": nn.Parameter(torch.randn(4, 4)), "linear2": nn.Parameter(torch.randn(4, 1))}
            )
            self.params.update({"linear3": nn.Parameter(torch.randn(4, 2))})

        def forward(self, x, choice="linear1"):
            return torch.mm(x, self.params[choice])

    class CenteredLayer(nn.Module):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)

        def forward(self, x):
            return x - x.mean()

    first, second, third = MyLinear(4, 3), MyListDense(), MyDictDense()
    for m in (first, second, third):
        start(m)
    x = torch.ones(1, 4)
    net = nn.Sequential(nn.Linear(4, 8), CenteredLayer())
    start(net)
    return [first(x), second(x), third(x), third(x, "linear3"), net(x).mean(), [n for n, _ in first.named_buffers()],
            sorted(third.state_dict()), first.calls]


def shared_layers_and_nested_blocks():
    shared = nn.Linear(8, 8)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), shared, nn.ReLU(), shared, nn.ReLU(), nn.Linear(8, 1))
    start(net)
    net(torch.ones(2, 4)).sum().backward()
    found = [net[2].weight.data[0] == net[4].weight.data[0]]
    net[2].weight.data[0, 0] = 100
    found.append(net[2].weight.data[0] == net[4].weight.data[0])

    def block1():
        return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU())

    def block2():
        net = nn.Sequential()
        for i in range(4):
            net.add_module(f"block {i}", block1())
        return net

    rgnet = nn.Sequential(block2(), nn.Linear(4, 1))
    start(rgnet)
    return [*found, len(list(net.parameters())), net[2].weight.grad, str(rgnet), rgnet[0][1][0].bias.data,
            [(n, m.__class__.__name__) for n, m in rgnet.named_children()], rgnet(torch.ones(2, 4))]


def initialisation():
    def init_normal(m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, mean=0, std=0.01)
            nn.init.zeros_(m.bias)

    def my_init(m):
        if type(m) == nn.Linear:
            nn.init.uniform_(m.weight, -10, 10)
            m.weight.data *= m.weight.data.abs() >= 5

    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    net.apply(init_normal)
    zero = net[0].bias.data
    net.apply(my_init)
    size = net[0].weight.data.abs()
    nn.init.constant_(net[0].weight, 1)
    nn.init.eye_(net[0].weight)
    net[0].weight.data[:] += 1
    net[0].weight.data[0, 0] = 42
    nn.init.kaiming_normal_(net[2].weight, mode="fan_out", nonlinearity="relu")
    return [zero, ((size == 0) | (size >= 5)).all(), net[0].weight.data, net[2].weight.shape]


def dropout_by_hand():
    def dropout_layer(X, dropout):
        assert 0 <= dropout <= 1
        if dropout == 1:
            return torch.zeros_like(X)
        if dropout == 0:
            return X
        mask = (torch.rand(X.shape) > dropout).float()
        return mask * X / (1.0 - dropout)

    X = torch.arange(16, dtype=torch.float32).reshape((2, 8))
    half = dropout_layer(X, 0.5)
    return [dropout_layer(X, 0.0), ((half == 0) | (half == 2 * X)).all(), dropout_layer(X, 1.0)]


def batch_norm_by_hand():
    def batch_norm(X, gamma, beta, moving_mean, moving_var, eps, momentum):
        if not torch.is_grad_enabled():
            X_hat = (X - moving_mean) / torch.sqrt(moving_var + eps)
        else:
            assert len(X.shape) in (2, 4)
            if len(X.shape) == 2:
                mean = X.mean(dim=0)
                var = ((X - mean) ** 2).mean(dim=0)
            else:
                mean = X.mean(dim=(0, 2, 3), keepdim=True)
                var = ((X - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
            X_hat = (X - mean) / torch.sqrt(var + eps)
            moving_mean = (1.0 - momentum) * moving_mean + momentum * mean
            moving_var = (1.0 - momentum) * moving_var + momentum * var
        Y = gamma * X_hat + beta
        return Y, moving_mean.data, moving_var.data

    class BatchNorm(nn.Module):
        def __init__(self, num_features, num_dims):
            super().__init__()
            shape = (1, num_features) if num_dims == 2 else (1, num_features, 1, 1)
            self.gamma = nn.Parameter(torch.ones(shape))
            self.beta = nn.Parameter(torch.zeros(shape))
            self.moving_mean = torch.zeros(shape)
            self.moving_var = torch.ones(shape)

        def forward(self, X):
            if self.moving_mean.device != X.device:
                self.moving_mean = self.moving_mean.to(X.device)
            Y, self.moving_mean, self.moving_var = batch_norm(
                X, self.gamma, self.beta, self.moving_mean, self.moving_var, eps=1e-5, momentum=0.1
            )
            return Y

    layer = BatchNorm(1, 4)
    X = images(4)[0]
    Y = layer(X * 3 + 1)
    Y.pow(2).sum().backward()
    with torch.no_grad():
        Z = layer(X)
    return [Y.mean(), Y.std(), layer.moving_mean, layer.moving_var, Z.mean(), layer.gamma.grad.reshape((-1,)),
            layer.beta.grad.reshape((-1,))]


def convolution_by_hand():
    def corr2d(X, K):
        h, w = K.shape
        Y = torch.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1))
        for i in range(Y.shape[0]):
            for j in range(Y.shape[1]):
                Y[i, j] = (X[i : i + h, j : j + w] * K).sum()
        return Y

    def pool2d(X, pool_size, mode="max"):
        p_h, p_w = pool_size
        Y = torch.zeros((X.shape[0] - p_h + 1, X.shape[1] - p_w + 1))
        for i in range(Y.shape[0]):
            for j in range(Y.shape[1]):
                if mode == "max":
                    Y[i, j] = X[i : i + p_h, j : j + p_w].max()
                elif mode == "avg":
                    Y[i, j] = X[i : i + p_h, j : j + p_w].mean()
        return Y

    X = torch.ones((6, 8))
    X[:, 2:6] = 0
    K = torch.tensor([[1.0, -1.0]])
    Y = corr2d(X, K)
    conv2d = nn.Conv2d(1, 1, kernel_size=(1, 2), bias=False)
    start(conv2d)
    X4 = X.reshape((1, 1, 6, 8))
    Y4 = Y.reshape((1, 1, 6, 7))
    losses = []
    for _ in range(10):
        Y_hat = conv2d(X4)
        l = (Y_hat - Y4) ** 2  # noqa: E741
        conv2d.zero_grad()
        l.sum().backward()
        conv2d.weight.data[:] -= 3e-2 * conv2d.weight.grad
        losses.append(l.sum())
    def corr2d_multi_in(X, K):
        return sum(corr2d(x, k) for x, k in zip(X, K))

    def corr2d_multi_in_out(X, K):
        return torch.stack([corr2d_multi_in(X, k) for k in K], 0)

    X3 = torch.arange(18.0).reshape(2, 3, 3)
    K3 = torch.arange(8.0).reshape(2, 2, 2)
    K4 = torch.stack((K3, K3 + 1, K3 + 2), 0)
    return [Y, losses, conv2d.weight.data.reshape((1, 2)), pool2d(X, (2, 2)), pool2d(X, (2, 2), "avg"),
            corr2d_multi_in_out(X3, K4)]


def learning_rate_schedules():
    rates = {}
    for make in (
        lambda o: optim.lr_scheduler.StepLR(o, step_size=3, gamma=0.5),
        lambda o: optim.lr_scheduler.MultiStepLR(o, milestones=[2, 5], gamma=0.5),
        lambda o: optim.lr_scheduler.ExponentialLR(o, 0.9),
        lambda o: optim.lr_scheduler.CosineAnnealingLR(o, T_max=8, eta_min=0.01),
        lambda o: optim.lr_scheduler.LambdaLR(o, lr_lambda=lambda epoch: 0.95**epoch),
        lambda o: optim.lr_scheduler.MultiplicativeLR(o, lr_lambda=lambda epoch: 0.95),
        lambda o: optim.lr_scheduler.LinearLR(o, 0.1, total_iters=4),
        lambda o: optim.lr_scheduler.OneCycleLR(o, max_lr=0.5, total_steps=12),
        lambda o: optim.lr_scheduler.CyclicLR(o, base_lr=0.01, max_lr=0.1, step_size_up=3, cycle_momentum=False),
        lambda o: optim.lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=4),
        lambda o: optim.lr_scheduler.PolynomialLR(o, total_iters=6, power=2.0),
        lambda o: optim.lr_scheduler.SequentialLR(
            o,
            [optim.lr_scheduler.ConstantLR(o, 0.1, total_iters=2), optim.lr_scheduler.ExponentialLR(o, 0.9)],
            milestones=[2],
        ),
    ):
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        scheduler = make(optimizer)
        seen = []
        for _ in range(10):
            model(torch.ones(1, 2)).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            seen.append(optimizer.param_groups[0]["lr"])
            scheduler.step()
        rates[type(scheduler).__name__] = seen
    plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.1, patience=2)
    for loss in (1.0, 0.9, 0.95, 0.95, 0.95, 0.95):
        plateau.step(loss)
    return [sorted(rates.items()), optimizer.param_groups[0]["lr"]]


def kfold_and_log_rmse():
    rng = np.random.default_rng(0)
    X = torch.tensor(rng.standard_normal((20, 3)), dtype=torch.float32)
    y = torch.tensor(rng.uniform(1, 2, (20, 1)), dtype=torch.float32)
    loss = nn.MSELoss()

    def log_rmse(net, features, labels):
        clipped_preds = torch.clamp(net(features), 1, float("inf"))
        rmse = torch.sqrt(loss(torch.log(clipped_preds), torch.log(labels)))
        return rmse.item()

    def get_k_fold_data(k, i, X, y):
        assert k > 1
        fold_size = X.shape[0] // k
        X_train, y_train = None, None
        for j in range(k):
            idx = slice(j * fold_size, (j + 1) * fold_size)
            X_part, y_part = X[idx, :], y[idx]
            if j == i:
                X_valid, y_valid = X_part, y_part
            elif X_train is None:
                X_train, y_train = X_part, y_part
            else:
                X_train = torch.cat([X_train, X_part], 0)
                y_train = torch.cat([y_train, y_part], 0)
        return X_train, y_train, X_valid, y_valid

    found = []
    for i in range(4):
        X_train, y_train, X_valid, y_valid = get_k_fold_data(4, i, X, y)
        net = nn.Sequential(nn.Linear(3, 1))
        start(net)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.05, weight_decay=0)
        for _ in range(10):
            optimizer.zero_grad()
            l = loss(net(X_train), y_train)  # noqa: E741
            l.backward()
            optimizer.step()
        found.append([log_rmse(net, X_train, y_train), log_rmse(net, X_valid, y_valid)])
    return found


def siamese_and_triplet():
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 8))
    start(net)
    a, p, n = images(4, 0)[0], images(4, 1)[0], images(4, 2)[0]
    first, second = net(a), net(p)
    distance = F.pairwise_distance(first, second, keepdim=True)
    label = torch.tensor([[0.0], [1.0], [0.0], [1.0]])
    contrastive = torch.mean(
        (1 - label) * torch.pow(distance, 2) + label * torch.pow(torch.clamp(2.0 - distance, min=0.0), 2)
    )
    triplet = nn.TripletMarginLoss(margin=1.0, p=2)(first, second, net(n))
    (contrastive + triplet).backward()
    similar = F.cosine_similarity(first.unsqueeze(1), second.unsqueeze(0), dim=-1)
    return [contrastive, triplet, net[1].bias.grad, similar, torch.cdist(first, second)]


def confusion_matrix_and_topk():
    rng = np.random.default_rng(0)
    logits = torch.tensor(rng.standard_normal((30, 5)), dtype=torch.float32)
    labels = torch.tensor(rng.integers(0, 5, 30))
    preds = logits.argmax(dim=-1)
    matrix = torch.zeros(5, 5, dtype=torch.int64)
    for t, p in zip(labels.view(-1), preds.view(-1)):
        matrix[t.long(), p.long()] += 1
    stacked = torch.stack((labels, preds), dim=1)
    _, pred5 = logits.topk(3, 1, True, True)
    pred5 = pred5.t()
    correct = pred5.eq(labels.view(1, -1).expand_as(pred5))
    top1 = correct[:1].reshape(-1).float().sum(0, keepdim=True)
    top3 = correct[:3].reshape(-1).float().sum(0, keepdim=True)
    values, indices = torch.max(F.softmax(logits, dim=1), dim=1)
    wrong = torch.nonzero(preds != labels).squeeze()
    where = torch.where(preds == labels)[0]
    return [matrix, matrix.diag() / matrix.sum(1), stacked, top1, top3, values, indices, wrong, where,
            torch.bincount(labels), (preds == labels).sum().item() / len(labels), torch.unique(labels)]
