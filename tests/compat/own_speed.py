"""Two figures without a peer: how soon the first token comes after a program is started, and what drafts gain or cost.

The first token: `adder run` on the built-in model with a prompt of 16 tokens, one token asked for, timed from outside.
Drafts: the same answer with and without --speculate, in turns; greedy, which falls into repetition, and sampled at
temperature 1, which does not. Medians.
"""

import argparse
import statistics
import time

from adder_program import Adder

PROMPT = "The old man walked down to the river and sat upon a stone"


def prompt_of(adder, n_tokens, model):
    """So many words of PROMPT, again and again, that they are n_tokens."""
    words = (PROMPT + ". ") * 8
    for end in range(len(words)):
        if len(adder.tokenize(model, words[:end])) == n_tokens:
            return words[:end]
    raise SystemExit(f"no beginning of the prompt has {n_tokens} tokens")


def first_token(adder, model, rounds):
    prompt = prompt_of(adder, 16, model)
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        adder("run", model, "-p", prompt, "-n", 1, "--temp", 0)
        seconds.append(time.perf_counter() - start)
    return {"median_ms": 1000 * statistics.median(seconds), "best_ms": 1000 * min(seconds), "rounds": rounds}


def drafts(adder, model, sampling, n_tokens, rounds):
    """Tokens per second with drafts, without, and the median of the ratios of neighbouring runs."""
    with_drafts, without, drafted = [], [], 0
    for seed in range(rounds):
        for option, rates in [("--speculate", with_drafts), ("--no-speculate", without)]:
            ran = adder.json("run", model, "-p", PROMPT, "-n", n_tokens, "--ignore-eos", "--seed", seed, option, *sampling)
            rates.append(ran["generate_tokens_per_s"])
            drafted += ran["drafted_tokens"]
    return {
        "with": statistics.median(with_drafts),
        "without": statistics.median(without),
        "ratio": statistics.median(a / b for a, b in zip(with_drafts, without)),
        "drafted_tokens": drafted,
        "rounds": rounds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adder", required=True)
    parser.add_argument("--model", default="models/seedling.gguf", help="for the drafts (default: the built-in one)")
    parser.add_argument("--generate", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    adder = Adder(args.adder)

    print("first token after {median_ms:.1f} ms (best {best_ms:.1f}, {rounds} rounds)"
          .format(**first_token(adder, "models/seedling.gguf", args.rounds)))
    for name, sampling in [("greedy", ["--temp", 0]), ("sampled", ["--temp", 1, "--top-k", 0, "--top-p", 1])]:
        print("{}: {with:.1f} tokens/s with drafts ({drafted_tokens} drafted), {without:.1f} without, ratio {ratio:.3f}"
              .format(name, **drafts(adder, args.model, sampling, args.generate, args.rounds)))


if __name__ == "__main__":
    main()
