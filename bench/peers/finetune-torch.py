"""The peer of the teacher bench: the plain fine-tuning script in PyTorch (float32) and transformers.

    python bench/peers/finetune-torch.py --base DIR --rows FILE --recipe JSON --epochs 5 --seed 1 --threads 1 [--group-by-length]

Random batches padded to their longest text, fused AdamW on all weights, linear warm-up and decay, label smoothing, dropout, clipping,
mean pooling and a linear head. FILE is what bench/teacher.ts writes: {"labelCount", "train", "heldOut", "test"} with rows {"text", "label"}.
--group-by-length sorts texts by length inside pools of 64 batches. Prints one JSON line. Needs torch >= 2.2 and transformers >= 4.40.
"""

import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

POOL_BATCHES = 64


class Classifier(nn.Module):
    def __init__(self, base, labels, dropout):
        super().__init__()
        self.encoder = AutoModel.from_pretrained(
            base, add_pooling_layer=False, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.encoder.config.hidden_size, labels)

    def forward(self, batch):
        hidden = self.encoder(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        return self.head(self.dropout((hidden * mask).sum(1) / mask.sum(1)))


def padded(tokenizer, encoded, rows):
    return tokenizer.pad([encoded[row] for row in rows], padding="longest", return_tensors="pt")


def epoch_batches(count, size, lengths, group_by_length):
    order = torch.randperm(count).tolist()
    if not group_by_length:
        return [order[i:i + size] for i in range(0, count, size)]
    batches = []
    for start in range(0, count, size * POOL_BATCHES):
        pool = sorted(order[start:start + size * POOL_BATCHES], key=lengths.__getitem__)
        batches += [pool[i:i + size] for i in range(0, len(pool), size)]
    return [batches[i] for i in torch.randperm(len(batches)).tolist()]


def train(model, tokenizer, encoded, labels, recipe, options):
    """Seconds, processor seconds, steps, real and padded tokens of the training."""
    size, lengths = recipe["batchSize"], [len(text["input_ids"]) for text in encoded]
    steps = options.epochs * -(-len(encoded) // size)
    warmup = max(1, round(steps * recipe["warmupRatio"]))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe["learningRate"], weight_decay=recipe["weightDecay"], fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, max(0.0, (steps - step) / max(1, steps - warmup)))
    )
    model.train()
    real = padding = 0
    began, processor = time.perf_counter(), time.process_time()
    for _ in range(options.epochs):
        for rows in epoch_batches(len(encoded), size, lengths, options.group_by_length):
            batch = padded(tokenizer, encoded, rows)
            real, padding = real + sum(lengths[row] for row in rows), padding + batch["input_ids"].numel()
            loss = functional.cross_entropy(model(batch), labels[rows], label_smoothing=recipe["labelSmoothing"])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), recipe["gradientClip"])
            optimizer.step()
            schedule.step()
    return time.perf_counter() - began, time.process_time() - processor, steps, real, padding


@torch.no_grad()
def accuracy(model, tokenizer, encode, rows):
    model.eval()
    encoded = encode(rows)
    order = sorted(range(len(rows)), key=lambda row: len(encoded[row]["input_ids"]))
    right = 0
    for start in range(0, len(order), 64):
        picked = order[start:start + 64]
        wanted = torch.tensor([rows[row]["label"] for row in picked])
        right += int((model(padded(tokenizer, encoded, picked)).argmax(1) == wanted).sum())
    return right / max(1, len(rows))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", required=True)
    parser.add_argument("--rows", required=True)
    parser.add_argument("--recipe", type=json.loads, required=True)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--group-by-length", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_num_interop_threads(1)
    torch.manual_seed(options.seed)
    with open(options.rows, encoding="utf8") as file:
        data = json.load(file)
    recipe = options.recipe
    tokenizer = AutoTokenizer.from_pretrained(options.base)

    def encode(rows):
        found = tokenizer([row["text"] for row in rows], truncation=True, max_length=recipe["maxTokens"])
        return [{"input_ids": ids} for ids in found["input_ids"]]

    model = Classifier(options.base, data["labelCount"], recipe["dropout"])
    labels = torch.tensor([row["label"] for row in data["train"]])
    seconds, processor, steps, real, padding = train(model, tokenizer, encode(data["train"]), labels, recipe, options)
    print(json.dumps({
        "seconds": seconds, "processorSeconds": processor, "steps": steps,
        "tokensPerStep": real / steps, "paddedTokensPerStep": padding / steps,
        "heldOutAccuracy": accuracy(model, tokenizer, encode, data["heldOut"]),
        "accuracy": accuracy(model, tokenizer, encode, data["test"]),
    }))


if __name__ == "__main__":
    main()
