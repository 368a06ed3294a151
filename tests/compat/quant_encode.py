"""Compares adder's encoder with ggml's reference quantisers (libggml-base of the npm package node-llama-cpp), without
and with importance.

    quant_encode.py CODEC_TOOL LIBGGML_BASE [--speed] [--types Q4_K,Q6_K]        needs: numpy, gguf, ml_dtypes

Prints, per type and distribution, the share of blocks with equal bytes and both relative RMS errors (with importance:
weighted by it), with --speed also the nanoseconds of CPU time per weight. Fails if adder's error is larger than
ggml's by more than one part in 10,000, or if less than 99.9 % of the blocks are equal: a build of ggml that fuses
multiply and add may round the odd tie the other way. F8_E4M3 must equal ml_dtypes on numbers limited to +-448.
"""
import argparse
import ctypes
import subprocess
import tempfile
import time

import ml_dtypes
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

TYPES = ["F16", "BF16", "Q8_0", "Q6_K", "Q5_K", "Q5_1", "Q5_0", "Q4_K", "Q4_1", "Q4_0", "IQ4_NL", "IQ4_XS", "Q3_K",
         "Q2_K"]
ROWS, COLUMNS = 400, 1024


def distributions(rng):
    """Name, values, importance of the columns or None."""
    shape = (ROWS, COLUMNS)
    gaussian = rng.standard_normal(shape) * 0.02
    heavy = rng.standard_t(3, shape) * 0.01
    sparse = np.where(rng.uniform(size=shape) < 0.05, rng.standard_normal(shape), 0.0)
    importance = np.exp(1.5 * rng.standard_normal(COLUMNS)).astype(np.float32)
    yield "gaussian", gaussian, None
    yield "student-t", heavy, None
    yield "uniform", rng.uniform(-1, 1, shape), None
    yield "shifted", rng.standard_normal(shape) + 2.5, None
    yield "bfloat16", (gaussian.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32), None
    yield "sparse", sparse, None
    yield "gaussian", gaussian, importance
    yield "student-t", heavy, importance
    yield "shifted", rng.standard_normal(shape) + 2.5, importance
    yield "sparse", sparse, importance
    yield "flat importance", gaussian, np.full(COLUMNS, 3.7, np.float32)
    yield "few matter", gaussian, np.where(rng.uniform(size=COLUMNS) < 0.02, 1e4, 1e-2).astype(np.float32)


class Ggml:
    def __init__(self, library):
        self._library = ctypes.CDLL(library)
        self._library.ggml_quantize_chunk.restype = ctypes.c_size_t
        self._library.ggml_quantize_chunk.argtypes = [
            ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64,
            ctypes.c_void_p]

    def encode(self, dtype, x, importance):
        """Blocks, and seconds."""
        block, size = GGML_QUANT_SIZES[dtype]
        blocks = np.zeros(x.size // block * size, np.uint8)
        begin = time.process_time()
        self._library.ggml_quantize_chunk(dtype, x.ctypes.data, blocks.ctypes.data, 0, *x.shape,
                                          None if importance is None else importance.ctypes.data)
        return blocks, time.process_time() - begin


def tool_runs(tool, verb, name, x, importance):
    with tempfile.NamedTemporaryFile() as file:
        command = [tool, verb, name, str(x.shape[1])]
        if importance is not None:
            importance.tofile(file.name)
            command.append(file.name)
        return subprocess.run(command, input=x.tobytes(), stdout=subprocess.PIPE, check=True).stdout


def relative_rms(x, blocks, dtype, importance):
    error = dequantize(blocks.reshape(x.shape[0], -1), dtype).astype(np.float64) - x
    weight = 1 if importance is None else importance.astype(np.float64)
    return float(np.sqrt(np.sum(weight * error**2) / np.sum(weight * x.astype(np.float64) ** 2)))


def e4m3_differs(tool):
    """How many of a million numbers from below the smallest to beyond the largest, ties included, and of how many."""
    rng = np.random.default_rng(3)
    x = np.concatenate([np.arange(-480, 480, 2.0**-9), 30 * rng.standard_normal(1 << 18),
                        2.0 ** rng.uniform(-14, 9, 1 << 18)]).astype(np.float32).reshape(-1, 8)
    ours = np.frombuffer(tool_runs(tool, "encode", "F8_E4M3", x, None), np.uint8)
    theirs = x.clip(-448, 448).astype(ml_dtypes.float8_e4m3fn).view(np.uint8).ravel()
    return int(np.sum(ours != theirs)), x.size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("library")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--types", default=",".join(TYPES))
    args = parser.parse_args()
    ggml = Ggml(args.library)
    differ, of = e4m3_differs(args.tool)
    failed = differ != 0
    print(f"F8_E4M3 {differ} of {of} codes differ from ml_dtypes")
    for name in args.types.split(","):
        dtype = GGMLQuantizationType[name]
        size = GGML_QUANT_SIZES[dtype][1]
        for title, x, importance in distributions(np.random.default_rng(2)):
            x = np.ascontiguousarray(x.astype(np.float32))
            theirs, seconds = ggml.encode(dtype, x, importance)
            ours = np.frombuffer(tool_runs(args.tool, "encode", name, x, importance), np.uint8)
            equal = np.mean((ours.reshape(-1, size) == theirs.reshape(-1, size)).all(axis=1))
            mine, peer = (relative_rms(x, blocks, dtype, importance) for blocks in (ours, theirs))
            bad = equal < 0.999 or mine > 1.0001 * peer
            failed |= bad
            line = (f"{name:7} {title:15} {'plain' if importance is None else 'weighted':8} blocks equal {equal:8.4%}  "
                    f"relative rms {mine:.6f} (ggml {peer:.6f})")
            if args.speed:
                seconds = min([seconds] + [ggml.encode(dtype, x, importance)[1] for _ in range(2)])
                peer_time = seconds * 1e9 / x.size
                my_time = float(tool_runs(args.tool, "time", name, x, importance))
                line += f"  {my_time:6.2f} ns per weight (ggml {peer_time:6.2f}), {peer_time / my_time:5.2f} times as fast"
            print(line + ("  BAD" if bad else ""), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
