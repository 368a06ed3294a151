"""`adder imatrix` against the float64 equations, gguf-py and llama.cpp.

    imatrix.py ADDER LLAMA_LIBRARIES SEEDLING        needs: numpy, gguf, the npm package node-llama-cpp

Sums of squares of every column of every matrix's input: relative difference from float64 at most 1e-4 of the matrix's
largest sum (F32 weights, F32 keys and values). The file must be what llama.cpp writes (names, types, shapes), its own
reader must find every matrix in it, and its quantiser, given these numbers, must write files whose bytes are those of
`adder quantize --imatrix` but for one block in a hundred (both search scales; sums in another order may pick a
neighbour of equal worth). Gram matrices (--gram) must be those of float64 to 1e-4 of the largest element, and llama.cpp's
reader must pass over them.
"""
import pathlib
import sys
import tempfile

import numpy as np
from gguf import GGUFReader

from adder_program import Adder
from llama_quantizer import llama_quantize, llama_reads_imatrix, read_imatrix
from oracle import Oracle
from quantize_mix import FILE_TYPES, equal_blocks

WINDOW, BOS = 512, 1


class Watched:
    """A matrix of the oracle that adds up the squares of what it is multiplied with."""
    __array_ufunc__ = None  # numpy must leave u @ W.T to us

    def __init__(self, matrix):
        self.matrix, self.gram, self.rows = matrix, np.zeros((matrix.shape[1],) * 2), 0

    T = property(lambda self: self)
    sums = property(lambda self: self.gram.diagonal())

    def __rmatmul__(self, u):
        self.gram += u.T @ u
        self.rows += len(u)
        return u @ self.matrix.T


def oracle_sums(path, windows):
    oracle = Oracle(path)
    watched = {name: Watched(w) for name, w in oracle.w.items()
               if name.endswith("weight") and w.ndim == 2 and not any(s in name for s in ("embd", "conv", "norm"))}
    oracle.w.update(watched)
    for tokens in windows:
        oracle.logits(tokens)
    return watched


def check_file(path, expected, n_windows):
    reader = GGUFReader(path)
    value = lambda key: reader.fields[key].contents()
    assert value("general.type") == "imatrix"
    assert value("imatrix.chunk_count") == n_windows and value("imatrix.chunk_size") == WINDOW
    assert isinstance(value("imatrix.datasets"), list)
    tensors = {t.name: t for t in reader.tensors}
    assert set(tensors) == {name + end for name in expected for end in (".in_sum2", ".counts")}
    worst = 0
    for name, judge in expected.items():
        sums, counts = tensors[name + ".in_sum2"].data, tensors[name + ".counts"].data
        assert sums.dtype == counts.dtype == np.float32 and sums.size == judge.sums.size, name
        assert counts.ravel().tolist() == [judge.rows], name
        worst = max(worst, np.abs(sums.ravel() - judge.sums).max() / judge.sums.max())
    return worst


def check_grams(path, expected, columns):
    """The largest difference from the squares along the diagonal, of the matrix's largest element."""
    grams = {t.name.removesuffix(".gram"): t.data for t in GGUFReader(path).tensors if t.name.endswith(".gram")}
    assert set(grams) == set(expected)
    worst = 0
    for name, judge in expected.items():
        width = len(judge.gram)
        block = min(columns, width)
        assert grams[name].shape == (width, block), name
        for first in range(0, width, block):
            rows = slice(first, min(first + block, width))
            square = judge.gram[rows, rows]
            worst = max(worst, np.abs(grams[name][rows, : len(square)] - square).max() / judge.gram.max())
    return worst


def main():
    adder, libraries, seedling = Adder(sys.argv[1]), sys.argv[2], sys.argv[3]
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text, parent, imatrix = folder / "prose.txt", folder / "f32.gguf", folder / "x.imatrix"
        text.write_text(adder.prose(seedling, 3 * WINDOW))
        tokens = adder.tokenize(seedling, text.read_text())
        windows = [[BOS, *tokens[b + 1 : b + WINDOW]] for b in range(0, len(tokens) - WINDOW + 1, WINDOW)]
        adder("quantize", seedling, parent, "--type", "f32")
        adder("imatrix", parent, "--data", text, "--out", imatrix, "--kv-type", "f32", "--context", WINDOW)

        expected = oracle_sums(parent, windows)
        worst = check_file(imatrix, expected, len(windows))
        failed |= worst > 1e-4
        print(f"{len(expected)} matrices, sums apart from float64 by {worst:.1e} of the largest; bound 1e-04")
        found = llama_reads_imatrix(libraries, imatrix)
        failed |= found != len(expected)
        print(f"llama.cpp's reader finds {found} of {len(expected)} matrices")

        with_grams = folder / "g.imatrix"
        adder("imatrix", parent, "--data", text, "--out", with_grams, "--kv-type", "f32", "--context", WINDOW, "--gram", 256)
        worst = check_grams(with_grams, expected, 256)
        found = llama_reads_imatrix(libraries, with_grams)
        failed |= worst > 1e-4 or found != len(expected)
        print(f"Gram matrices apart from float64 by {worst:.1e} of the largest; bound 1e-04; beside them llama.cpp's "
              f"reader finds {found} matrices")

        importance = read_imatrix(imatrix)
        for mix in ("q4_k_m", "q5_k_m", "q6_k", "q4_0", "q5_1", "iq4_nl"):
            ours, theirs = folder / "ours.gguf", folder / "theirs.gguf"
            adder("quantize", parent, ours, "--type", mix, "--imatrix", imatrix)
            llama_quantize(libraries, parent, theirs, FILE_TYPES[mix], importance)
            a, b = ({t.name: t for t in GGUFReader(path).tensors} for path in (ours, theirs))
            assert set(a) == set(b)
            other = [n for n in a if a[n].tensor_type != b[n].tensor_type]
            equal = min((equal_blocks(a[n], b[n]), n) for n in a if n not in other)
            failed |= bool(other) or equal[0] < 0.99
            print(f"{mix:7} with importance: {len(other)} of {len(a)} tensors of another type, blocks equal >= "
                  f"{equal[0]:.4%} ({equal[1]})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
