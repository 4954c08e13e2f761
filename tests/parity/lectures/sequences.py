"""Sequences: recurrent networks, attention, transformers, language models of characters."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

WORDS = ["emma", "olivia", "ava", "isabella", "sophia", "mia", "amelia", "harper", "evelyn", "abigail"]
TEXT = "the quick brown fox jumps over the lazy dog and the dog sleeps. " * 4


def bigrams():
    chars = sorted(list(set("".join(WORDS))))
    stoi = {s: i + 1 for i, s in enumerate(chars)}
    stoi["."] = 0
    itos = {i: s for s, i in stoi.items()}
    n = len(stoi)
    N = torch.zeros((n, n), dtype=torch.int32)
    for w in WORDS:
        chs = ["."] + list(w) + ["."]
        for ch1, ch2 in zip(chs, chs[1:]):
            ix1 = stoi[ch1]
            ix2 = stoi[ch2]
            N[ix1, ix2] += 1
    P = (N + 1).float()
    P /= P.sum(1, keepdims=True)
    g = torch.Generator().manual_seed(2147483647)
    ix = 0
    out = []
    while True:
        p = P[ix]
        ix = torch.multinomial(p, num_samples=1, replacement=True, generator=g).item()
        out.append(itos[ix])
        if ix == 0:
            break
    log_likelihood = 0.0
    n = 0
    for w in WORDS:
        chs = ["."] + list(w) + ["."]
        for ch1, ch2 in zip(chs, chs[1:]):
            prob = P[stoi[ch1], stoi[ch2]]
            logprob = torch.log(prob)
            log_likelihood += logprob
            n += 1
    nll = -log_likelihood
    return [N, P, f"{nll / n}"[:6], N[0].float() / N[0].sum(), out[-1]]


def bigrams_as_a_network():
    chars = sorted(list(set("".join(WORDS))))
    stoi = {s: i + 1 for i, s in enumerate(chars)}
    stoi["."] = 0
    xs, ys = [], []
    for w in WORDS:
        chs = ["."] + list(w) + ["."]
        for ch1, ch2 in zip(chs, chs[1:]):
            xs.append(stoi[ch1])
            ys.append(stoi[ch2])
    xs = torch.tensor(xs)
    ys = torch.tensor(ys)
    num = xs.nelement()
    k = len(stoi)
    W = torch.tensor(np.random.default_rng(0).standard_normal((k, k)), dtype=torch.float32, requires_grad=True)
    losses = []
    for _ in range(20):
        xenc = F.one_hot(xs, num_classes=k).float()
        logits = xenc @ W
        counts = logits.exp()
        probs = counts / counts.sum(1, keepdims=True)
        loss = -probs[torch.arange(num), ys].log().mean() + 0.01 * (W**2).mean()
        losses.append(loss.item())
        W.grad = None
        loss.backward()
        W.data += -50 * W.grad
    return [losses, W]


def word_mlp():
    rng = np.random.default_rng(0)
    chars = sorted(list(set("".join(WORDS))))
    stoi = {s: i + 1 for i, s in enumerate(chars)}
    stoi["."] = 0
    vocab_size = len(stoi)
    block_size = 3

    def build_dataset(words):
        X, Y = [], []
        for w in words:
            context = [0] * block_size
            for ch in w + ".":
                ix = stoi[ch]
                X.append(context)
                Y.append(ix)
                context = context[1:] + [ix]
        X = torch.tensor(X)
        Y = torch.tensor(Y)
        return X, Y

    X, Y = build_dataset(WORDS)

    def normal(*shape):
        return torch.tensor(rng.standard_normal(shape), dtype=torch.float32)

    C = normal(vocab_size, 4)
    W1 = normal(4 * block_size, 20) * (5 / 3) / ((4 * block_size) ** 0.5)
    b1 = normal(20) * 0.01
    W2 = normal(20, vocab_size) * 0.01
    b2 = normal(vocab_size) * 0
    bngain = torch.ones((1, 20))
    bnbias = torch.zeros((1, 20))
    bnmean_running = torch.zeros((1, 20))
    bnstd_running = torch.ones((1, 20))
    parameters = [C, W1, W2, b1, b2, bngain, bnbias]
    count = sum(p.nelement() for p in parameters)
    for p in parameters:
        p.requires_grad = True
    lossi = []
    for i in range(30):
        ix = torch.tensor(rng.integers(0, X.shape[0], (16,)))
        Xb, Yb = X[ix], Y[ix]
        emb = C[Xb]
        embcat = emb.view(emb.shape[0], -1)
        hpreact = embcat @ W1 + b1
        bnmeani = hpreact.mean(0, keepdim=True)
        bnstdi = hpreact.std(0, keepdim=True)
        hpreact = bngain * (hpreact - bnmeani) / bnstdi + bnbias
        with torch.no_grad():
            bnmean_running = 0.999 * bnmean_running + 0.001 * bnmeani
            bnstd_running = 0.999 * bnstd_running + 0.001 * bnstdi
        h = torch.tanh(hpreact)
        logits = h @ W2 + b2
        loss = F.cross_entropy(logits, Yb)
        for p in parameters:
            p.grad = None
        loss.backward()
        lr = 0.1 if i < 20 else 0.01
        for p in parameters:
            p.data += -lr * p.grad
        lossi.append(loss.log10().item())

    @torch.no_grad()
    def split_loss(x, y):
        emb = C[x]
        embcat = emb.view(emb.shape[0], -1)
        hpreact = embcat @ W1 + b1
        hpreact = bngain * (hpreact - bnmean_running) / bnstd_running + bnbias
        h = torch.tanh(hpreact)
        return F.cross_entropy(h @ W2 + b2, y).item()

    out = []
    context = [0] * block_size
    while len(out) < 5:
        emb = C[torch.tensor([context])]
        h = torch.tanh(emb.view(1, -1) @ W1 + b1)
        probs = F.softmax(h @ W2 + b2, dim=1)
        ix = torch.multinomial(probs, num_samples=1).item()
        context = context[1:] + [ix]
        out.append(ix)
        if ix == 0:
            break
    saturated = (h.abs() > 0.99).float().mean()
    return [count, lossi, split_loss(X, Y), len(out) > 0, saturated >= 0, torch.tensor(lossi).view(-1, 10).mean(1)]


def layers_of_our_own():
    class Linear:
        def __init__(self, fan_in, fan_out, bias=True):
            self.weight = torch.randn((fan_in, fan_out)) / fan_in**0.5
            self.bias = torch.zeros(fan_out) if bias else None

        def __call__(self, x):
            self.out = x @ self.weight
            if self.bias is not None:
                self.out += self.bias
            return self.out

        def parameters(self):
            return [self.weight] + ([] if self.bias is None else [self.bias])

    class BatchNorm1d:
        def __init__(self, dim, eps=1e-5, momentum=0.1):
            self.eps = eps
            self.momentum = momentum
            self.training = True
            self.gamma = torch.ones(dim)
            self.beta = torch.zeros(dim)
            self.running_mean = torch.zeros(dim)
            self.running_var = torch.ones(dim)

        def __call__(self, x):
            if self.training:
                if x.ndim == 2:
                    dim = 0
                elif x.ndim == 3:
                    dim = (0, 1)
                xmean = x.mean(dim, keepdim=True)
                xvar = x.var(dim, keepdim=True)
            else:
                xmean = self.running_mean
                xvar = self.running_var
            xhat = (x - xmean) / torch.sqrt(xvar + self.eps)
            self.out = self.gamma * xhat + self.beta
            if self.training:
                with torch.no_grad():
                    self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * xmean
                    self.running_var = (1 - self.momentum) * self.running_var + self.momentum * xvar
            return self.out

        def parameters(self):
            return [self.gamma, self.beta]

    class Tanh:
        def __call__(self, x):
            self.out = torch.tanh(x)
            return self.out

        def parameters(self):
            return []

    class FlattenConsecutive:
        def __init__(self, n):
            self.n = n

        def __call__(self, x):
            B, T, C = x.shape
            x = x.view(B, T // self.n, C * self.n)
            if x.shape[1] == 1:
                x = x.squeeze(1)
            self.out = x
            return self.out

        def parameters(self):
            return []

    layers = [FlattenConsecutive(2), Linear(8, 6, bias=False), BatchNorm1d(6), Tanh(),
              FlattenConsecutive(2), Linear(12, 6), BatchNorm1d(6), Tanh(), Linear(6, 5)]
    with torch.no_grad():
        layers[-1].weight *= 0.1
    parameters = [p for layer in layers for p in layer.parameters()]
    start(parameters)
    for p in parameters:
        p.requires_grad = True
    x = torch.tensor(np.random.default_rng(0).standard_normal((7, 4, 4)), dtype=torch.float32)
    for layer in layers:
        x = layer(x)
    for layer in layers[1:]:
        layer.out.retain_grad()
    loss = F.cross_entropy(x, torch.arange(7) % 5)
    loss.backward()
    stats = []
    for layer in layers[1:-1]:
        if isinstance(layer, Tanh):
            t = layer.out
            stats.append(f"{t.mean():+.2f} {t.std(unbiased=True):.2f} {(t.abs() > 0.97).float().mean() * 100:.2f}%")
            t = layer.out.grad
            stats.append(f"{t.mean():+f}"[:7])
    return [loss, [p.grad for p in parameters], stats]


def backprop_ninja():
    rng = np.random.default_rng(0)
    n, v = 8, 6
    logits = torch.tensor(rng.standard_normal((n, v)), dtype=torch.float32, requires_grad=True)
    Yb = torch.tensor(rng.integers(0, v, n))
    logit_maxes = logits.max(1, keepdim=True).values
    norm_logits = logits - logit_maxes
    counts = norm_logits.exp()
    counts_sum = counts.sum(1, keepdims=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    logprobs = probs.log()
    loss = -logprobs[range(n), Yb].mean()
    for t in [logprobs, probs, counts, counts_sum, counts_sum_inv, norm_logits, logit_maxes, logits]:
        t.retain_grad()
    loss.backward()
    dlogprobs = torch.zeros_like(logprobs)
    dlogprobs[range(n), Yb] = -1.0 / n
    dprobs = (1.0 / probs) * dlogprobs
    dcounts_sum_inv = (counts * dprobs).sum(1, keepdim=True)
    dcounts = counts_sum_inv * dprobs
    dcounts_sum = (-(counts_sum**-2)) * dcounts_sum_inv
    dcounts += torch.ones_like(counts) * dcounts_sum
    dnorm_logits = counts * dcounts
    dlogits = dnorm_logits.clone()
    dlogit_maxes = (-dnorm_logits).sum(1, keepdim=True)
    dlogits += F.one_hot(logits.max(dim=1).indices, num_classes=logits.shape[1]) * dlogit_maxes

    def cmp(s, dt, t):
        ex = torch.all(dt == t.grad).item()
        app = torch.allclose(dt, t.grad)
        maxdiff = (dt - t.grad).abs().max().item()
        return [s, app, maxdiff < 1e-6, ex in (True, False)]

    fast = F.softmax(logits, 1)
    fast[range(n), Yb] -= 1
    fast /= n
    return [cmp("logprobs", dlogprobs, logprobs), cmp("counts", dcounts, counts), cmp("logits", dlogits, logits),
            torch.allclose(fast, logits.grad), loss]


def gpt():
    rng = np.random.default_rng(0)
    chars = sorted(list(set(TEXT)))
    vocab_size = len(chars)
    stoi = {ch: i for i, ch in enumerate(chars)}
    itos = {i: ch for i, ch in enumerate(chars)}
    encode = lambda s: [stoi[c] for c in s]
    decode = lambda l: "".join([itos[i] for i in l])
    data = torch.tensor(encode(TEXT), dtype=torch.long)
    n = int(0.9 * len(data))
    train_data, val_data = data[:n], data[n:]
    batch_size, block_size, n_embd, n_head, n_layer, dropout, device = 4, 8, 16, 4, 2, 0.0, "cpu"

    def get_batch(split):
        data = train_data if split == "train" else val_data
        ix = torch.tensor(rng.integers(0, len(data) - block_size, (batch_size,)))
        x = torch.stack([data[i : i + block_size] for i in ix])
        y = torch.stack([data[i + 1 : i + block_size + 1] for i in ix])
        x, y = x.to(device), y.to(device)
        return x, y

    @torch.no_grad()
    def estimate_loss():
        out = {}
        model.eval()
        for split in ["train", "val"]:
            losses = torch.zeros(3)
            for k in range(3):
                X, Y = get_batch(split)
                _, loss = model(X, Y)
                losses[k] = loss.item()
            out[split] = losses.mean()
        model.train()
        return out

    class Head(nn.Module):
        def __init__(self, head_size):
            super().__init__()
            self.key = nn.Linear(n_embd, head_size, bias=False)
            self.query = nn.Linear(n_embd, head_size, bias=False)
            self.value = nn.Linear(n_embd, head_size, bias=False)
            self.register_buffer("tril", torch.tril(torch.ones(block_size, block_size)))
            self.dropout = nn.Dropout(dropout)

        def forward(self, x):
            B, T, C = x.shape
            k = self.key(x)
            q = self.query(x)
            wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
            wei = wei.masked_fill(self.tril[:T, :T] == 0, float("-inf"))
            wei = F.softmax(wei, dim=-1)
            wei = self.dropout(wei)
            v = self.value(x)
            return wei @ v

    class MultiHeadAttention(nn.Module):
        def __init__(self, num_heads, head_size):
            super().__init__()
            self.heads = nn.ModuleList([Head(head_size) for _ in range(num_heads)])
            self.proj = nn.Linear(head_size * num_heads, n_embd)
            self.dropout = nn.Dropout(dropout)

        def forward(self, x):
            out = torch.cat([h(x) for h in self.heads], dim=-1)
            return self.dropout(self.proj(out))

    class FeedFoward(nn.Module):
        def __init__(self, n_embd):
            super().__init__()
            self.net = nn.Sequential(
                nn.Linear(n_embd, 4 * n_embd), nn.ReLU(), nn.Linear(4 * n_embd, n_embd), nn.Dropout(dropout)
            )

        def forward(self, x):
            return self.net(x)

    class Block(nn.Module):
        def __init__(self, n_embd, n_head):
            super().__init__()
            head_size = n_embd // n_head
            self.sa = MultiHeadAttention(n_head, head_size)
            self.ffwd = FeedFoward(n_embd)
            self.ln1 = nn.LayerNorm(n_embd)
            self.ln2 = nn.LayerNorm(n_embd)

        def forward(self, x):
            x = x + self.sa(self.ln1(x))
            x = x + self.ffwd(self.ln2(x))
            return x

    class GPTLanguageModel(nn.Module):
        def __init__(self):
            super().__init__()
            self.token_embedding_table = nn.Embedding(vocab_size, n_embd)
            self.position_embedding_table = nn.Embedding(block_size, n_embd)
            self.blocks = nn.Sequential(*[Block(n_embd, n_head=n_head) for _ in range(n_layer)])
            self.ln_f = nn.LayerNorm(n_embd)
            self.lm_head = nn.Linear(n_embd, vocab_size)
            self.apply(self._init_weights)

        def _init_weights(self, module):
            if isinstance(module, nn.Linear):
                torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
                if module.bias is not None:
                    torch.nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)

        def forward(self, idx, targets=None):
            B, T = idx.shape
            tok_emb = self.token_embedding_table(idx)
            pos_emb = self.position_embedding_table(torch.arange(T, device=device))
            x = tok_emb + pos_emb
            x = self.blocks(x)
            x = self.ln_f(x)
            logits = self.lm_head(x)
            if targets is None:
                loss = None
            else:
                B, T, C = logits.shape
                logits = logits.view(B * T, C)
                targets = targets.view(B * T)
                loss = F.cross_entropy(logits, targets)
            return logits, loss

        def generate(self, idx, max_new_tokens):
            for _ in range(max_new_tokens):
                idx_cond = idx[:, -block_size:]
                logits, loss = self(idx_cond)
                logits = logits[:, -1, :]
                probs = F.softmax(logits, dim=-1)
                idx_next = torch.multinomial(probs, num_samples=1)
                idx = torch.cat((idx, idx_next), dim=1)
            return idx

    model = GPTLanguageModel()
    start(model)
    m = model.to(device)
    said = [f"{sum(p.numel() for p in m.parameters()) / 1e6} M parameters"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for it in range(10):
        if it % 5 == 0:
            losses = estimate_loss()
            said.append(f"step {it}: train loss {losses['train']:.3f}, val loss {losses['val']:.3f}")
        xb, yb = get_batch("train")
        logits, loss = model(xb, yb)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        said.append(loss)
    context = torch.zeros((1, 1), dtype=torch.long, device=device)
    return [*said, len(decode(m.generate(context, max_new_tokens=20)[0].tolist()))]


def causal_self_attention():
    class CausalSelfAttention(nn.Module):
        def __init__(self, n_embd, n_head, block_size, flash):
            super().__init__()
            assert n_embd % n_head == 0
            self.c_attn = nn.Linear(n_embd, 3 * n_embd, bias=True)
            self.c_proj = nn.Linear(n_embd, n_embd, bias=True)
            self.attn_dropout = nn.Dropout(0.0)
            self.n_head = n_head
            self.n_embd = n_embd
            self.flash = flash and hasattr(torch.nn.functional, "scaled_dot_product_attention")
            self.register_buffer(
                "bias", torch.tril(torch.ones(block_size, block_size)).view(1, 1, block_size, block_size)
            )

        def forward(self, x):
            B, T, C = x.size()
            q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
            k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
            q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
            v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
            if self.flash:
                y = torch.nn.functional.scaled_dot_product_attention(
                    q, k, v, attn_mask=None, dropout_p=0.0, is_causal=True
                )
            else:
                att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
                att = att.masked_fill(self.bias[:, :, :T, :T] == 0, float("-inf"))
                att = F.softmax(att, dim=-1)
                att = self.attn_dropout(att)
                y = att @ v
            y = y.transpose(1, 2).contiguous().view(B, T, C)
            return self.c_proj(y)

    class NewGELU(nn.Module):
        def forward(self, x):
            return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))

    x = torch.tensor(np.random.default_rng(0).standard_normal((2, 5, 8)), dtype=torch.float32)
    found = []
    for flash in (True, False):
        layer = CausalSelfAttention(8, 2, 6, flash)
        start(layer)
        out = layer(x)
        out.pow(2).mean().backward()
        found += [out, layer.c_attn.weight.grad]
    return [*found, NewGELU()(x), nn.GELU(approximate="tanh")(x)]


def gpt_with_weight_tying_and_decay_groups():
    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.transformer = nn.ModuleDict(
                dict(wte=nn.Embedding(11, 8), wpe=nn.Embedding(6, 8), drop=nn.Dropout(0.0),
                     h=nn.ModuleList([nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True)
                                      for _ in range(2)]),
                     ln_f=nn.LayerNorm(8)))
            self.lm_head = nn.Linear(8, 11, bias=False)
            self.transformer.wte.weight = self.lm_head.weight
            for pn, p in self.named_parameters():
                if pn.endswith("c_proj.weight"):
                    torch.nn.init.normal_(p, mean=0.0, std=0.02)

        def forward(self, idx, targets=None):
            device = idx.device
            b, t = idx.size()
            pos = torch.arange(0, t, dtype=torch.long, device=device)
            x = self.transformer.drop(self.transformer.wte(idx) + self.transformer.wpe(pos))
            mask = nn.Transformer.generate_square_subsequent_mask(t)
            for block in self.transformer.h:
                x = block(x, src_mask=mask, is_causal=True)
            x = self.transformer.ln_f(x)
            if targets is not None:
                logits = self.lm_head(x)
                return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)
            return self.lm_head(x[:, [-1], :]), None

        @torch.no_grad()
        def generate(self, idx, max_new_tokens, temperature=1.0, top_k=None):
            for _ in range(max_new_tokens):
                idx_cond = idx if idx.size(1) <= 6 else idx[:, -6:]
                logits, _ = self(idx_cond)
                logits = logits[:, -1, :] / temperature
                if top_k is not None:
                    v, _ = torch.topk(logits, min(top_k, logits.size(-1)))
                    logits[logits < v[:, [-1]]] = -float("Inf")
                probs = F.softmax(logits, dim=-1)
                idx_next = torch.multinomial(probs, num_samples=1)
                idx = torch.cat((idx, idx_next), dim=1)
            return idx

    model = GPT()
    start(model)
    param_dict = {pn: p for pn, p in model.named_parameters() if p.requires_grad}
    decay_params = [p for n, p in param_dict.items() if p.dim() >= 2]
    nodecay_params = [p for n, p in param_dict.items() if p.dim() < 2]
    optim_groups = [{"params": decay_params, "weight_decay": 0.1}, {"params": nodecay_params, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(optim_groups, lr=1e-2, betas=(0.9, 0.95))

    def get_lr(it):
        if it < 2:
            return 1e-2 * (it + 1) / 3
        return 1e-3 + 0.5 * (1.0 + math.cos(math.pi * it / 5)) * 9e-3

    idx = torch.tensor(np.random.default_rng(0).integers(0, 11, (3, 7)))
    losses = []
    for it in range(5):
        for param_group in optimizer.param_groups:
            param_group["lr"] = get_lr(it)
        _, loss = model(idx[:, :-1], idx[:, 1:].contiguous())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    n_params = sum(p.numel() for p in model.parameters()) - model.transformer.wpe.weight.numel()
    return [losses, n_params, len(list(model.parameters())), model.generate(idx[:, :3], 6, top_k=1),
            model.generate(idx[:, :3], 2, 0.8, 3).shape, sorted(param_dict)]


def character_rnn_by_hand():
    n_letters, n_hidden, n_categories = 27, 16, 3

    class RNN(nn.Module):
        def __init__(self, input_size, hidden_size, output_size):
            super(RNN, self).__init__()
            self.hidden_size = hidden_size
            self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
            self.h2o = nn.Linear(hidden_size, output_size)
            self.softmax = nn.LogSoftmax(dim=1)

        def forward(self, input, hidden):
            combined = torch.cat((input, hidden), 1)
            hidden = torch.tanh(self.i2h(combined))
            output = self.softmax(self.h2o(hidden))
            return output, hidden

        def initHidden(self):
            return torch.zeros(1, self.hidden_size)

    def lineToTensor(line):
        tensor = torch.zeros(len(line), 1, n_letters)
        for li, letter in enumerate(line):
            tensor[li][0][ord(letter) - ord("a")] = 1
        return tensor

    rnn = RNN(n_letters, n_hidden, n_categories)
    start(rnn)
    criterion = nn.NLLLoss()
    learning_rate = 0.05
    losses = []
    for i, word in enumerate(WORDS * 2):
        line_tensor = lineToTensor(word)
        category_tensor = torch.tensor([i % n_categories], dtype=torch.long)
        hidden = rnn.initHidden()
        rnn.zero_grad()
        for k in range(line_tensor.size()[0]):
            output, hidden = rnn(line_tensor[k], hidden)
        loss = criterion(output, category_tensor)
        loss.backward()
        for p in rnn.parameters():
            p.data.add_(p.grad.data, alpha=-learning_rate)
        top_n, top_i = output.topk(1)
        category_i = top_i[0].item()
        losses.append([loss.item(), category_i])
    topv, topi = output.data.topk(3, 1, True)
    return [losses, topv, topi]


def lstm_of_a_sine():
    class Sequence(nn.Module):
        def __init__(self):
            super(Sequence, self).__init__()
            self.lstm1 = nn.LSTMCell(1, 8)
            self.lstm2 = nn.LSTMCell(8, 8)
            self.linear = nn.Linear(8, 1)

        def forward(self, input, future=0):
            outputs = []
            h_t = torch.zeros(input.size(0), 8, dtype=torch.double)
            c_t = torch.zeros(input.size(0), 8, dtype=torch.double)
            h_t2 = torch.zeros(input.size(0), 8, dtype=torch.double)
            c_t2 = torch.zeros(input.size(0), 8, dtype=torch.double)
            for input_t in input.split(1, dim=1):
                h_t, c_t = self.lstm1(input_t, (h_t, c_t))
                h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
                output = self.linear(h_t2)
                outputs += [output]
            for _ in range(future):
                h_t, c_t = self.lstm1(output, (h_t, c_t))
                h_t2, c_t2 = self.lstm2(h_t, (h_t2, c_t2))
                output = self.linear(h_t2)
                outputs += [output]
            outputs = torch.cat(outputs, dim=1)
            return outputs

    x = np.sin(np.arange(20)[None] / 3.0 + np.arange(4)[:, None]).astype("float64")
    input = torch.from_numpy(x[1:, :-1])
    target = torch.from_numpy(x[1:, 1:])
    seq = Sequence()
    seq.double()
    start(seq)
    criterion = nn.MSELoss()
    optimizer = torch.optim.LBFGS(seq.parameters(), lr=0.8)
    losses = []
    for _ in range(2):

        def closure():
            optimizer.zero_grad()
            out = seq(input)
            loss = criterion(out, target)
            losses.append(loss.item())
            loss.backward()
            return loss

        optimizer.step(closure)
    with torch.no_grad():
        pred = seq(input, future=5)
        loss = criterion(pred[:, :-5], target)
    return [losses[:3], losses[-1] < losses[0] / 2, pred.shape, loss.item() < losses[0]]


def lstm_classifier():
    class LSTMTagger(nn.Module):
        def __init__(self, embedding_dim, hidden_dim, vocab_size, tagset_size):
            super(LSTMTagger, self).__init__()
            self.hidden_dim = hidden_dim
            self.word_embeddings = nn.Embedding(vocab_size, embedding_dim)
            self.lstm = nn.LSTM(embedding_dim, hidden_dim)
            self.hidden2tag = nn.Linear(hidden_dim, tagset_size)

        def forward(self, sentence):
            embeds = self.word_embeddings(sentence)
            lstm_out, _ = self.lstm(embeds.view(len(sentence), 1, -1))
            tag_space = self.hidden2tag(lstm_out.view(len(sentence), -1))
            tag_scores = F.log_softmax(tag_space, dim=1)
            return tag_scores

    training_data = [
        ("The dog ate the apple".split(), ["DET", "NN", "V", "DET", "NN"]),
        ("Everybody read that book".split(), ["NN", "V", "DET", "NN"]),
    ]
    word_to_ix = {}
    for sent, _tags in training_data:
        for word in sent:
            if word not in word_to_ix:
                word_to_ix[word] = len(word_to_ix)
    tag_to_ix = {"DET": 0, "NN": 1, "V": 2}

    def prepare_sequence(seq, to_ix):
        return torch.tensor([to_ix[w] for w in seq], dtype=torch.long)

    model = LSTMTagger(6, 6, len(word_to_ix), len(tag_to_ix))
    start(model)
    loss_function = nn.NLLLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(20):
        for sentence, tags in training_data:
            model.zero_grad()
            loss = loss_function(model(prepare_sequence(sentence, word_to_ix)), prepare_sequence(tags, tag_to_ix))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def sentiment_of_padded_sequences():
    rng = np.random.default_rng(0)
    sentences = [torch.tensor(rng.integers(1, 20, n)) for n in (7, 5, 3)]
    lengths = torch.tensor([len(s) for s in sentences])
    padded = pad_sequence(sentences, batch_first=True, padding_value=0)

    class RNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(20, 6, padding_idx=0)
            self.rnn = nn.LSTM(6, 5, num_layers=2, bidirectional=True, dropout=0.0)
            self.fc = nn.Linear(10, 1)

        def forward(self, text, text_lengths):
            embedded = self.embedding(text)
            packed_embedded = pack_padded_sequence(embedded, text_lengths, batch_first=True)
            packed_output, (hidden, cell) = self.rnn(packed_embedded)
            output, output_lengths = pad_packed_sequence(packed_output)
            hidden = torch.cat((hidden[-2, :, :], hidden[-1, :, :]), dim=1)
            return self.fc(hidden), output, output_lengths

    model = RNN()
    start(model)
    predictions, output, n = model(padded, lengths)
    loss = F.binary_cross_entropy_with_logits(predictions.squeeze(1), torch.tensor([1.0, 0.0, 1.0]))
    loss.backward()
    return [padded, predictions, output, n, loss, model.embedding.weight.grad, model.rnn.weight_hh_l0.grad]


def rnn_language_model_from_scratch():
    rng = np.random.default_rng(0)
    vocab = sorted(set(TEXT))
    corpus = torch.tensor([vocab.index(c) for c in TEXT])
    k, num_hiddens, num_steps, batch_size = len(vocab), 16, 5, 2

    def normal(shape):
        return torch.tensor(rng.standard_normal(shape), dtype=torch.float32) * 0.01

    W_xh, W_hh, b_h = normal((k, num_hiddens)), normal((num_hiddens, num_hiddens)), torch.zeros(num_hiddens)
    W_hq, b_q = normal((num_hiddens, k)), torch.zeros(k)
    params = [W_xh, W_hh, b_h, W_hq, b_q]
    for param in params:
        param.requires_grad_(True)

    def rnn(inputs, state):
        (H,) = state
        outputs = []
        for X in inputs:
            H = torch.tanh(torch.mm(X, W_xh) + torch.mm(H, W_hh) + b_h)
            Y = torch.mm(H, W_hq) + b_q
            outputs.append(Y)
        return torch.cat(outputs, dim=0), (H,)

    def grad_clipping(params, theta):
        norm = torch.sqrt(sum(torch.sum((p.grad**2)) for p in params))
        if norm > theta:
            for param in params:
                param.grad[:] *= theta / norm
        return norm

    num_tokens = ((len(corpus) - 1) // batch_size) * batch_size
    Xs = corpus[:num_tokens].reshape((batch_size, -1))
    Ys = corpus[1 : num_tokens + 1].reshape((batch_size, -1))
    state = None
    found = []
    updater = torch.optim.SGD(params, lr=1.0)
    loss = nn.CrossEntropyLoss()
    for i in range(0, num_steps * 8, num_steps):
        X, Y = Xs[:, i : i + num_steps], Ys[:, i : i + num_steps]
        if state is None:
            state = (torch.zeros((batch_size, num_hiddens)),)
        else:
            for s in state:
                s.detach_()
        y = Y.T.reshape(-1)
        y_hat, state = rnn(F.one_hot(X.T, k).type(torch.float32), state)
        l = loss(y_hat, y.long()).mean()  # noqa: E741
        updater.zero_grad()
        l.backward()
        norm = grad_clipping(params, 0.05)
        updater.step()
        found.append([l * y.numel(), norm])
    return [found, math.exp(l)]


def seq2seq_with_attention():
    class Encoder(nn.Module):
        def __init__(self, vocab_size, embed_size, num_hiddens, num_layers):
            super().__init__()
            self.embedding = nn.Embedding(vocab_size, embed_size)
            self.rnn = nn.GRU(embed_size, num_hiddens, num_layers)

        def forward(self, X, *args):
            X = self.embedding(X)
            X = X.permute(1, 0, 2)
            output, state = self.rnn(X)
            return output, state

    def sequence_mask(X, valid_len, value=0):
        maxlen = X.size(1)
        mask = torch.arange((maxlen), dtype=torch.float32, device=X.device)[None, :] < valid_len[:, None]
        return X.masked_fill(~mask, value)

    def masked_softmax(X, valid_lens):
        if valid_lens is None:
            return functional.softmax(X, dim=-1)
        shape = X.shape
        if valid_lens.dim() == 1:
            valid_lens = torch.repeat_interleave(valid_lens, shape[1])
        else:
            valid_lens = valid_lens.reshape(-1)
        X = sequence_mask(X.reshape(-1, shape[-1]), valid_lens, value=-1e6)
        return functional.softmax(X.reshape(shape), dim=-1)

    class AdditiveAttention(nn.Module):
        def __init__(self, num_hiddens, dropout):
            super().__init__()
            self.W_k = nn.LazyLinear(num_hiddens, bias=False)
            self.W_q = nn.LazyLinear(num_hiddens, bias=False)
            self.w_v = nn.LazyLinear(1, bias=False)
            self.dropout = nn.Dropout(dropout)

        def forward(self, queries, keys, values, valid_lens):
            queries, keys = self.W_q(queries), self.W_k(keys)
            features = queries.unsqueeze(2) + keys.unsqueeze(1)
            features = torch.tanh(features)
            scores = self.w_v(features).squeeze(-1)
            self.attention_weights = masked_softmax(scores, valid_lens)
            return torch.bmm(self.dropout(self.attention_weights), values)

    class DotProductAttention(nn.Module):
        def __init__(self, dropout):
            super().__init__()
            self.dropout = nn.Dropout(dropout)

        def forward(self, queries, keys, values, valid_lens=None):
            d = queries.shape[-1]
            scores = torch.bmm(queries, keys.transpose(1, 2)) / math.sqrt(d)
            self.attention_weights = masked_softmax(scores, valid_lens)
            return torch.bmm(self.dropout(self.attention_weights), values)

    class MaskedSoftmaxCELoss(nn.CrossEntropyLoss):
        def forward(self, pred, label, valid_len):
            weights = torch.ones_like(label)
            weights = sequence_mask(weights, valid_len)
            self.reduction = "none"
            unweighted_loss = super().forward(pred.permute(0, 2, 1), label)
            weighted_loss = (unweighted_loss * weights).mean(dim=1)
            return weighted_loss

    encoder = Encoder(10, 8, 6, 2)
    encoder.eval()
    start(encoder)
    X = torch.zeros((4, 7), dtype=torch.long)
    output, state = encoder(X)
    rng = np.random.default_rng(0)
    queries = torch.tensor(rng.standard_normal((2, 1, 20)), dtype=torch.float32)
    keys = torch.ones((2, 10, 2))
    values = torch.arange(40, dtype=torch.float32).reshape(1, 10, 4).repeat(2, 1, 1)
    valid_lens = torch.tensor([2, 6])
    attention = AdditiveAttention(num_hiddens=8, dropout=0.1)
    attention.eval()
    first = attention(queries, keys, values, valid_lens)
    start(attention)
    second = DotProductAttention(0.0)(torch.ones((2, 1, 2)), keys, values, valid_lens)
    loss = MaskedSoftmaxCELoss()(torch.ones(3, 4, 10), torch.ones((3, 4), dtype=torch.long), torch.tensor([4, 2, 0]))
    return [output, state, first, second, loss, attention.attention_weights, attention(queries, keys, values, None)]


def positional_encoding_and_transformer():
    class PositionalEncoding(nn.Module):
        def __init__(self, d_model, dropout=0.1, max_len=5000):
            super(PositionalEncoding, self).__init__()
            self.dropout = nn.Dropout(p=dropout)
            pe = torch.zeros(max_len, d_model)
            position = torch.arange(0, max_len, dtype=torch.float).unsqueeze(1)
            div_term = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(10000.0) / d_model))
            pe[:, 0::2] = torch.sin(position * div_term)
            pe[:, 1::2] = torch.cos(position * div_term)
            pe = pe.unsqueeze(0).transpose(0, 1)
            self.register_buffer("pe", pe)

        def forward(self, x):
            x = x + self.pe[: x.size(0), :]
            return self.dropout(x)

    class TransformerModel(nn.Module):
        def __init__(self, ntoken, ninp, nhead, nhid, nlayers):
            super().__init__()
            self.pos_encoder = PositionalEncoding(ninp, 0.0, 20)
            encoder_layers = nn.TransformerEncoderLayer(ninp, nhead, nhid, 0.0)
            self.transformer_encoder = nn.TransformerEncoder(encoder_layers, nlayers)
            self.encoder = nn.Embedding(ntoken, ninp)
            self.ninp = ninp
            self.decoder = nn.Linear(ninp, ntoken)

        def generate_square_subsequent_mask(self, sz):
            mask = (torch.triu(torch.ones(sz, sz)) == 1).transpose(0, 1)
            mask = mask.float().masked_fill(mask == 0, float("-inf")).masked_fill(mask == 1, float(0.0))
            return mask

        def forward(self, src, src_mask):
            src = self.encoder(src) * math.sqrt(self.ninp)
            src = self.pos_encoder(src)
            output = self.transformer_encoder(src, src_mask)
            return self.decoder(output)

    model = TransformerModel(9, 8, 2, 16, 2)
    start(model)
    src = torch.tensor(np.random.default_rng(0).integers(0, 9, (6, 3)))
    out = model(src, model.generate_square_subsequent_mask(6))
    loss = nn.CrossEntropyLoss()(out.view(-1, 9), src.view(-1))
    loss.backward()
    return [out, loss, model.encoder.weight.grad, [p.grad.norm().item() for p in model.parameters()]]


def transformer_for_translation():
    model = nn.Transformer(
        d_model=8, nhead=2, num_encoder_layers=2, num_decoder_layers=2, dim_feedforward=16, dropout=0.0,
        batch_first=True,
    )
    start(model)
    rng = np.random.default_rng(0)
    src = torch.tensor(rng.standard_normal((3, 5, 8)), dtype=torch.float32)
    tgt = torch.tensor(rng.standard_normal((3, 4, 8)), dtype=torch.float32)
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    padding = torch.tensor([[False] * 5, [False] * 4 + [True], [False] * 3 + [True] * 2])
    out = model(src, tgt, tgt_mask=mask, src_key_padding_mask=padding, memory_key_padding_mask=padding)
    out.pow(2).sum().backward()
    memory = model.encoder(src)
    layer = nn.TransformerDecoderLayer(8, 2, 16, 0.0, norm_first=True)
    decoder = nn.TransformerDecoder(layer, 2, nn.LayerNorm(8))
    start(decoder)
    return [out, memory, model.decoder(tgt, memory), decoder(tgt, src[:, :4]),
            model.encoder.layers[0].linear1.weight.grad, sorted(model.state_dict())]


def cells_and_projections():
    x = torch.tensor(np.random.default_rng(0).standard_normal((5, 3, 4)), dtype=torch.float32)
    lstm = nn.LSTM(4, 6, num_layers=2, proj_size=3, bidirectional=True)
    start(lstm)
    out, (h, c) = lstm(x)
    out.pow(2).sum().backward()
    gru = nn.GRUCell(4, 6)
    start(gru)
    hx = torch.zeros(3, 6)
    steps = []
    for i in range(5):
        hx = gru(x[i], hx)
        steps.append(hx)
    return [out, h, c, lstm.weight_hr_l0.grad, torch.stack(steps), [n for n, _ in lstm.named_parameters()]]
