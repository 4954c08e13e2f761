"""A small transformer learns to write as Python's own documentation does, one character at a time.

The text is that of the help topics that come with CPython, its last tenth kept apart to test on. Two layers of masked
self-attention guess every next character from the 64 before it at most. Whoever guesses at random pays log(103) = 4.6
nats a character; after 600 steps of AdamW the model pays less than 1.5, and so for text that it never saw. Then it
writes. Take `import torch` for `import tinygrad_edu as torch`, and it is a PyTorch program. Writes
19_character_transformer.txt, what it wrote, into the folder it is started from.
"""

from pathlib import Path
from pydoc_data.topics import topics

import numpy as np

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim

CONTEXT, WIDTH, HEADS, LAYERS = 64, 64, 4, 2
STEPS, BATCH, LEARNING_RATE, TARGET = 600, 32, 0.01, 1.5

text = "\n\n".join(topics[name] for name in sorted(topics))
characters = sorted(set(text))
number = {character: i for i, character in enumerate(characters)}
data = np.array([number[character] for character in text])
train, test = np.split(data, [len(data) * 9 // 10])

rng = np.random.default_rng(0)


def batch(source, size):
    """Stretches of the text from anywhere, and for each of their places the character that comes next."""
    first = rng.integers(0, len(source) - CONTEXT, size)
    rows = source[first[:, None] + np.arange(CONTEXT + 1)]
    return torch.from_numpy(rows[:, :-1].copy()), torch.from_numpy(rows[:, 1:].copy())


class Writer(nn.Module):
    """For every place of a text, how likely each character is to come next, as logits."""

    def __init__(self):
        super().__init__()
        self.character = nn.Embedding(len(characters), WIDTH)
        self.place = nn.Embedding(CONTEXT, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS, norm=nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, len(characters))
        for table in (self.character, self.place):
            nn.init.normal_(table.weight, std=0.1)  # two vectors of the size 1 are added, so neither drowns the other

    def forward(self, x):
        length = x.shape[1]
        past = torch.triu(torch.full((length, length), -np.inf), 1)  # no place sees what comes after it
        x = self.character(x) + self.place(torch.arange(length))
        return self.head(self.layers(x, mask=past, is_causal=True))


torch.manual_seed(0)
model = Writer()
print(f"{len(text)} characters, {len(characters)} different ones")
print(f"{sum(parameter.numel() for parameter in model.parameters())} parameters")

criterion = nn.CrossEntropyLoss()
optimizer = optim.AdamW(model.parameters(), lr=LEARNING_RATE)
scheduler = optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS)


def cost(x, y):
    """The mean cross-entropy of a character, in nats."""
    return criterion(model(x).view(-1, len(characters)), y.view(-1))


for step in range(1, STEPS + 1):
    loss = cost(*batch(train, BATCH))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 100 == 0:
        print(f"step {step}, loss {loss.item():.2f}")

model.eval()
with torch.no_grad():
    kept_apart = cost(*batch(test, 512)).item()
    written = [number[character] for character in "The "]
    for _ in range(400):
        logits = model(torch.from_numpy(np.array([written[-CONTEXT:]])))[0, -1]
        chances = torch.softmax(logits / 0.5, -1).numpy().astype(float)  # below 1: the likely more likely still
        written.append(rng.choice(len(characters), p=chances / chances.sum()))
sample = "".join(characters[i] for i in written)
print(f"text kept apart: {kept_apart:.2f} nats a character\n\n{sample}\n")
assert kept_apart < TARGET

Path("19_character_transformer.txt").write_text(sample + "\n", "utf-8")
print("wrote 19_character_transformer.txt")
