"""`adder perplexity` and `adder compare` against the same sums done with other parties' logits and in numpy.

    evaluation.py ADDER LLAMA_LIBRARIES SEEDLING        needs: numpy, gguf, the npm package node-llama-cpp

Windows as in llama.cpp's perplexity tool: consecutive ones of 512 tokens, the first token of each replaced by BOS,
predictions at positions 256 .. 510 counted. Bounds, relative: sums in numpy on adder's own logits 1e-6; F32 weights
with the logits of llama.cpp or of the float64 equations 5e-5. On quantised weights engines may round activations, which
shows in the fourth digit: those rows are reported only.
"""
import pathlib
import sys
import tempfile

import numpy as np

from adder_program import Adder, kl, log_softmax
from llama_peer import peer_logits
from oracle import Oracle

WINDOW, FIRST, BOS = 512, 256, 1
STUDENT_95 = {3: 3.182446, 4: 2.776445}  # by degrees of freedom, from a table


def windows(tokens):
    for begin in range(0, len(tokens) - WINDOW + 1, WINDOW):
        yield [BOS, *tokens[begin + 1 : begin + WINDOW]]


def scored(logits):
    """Rows whose prediction counts, of logits of one window."""
    if isinstance(logits, str):
        sys.exit(f"llama.cpp: {logits}")
    return logits[FIRST : WINDOW - 1]


def true_p(logits, following):
    """ln p of the token that came next, in each row."""
    return np.take_along_axis(log_softmax(logits), np.array(following)[:, None], 1)[:, 0]


def accuracy_ratio_interval(parent_right, child_right):
    """95 % interval of right answers, child's over parent's, from bool [window, position]: a line through the origin
    fitted to the windows' sums."""
    p, c = parent_right.sum(1), child_right.sum(1)
    n, ratio = len(p), c.sum() / p.sum()
    reach = STUDENT_95[n - 1] * np.sqrt(((c - ratio * p) ** 2).sum() / (n * (n - 1))) / p.mean()
    return ratio - reach, ratio + reach


class Judge:
    def __init__(self):
        self.failed = 0

    def expect(self, what, ours, theirs, bound):
        difference = abs(ours - theirs) / max(abs(theirs), 1e-30)
        verdict = "" if bound is None else f"  bound {bound:.0e}" + ("" if difference <= bound else "  BROKEN")
        self.failed += "BROKEN" in verdict
        print(f"{what:<44} adder {ours:<12.8g} judge {theirs:<12.8g} apart {difference:.1e}{verdict}", flush=True)


def judge_perplexity(judge, adder, libraries, path, kind, text, cut):
    ours = adder.json("perplexity", path, "--data", text, "--kv-type", "f32", "--context", WINDOW)
    assert ours["windows"] == len(cut) and ours["tokens"] == len(cut) * (WINDOW - 1 - FIRST)
    oracle = Oracle(path)
    vocabulary = oracle.w["token_embd.weight"].shape[0]
    other_engines = 5e-5 if kind == "f32" else None
    judges = [("numpy", lambda w: adder.logits(path, w), 1e-6), ("float64", oracle.logits, other_engines),
              ("llama.cpp", lambda w: peer_logits(libraries, path, w, vocabulary), other_engines)]
    for title, logits_of, bound in judges:
        nll = -np.concatenate([true_p(scored(logits_of(w)), w[FIRST + 1 :]) for w in cut])
        judge.expect(f"perplexity {kind}, {title}", ours["perplexity"], float(np.exp(nll.mean())), bound)
        judge.expect(f"its standard error {kind}, {title}", ours["perplexity_error"],
                     float(np.exp(nll.mean()) * nll.std(ddof=1) / np.sqrt(nll.size)), bound)


def judge_compare(judge, adder, parent, child, kind, text, cut):
    ours = adder.json("compare", parent, child, "--data", text, "--kv-type", "f32", "--context", WINDOW)
    p, q = (np.concatenate([scored(adder.logits(path, w)) for w in cut]) for path in (parent, child))
    following = [token for w in cut for token in w[FIRST + 1 :]]
    ln_p, ln_q, kls = true_p(p, following), true_p(q, following), kl(p, q)
    low, high = accuracy_ratio_interval(*(np.reshape(rows.argmax(1) == following, (len(cut), -1)) for rows in (p, q)))
    for what, mine, theirs in [
            ("mean KL", ours["kl"]["mean"], kls.mean()), ("median KL", ours["kl"]["median"], np.median(kls)),
            ("99th percentile KL", ours["kl"]["p99"], np.percentile(kls, 99)),
            ("largest KL", ours["kl"]["max"], kls.max()),
            ("same top", ours["same_top"], (p.argmax(1) == q.argmax(1)).mean()),
            ("rms change of p", ours["delta_p"]["rms"], np.sqrt(np.mean((np.exp(ln_q) - np.exp(ln_p)) ** 2))),
            ("accuracy ratio", ours["accuracy"]["ratio"], (q.argmax(1) == following).sum() / (p.argmax(1) == following).sum()),
            ("its interval's low end", ours["accuracy"]["ratio_95"][0], low),
            ("its interval's high end", ours["accuracy"]["ratio_95"][1], high),
            ("parent's perplexity", ours["parent"]["perplexity"], np.exp(-ln_p.mean())),
            ("child's perplexity", ours["child"]["perplexity"], np.exp(-ln_q.mean())),
            ("correlation", ours["log_perplexity_correlation"], np.corrcoef(ln_p, ln_q)[0, 1])]:
        judge.expect(f"compare f32 {kind}: {what}", mine, float(theirs), 1e-6)


def main():
    adder, libraries, seedling = Adder(sys.argv[1]), sys.argv[2], sys.argv[3]
    judge = Judge()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text = folder / "prose.txt"
        text.write_text(adder.prose(seedling, 5 * WINDOW))
        cut = list(windows(adder.tokenize(seedling, text.read_text())))
        paths = {kind: str(folder / f"{kind}.gguf") for kind in ("f32", "q8_0", "q4_k_m")}
        for kind, path in paths.items():
            adder("quantize", seedling, path, "--type", kind)
            judge_perplexity(judge, adder, libraries, path, kind, text, cut)
        judge_compare(judge, adder, paths["f32"], paths["q4_k_m"], "q4_k_m", text, cut)
    sys.exit(judge.failed > 0)


if __name__ == "__main__":
    main()
