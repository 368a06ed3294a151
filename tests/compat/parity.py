"""The same file and the same ids through adder, llama.cpp and the float64 equations: a table, and a verdict.

Bounds, for every model:
  adder against llama.cpp     mean KL(llama.cpp || adder) <= 1e-3; the same first choice in >= 99 % of the positions
                              whose two largest float64 logits lie more than 0.1 apart
  adder against float64       F32 weights, F32 keys and values: max |dlogit| <= 1e-3 (other types are reported)
  quantised weights           KL(float64 || adder) <= KL(float64 || llama.cpp)
llama.cpp aborts on a model without attention. There float64 takes its place in the first bound, and the table says so;
anywhere else no answer is a failure.

All logits are taken with F32 keys and values but those of the columns "f16 KV" and "bf16 KV".
"""

import argparse
import json
import sys
import tempfile
import time

import numpy as np

from adder_program import Adder, kl
from cases import LLAMA_ABORTS, NAMES, TYPES, make_files, make_tokens
from llama_peer import peer_logits
from oracle import Oracle

COLUMNS = [  # key in the row, title, width, format
    ("model", "model", 16, ""), ("type", "type", 7, ""), ("kl", "KL peer", 9, ".1e"), ("top1", "top-1", 9, ".2%"),
    ("clear", "gap>0.1", 8, ".0%"), ("max_f32", "max|d|", 9, ".1e"), ("max_f16", "f16 KV", 9, ".1e"),
    ("max_bf16", "bf16 KV", 9, ".1e"), ("kl_adder", "KL adder", 9, ".1e"), ("kl_llama", "KL llama", 9, ".1e"),
    ("seconds", "s", 5, ".0f")]


def same_top(a, b, where):
    return float((a.argmax(1) == b.argmax(1))[where].mean()) if where.any() else 1.0


def measure(adder, libraries, path, tokens):
    """The numbers of one row; `kl_llama` is absent and `refusal` present where llama.cpp gave no answer."""
    truth = Oracle(path).logits(tokens)
    ours = {kv: adder.logits(path, tokens, kv) for kv in ("f32", "f16", "bf16")}
    theirs = peer_logits(libraries, path, tokens, truth.shape[1])
    refused = isinstance(theirs, str)
    peer = truth if refused else theirs
    top2 = np.partition(truth, -2, axis=1)[:, -2:]
    clear = top2[:, 1] - top2[:, 0] > 0.1
    row = {f"max_{kv}": float(np.abs(logits - truth).max()) for kv, logits in ours.items()}
    row |= dict(positions=len(tokens), kl=float(kl(peer, ours["f32"]).mean()), top1=same_top(ours["f32"], peer, clear),
                clear=float(clear.mean()), kl_adder=float(kl(truth, ours["f32"]).mean()))
    return row | (dict(refusal=theirs) if refused else dict(kl_llama=float(kl(truth, theirs).mean())))


def broken_bounds(row):
    quantised = row["type"] != "f32"
    bounds = [("no answer from llama.cpp", "kl_llama" in row or row["model"] in LLAMA_ABORTS),
              ("KL > 1e-3", row["kl"] <= 1e-3), ("top-1 < 99 %", row["top1"] >= 0.99),
              ("max |dlogit| > 1e-3", quantised or row["max_f32"] <= 1e-3),
              ("KL above llama.cpp's", not quantised or "kl_llama" not in row or row["kl_adder"] <= row["kl_llama"])]
    return [what for what, holds in bounds if not holds]


def print_row(values, note=""):
    print("".join(f"{value:<{width}}" if i < 2 else f"{value:>{width}}"
                  for i, (value, (_, _, width, _)) in enumerate(zip(values, COLUMNS))) + note, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adder", default="build/adder")
    parser.add_argument("--libraries", required=True, help="folder of llama.cpp's libraries")
    parser.add_argument("--model", default="models/seedling.gguf", help="the built-in model")
    parser.add_argument("--positions", type=int, default=2048)
    parser.add_argument("--only", default="", help="models whose name contains this")
    parser.add_argument("--json", help="file for the rows as JSON")
    args = parser.parse_args()
    adder = Adder(args.adder)

    print_row([title for _, title, _, _ in COLUMNS])
    rows = []
    for name in NAMES:
        if args.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            paths = make_files(adder, name, args.model, folder)
            tokens = make_tokens(adder, name, args.model, args.positions)
            for kind in TYPES:
                begin = time.monotonic()
                row = dict(model=name, type=kind) | measure(adder, args.libraries, paths[kind], tokens)
                row |= dict(seconds=time.monotonic() - begin, broken=broken_bounds(row))
                rows.append(row)
                notes = ["BROKEN: " + what for what in row["broken"]]
                if "refusal" in row:
                    notes.append("peer is float64; llama.cpp: " + row["refusal"].rsplit("/", 1)[-1])
                print_row([format(row[key], spec) if key in row else "-" for key, _, _, spec in COLUMNS],
                          "".join("  " + note for note in notes))
    broken = sum(bool(row["broken"]) for row in rows)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(dict(positions=args.positions, broken=broken, rows=rows), file, indent=1)
    print(f"{broken} of {len(rows)} files outside their bounds" if broken or not rows else
          f"all {len(rows)} files inside their bounds, {args.positions} positions each")
    return 1 if broken or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
