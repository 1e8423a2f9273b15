"""What Python transformers reads in folders that a run ships: node dist/test/exported.js FOLDER && python test/reference/exported.py FOLDER
(transformers 5.23, torch 2.15, safetensors 0.8).

Writes test/reference/exported/NAME.safetensors of each: for the texts of FOLDER/texts.json, padded as one batch, the ids and mask of
AutoTokenizer, every fourth column of the last hidden states of AutoModel, and logits: of AutoModelForSequenceClassification where the
folder names a text classifier, else the folder's pooling over these states and its `classifier` tensors over the pooled vectors, as
docs/distillation.md tells. Fails where a folder does not open, or where the
configuration that AutoConfig reads contradicts the tokenizer."""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer

HOME = Path(__file__).parent / "exported"
NAMES = ["bert-wordpiece", "bert-bytes", "roberta-bytes", "xlm-roberta-wordpiece", "distilbert-bytes", "modernbert-wordpiece", "modernbert-bytes"]


def check(config, tokenizer, model):
    assert config.pad_token_id == tokenizer.pad_token_id
    assert config.cls_token_id == tokenizer.convert_tokens_to_ids("[CLS]")
    assert config.sep_token_id == config.eos_token_id == tokenizer.convert_tokens_to_ids("[SEP]")
    assert config.vocab_size == len(tokenizer)
    behind_pad = config.pad_token_id + 1 if "roberta" in config.model_type else 0
    assert config.max_position_embeddings == tokenizer.model_max_length + behind_pad
    assert list(config.id2label.values()) == ["card", "fee", "transfer", "送金"] and config.num_labels == 4
    assert model.dtype == torch.float32


def classify(folder, batch):
    model, loading = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    assert not loading["missing_keys"] and not loading["unexpected_keys"], loading
    with torch.no_grad():
        return model.eval()(**batch).logits


def by_hand(folder, config, batch, last):
    mask = batch["attention_mask"].unsqueeze(-1).float()
    pooled = last[:, 0] if config.classifier_pooling == "cls" else (last * mask).sum(1) / mask.sum(1)
    head = load_file(folder / "model.safetensors")
    return pooled @ head["classifier.weight"].T + head["classifier.bias"]


def read(folder, texts):
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model, loading = AutoModel.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    check(config, tokenizer, model)
    label = "classifier.out_proj" if "classifier.out_proj.weight" in loading["unexpected_keys"] else "classifier"
    assert {f"{label}.weight", f"{label}.bias"} <= set(loading["unexpected_keys"])
    assert {key.split(".")[0] for key in loading["unexpected_keys"]} <= {"classifier", "head", "pre_classifier"}
    assert {key.split(".")[0] for key in loading["missing_keys"]} <= {"pooler"}  # BERT's tanh pooler, which nothing here asks for
    batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        last = model.eval()(**batch).last_hidden_state
    logits = classify(folder, batch) if "Classification" in config.architectures[0] else by_hand(folder, config, batch, last)
    return {"ids": batch["input_ids"], "mask": batch["attention_mask"], "last": last[:, :, ::4], "logits": logits}


def main():
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    texts = json.loads((folder / "texts.json").read_text())
    HOME.mkdir(exist_ok=True)
    for name in NAMES:
        values = {key: value.float().contiguous() for key, value in read(folder / name, texts).items()}
        save_file(values, HOME / f"{name}.safetensors")
        print(name, values["logits"].argmax(1).tolist())


main()
