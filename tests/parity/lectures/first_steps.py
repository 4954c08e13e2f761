"""First steps: tensors, autograd, linear and logistic regression, a network by hand."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


def tensors():
    x = torch.arange(12, dtype=torch.float32)
    X = x.reshape(3, 4)
    Y = torch.tensor([[2.0, 1, 4, 3], [1, 2, 3, 4], [4, 3, 2, 1]])
    Z = torch.cat((X, Y), dim=0)
    before = id(Z)
    Z[:] = X.sum()
    assert id(Z) == before
    a = torch.arange(3).reshape((3, 1))
    b = torch.arange(2).reshape((1, 2))
    return [X.numel(), X.shape, X == Y, X.sum(), a + b, X[-1], X[1:3], torch.exp(x), X.T, Z, X.mean(axis=0),
            X.sum(axis=1, keepdims=True), X.sum(axis=[0, 1]), torch.norm(torch.ones((4, 9))), torch.abs(-x).sum()]


def linear_algebra():
    A = torch.arange(20, dtype=torch.float32).reshape(5, 4)
    x = torch.arange(4, dtype=torch.float32)
    y = torch.ones(4, dtype=torch.float32)
    B = A.clone()
    u = torch.tensor([3.0, -4.0])
    return [torch.dot(x, y), torch.mv(A, x), A @ x, torch.mm(A, B.T), A * B, A.cumsum(axis=0), torch.norm(u),
            torch.abs(u).sum(), torch.outer(x, y), A.trace() if A.shape[0] == A.shape[1] else 0, torch.matmul(A, x),
            torch.addmm(torch.ones(5, 5), A, B.T), torch.einsum("ij,kj->ik", A, B), torch.diag(x), torch.eye(3)]


def gradients_of_functions():
    x = torch.arange(4.0)
    x.requires_grad_(True)
    y = 2 * torch.dot(x, x)
    y.backward()
    found = [x.grad.clone()]
    x.grad.zero_()
    y = x.sum()
    y.backward()
    found.append(x.grad.clone())
    x.grad.zero_()
    y = x * x
    y.backward(gradient=torch.ones(len(y)))
    found.append(x.grad.clone())
    x.grad.zero_()
    y = x * x
    u = y.detach()
    z = u * x
    z.sum().backward()
    found.append(x.grad == u)

    def f(a):
        b = a * 2
        while b.norm() < 1000:
            b = b * 2
        if b.sum() > 0:
            c = b
        else:
            c = 100 * b
        return c

    a = torch.tensor(0.37, requires_grad=True)
    d = f(a)
    d.backward()
    return [*found, a.grad == d / a]


def linear_regression_from_scratch():
    rng = np.random.default_rng(0)
    true_w, true_b = torch.tensor([2, -3.4]), 4.2
    X = torch.tensor(rng.standard_normal((100, 2)), dtype=torch.float32)
    y = torch.matmul(X, true_w) + true_b
    y += torch.tensor(rng.normal(0, 0.01, 100), dtype=torch.float32)
    features, labels = X, y.reshape((-1, 1))

    def data_iter(batch_size, features, labels):
        num_examples = len(features)
        indices = list(range(num_examples))
        for i in range(0, num_examples, batch_size):
            batch_indices = torch.tensor(indices[i : min(i + batch_size, num_examples)])
            yield features[batch_indices], labels[batch_indices]

    w = torch.zeros((2, 1), requires_grad=True)
    b = torch.zeros(1, requires_grad=True)

    def linreg(X, w, b):
        return torch.matmul(X, w) + b

    def squared_loss(y_hat, y):
        return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2

    def sgd(params, lr, batch_size):
        with torch.no_grad():
            for param in params:
                param -= lr * param.grad / batch_size
                param.grad.zero_()

    losses = []
    for _epoch in range(3):
        for X, y in data_iter(10, features, labels):
            l = squared_loss(linreg(X, w, b), y)  # noqa: E741
            l.sum().backward()
            sgd([w, b], 0.03, 10)
        with torch.no_grad():
            train_l = squared_loss(linreg(features, w, b), labels)
            losses.append(float(train_l.mean()))
    return [losses, w, b, true_w - w.reshape(true_w.shape), true_b - b]


def linear_regression_with_nn():
    rng = np.random.default_rng(1)
    x_numpy = rng.standard_normal((100, 1))
    y_numpy = 3 * x_numpy + 2 + rng.normal(0, 0.1, (100, 1))
    X = torch.from_numpy(x_numpy.astype(np.float32))
    y = torch.from_numpy(y_numpy.astype(np.float32))
    y = y.view(y.shape[0], 1)
    n_samples, n_features = X.shape
    model = nn.Linear(n_features, 1)
    start(model)
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for epoch in range(100):
        y_predicted = model(X)
        loss = criterion(y_predicted, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if (epoch + 1) % 10 == 0:
            [w, b] = model.parameters()
            losses.append(f"epoch {epoch + 1}: w = {w[0][0].item():.3f}, loss = {loss:.4f}")
    predicted = model(X).detach().numpy()
    return [losses, predicted, n_samples, model.weight.data, model.bias.data]


def softmax_regression_from_scratch():
    rng = np.random.default_rng(0)
    X = torch.tensor(rng.standard_normal((60, 4)), dtype=torch.float32)
    y = torch.tensor(rng.integers(0, 3, 60))
    W = torch.tensor(rng.normal(0, 0.01, (4, 3)), dtype=torch.float32, requires_grad=True)
    b = torch.zeros(3, requires_grad=True)

    def softmax(X):
        X_exp = torch.exp(X)
        partition = X_exp.sum(1, keepdims=True)
        return X_exp / partition

    def net(X):
        return softmax(torch.matmul(X.reshape((-1, W.shape[0])), W) + b)

    def cross_entropy(y_hat, y):
        return -torch.log(y_hat[range(len(y_hat)), y])

    def accuracy(y_hat, y):
        if len(y_hat.shape) > 1 and y_hat.shape[1] > 1:
            y_hat = y_hat.argmax(axis=1)
        cmp = y_hat.type(y.dtype) == y
        return float(cmp.type(y.dtype).sum())

    found = []
    for _ in range(20):
        loss = cross_entropy(net(X), y).mean()
        loss.backward()
        with torch.no_grad():
            W -= 0.5 * W.grad
            b -= 0.5 * b.grad
        W.grad.zero_()
        b.grad.zero_()
        found.append([loss.item(), accuracy(net(X), y) / len(y)])
    return found


def logistic_regression_on_breast_cancer():
    from sklearn import datasets
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    bc = datasets.load_breast_cancer()
    X, y = bc.data, bc.target
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=1234)
    sc = StandardScaler()
    X_train = sc.fit_transform(X_train)
    X_test = sc.transform(X_test)
    X_train = torch.from_numpy(X_train.astype(np.float32))
    X_test = torch.from_numpy(X_test.astype(np.float32))
    y_train = torch.from_numpy(y_train.astype(np.float32))
    y_test = torch.from_numpy(y_test.astype(np.float32))
    y_train = y_train.view(y_train.shape[0], 1)
    y_test = y_test.view(y_test.shape[0], 1)

    class Model(nn.Module):
        def __init__(self, n_input_features):
            super(Model, self).__init__()
            self.linear = nn.Linear(n_input_features, 1)

        def forward(self, x):
            y_pred = torch.sigmoid(self.linear(x))
            return y_pred

    model = Model(X.shape[1])
    start(model)
    criterion = nn.BCELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(100):
        y_pred = model(X_train)
        loss = criterion(y_pred, y_train)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        y_predicted = model(X_test)
        y_predicted_cls = y_predicted.round()
        acc = y_predicted_cls.eq(y_test).sum() / float(y_test.shape[0])
    return [loss, f"accuracy: {acc.item():.4f}"]


def two_layers_with_tensors():
    dtype = torch.float
    device = torch.device("cpu")
    rng = np.random.default_rng(0)
    N, D_in, H, D_out = 16, 30, 10, 3
    x = torch.tensor(rng.standard_normal((N, D_in)), device=device, dtype=dtype)
    y = torch.tensor(rng.standard_normal((N, D_out)), device=device, dtype=dtype)
    w1 = torch.tensor(rng.standard_normal((D_in, H)), device=device, dtype=dtype)
    w2 = torch.tensor(rng.standard_normal((H, D_out)), device=device, dtype=dtype)
    learning_rate = 1e-4
    losses = []
    for _ in range(50):
        h = x.mm(w1)
        h_relu = h.clamp(min=0)
        y_pred = h_relu.mm(w2)
        loss = (y_pred - y).pow(2).sum().item()
        losses.append(loss)
        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h_relu.t().mm(grad_y_pred)
        grad_h_relu = grad_y_pred.mm(w2.t())
        grad_h = grad_h_relu.clone()
        grad_h[h < 0] = 0
        grad_w1 = x.t().mm(grad_h)
        w1 -= learning_rate * grad_w1
        w2 -= learning_rate * grad_w2
    return losses


def polynomial_for_the_sine():
    x = torch.linspace(-math.pi, math.pi, 200, dtype=torch.float)
    y = torch.sin(x)
    p = torch.tensor([1, 2, 3])
    xx = x.unsqueeze(-1).pow(p)
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
    start(model)
    loss_fn = torch.nn.MSELoss(reduction="sum")
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(100):
        y_pred = model(xx)
        loss = loss_fn(y_pred, y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    linear_layer = model[0]
    return [losses, f"y = {linear_layer.bias.item():.3f} + {linear_layer.weight[:, 0].item():.3f} x"]


def own_autograd_function():
    class LegendrePolynomial3(torch.autograd.Function):
        @staticmethod
        def forward(ctx, input):
            ctx.save_for_backward(input)
            return 0.5 * (5 * input**3 - 3 * input)

        @staticmethod
        def backward(ctx, grad_output):
            (input,) = ctx.saved_tensors
            return grad_output * 1.5 * (5 * input**2 - 1)

    x = torch.linspace(-math.pi, math.pi, 200, dtype=torch.float)
    y = torch.sin(x)
    a = torch.full((), 0.0, dtype=torch.float, requires_grad=True)
    b = torch.full((), -1.0, dtype=torch.float, requires_grad=True)
    c = torch.full((), 0.0, dtype=torch.float, requires_grad=True)
    d = torch.full((), 0.3, dtype=torch.float, requires_grad=True)
    losses = []
    for _ in range(100):
        P3 = LegendrePolynomial3.apply
        y_pred = a + b * P3(c + d * x)
        loss = (y_pred - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for p in (a, b, c, d):
                p -= 5e-6 * p.grad
                p.grad = None
    return [losses, a, b, c, d]


def own_relu():
    class MyReLU(torch.autograd.Function):
        @staticmethod
        def forward(ctx, input):
            ctx.save_for_backward(input)
            return input.clamp(min=0)

        @staticmethod
        def backward(ctx, grad_output):
            (input,) = ctx.saved_tensors
            grad_input = grad_output.clone()
            grad_input[input < 0] = 0
            return grad_input

    x = torch.tensor([[-1.0, 2.0], [3.0, -4.0]], requires_grad=True)
    y = MyReLU.apply(x)
    y.sum().backward()
    return [y, x.grad]


def moons():
    from sklearn.datasets import make_moons

    X, y = make_moons(n_samples=100, noise=0.1, random_state=0)
    X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.long)

    class MLP(nn.Module):
        def __init__(self, nin, nouts):
            super().__init__()
            sizes = [nin] + nouts
            self.layers = nn.ModuleList([nn.Linear(sizes[i], sizes[i + 1]) for i in range(len(nouts))])

        def forward(self, x):
            for i, layer in enumerate(self.layers):
                x = layer(x)
                if i < len(self.layers) - 1:
                    x = F.relu(x)
            return x

    model = MLP(2, [16, 16, 2])
    start(model)
    optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    losses = []
    for step in range(60):
        logits = model(X)
        loss = F.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    pred = model(X).argmax(dim=1)
    acc = (pred == y).float().mean().item()
    h = 0.25
    xx, yy = np.meshgrid(np.arange(-1, 1, h), np.arange(-1, 1, h))
    Xmesh = np.c_[xx.ravel(), yy.ravel()]
    with torch.no_grad():
        scores = model(torch.tensor(Xmesh, dtype=torch.float))
    Z = torch.argmax(scores, dim=-1).numpy().reshape(xx.shape)
    return [losses, acc, Z, sum(p.numel() for p in model.parameters())]
