"""Compares adder's encoder with ggml's reference quantisers (libggml-base of the npm package node-llama-cpp).

    quant_encode.py CODEC_TOOL LIBGGML_BASE        needs: numpy, gguf

Prints, per type and distribution, the share of blocks with equal bytes and both relative RMS errors. Fails below 99.9 %:
a build of ggml that fuses multiply and add may round the odd tie the other way.
"""
import ctypes
import subprocess
import sys

import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

TYPES = ["F16", "BF16", "Q8_0", "Q4_0", "Q5_0", "Q4_1", "Q5_1", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL"]
ROWS, COLUMNS = 400, 1024


def distributions(rng):
    shape = (ROWS, COLUMNS)
    yield "gaussian", rng.standard_normal(shape) * 0.02
    yield "student-t", rng.standard_t(3, shape) * 0.01
    yield "uniform", rng.uniform(-1, 1, shape)
    yield "shifted", rng.standard_normal(shape) + 2.5
    yield "bfloat16", (rng.standard_normal(shape) * 0.02).astype(np.float32).view(np.uint32) & 0xFFFF0000
    yield "sparse", rng.standard_normal(shape) * (rng.uniform(size=shape) < 0.05)


def relative_rms(x, blocks, dtype):
    y = dequantize(blocks.reshape(ROWS, -1), dtype)
    return float(np.sqrt(np.mean((y - x) ** 2) / np.mean(x**2)))


def main():
    tool, library = sys.argv[1:]
    ggml = ctypes.CDLL(library)
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64,
                                         ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
    failed = False
    for name in TYPES:
        dtype = GGMLQuantizationType[name]
        block, size = GGML_QUANT_SIZES[dtype]
        for title, x in distributions(np.random.default_rng(2)):
            x = x.view(np.float32) if x.dtype == np.uint32 else x.astype(np.float32)
            x = np.ascontiguousarray(x)
            theirs = np.zeros(x.size // block * size, np.uint8)
            ggml.ggml_quantize_chunk(dtype, x.ctypes.data, theirs.ctypes.data, 0, ROWS, COLUMNS, None)
            run = subprocess.run([tool, "encode", name], input=x.tobytes(), stdout=subprocess.PIPE, check=True)
            ours = np.frombuffer(run.stdout, np.uint8)
            equal = np.mean((ours.reshape(-1, size) == theirs.reshape(-1, size)).all(axis=1))
            mine, peer = relative_rms(x, ours, dtype), relative_rms(x, theirs, dtype)
            failed |= equal < 0.999
            print(f"{name:7} {title:10} blocks equal {equal:8.4%}  relative rms {mine:.6f} (ggml {peer:.6f})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
