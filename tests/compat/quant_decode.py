"""Compares adder's decoder with gguf-py's dequantiser (and, for E4M3, an exact table) on random blocks, bit for bit.

    quant_decode.py CODEC_TOOL        needs: numpy, gguf
"""
import subprocess
import sys

import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0",
         "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"]
BLOCKS = 20000


def e4m3(codes):
    sign = np.where(codes & 0x80, -1.0, 1.0)
    exponent, mantissa = (codes >> 3) & 15, codes & 7
    value = np.where(exponent == 0, mantissa * 2.0**-9, (8 + mantissa) * 2.0 ** (exponent.astype(float) - 10))
    return np.where((codes & 0x7F) == 0x7F, np.nan, sign * value).astype(np.float32)


def judge(name, data):
    if name == "F8_E4M3":
        return e4m3(data).ravel()
    return dequantize(data, GGMLQuantizationType[name]).ravel()


def main():
    tool = sys.argv[1]
    rng = np.random.default_rng(1)
    failed = False
    for name in TYPES + ["F8_E4M3"]:
        size = 1 if name == "F8_E4M3" else GGML_QUANT_SIZES[GGMLQuantizationType[name]][1]
        data = rng.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
        run = subprocess.run([tool, "decode", name], input=data.tobytes(), stdout=subprocess.PIPE, check=True)
        ours = np.frombuffer(run.stdout, np.float32)
        with np.errstate(all="ignore"):
            theirs = judge(name, data)
        # A NaN's payload is no part of a format; everything else, the sign of zero included, is.
        same = (ours.view(np.uint32) == theirs.view(np.uint32)) | (np.isnan(ours) & np.isnan(theirs))
        failed |= not same.all()
        print(f"{name:8} {ours.size:9} elements, {np.isnan(theirs).sum():7} NaN, {(~same).sum()} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
