"""Times whole files: `adder quantize` against llama.cpp's quantiser on the same file, in turns.

    quantize_speed.py ADDER LLAMA_LIBRARIES MODEL [--type q4_k_m] [--rounds 1]    needs: numpy, gguf, node-llama-cpp

Fails if adder's median is longer.
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

from llama_peer import Llama
from quantize_mix import FILE_TYPES, declare, llama_quantize


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("adder")
    parser.add_argument("libraries")
    parser.add_argument("model")
    parser.add_argument("--type", default="q4_k_m", choices=FILE_TYPES)
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    library = declare(Llama._load_library(args.libraries))
    seconds = {"adder": [], "llama.cpp": []}
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(args.model))) as temp:
        target = os.path.join(temp, "target.gguf")

        def adder():
            subprocess.run([args.adder, "quantize", args.model, target, "--type", args.type, "--threads", "2"],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def llama():
            llama_quantize(library, args.model, target, FILE_TYPES[args.type])

        for _ in range(args.rounds):
            for name, quantize in (("adder", adder), ("llama.cpp", llama)):
                begin = time.perf_counter()
                quantize()
                seconds[name].append(time.perf_counter() - begin)
                print(f"{name:9} {seconds[name][-1]:8.2f} s, {os.path.getsize(target)} bytes", flush=True)
                os.remove(target)
    ours, theirs = (statistics.median(seconds[name]) for name in ("adder", "llama.cpp"))
    print(f"{args.type}, two threads: {theirs / ours:.2f} times as fast as llama.cpp")
    return 1 if ours > theirs else 0


if __name__ == "__main__":
    raise SystemExit(main())
