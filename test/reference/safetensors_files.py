"""Files of test/reference/safetensors/ and their values: python test/reference/safetensors_files.py (safetensors 0.8, numpy,
ml_dtypes). Values are seeded noise over many magnitudes plus the edges of each type; values.json holds them as float32."""

import json
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

FOLDER = Path("test/reference/safetensors")
EDGES = [0.0, -0.0, 1.0, -1.0, 65504.0, 6e-8, 5.96e-8, -2.98e-8, 6.1e-5, 6.09e-5, 0.1, 1 / 3, 2049.0, 2051.0, 1e-3, 255.5]
TYPES = {"float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}
noise = np.random.default_rng(7)


def tensor(rows):
    drawn = noise.standard_normal((rows, 16)) * 10.0 ** noise.integers(-6, 4, (rows, 16))
    return np.concatenate([np.array([EDGES]), drawn]).astype(np.float32)


def save(name, tensors):
    save_file({key: data.astype(TYPES[kind]) for key, (kind, data) in tensors.items()}, FOLDER / name, {"format": "pt"})
    return {key: data.astype(TYPES[kind]).astype(np.float32).ravel().tolist() for key, (kind, data) in tensors.items()}


source = tensor(3)
values = {"source": source.ravel().tolist()}
for kind in TYPES:
    values[kind] = save(f"{kind}.safetensors", {
        "matrix": (kind, source), "scalar": (kind, np.array(1.5)), "empty": (kind, np.zeros((0, 4)))})

first = save("model-00001-of-00002.safetensors", {"embed.weight": ("float32", tensor(1)), "layer.0.bias": ("bfloat16", tensor(1)[0])})
second = save("model-00002-of-00002.safetensors", {"layer.0.weight": ("float16", tensor(2))})
values["sharded"] = first | second
shards = {name: "model-00001-of-00002.safetensors" for name in first} | {name: "model-00002-of-00002.safetensors" for name in second}
(FOLDER / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": 0}, "weight_map": shards}, indent=1) + "\n")
(FOLDER / "values.json").write_text(json.dumps(values) + "\n")
