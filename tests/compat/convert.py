"""What `adder convert` writes, opened by others: GGUF files, split ones too, by gguf-py and llama.cpp, directories by
transformers.

    convert.py ADDER LIBRARIES SEEDLING        needs: numpy, gguf, safetensors; for the logits of directories torch too

A GGUF file must hold what the directory holds, transformed as llama.cpp's converter does it (computed here in numpy), and
llama.cpp must give the same logits for it whole and split. The directory made from the built-in model must give, in
transformers and in F32, the logits that adder gives, to 2e-3. Receipts must be in nobody's way.
"""
import pathlib
import re
import sys
import tempfile

import numpy as np
from gguf import GGUFReader
from safetensors import safe_open

from adder_program import Adder
from llama_peer import peer_logits
from verdicts import Verdicts

TOLERANCE = 2e-3
NAMES = {"mixer.in_proj.weight": "ssm_in.weight", "mixer.conv1d.weight": "ssm_conv1d.weight",
         "mixer.conv1d.bias": "ssm_conv1d.bias", "mixer.dt_bias": "ssm_dt.bias", "mixer.A_log": "ssm_a",
         "mixer.D": "ssm_d", "mixer.norm.weight": "ssm_norm.weight", "mixer.out_proj.weight": "ssm_out.weight",
         "mixer.q_proj.weight": "attn_q.weight", "mixer.k_proj.weight": "attn_k.weight",
         "mixer.v_proj.weight": "attn_v.weight", "mixer.o_proj.weight": "attn_output.weight",
         "mixer.up_proj.weight": "ffn_up.weight", "mixer.down_proj.weight": "ffn_down.weight",
         "norm.weight": "attn_norm.weight"}
TOP = {"backbone.embeddings.weight": "token_embd.weight", "backbone.norm_f.weight": "output_norm.weight",
       "lm_head.weight": "output.weight"}


def gguf_name(name):
    if name in TOP:
        return TOP[name]
    layer, rest = re.fullmatch(r"backbone\.layers\.(\d+)\.(.*)", name).groups()
    return f"blk.{layer}.{NAMES[rest]}"


def judge_tensors(judge, directory, gguf, groups):
    theirs = {t.name: np.asarray(t.data, np.float32) for t in GGUFReader(gguf).tensors}
    exact, largest = True, 0.0
    with safe_open(directory / "model.safetensors", "np") as file:
        names = list(file.keys())
        for name in names:
            ours, other = file.get_tensor(name), theirs[gguf_name(name)]
            if name.endswith("A_log"):
                expected = -np.exp(ours)[:, None]
                exact &= other.shape == expected.shape
                largest = max(largest, float(np.abs(other / expected - 1).max()))
                continue
            shape = {"D": lambda s: (s[0], 1), "conv1d.weight": lambda s: (s[0], s[2]),
                     "mixer.norm.weight": lambda s: (groups, s[0] // groups)}
            change = next((f for end, f in shape.items() if name.endswith("mixer." + end) or name.endswith(end)), None)
            expected = ours.reshape(change(ours.shape)) if change else ours
            exact &= expected.shape == other.shape and np.array_equal(expected, other)
    judge.expect("GGUF tensors of a directory", exact and len(theirs) == len(names), f" ({len(names)})")
    judge.expect("A = -exp(A_log)", largest < 2e-7, f" (largest relative difference {largest:.1e})")


def judge_llama(judge, adder, libraries, gguf, tokens, folder):
    vocabulary = adder.logits(gguf, tokens[:1]).shape[1]
    whole = peer_logits(libraries, str(gguf), tokens, vocabulary)
    report = adder.json("convert", gguf, folder / "parts.gguf", "--split", "2MB")
    split = peer_logits(libraries, report["out"][0], tokens, vocabulary)
    judge.expect("llama.cpp: a file with a receipt", not isinstance(whole, str), f" {whole if isinstance(whole, str) else ''}")
    judge.expect("llama.cpp: the same, split", not isinstance(split, str) and np.array_equal(whole, split),
                 f" ({len(report['out'])} files) {split if isinstance(split, str) else ''}")
    ours = adder.logits(gguf, tokens)
    judge.expect("llama.cpp and adder: one best token", not isinstance(whole, str) and
                 np.array_equal(whole.argmax(-1), ours.argmax(-1)))
    parts = [tensor.name for path in report["out"] for tensor in GGUFReader(path).tensors]
    judge.expect("gguf-py: split tensors", parts == [t.name for t in GGUFReader(gguf).tensors], f" ({len(parts)})")


def judge_transformers(judge, adder, seedling, tokens, folder):
    directory = folder / "hf"
    adder("convert", seedling, directory, "--type", "f32")
    try:
        import torch
        from transformers import AutoModelForCausalLM
    except ImportError:
        return print("skipped logits in transformers: torch is not there")
    model, loading = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, output_loading_info=True)
    complaints = {key: value for key, value in loading.items() if value}
    judge.expect("transformers: every tensor has its place", not complaints, f" {complaints or ''}")
    for mixer in model.modules():
        if hasattr(mixer, "time_step_limit"):
            mixer.time_step_limit = (0.0, float("inf"))  # it clamps dt at time_step_min, which is for initialising
    with torch.no_grad():
        theirs = model.eval()(torch.tensor([tokens])).logits[0].float().numpy()
    difference = float(np.abs(theirs - adder.logits(directory, tokens)).max())
    judge.expect("transformers: logits in F32", difference < TOLERANCE, f" (largest difference {difference:.1e})")


def main():
    adder, libraries, seedling, judge = Adder(sys.argv[1]), sys.argv[2], sys.argv[3], Verdicts()
    tokens = adder.tokenize(seedling, "Once upon a time there was a little old woman who lived in the wood.")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        adder("synth", "--preset", "tiny", "--type", "f32", "--hf", folder / "tiny")
        adder("convert", folder / "tiny", folder / "tiny.gguf")
        judge_tensors(judge, folder / "tiny", folder / "tiny.gguf", groups=4)
        adder("convert", seedling, folder / "seedling.gguf")
        judge_llama(judge, adder, libraries, folder / "seedling.gguf", tokens, folder)
        judge_transformers(judge, adder, seedling, tokens, folder)
    sys.exit(judge.failed > 0)


if __name__ == "__main__":
    main()
