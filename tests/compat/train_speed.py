"""Training speed against Hugging Face transformers on the CPU: the built-in model's shape, AdamW, float32, in turns.

    train_speed.py --adder ADDER --trainer ADDER-TRAIN        needs: torch, transformers

A step is forward, backward and optimizer over `--batch` windows of `--length` tokens, the same for both. adder's rate is the
median of those it writes into metrics.jsonl, one for ten steps; transformers', that of all its steps but the first. The peak of the machine is that of one
large matrix product in torch, same threads; the share of it counts 6 operations a parameter and token, the embedding
aside; scan and attention scores are not counted at all.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import torch
from transformers import AutoModelForCausalLM

from adder_program import Adder


def peer_rate(model, batch, length, steps):
    """Tokens per second of `steps` steps of transformers."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1)
    tokens = torch.randint(0, model.config.vocab_size, (batch, length))
    for step in range(steps + 1):
        if step == 1:
            start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        model(input_ids=tokens, labels=tokens, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return steps * batch * length / (time.perf_counter() - start)


def our_rate(trainer, folder, batch, length, steps):
    """Tokens per second of `steps` steps of adder-train, which go on where it stopped."""
    metrics = folder / "work/metrics.jsonl"
    before = len(metrics.read_text().splitlines()) if metrics.exists() else 0
    done = json.loads(metrics.read_text().splitlines()[-1])["step"] if before else 0
    subprocess.run([trainer, "pretrain", "recipes/seedling.toml", "--data", folder / "text", "--work", folder / "work",
                    "--steps", str(done + steps), "--threads", str(torch.get_num_threads()),
                    "--set", "optimizer.kind=adamw", "--set", "data.held_out=[910001]", "--set", "judge.windows=1",
                    "--set", f"train.batch={batch}", "--set", f"train.seq_len={length}"], check=True,
                   capture_output=True)
    entries = [json.loads(line) for line in metrics.read_text().splitlines()[before:]]
    return statistics.median(entry["tokens_per_s"] for entry in entries if entry["kind"] == "step")


def peak_flops():
    a = torch.randn(1536, 1536)
    torch.mm(a, a)
    best = 0
    for _ in range(5):
        start = time.perf_counter()
        torch.mm(a, a)
        best = max(best, 2 * 1536**3 / (time.perf_counter() - start))
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adder", required=True)
    parser.add_argument("--trainer", required=True)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--steps", type=int, default=20, help="of adder in a turn")
    parser.add_argument("--peer-steps", type=int, default=2, help="of transformers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    adder = Adder(args.adder)

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        adder("convert", "models/seedling.gguf", folder / "work", "--type", "f32")  # its tokenizer serves the trainer
        peer = AutoModelForCausalLM.from_pretrained(folder / "work", dtype=torch.float32)
        peer.train()
        subprocess.run([args.trainer, "synth-data", "--out", folder / "text"], check=True, capture_output=True)

        ours, theirs, peaks = [], [], []
        for _ in range(args.rounds):
            ours.append(our_rate(args.trainer, folder, args.batch, args.length, args.steps))
            theirs.append(peer_rate(peer, args.batch, args.length, args.peer_steps))
            peaks.append(peak_flops())
    parameters = sum(p.numel() for n, p in peer.named_parameters() if "embeddings" not in n)
    rate, peak = statistics.median(ours), statistics.median(peaks)
    print(f"adder-train {rate:.0f} tokens/s, transformers {statistics.median(theirs):.0f}, "
          f"{statistics.median(a / b for a, b in zip(ours, theirs)):.2f} times")
    print(f"{6 * parameters * rate / 1e9:.0f} GFLOP/s of {peak / 1e9:.0f}: {6 * parameters * rate / peak:.0%} of the peak")


if __name__ == "__main__":
    main()
