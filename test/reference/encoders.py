"""Reference values of src/models/families/ from transformers: python test/reference/encoders.py [FOLDER OF MINILM]
(transformers 5.23, torch 2.15, safetensors 0.8).

Writes test/reference/encoders/NAME/: config.json and model.safetensors of a small random model as transformers saves it, and
expected.safetensors: a padded batch (ids, mask, types), its hidden states (hidden.0 after the embeddings, hidden.N after layer N,
hidden.last after the last norm), and logits on mean and on [CLS] pooling with the weights of a random head: the family's own layers
(head.dense, head.norm) where its classifier has the pooling, then a linear layer. Of MiniLM only inputs, every 24th
column of every hidden state and mean-pooled vectors are kept."""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel, ModernBertConfig, ModernBertModel
from transformers import RobertaConfig, RobertaModel, XLMRobertaConfig, XLMRobertaModel
from transformers.models.modernbert.modeling_modernbert import ModernBertPredictionHead

HOME = Path(__file__).parent / "encoders"
LABELS = 5
LENGTHS = [24, 3, 17, 1]


def batch(vocabulary, lengths, type_count, pad=0):
    """Right-padded ids without the padding token; the second part of each text has the second type where there are types."""
    width = max(lengths)
    ids = torch.randint(pad + 1, vocabulary, (len(lengths), width))
    mask = torch.zeros(len(lengths), width, dtype=torch.int64)
    types = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        mask[row, :length] = 1
        ids[row, length:] = pad
        if type_count > 1:
            types[row, length // 2 : length] = 1
    return ids, mask, types


def states(model, layers, embeddings, ids, mask, types):
    """Outputs of the embeddings and of each layer by hooks: what transformers reports differs between families."""
    seen = []
    keep = lambda module, given, output: seen.append((output[0] if isinstance(output, tuple) else output).detach().clone())
    hooks = [module.register_forward_hook(keep) for module in [embeddings, *layers]]
    extra = {} if types is None else {"token_type_ids": types}
    with torch.no_grad():
        last = model(input_ids=ids, attention_mask=mask, **extra).last_hidden_state
    for hook in hooks:
        hook.remove()
    return seen, last


def save(expected, folder):
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.float().contiguous() for key, value in expected.items()}, folder / "expected.safetensors")


def mean_of(last, mask):
    weights = mask.unsqueeze(-1).float()
    return (last * weights).sum(1) / weights.sum(1)


def randomise(model):
    """Far from the usual start, so that every norm, bias and table matters."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0
            parameter.copy_(centre + 0.3 * torch.randn_like(parameter))


def head_of(model):
    """The layers of the family's classifier as tensors, and what they do to a pooled vector, by pooling."""
    config = model.config
    if config.model_type == "bert":
        pooler = model.pooler.eval()
        own = {"head.dense.weight": pooler.dense.weight, "head.dense.bias": pooler.dense.bias}
        return own, {"mean": lambda x: x, "cls": lambda x: pooler(x[:, None])}
    if config.model_type != "modernbert":
        dense = torch.nn.Linear(config.hidden_size, config.hidden_size)
        randomise(dense)
        active = torch.relu if config.model_type == "distilbert" else torch.tanh
        own = {"head.dense.weight": dense.weight, "head.dense.bias": dense.bias}
        return own, {"mean": lambda x: x, "cls": lambda x: active(dense(x))}
    head = ModernBertPredictionHead(config).eval()
    randomise(head)
    own = {"head.dense.weight": head.dense.weight, "head.norm.weight": head.norm.weight}
    own |= {f"head.{name}.bias": getattr(head, name).bias for name in ("dense", "norm") if getattr(head, name).bias is not None}
    return own, {"mean": head, "cls": head}


def write(name, model, layers, embeddings, type_count):
    folder = HOME / name
    folder.mkdir(parents=True, exist_ok=True)
    randomise(model)
    model.eval()
    model.save_pretrained(folder)
    ids, mask, types = batch(model.config.vocab_size, LENGTHS, type_count, model.config.pad_token_id or 0)
    seen, last = states(model, layers, embeddings, ids, mask, types if type_count > 0 else None)
    weight, bias = torch.randn(LABELS, model.config.hidden_size), torch.randn(LABELS)
    expected = {"ids": ids, "mask": mask, "types": types, "hidden.last": last, "head.weight": weight, "head.bias": bias}
    expected |= {f"hidden.{i}": state for i, state in enumerate(seen)}
    own, between = head_of(model)
    expected |= {name: value.detach() for name, value in own.items()}
    with torch.no_grad():
        expected["logits.mean"] = between["mean"](mean_of(last, mask)) @ weight.T + bias
        expected["logits.cls"] = between["cls"](last[:, 0]) @ weight.T + bias
    save(expected, folder)


def minilm(folder):
    model = BertModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    ids, mask, types = batch(model.config.vocab_size, [40, 5, 21], 2)
    seen, last = states(model, model.encoder.layer, model.embeddings, ids, mask, types)
    expected = {"ids": ids, "mask": mask, "types": types, "pooled": mean_of(last, mask)}
    expected |= {f"hidden.{i}": seen[i][:, :, ::24].contiguous() for i, _ in enumerate(seen)}
    save(expected, HOME / "minilm")


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    sizes = {"vocab_size": 40, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24, "max_position_embeddings": 32}
    bert = BertModel(BertConfig(num_hidden_layers=3, attn_implementation="eager", **sizes))
    write("bert", bert, bert.encoder.layer, bert.embeddings, 2)
    special = {"pad_token_id": 0, "cls_token_id": 1, "bos_token_id": 1, "sep_token_id": 2, "eos_token_id": 2}
    for name, biases in [("modernbert", False), ("modernbert-biased", True)]:
        flags = {"attention_bias": biases, "mlp_bias": biases, "norm_bias": biases, "classifier_bias": biases}
        config = ModernBertConfig(num_hidden_layers=4, local_attention=8, attn_implementation="eager", **flags, **special, **sizes)
        modern = ModernBertModel(config)
        write(name, modern, modern.layers, modern.embeddings, 0)
    torch.manual_seed(8)
    tall = {**sizes, "max_position_embeddings": 34, "num_hidden_layers": 3, "attn_implementation": "eager"}
    for name, config, kind in [("roberta", RobertaConfig, RobertaModel), ("xlm-roberta", XLMRobertaConfig, XLMRobertaModel)]:
        model = kind(config(type_vocab_size=1, **tall))
        write(name, model, model.encoder.layer, model.embeddings, 1)
    model = DistilBertModel(DistilBertConfig(vocab_size=40, dim=16, n_heads=2, hidden_dim=24, n_layers=3, max_position_embeddings=32, attn_implementation="eager"))
    write("distilbert", model, model.transformer.layer, model.embeddings, 0)
    if len(sys.argv) > 1:
        minilm(sys.argv[1])


main()
