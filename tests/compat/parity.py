"""The same file and the same ids through adder, llama.cpp and the float64 recurrence: a table, and a verdict.

Bounds (all must hold for every model):
  adder against llama.cpp      mean KL <= 1e-3; top-1 equal in >= 99 % of positions whose float64 top-2 gap exceeds 0.1
  adder against float64        F32 files with F32 KV: max |dlogit| <= 1e-3
  quantised files              KL(float64 || adder) <= KL(float64 || llama.cpp)
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from llama_peer import library_directory, peer_logits  # noqa: E402
from oracle import Oracle  # noqa: E402

PATTERN = "M-M-M*-M"
BASE = dict(
    model_type="nemotron_h", architectures=["NemotronHForCausalLM"], hybrid_override_pattern=PATTERN,
    num_hidden_layers=len(PATTERN), hidden_size=160, vocab_size=515, intermediate_size=256, num_attention_heads=4,
    num_key_value_heads=2, head_dim=64, mamba_num_heads=8, mamba_head_dim=32, ssm_state_size=32, n_groups=1,
    conv_kernel=4, layer_norm_epsilon=1e-5, tie_word_embeddings=False, max_position_embeddings=4096,
    mlp_hidden_act="relu2", use_conv_bias=True, bos_token_id=1, eos_token_id=2)

# Each synthetic model moves one thing away from BASE.
SYNTHS = {
    "base": {},
    "5 groups": dict(n_groups=5, mamba_num_heads=10, mamba_head_dim=64, intermediate_size=512),
    "8 groups": dict(n_groups=8, mamba_num_heads=16, mamba_head_dim=16),
    "heads = groups": dict(n_groups=8, mamba_num_heads=8, mamba_head_dim=64, intermediate_size=512),
    "1 KV head": dict(num_key_value_heads=1),
    "all KV heads": dict(num_key_value_heads=4),
    "conv width 3": dict(conv_kernel=3),
    "no attention": dict(hybrid_override_pattern="M-M-M-M", num_hidden_layers=7),
    "attention first": dict(hybrid_override_pattern="*M-M-*M-", num_hidden_layers=8),
    "rows % 32": dict(hidden_size=144),
    "odd vocabulary": dict(vocab_size=1033),
}


def log_softmax(x):
    x = x.astype(np.float64)
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def mean_kl(p_logits, q_logits):
    lp, lq = log_softmax(p_logits), log_softmax(q_logits)
    return float((np.exp(lp) * (lp - lq)).sum(-1).mean())


def adder_logits(adder, path, tokens, vocab, kv):
    with tempfile.NamedTemporaryFile(suffix=".f32") as out:
        subprocess.run(
            [adder, "logits", path, "--tokens", ",".join(map(str, tokens)), "--out", out.name, "--kv-type", kv],
            check=True, stdout=subprocess.DEVNULL)
        return np.fromfile(out.name, np.float32).reshape(len(tokens), vocab)


def compare(adder, peer_directory, path, tokens, exact_file):
    truth = Oracle(path).logits(tokens)
    vocab = truth.shape[1]
    ours = adder_logits(adder, path, tokens, vocab, "f32")
    theirs = peer_logits(peer_directory, path, tokens, vocab)
    if isinstance(theirs, str):
        difference = float(np.abs(ours - truth).max())
        return dict(max_diff=difference, kl_adder_f64=mean_kl(truth, ours), peer_refuses=theirs,
                    fails=["max |dlogit| > 1e-3"] if exact_file and difference > 1e-3 else [])
    top2 = np.partition(truth, -2, axis=1)[:, -2:]
    clear = np.abs(top2[:, 1] - top2[:, 0]) > 0.1
    row = dict(
        kl_llama=mean_kl(theirs, ours),
        top1=float((ours.argmax(1) == theirs.argmax(1))[clear].mean()) if clear.any() else 1.0,
        max_diff=float(np.abs(ours - truth).max()),
        kl_adder_f64=mean_kl(truth, ours),
        kl_llama_f64=mean_kl(truth, theirs),
        logit_std=float(truth.std()))
    row["fails"] = [name for name, bad in [
        ("KL to llama.cpp > 1e-3", row["kl_llama"] > 1e-3),
        ("top-1 < 99 %", row["top1"] < 0.99),
        ("max |dlogit| > 1e-3", exact_file and row["max_diff"] > 1e-3),
        ("KL to float64 above llama.cpp's", not exact_file and row["kl_adder_f64"] > row["kl_llama_f64"]),
    ] if bad]
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adder", default="build/adder")
    parser.add_argument("--peers", default="build/peers", help="where node-llama-cpp is installed")
    parser.add_argument("--model", default="models/seedling.gguf", help="also compared, if it is there")
    parser.add_argument("--positions", type=int, default=2048)
    parser.add_argument("--only", help="names that contain this")
    args = parser.parse_args()
    peer_directory = library_directory(args.peers)

    header = f"{'model':<18}{'type':<8}{'KL llama':>10}{'top-1':>9}{'max|d|':>10}{'KL us,f64':>11}{'KL them,f64':>12}"
    print(header + "\n" + "-" * len(header))
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name in [*SYNTHS, "seedling"]:
            if args.only and args.only not in name:
                continue
            if name == "seedling" and not os.path.exists(args.model):
                print(f"seedling: {args.model} is not there, skipped")
                continue
            source = args.model
            if name != "seedling":
                config = os.path.join(scratch, "config.json")
                with open(config, "w") as f:
                    json.dump(BASE | SYNTHS[name], f)
                source = os.path.join(scratch, "f32.gguf")
                subprocess.run([args.adder, "synth", "--config", config, "--type", "f32", source], check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for kind in ["f32", "q8_0", "q4_k_m"]:
                path = os.path.join(scratch, f"{kind}.gguf")
                if path != source:
                    subprocess.run([args.adder, "quantize", source, path, "--type", kind], check=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                vocab = (BASE | SYNTHS[name])["vocab_size"] if name != "seedling" else 4096
                tokens = np.random.default_rng(7).integers(16, vocab, args.positions).tolist()
                row = compare(args.adder, peer_directory, path, tokens, kind == "f32")
                failures += bool(row["fails"])
                if "peer_refuses" in row:
                    print(f"{name:<18}{kind:<8}{'-':>10}{'-':>9}{row['max_diff']:>10.2e}{row['kl_adder_f64']:>11.2e}"
                          f"{'-':>12}  llama.cpp: {row['peer_refuses']} {'; '.join(row['fails'])}", flush=True)
                    continue
                print(f"{name:<18}{kind:<8}{row['kl_llama']:>10.2e}{row['top1']:>9.2%}{row['max_diff']:>10.2e}"
                      f"{row['kl_adder_f64']:>11.2e}{row['kl_llama_f64']:>12.2e}  {'; '.join(row['fails'])}",
                      flush=True)
    print(f"{failures} model files outside their bounds" if failures else "all inside their bounds")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
