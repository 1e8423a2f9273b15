"""The peer of the engine bench: the same masked-token training step in PyTorch (float32, AdamW, clipping by the global norm).

    python bench/peers/engine_torch.py [--size small|large] [--steps 5] [--threads 2]

Prints one JSON line. Pre-norm encoder, exact GELU, scaled dot-product attention, tied head on 15 % of the places. Needs torch >= 2.
"""

import argparse
import json
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional

SIZES = {
    "small": {"layers": 6, "width": 384, "inner": 1536, "heads": 6, "batch": 16},
    "large": {"layers": 20, "width": 768, "inner": 3072, "heads": 12, "batch": 4},
}
VOCABULARY, LENGTH, MASKED_RATIO = 8192, 128, 0.15


class Layer(nn.Module):
    def __init__(self, width, inner, heads):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.ffn_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x, mask):
        batch, length, width = x.shape
        normed = self.attention_norm(x)
        split = lambda y: y.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
        mixed = functional.scaled_dot_product_attention(
            split(self.q(normed)), split(self.k(normed)), split(self.v(normed)), attn_mask=mask
        )
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(functional.gelu(self.up(self.ffn_norm(x))))


class Encoder(nn.Module):
    def __init__(self, layers, width, inner, heads):
        super().__init__()
        self.table = nn.Embedding(VOCABULARY, width)
        self.positions = nn.Parameter(torch.zeros(LENGTH, width))
        self.layers = nn.ModuleList(Layer(width, inner, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.table.weight, std=0.02)

    def forward(self, ids, mask, places, targets):
        x = self.table(ids) + self.positions
        for layer in self.layers:
            x = layer(x, mask)
        hidden = self.norm(x).flatten(0, 1)[places]
        return functional.cross_entropy(hidden @ self.table.weight.T, targets)


def draw_batch(batch):
    count = batch * LENGTH
    words = lambda size: (VOCABULARY ** torch.rand(size)).long().clamp(max=VOCABULARY - 1)
    masked = int(count * MASKED_RATIO)
    places = torch.arange(masked) * count // masked
    return words((batch, LENGTH)), torch.ones(batch, 1, 1, LENGTH, dtype=torch.bool), places, words((masked,))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    size = dict(SIZES[options.size])
    batch = size.pop("batch")
    model = Encoder(**size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01)
    times = []
    for step in range(options.steps + 1):
        if step == 1:
            processor = time.process_time()
        feeds = draw_batch(batch)
        began = time.perf_counter()
        optimizer.zero_grad()
        loss = model(*feeds)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        times.append(time.perf_counter() - began)
    median = statistics.median(times[1:])
    print(json.dumps({
        "bench": "engine", "engine": f"torch {torch.__version__}", "size": options.size,
        "parameters": sum(p.numel() for p in model.parameters()), "threads": options.threads,
        "tokensPerSecond": round(batch * LENGTH / median), "stepMs": round(1000 * median),
        "processorMsPerStep": round(1000 * (time.process_time() - processor) / options.steps),
        "peakMemoryMb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), "loss": round(loss.item(), 4),
    }))


if __name__ == "__main__":
    main()
