"""Writes four_bit.json: small matrices rounded to 4 bits by ONNX Runtime's own quantiser (symmetric, blocks of 32), and products and
table rows of them by its kernels in float32 activations. Made with onnxruntime 1.32, onnx 1.23, numpy 2.

    python test/reference/four_bit.py
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper
from onnxruntime.capi._pybind_state import quantize_matmul_4bits

BLOCK = 32


def quantize(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """weight [rows, columns] -> packed [rows, blocks, 16], scales [rows, blocks]."""
    rows, columns = weight.shape
    blocks = -(-columns // BLOCK)
    packed = np.zeros((rows, blocks, BLOCK // 2), np.uint8)
    scales = np.zeros((rows * blocks,), np.float32)
    zeros = np.zeros((rows * ((blocks + 1) // 2),), np.uint8)
    quantize_matmul_4bits(packed, np.ascontiguousarray(weight.T), scales, zeros, BLOCK, rows, columns, True)
    return packed, scales.reshape(rows, blocks)


def run(node, inputs: dict[str, np.ndarray], shape: list[int]) -> np.ndarray:
    kinds = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8, "int64": TensorProto.INT64}
    given = [helper.make_tensor_value_info(name, kinds[str(value.dtype)], value.shape) for name, value in inputs.items()]
    graph = helper.make_graph([node], "g", given, [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return ort.InferenceSession(model.SerializeToString()).run(None, inputs)[0]


def case(rows: int, columns: int, seed: int) -> dict:
    random = np.random.default_rng(seed)
    weight = random.normal(size=(rows, columns)).astype(np.float32)
    weight[0, :BLOCK] = 0
    x = random.normal(size=(2, columns)).astype(np.float32)
    packed, scales = quantize(weight)
    options = {"K": columns, "N": rows, "bits": 4, "block_size": BLOCK, "domain": "com.microsoft"}
    product = run(helper.make_node("MatMulNBits", ["x", "b", "s"], ["y"], **options), {"x": x, "b": packed, "s": scales}, [2, rows])
    found = {"rows": rows, "columns": columns, "weight": weight, "x": x, "packed": packed, "scales": scales, "product": product}
    if columns % BLOCK == 0:
        ids = np.array([0, rows - 1], np.int64)
        layout = {"bits": 4, "block_size": BLOCK, "gather_axis": 0, "quantize_axis": 1, "domain": "com.microsoft"}
        node = helper.make_node("GatherBlockQuantized", ["b", "i", "s"], ["y"], **layout)
        found["gathered"] = run(node, {"b": packed.reshape(rows, columns // 2), "i": ids, "s": scales}, [2, columns])
    return {key: value.reshape(-1).tolist() if isinstance(value, np.ndarray) else value for key, value in found.items()}


if __name__ == "__main__":
    cases = [case(3, 64, 1), case(2, 100, 2)]
    Path(__file__).with_suffix(".json").write_text(json.dumps(cases))
