"""adder and llama.cpp on the same file, taking turns: prompt and generation rates, medians and their ratio.

Both get the same number of threads, random tokens, a fresh sequence for every round, and one short warm-up. llama.cpp
is the prebuilt one, with the CPU library it chooses for this machine.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import time

import llama_peer


class TimedLlama(llama_peer.Llama):
    """Rates of one sequence."""

    def __init__(self, directory, path, n_ctx, threads):
        super().__init__(directory, path, n_ctx=n_ctx, threads=threads)
        self._library.llama_get_memory.restype = llama_peer.ctypes.c_void_p
        self._library.llama_get_memory.argtypes = [llama_peer.ctypes.c_void_p]
        self._library.llama_memory_clear.argtypes = [llama_peer.ctypes.c_void_p, llama_peer.ctypes.c_bool]
        self._batch = self._library.llama_batch_init(512, 0, 1)

    def clear(self):
        self._library.llama_memory_clear(self._library.llama_get_memory(self._context), True)

    def feed(self, tokens, position):
        """Decodes tokens in batches of 512, logits of the last one only; seconds."""
        start = time.perf_counter()
        for begin in range(0, len(tokens), 512):
            part = tokens[begin : begin + 512]
            self._batch.n_tokens = len(part)
            for i, token in enumerate(part):
                self._batch.token[i] = token
                self._batch.pos[i] = position + begin + i
                self._batch.n_seq_id[i] = 1
                self._batch.seq_id[i][0] = 0
                self._batch.logits[i] = begin + i == len(tokens) - 1
            if self._library.llama_decode(self._context, self._batch) != 0:
                raise RuntimeError("llama_decode failed")
        self._library.llama_get_logits_ith(self._context, -1)
        return time.perf_counter() - start


def llama_rates(directory, model, args):
    start = time.perf_counter()
    llama = TimedLlama(directory, model, args.depth + args.prompt + args.generate + 64, args.threads)
    load_s = time.perf_counter() - start
    draw = random.Random(1)
    tokens = [draw.randrange(llama.n_vocab) for _ in range(args.depth + args.prompt + args.generate)]
    llama.feed(tokens[:16], 0)
    llama.clear()
    if args.depth:
        llama.feed(tokens[: args.depth], 0)
    prompt_s = llama.feed(tokens[args.depth : args.depth + args.prompt], args.depth)
    at = args.depth + args.prompt
    generate_s = sum(llama.feed([token], at + i) for i, token in enumerate(tokens[at:]))
    return {
        "prompt": args.prompt / prompt_s,
        "generate": args.generate / generate_s,
        "load_s": load_s,
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def adder_rates(adder, model, args):
    command = [adder, "bench", model, "--json", "--repetitions", "1", "--threads", str(args.threads)]
    command += ["--prompt", str(args.prompt), "--generate", str(args.generate), "--depth", str(args.depth)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {
        "prompt": report["prompt_tokens_per_s"],
        "generate": report["generate_tokens_per_s"],
        "load_s": report["load_s"],
        "rss": report["peak_rss_bytes"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="GGUF files")
    parser.add_argument("--adder", required=True)
    parser.add_argument("--libraries", required=True, help="folder of llama.cpp's libraries")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=32)
    parser.add_argument("--depth", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", help="write every figure here")
    parser.add_argument("--as-llama", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    directory = args.libraries
    if args.as_llama:
        print(json.dumps(llama_rates(directory, args.models[0], args)))
        return

    figures = {}
    for model in args.models:
        rounds = {"adder": [], "llama.cpp": []}
        for i in range(args.rounds):
            rounds["adder"].append(adder_rates(args.adder, model, args))
            child = [sys.executable, *sys.argv, "--as-llama"]
            child[child.index(args.models[0]) : child.index(args.models[0]) + len(args.models)] = [model]
            rounds["llama.cpp"].append(json.loads(subprocess.run(child, check=True, capture_output=True).stdout))
            print(f"{model}: round {i + 1} of {args.rounds}", file=sys.stderr)
        median = {who: {k: statistics.median(r[k] for r in runs) for k in runs[0]} for who, runs in rounds.items()}
        figures[model] = {"rounds": rounds, "median": median}
        print(f"{model}, prompt {args.prompt} at depth {args.depth}, {args.generate} generated, {args.threads} threads")
        for what, unit in [("prompt", "tokens/s"), ("generate", "tokens/s"), ("load_s", "s"), ("rss", "bytes")]:
            ours, theirs = median["adder"][what], median["llama.cpp"][what]
            print(f"  {what:9} adder {ours:14.2f}  llama.cpp {theirs:14.2f} {unit:9} ratio {ours / theirs:6.2f}")
    if args.json:
        with open(args.json, "w") as out:
            json.dump(figures, out, indent=1)


if __name__ == "__main__":
    main()
