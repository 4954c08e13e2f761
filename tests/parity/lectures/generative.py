"""Models that make things, policies that act, and other programs of later lectures."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch import Tensor
from torch.autograd import Variable, grad
from torch.distributions import Categorical, Normal, kl_divergence


def pictures(n=16, seed=0):
    return torch.tensor(np.random.default_rng(seed).uniform(0, 1, (n, 784)), dtype=torch.float32)


def autoencoder():
    class Autoencoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 3))
            self.decoder = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 784), nn.Sigmoid())

        def forward(self, x):
            encoded = self.encoder(x)
            decoded = self.decoder(encoded)
            return decoded

    model = Autoencoder()
    start(model)
    criterion = nn.MSELoss()
    optimizer = optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)
    losses = []
    for epoch in range(10):
        img = pictures()
        img = img.reshape(-1, 28 * 28)
        recon = model(img)
        loss = criterion(recon, img)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(f"Epoch:{epoch + 1}, Loss:{loss.item():.4f}")
    return [losses, recon[:2].detach().numpy()]


def convolutional_autoencoder():
    class ConvAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(
                nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 3, stride=2, padding=1),
                nn.ReLU(), nn.Conv2d(8, 16, 7),
            )
            self.decoder = nn.Sequential(
                nn.ConvTranspose2d(16, 8, 7), nn.ReLU(),
                nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
                nn.ConvTranspose2d(4, 1, 3, stride=2, padding=1, output_padding=1), nn.Sigmoid(),
            )

        def forward(self, x):
            return self.decoder(self.encoder(x))

    model = ConvAE()
    start(model)
    x = pictures(4).view(-1, 1, 28, 28)
    out = model(x)
    loss = F.binary_cross_entropy(out, x)
    loss.backward()
    up = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(1, 2, 3, padding=1), nn.LeakyReLU(0.2, inplace=True))
    start(up)
    return [out.shape, loss, model.encoder[0].weight.grad, up(x[:1]).shape,
            F.interpolate(x[:1, :, :3, :3], scale_factor=2, mode="nearest"),
            F.interpolate(x[:1, :, :4, :4], size=(6, 7), mode="bilinear", align_corners=False),
            F.interpolate(x[:1, :, :4, :4], size=(6, 7), mode="bilinear", align_corners=True)]


def variational_autoencoder():
    class VAE(nn.Module):
        def __init__(self):
            super(VAE, self).__init__()
            self.fc1 = nn.Linear(784, 40)
            self.fc21 = nn.Linear(40, 2)
            self.fc22 = nn.Linear(40, 2)
            self.fc3 = nn.Linear(2, 40)
            self.fc4 = nn.Linear(40, 784)

        def encode(self, x):
            h1 = F.relu(self.fc1(x))
            return self.fc21(h1), self.fc22(h1)

        def reparameterize(self, mu, logvar):
            std = torch.exp(0.5 * logvar)
            eps = torch.randn_like(std) * 0.0
            return mu + eps * std

        def decode(self, z):
            h3 = F.relu(self.fc3(z))
            return torch.sigmoid(self.fc4(h3))

        def forward(self, x):
            mu, logvar = self.encode(x.view(-1, 784))
            z = self.reparameterize(mu, logvar)
            return self.decode(z), mu, logvar

    def loss_function(recon_x, x, mu, logvar):
        BCE = F.binary_cross_entropy(recon_x, x.view(-1, 784), reduction="sum")
        KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return BCE + KLD

    model = VAE().to(torch.device("cpu"))
    start(model)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    train_loss = 0
    for _ in range(5):
        data = pictures()
        optimizer.zero_grad()
        recon_batch, mu, logvar = model(data)
        loss = loss_function(recon_batch, data, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
    q, p = Normal(mu, torch.exp(0.5 * logvar)), Normal(torch.zeros_like(mu), torch.ones_like(mu))
    return [train_loss, mu, logvar, kl_divergence(q, p).sum(), q.rsample().shape, p.log_prob(mu)]


def gan():
    class Generator(nn.Module):
        def __init__(self):
            super().__init__()

            def block(in_feat, out_feat, normalize=True):
                layers = [nn.Linear(in_feat, out_feat)]
                if normalize:
                    layers.append(nn.BatchNorm1d(out_feat, 0.8))
                layers.append(nn.LeakyReLU(0.2, inplace=True))
                return layers

            self.model = nn.Sequential(
                *block(10, 16, normalize=False), *block(16, 32), nn.Linear(32, int(np.prod((1, 28, 28)))), nn.Tanh()
            )

        def forward(self, z):
            img = self.model(z)
            img = img.view(img.size(0), *(1, 28, 28))
            return img

    class Discriminator(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = nn.Sequential(
                nn.Linear(784, 32), nn.LeakyReLU(0.2, inplace=True), nn.Linear(32, 1), nn.Sigmoid()
            )

        def forward(self, img):
            img_flat = img.view(img.size(0), -1)
            return self.model(img_flat)

    adversarial_loss = torch.nn.BCELoss()
    generator, discriminator = Generator(), Discriminator()
    start(generator)
    start(discriminator)
    optimizer_G = torch.optim.Adam(generator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    rng = np.random.default_rng(0)
    found = []
    for _ in range(4):
        imgs = pictures(8).view(-1, 1, 28, 28) * 2 - 1
        valid = torch.ones(imgs.size(0), 1, requires_grad=False)
        fake = torch.zeros(imgs.size(0), 1)
        real_imgs = Variable(imgs.type(torch.FloatTensor))
        optimizer_G.zero_grad()
        z = torch.tensor(rng.normal(0, 1, (imgs.shape[0], 10)), dtype=torch.float32)
        gen_imgs = generator(z)
        g_loss = adversarial_loss(discriminator(gen_imgs), valid)
        g_loss.backward()
        optimizer_G.step()
        optimizer_D.zero_grad()
        real_loss = adversarial_loss(discriminator(real_imgs), valid)
        fake_loss = adversarial_loss(discriminator(gen_imgs.detach()), fake)
        d_loss = (real_loss + fake_loss) / 2
        d_loss.backward()
        optimizer_D.step()
        found.append([d_loss.item(), g_loss.item()])
    return found


def dcgan():
    def weights_init(m):
        classname = m.__class__.__name__
        if classname.find("Conv") != -1:
            nn.init.normal_(m.weight.data, 0.0, 0.02)
        elif classname.find("BatchNorm") != -1:
            nn.init.normal_(m.weight.data, 1.0, 0.02)
            nn.init.constant_(m.bias.data, 0)

    netG = nn.Sequential(
        nn.ConvTranspose2d(10, 16, 4, 1, 0, bias=False), nn.BatchNorm2d(16), nn.ReLU(True),
        nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(True),
        nn.ConvTranspose2d(8, 1, 4, 2, 1, bias=False), nn.Tanh())  # fmt: skip
    netD = nn.Sequential(
        nn.Conv2d(1, 8, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(8, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(16, 1, 4, 1, 0, bias=False), nn.Sigmoid())  # fmt: skip
    for net in (netG, netD):
        net.apply(weights_init)
        start(net)
    criterion = nn.BCELoss()
    optimizerD = optim.Adam(netD.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizerG = optim.Adam(netG.parameters(), lr=0.0002, betas=(0.5, 0.999))
    rng = np.random.default_rng(0)
    real_label, fake_label = 1.0, 0.0
    found = []
    for _ in range(2):
        netD.zero_grad()
        real = torch.tensor(rng.uniform(-1, 1, (4, 1, 16, 16)), dtype=torch.float)
        label = torch.full((4,), real_label, dtype=torch.float, device="cpu")
        output = netD(real).view(-1)
        errD_real = criterion(output, label)
        errD_real.backward()
        D_x = output.mean().item()
        noise = torch.tensor(rng.standard_normal((4, 10, 1, 1)), dtype=torch.float)
        fake = netG(noise)
        label.fill_(fake_label)
        output = netD(fake.detach()).view(-1)
        errD_fake = criterion(output, label)
        errD_fake.backward()
        errD = errD_real + errD_fake
        optimizerD.step()
        netG.zero_grad()
        label.fill_(real_label)
        output = netD(fake).view(-1)
        errG = criterion(output, label)
        errG.backward()
        optimizerG.step()
        found.append([errD.item(), errG.item(), D_x])
    return [found, fake.shape]


def wasserstein_gan_with_gradient_penalty():
    D = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    start(D)
    rng = np.random.default_rng(0)
    real = torch.tensor(rng.standard_normal((6, 4)), dtype=torch.float32)
    fake = torch.tensor(rng.standard_normal((6, 4)), dtype=torch.float32)
    alpha = torch.tensor(rng.uniform(0, 1, (6, 1)), dtype=torch.float32)
    interpolates = (alpha * real + ((1 - alpha) * fake)).requires_grad_(True)
    d_interpolates = D(interpolates)
    gradients = grad(
        outputs=d_interpolates,
        inputs=interpolates,
        grad_outputs=torch.ones_like(d_interpolates),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    gradient_penalty = ((gradients.norm(2, dim=1) - 1) ** 2).mean()
    d_loss = -torch.mean(D(real)) + torch.mean(D(fake)) + 10 * gradient_penalty
    d_loss.backward()
    for p in D.parameters():
        p.data.clamp_(-0.01, 0.01)
    return [gradient_penalty, d_loss, [p.grad for p in D.parameters()], [p.data for p in D.parameters()]]


def diffusion():
    T = 20
    betas = torch.linspace(1e-4, 0.02, T)
    alphas = 1.0 - betas
    alphas_cumprod = torch.cumprod(alphas, dim=0)
    alphas_cumprod_prev = F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)
    sqrt_recip_alphas = torch.sqrt(1.0 / alphas)
    posterior_variance = betas * (1.0 - alphas_cumprod_prev) / (1.0 - alphas_cumprod)

    def extract(a, t, x_shape):
        batch_size = t.shape[0]
        out = a.gather(-1, t.cpu())
        return out.reshape(batch_size, *((1,) * (len(x_shape) - 1))).to(t.device)

    def q_sample(x_start, t, noise):
        return (
            extract(torch.sqrt(alphas_cumprod), t, x_start.shape) * x_start
            + extract(torch.sqrt(1.0 - alphas_cumprod), t, x_start.shape) * noise
        )

    class SinusoidalPositionEmbeddings(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.dim = dim

        def forward(self, time):
            device = time.device
            half_dim = self.dim // 2
            embeddings = math.log(10000) / (half_dim - 1)
            embeddings = torch.exp(torch.arange(half_dim, device=device) * -embeddings)
            embeddings = time[:, None] * embeddings[None, :]
            embeddings = torch.cat((embeddings.sin(), embeddings.cos()), dim=-1)
            return embeddings

    class Denoiser(nn.Module):
        def __init__(self):
            super().__init__()
            self.time = nn.Sequential(SinusoidalPositionEmbeddings(8), nn.Linear(8, 8), nn.SiLU())
            self.net = nn.Sequential(nn.Linear(10, 16), nn.GroupNorm(4, 16), nn.SiLU(), nn.Linear(16, 2))

        def forward(self, x, t):
            return self.net(torch.cat([x, self.time(t)], dim=1))

    model = Denoiser()
    start(model)
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.standard_normal((6, 2)), dtype=torch.float32)
    noise = torch.tensor(rng.standard_normal((6, 2)), dtype=torch.float32)
    t = torch.tensor([0, 3, 19, 7, 7, 1]).long()
    x_noisy = q_sample(x, t, noise)
    loss = F.smooth_l1_loss(noise, model(x_noisy, t))
    loss.backward()
    with torch.no_grad():
        mean = extract(sqrt_recip_alphas, t, x.shape) * (
            x - extract(betas, t, x.shape) * model(x, t) / extract(torch.sqrt(1.0 - alphas_cumprod), t, x.shape)
        )
    return [x_noisy, loss, mean, posterior_variance, model.time[1].weight.grad]


def neural_style():
    def gram_matrix(input):
        a, b, c, d = input.size()
        features = input.view(a * b, c * d)
        G = torch.mm(features, features.t())
        return G.div(a * b * c * d)

    content = pictures(1, 0).view(1, 1, 28, 28)
    target = gram_matrix(content).detach()
    input_img = pictures(1, 1).view(1, 1, 28, 28).clone()
    input_img.requires_grad_(True)
    optimizer = optim.Adam([input_img], lr=0.05)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        style = F.mse_loss(gram_matrix(input_img), target)
        tv = torch.abs(input_img[:, :, 1:, :] - input_img[:, :, :-1, :]).mean()
        loss = style * 1e2 + F.mse_loss(input_img, content) + 0.1 * tv
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            input_img.clamp_(0, 1)
        losses.append(loss.item())
    return [losses, input_img]


def saliency_and_adversarial_examples():
    model = nn.Sequential(nn.Linear(784, 16), nn.ReLU(), nn.Linear(16, 10))
    start(model)
    x = pictures(4)
    x.requires_grad = True
    y = torch.tensor([1, 2, 3, 4])
    output = model(x)
    score, _ = torch.max(output, 1)
    score.sum().backward(retain_graph=True)
    saliency, _ = torch.max(x.grad.data.abs().view(4, 28, 28), dim=2)
    x.grad.zero_()
    model.zero_grad()
    loss = F.cross_entropy(output, y)
    loss.backward()
    data_grad = x.grad.data
    perturbed = torch.clamp(x + 0.1 * data_grad.sign(), 0, 1)
    return [saliency, loss, perturbed, F.cross_entropy(model(perturbed), y)]


def policy_gradient():
    class Policy(nn.Module):
        def __init__(self):
            super().__init__()
            self.affine1 = nn.Linear(4, 16)
            self.dropout = nn.Dropout(p=0.0)
            self.affine2 = nn.Linear(16, 2)
            self.value_head = nn.Linear(16, 1)
            self.saved_log_probs = []

        def forward(self, x):
            x = F.relu(self.dropout(self.affine1(x)))
            return F.softmax(self.affine2(x), dim=1), self.value_head(x)

    policy = Policy()
    start(policy)
    optimizer = optim.Adam(policy.parameters(), lr=1e-2)
    eps = np.finfo(np.float32).eps.item()
    rng = np.random.default_rng(0)
    values, entropies = [], []
    rewards = rng.uniform(0, 1, 6).tolist()
    for i in range(6):
        state = torch.from_numpy(rng.standard_normal(4)).float().unsqueeze(0)
        probs, value = policy(state)
        m = Categorical(probs)
        assert m.sample().shape == (1,)
        action = torch.tensor([i % 2])
        policy.saved_log_probs.append(m.log_prob(action))
        entropies.append(m.entropy())
        values.append(value)
    R = 0
    returns = []
    for r in rewards[::-1]:
        R = r + 0.99 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std(unbiased=True) + eps)
    policy_loss = []
    for log_prob, R, value in zip(policy.saved_log_probs, returns, values):
        advantage = R - value.item()
        policy_loss.append(-log_prob * advantage)
        policy_loss.append(F.smooth_l1_loss(value, torch.tensor([[R]])))
    optimizer.zero_grad()
    loss = torch.cat([p.view(-1) for p in policy_loss]).sum() - 0.01 * torch.stack(entropies).mean()
    loss.backward()
    optimizer.step()
    return [loss, returns, [p.grad for p in policy.parameters()]]


def deep_q_learning():
    net, target = nn.Linear(4, 2), nn.Linear(4, 2)
    start(net)
    start(target)
    target.load_state_dict(net.state_dict())
    optimizer = optim.AdamW(net.parameters(), lr=1e-2, amsgrad=True)
    rng = np.random.default_rng(0)
    state = torch.tensor(rng.standard_normal((8, 4)), dtype=torch.float32)
    nxt = torch.tensor(rng.standard_normal((8, 4)), dtype=torch.float32)
    action = torch.tensor(rng.integers(0, 2, (8, 1)))
    reward = torch.tensor(rng.uniform(0, 1, 8), dtype=torch.float32)
    non_final_mask = torch.tensor([True, True, False, True, True, True, False, True], dtype=torch.bool)
    losses = []
    for _ in range(5):
        q = net(state).gather(1, action)
        next_state_values = torch.zeros(8)
        with torch.no_grad():
            next_state_values[non_final_mask] = target(nxt[non_final_mask]).max(dim=1).values
        expected = (next_state_values * 0.99) + reward
        loss = nn.SmoothL1Loss()(q, expected.unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(net.parameters(), 100)
        optimizer.step()
        target_sd, net_sd = target.state_dict(), net.state_dict()
        for key in net_sd:
            target_sd[key] = net_sd[key] * 0.05 + target_sd[key] * 0.95
        target.load_state_dict(target_sd)
        for a, b in zip(target.parameters(), net.parameters()):
            a.data.copy_(0.9 * a.data + 0.1 * b.data)
        losses.append(loss.item())
    best = net(state[:1]).max(dim=1)[1].view(1, 1)
    return [losses, best, target.weight]


def physics_informed_network():
    net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    start(net)
    optimizer = optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(10):
        t = torch.linspace(0, 1, 20).view(-1, 1).float().requires_grad_(True)
        u = net(t)
        dudt = torch.autograd.grad(u, t, torch.ones_like(u), create_graph=True)[0]
        d2udt2 = torch.autograd.grad(dudt, t, torch.ones_like(dudt), create_graph=True)[0]
        boundary = (net(torch.zeros(1, 1)) - 1) ** 2
        loss = torch.mean((d2udt2 + 4 * dudt + 20 * u) ** 2) * 1e-2 + torch.squeeze(boundary)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def matrix_factorisation():
    class MatrixFactorization(nn.Module):
        def __init__(self, n_users, n_items, n_factors=4):
            super().__init__()
            self.user_factors = nn.Embedding(n_users, n_factors)
            self.item_factors = nn.Embedding(n_items, n_factors)
            self.user_biases = nn.Embedding(n_users, 1)
            self.item_factors.weight.data.uniform_(-0.05, 0.05)
            self.user_biases.weight.data.fill_(0.0)

        def forward(self, user, item):
            product = (self.user_factors(user) * self.item_factors(item)).sum(1)
            return product + self.user_biases(user).squeeze()

    model = MatrixFactorization(6, 5)
    start(model)
    users = torch.LongTensor([0, 1, 2, 3, 4, 5, 0])
    items = torch.LongTensor([0, 1, 2, 3, 4, 0, 1])
    ratings = torch.FloatTensor([1, 2, 3, 4, 5, 1, 2])
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    losses = []
    for _ in range(10):
        loss = torch.nn.MSELoss()(model(users, items), ratings)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return [losses, model.user_biases.weight]


def skip_gram():
    rng = np.random.default_rng(0)
    embed_v, embed_u = nn.Embedding(12, 4), nn.Embedding(12, 4)
    start(embed_v)
    start(embed_u)
    center = torch.tensor(rng.integers(0, 12, (3, 1)))
    contexts = torch.tensor(rng.integers(0, 12, (3, 5)))
    label = torch.tensor(rng.integers(0, 2, (3, 5))).float()
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]])
    v, u = embed_v(center), embed_u(contexts)
    pred = torch.bmm(v, u.permute(0, 2, 1))
    out = nn.functional.binary_cross_entropy_with_logits(
        pred.reshape(label.shape).float(), label.float(), weight=mask, reduction="none"
    )
    loss = out.mean(dim=1) / mask.sum(axis=1) * mask.shape[1]
    loss.sum().backward()
    W = embed_v.weight.data
    x = W[3]
    cos = torch.mv(W, x) / torch.sqrt(torch.sum(W * W, dim=1) * torch.sum(x * x) + 1e-9)
    topk = torch.topk(cos, k=4)[1].cpu().numpy().astype("int32")
    return [pred, loss, embed_v.weight.grad, cos, topk]


def mixture_density_and_uncertainty():
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.standard_normal((10, 1)), dtype=torch.float32)
    y = torch.tensor(rng.standard_normal((10, 1)), dtype=torch.float32)
    net = nn.Linear(1, 6)
    start(net)
    pi, mu, log_sigma = net(x).chunk(3, dim=1)
    weights = F.log_softmax(pi, dim=1)
    normal = Normal(mu, log_sigma.exp())
    log_likelihood = torch.logsumexp(weights + normal.log_prob(y), dim=1)
    loss = -log_likelihood.mean()
    loss.backward()
    gaussian = nn.GaussianNLLLoss()(mu[:, :1], y, log_sigma[:, :1].exp())
    lo, hi = torch.quantile(y, torch.tensor([0.25, 0.75]))
    return [loss, net.weight.grad, gaussian, lo, hi, torch.median(y[:9]), x.std(dim=0), x.var(unbiased=True)]


def meta_learning_step():
    w = torch.tensor([[0.5], [-0.3]], requires_grad=True)
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.standard_normal((8, 2)), dtype=torch.float32)
    y = torch.tensor(rng.standard_normal((8, 1)), dtype=torch.float32)
    inner = ((x[:4] @ w - y[:4]) ** 2).mean()
    (g,) = torch.autograd.grad(inner, [w], create_graph=True)
    fast = w - 0.1 * g
    outer = ((x[4:] @ fast - y[4:]) ** 2).mean()
    outer.backward()
    hessian = torch.autograd.functional.hessian(lambda v: ((x @ v - y) ** 2).mean(), w.detach().squeeze(1)[:, None])
    jacobian = torch.autograd.functional.jacobian(lambda v: torch.tanh(x @ v).squeeze(), w.detach())
    return [w.grad, hessian.reshape(2, 2), jacobian.shape, jacobian.squeeze()]


def knowledge_distillation():
    teacher = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    student = nn.Linear(784, 10)
    start(teacher)
    start(student)
    teacher.eval()
    T = 2.0
    x, labels = pictures(8), torch.arange(8)
    with torch.no_grad():
        teacher_logits = teacher(x)
    student_logits = student(x)
    soft_targets = nn.functional.softmax(teacher_logits / T, dim=-1)
    soft_prob = nn.functional.log_softmax(student_logits / T, dim=-1)
    soft = torch.sum(soft_targets * (soft_targets.log() - soft_prob)) / soft_prob.size()[0] * (T**2)
    kl = nn.KLDivLoss(reduction="batchmean")(soft_prob, soft_targets) * T * T
    loss = 0.25 * soft + 0.75 * nn.CrossEntropyLoss(label_smoothing=0.1)(student_logits, labels) + kl
    loss.backward()
    return [soft, kl, loss, student.bias.grad]


def graph_convolution():
    class GCNLayer(nn.Module):
        def __init__(self, c_in, c_out):
            super().__init__()
            self.projection = nn.Linear(c_in, c_out)

        def forward(self, node_feats, adj_matrix):
            num_neighbours = adj_matrix.sum(dim=-1, keepdims=True)
            node_feats = self.projection(node_feats)
            node_feats = torch.bmm(adj_matrix, node_feats)
            return node_feats / num_neighbours

    node_feats = torch.arange(8, dtype=torch.float32).view(1, 4, 2)
    adj_matrix = torch.Tensor([[[1, 1, 0, 0], [1, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]]])
    layer = GCNLayer(c_in=2, c_out=2)
    layer.projection.weight.data = torch.Tensor([[1.0, 0.0], [0.0, 1.0]])
    layer.projection.bias.data = torch.Tensor([0.0, 0.0])
    with torch.no_grad():
        out_feats = layer(node_feats, adj_matrix)
    edges = adj_matrix.nonzero(as_tuple=False)
    row, col = edges[:, 1], edges[:, 2]
    messages = torch.zeros(4, 2).index_add_(0, row, node_feats[0][col])
    scattered = torch.zeros(4, 2).scatter_add_(0, row.unsqueeze(-1).expand(-1, 2), node_feats[0][col])
    return [out_feats, edges, messages, scattered, isinstance(out_feats, Tensor)]


def vision_transformer():
    class PatchEmbed(nn.Module):
        def __init__(self, patch, dim):
            super().__init__()
            self.proj = nn.Conv2d(1, dim, kernel_size=patch, stride=patch)

        def forward(self, x):
            return self.proj(x).flatten(2).transpose(1, 2)

    class ViT(nn.Module):
        def __init__(self, dim=16):
            super().__init__()
            self.embed = PatchEmbed(7, dim)
            self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
            self.pos = nn.Parameter(torch.randn(1, 17, dim) * 0.02)
            self.attn = nn.MultiheadAttention(dim, 4, batch_first=True)
            self.norm = nn.LayerNorm(dim)
            self.mlp = nn.Sequential(nn.Linear(dim, 32), nn.GELU(), nn.Dropout(0.0), nn.Linear(32, dim))
            self.head = nn.Linear(dim, 10)

        def forward(self, x):
            x = self.embed(x)
            cls = self.cls_token.expand(x.shape[0], -1, -1)
            x = torch.cat([cls, x], dim=1) + self.pos
            y = self.norm(x)
            attn, weights = self.attn(y, y, y)
            x = x + attn
            x = x + self.mlp(self.norm(x))
            return self.head(x[:, 0]), weights

    model = ViT()
    start(model)
    logits, weights = model(pictures(3).view(-1, 1, 28, 28))
    F.cross_entropy(logits, torch.tensor([0, 1, 2])).backward()
    patches = F.unfold(pictures(1).view(1, 1, 28, 28), kernel_size=14, stride=14)
    folded = pictures(1).view(1, 1, 28, 28).unfold(2, 14, 14).unfold(3, 14, 14)
    return [logits, weights, model.cls_token.grad, patches, folded.shape]


def u_net():
    def double_conv(in_channels, out_channels):
        return nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)
        )

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down1, self.down2 = double_conv(1, 4), double_conv(4, 8)
            self.maxpool = nn.MaxPool2d(2)
            self.upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.up1 = double_conv(12, 4)
            self.last = nn.Conv2d(4, 1, 1)

        def forward(self, x):
            conv1 = self.down1(x)
            x = self.maxpool(conv1)
            x = self.down2(x)
            x = self.upsample(x)
            x = torch.cat([x, conv1], dim=1)
            return self.last(self.up1(x))

    def dice_loss(pred, target, smooth=1.0):
        pred = pred.contiguous()
        target = target.contiguous()
        intersection = (pred * target).sum(dim=2).sum(dim=2)
        loss = 1 - (
            (2.0 * intersection + smooth) / (pred.sum(dim=2).sum(dim=2) + target.sum(dim=2).sum(dim=2) + smooth)
        )
        return loss.mean()

    model = UNet()
    start(model)
    out = model(pictures(2).view(-1, 1, 28, 28))
    target = (pictures(2, 1).view(-1, 1, 28, 28) > 0.5).float()
    loss = dice_loss(torch.sigmoid(out), target) + F.binary_cross_entropy_with_logits(out, target)
    loss.backward()
    return [out, loss, [p.grad.norm() for p in model.parameters()][-3:]]
