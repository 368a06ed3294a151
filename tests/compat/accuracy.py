"""How much of its parent's next-token accuracy a smaller file keeps, on text that nothing of it was made from.

    accuracy.py ADDER SEEDLING [--parent F32.gguf] [--prose FOLDER] [--characters N] [--json FILE]     needs: numpy, gguf

Q4_K_M by importance, the planned file of Q4_K_M's size (compensated), and FP8 by both policies are made of the parent as
in planner.py, whose options --parent and --prose are: the built-in model in F32, importance and sensitivity from three
books. Whoever ranks the token first that comes next is right; each file must be right at least 99.5 % as often as the
parent. The interval beside it is adder's own (evaluation.py judges it), over windows of 512 tokens of three other books,
60,000 characters of each unless --characters says how many of all.
"""
import argparse
import json
import pathlib
import sys
import tempfile

from adder_program import Adder
from planner import CALIBRATION, CALIBRATION_CHARACTERS, GRAM_COLUMNS, before_rounding, text_of

HELD_OUT = ("236-", "1661-", "1874-")
CHARACTERS, LEAST = 180_000, 0.995


def children(adder, parent, seen, folder):
    """Title and path of each file that is made of the parent."""
    imatrix, table, samples = folder / "x.imatrix", folder / "table.json", folder / "samples.txt"
    mix, planned, directory = folder / "q4_k_m.gguf", folder / "planned.gguf", folder / "bf16"
    samples.write_text(seen)
    adder("imatrix", parent, "--data", samples, "--gram", GRAM_COLUMNS, "--out", imatrix)
    adder("sensitivity", parent, "--data", samples, "--windows", 8, "--imatrix", imatrix, "--out", table)
    adder("quantize", parent, mix, "--type", "q4_k_m", "--imatrix", imatrix, "--rounding", "nearest")
    bits = adder.json("inspect", mix)["bits_per_weight"]
    adder("quantize", parent, planned, "--imatrix", imatrix, "--sensitivity", table, "--bpw", bits)
    yield "Q4_K_M", mix
    yield "planned, Q4_K_M's size", planned
    adder("convert", parent, directory, "--type", "bf16")
    for policy in ("selective", "all"):
        adder("quantize", directory, folder / policy, "--type", "fp8", "--calib", samples, "--fp8-policy", policy)
        yield f"FP8, {policy}", folder / policy


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adder")
    parser.add_argument("seedling")
    parser.add_argument("--parent")
    parser.add_argument("--prose")
    parser.add_argument("--characters", type=int, default=CHARACTERS)
    parser.add_argument("--json")
    args = parser.parse_args()
    adder, rows, failed = Adder(args.adder), [], False
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        unseen, parent = folder / "unseen.txt", args.parent or folder / "parent.gguf"
        unseen.write_text(text_of(adder, args.seedling, args.prose, HELD_OUT, 2, args.characters))
        if not args.parent:
            before_rounding(adder, args.seedling, parent)
        seen = text_of(adder, args.seedling, args.prose, CALIBRATION, 1, CALIBRATION_CHARACTERS)
        for title, path in children(adder, parent, seen, folder):
            report = adder.json("compare", parent, path, "--data", unseen, "--context", 512)
            accuracy, tokens = report["accuracy"], report["child"]["tokens"]
            low, high = accuracy["ratio_95"]
            broken = accuracy["ratio"] < LEAST
            failed |= broken
            rows.append({"title": title, "bytes": report["bytes"], "tokens": tokens, "kl": report["kl"]["mean"], **accuracy})
            print(f"{title:24} {report['bytes'] / 1e6:7.3f} MB: right {accuracy['child']:.3%} of {tokens}, parent "
                  f"{accuracy['parent']:.3%}: {accuracy['ratio']:.3%} [{low:.3%}, {high:.3%}] of {LEAST:.1%}"
                  f"{' BROKEN' if broken else ''}", flush=True)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
