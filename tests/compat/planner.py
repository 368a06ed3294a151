"""The planner against llama.cpp's named mixes, at their sizes: whose file stays closer to the model it was made of?

    planner.py ADDER LLAMA_LIBRARIES SEEDLING [--parent F32.gguf] [--prose FOLDER] [--nano NANO_4B.gguf] [--json FILE]
                                                     needs: numpy, gguf, the npm package node-llama-cpp

Both sides round by the same importance matrix; sizes count tensor data alone. The planner does it twice, rounding every
number to the nearest and compensated, and with both the planned file's mean KL divergence must be at least 10 % lower
than that of the mix as llama.cpp writes it, at the size of each mix. At 90 % of Q4_K_M's size it must be no higher than that
mix's if rounding is compensated, at 86 % it is reported. Divergence is `adder compare`'s, on text that neither the
importance matrix nor the sensitivity table has seen.

The parent is the built-in model, which is stored in Q8_0. It would be its own perfect Q8_0 file, so unless --parent
names the weights it was made of, every weight is moved at random within the interval that rounds to the stored number:
a model that Q8_0 turns into the built-in one, as the original does.
--prose names a folder with books; without it the model writes the texts itself, each with another seed.
--nano names a file of the published 4B shape, of any weights: planned by role with the table of the built-in model, at most
2,496 MB, a token's matrices must take at most 2,241 MB of it.
"""
import argparse
import json
import pathlib
import sys
import tempfile

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader

from adder_program import Adder
from llama_quantizer import llama_quantize, read_imatrix
from quantize_mix import FILE_TYPES

MIXES = ["q4_k_s", "q4_k_m", "q5_k_m", "q6_k", "q8_0"]
# Mix, share of its size, bounds on the ratio of divergences: rounding to the nearest, compensated.
SIZES = [*((mix, 1.0, 0.9, 0.9) for mix in MIXES), ("q4_k_m", 0.90, None, 1.0), ("q4_k_m", 0.86, None, None)]
NANO_FILE, NANO_TOUCHED = 2_496_000_000, 2_241_000_000
ROUNDINGS = ["nearest", "compensated"]
CALIBRATION, HELD_OUT = ("1342-", "2591-", "103-"), ("1661-",)
CALIBRATION_CHARACTERS, JUDGED_WINDOWS, GRAM_COLUMNS = 120_000, 12, 1024


def payload(path):
    return sum(int(t.n_bytes) for t in GGUFReader(path).tensors)


def before_rounding(adder, seedling, target):
    """F32 weights that Q8_0 rounds to the seedling's."""
    adder("quantize", seedling, target, "--type", "f32")
    stored = {t.name: t for t in GGUFReader(seedling).tensors}
    rng = np.random.default_rng(1)
    for tensor in GGUFReader(target, "r+").tensors:
        source = stored[tensor.name]
        if source.tensor_type != GGMLQuantizationType.Q8_0:
            continue
        blocks = np.asarray(source.data).reshape(-1, 34)
        scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
        levels = blocks[:, 2:].view(np.int8)
        moved = rng.uniform(-0.5, 0.5, levels.shape).astype(np.float32) * (np.abs(levels) < 127)
        tensor.data.reshape(-1, 32)[:] = scale * (levels + moved)


def text_of(adder, seedling, prose, books, seed, characters):
    if prose:
        parts = [path.read_text() for book in books for path in sorted(pathlib.Path(prose).glob(book + "*.txt"))]
        if not parts:
            sys.exit(f"{prose}: none of the books {', '.join(books)}")
        return "\n".join(part[20_000 : 20_000 + characters // len(books)] for part in parts)
    return adder.json("run", seedling, "-p", "Once upon a time", "-n", characters // 4, "--context", characters // 4 + 64,
                      "--seed", seed, "--ignore-eos")["text"]


class Judge:
    def __init__(self, adder, parent, text):
        self.adder, self.parent, self.text = adder, parent, text

    def kl(self, child):
        report = self.adder.json("compare", self.parent, child, "--data", self.text, "--kv-type", "f32", "--windows",
                                 JUDGED_WINDOWS)
        return report["kl"]["mean"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adder")
    parser.add_argument("libraries")
    parser.add_argument("seedling")
    parser.add_argument("--parent")
    parser.add_argument("--prose")
    parser.add_argument("--nano")
    parser.add_argument("--json")
    args = parser.parse_args()
    adder, rows, failed = Adder(args.adder), [], False
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        seen, unseen = folder / "seen.txt", folder / "unseen.txt"
        seen.write_text(text_of(adder, args.seedling, args.prose, CALIBRATION, 1, CALIBRATION_CHARACTERS))
        unseen.write_text(text_of(adder, args.seedling, args.prose, HELD_OUT, 2, 80_000))
        parent = args.parent or folder / "parent.gguf"
        if not args.parent:
            before_rounding(adder, args.seedling, parent)
        imatrix = folder / "x.imatrix"
        adder("imatrix", parent, "--data", seen, "--gram", GRAM_COLUMNS, "--out", imatrix)
        rounding = {way: ["--imatrix", imatrix, "--rounding", way] for way in ROUNDINGS}
        for way, options in rounding.items():
            adder("sensitivity", parent, "--data", seen, "--windows", 8, *options, "--out", folder / f"{way}.json")
        importance = read_imatrix(imatrix)
        n_weights = sum(int(t.n_elements) for t in GGUFReader(parent).tensors)
        judge = Judge(adder, parent, unseen)

        reference = {}
        for mix in MIXES:
            path = folder / f"{mix}.gguf"
            llama_quantize(args.libraries, parent, path, FILE_TYPES[mix], importance)
            reference[mix] = payload(path), judge.kl(path)
        for mix, share, *bounds in SIZES:
            size, kl = reference[mix]
            row = {"mix": mix, "share": share, "bytes": size, "kl": kl}
            line = f"{mix:7} {share:4.0%} of {size / 1e6:6.3f} MB: KL {kl:.3e}"
            for way, bound in zip(ROUNDINGS, bounds):
                path = folder / "planned.gguf"
                options = [*rounding[way], "--sensitivity", folder / f"{way}.json", "--bpw",
                           repr(share * size * 8 / n_weights)]
                plan = adder.json("quantize", parent, "--dry-run", *options)
                adder("quantize", parent, path, *options)
                ours, taken = judge.kl(path), payload(path)
                assert taken <= share * size + 1 and taken == plan["bytes"], (taken, share * size, plan["bytes"])
                broken = bound is not None and ours > bound * kl
                failed |= broken
                row[way] = {"bytes": taken, "kl": ours, "predicted_kl": plan["divergence"], "bound": bound}
                line += f"   {way} {taken / 1e6:6.3f} MB {ours:.3e} (predicted {plan['divergence']:.3e}) {ours / kl - 1:+6.1%}"
                line += "" if bound is None else f" of {bound - 1:+.0%}"
                line += " BROKEN" if broken else ""
            rows.append(row)
            print(line, flush=True)
        if args.nano:
            plan = adder.json("quantize", args.nano, "--dry-run", "--size-limit", f"{NANO_FILE}B", "--sensitivity",
                              folder / "nearest.json", "--by-role")
            embedding = next(t["bytes"] for t in plan["tensors"] if t["name"] == "token_embd.weight")
            touched = plan["bytes"] - embedding
            failed |= plan["most_file_bytes"] > NANO_FILE or touched > NANO_TOUCHED
            print(f"4B shape: a file of at most {plan['most_file_bytes'] / 1e6:.1f} MB, {touched / 1e6:.1f} MB for a token; "
                  f"bounds {NANO_FILE / 1e6:.0f}, {NANO_TOUCHED / 1e6:.0f}")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
