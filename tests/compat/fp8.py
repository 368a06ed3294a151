"""What `adder quantize --type fp8` writes, against what NVIDIA's Model Optimizer would write.

    fp8.py ADDER CODEC_TOOL SEEDLING        needs: numpy, ml_dtypes, gguf, safetensors; nvidia-modelopt and torch are asked if there

Codes, weight scales and their sharing are computed anew from the parent's tensors, by Model Optimizer's formulas in numpy
and ml_dtypes; input and cache scales by the plain float64 forward pass of oracle.py. Where Model Optimizer is installed
(tests/compat/run takes ADDER_MODELOPT_PYTHON), it calibrates the same matrices itself, and its scales, codes, module lists
and quantization_config must be those of the directory. The directory is then computed with by adder and, from its numbers
alone, by that pass.
"""
import contextlib
import fnmatch
import io
import json
import pathlib
import subprocess
import sys
import tempfile

import ml_dtypes
import numpy as np
from safetensors import safe_open

from adder_program import Adder
from convert import gguf_name
from oracle import Oracle
from verdicts import Verdicts

E4M3 = ml_dtypes.float8_e4m3fn


class Watched:
    """A matrix that remembers the largest numbers that go in and come out."""
    __array_ufunc__ = None

    def __init__(self, values):
        self.values, self.input, self.output = values, 0.0, 0.0

    @property
    def T(self):
        return self

    def __rmatmul__(self, u):
        y = u @ self.values.T
        self.input, self.output = max(self.input, np.abs(u).max()), max(self.output, np.abs(y).max())
        return y


def raw_tensors(path):
    """name -> (dtype, shape, bytes) of a safetensors file."""
    data = pathlib.Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    return {name: (t["dtype"], t["shape"], data[8 + length + t["data_offsets"][0] : 8 + length + t["data_offsets"][1]])
            for name, t in header.items()}


def numbers(tensor):
    kind = {"BF16": ml_dtypes.bfloat16, "F32": np.float32, "F8_E4M3": E4M3}[tensor[0]]
    return np.frombuffer(tensor[2], kind).reshape(tensor[1])


def codes_of(weight, scale):
    """The quotient in the weight's own type, then in FP8: what torch does with a scale of no dimension."""
    return (weight.astype(np.float32) / np.float32(scale)).astype(weight.dtype).astype(E4M3).view(np.uint8)


def judge_all_codes(judge, tool):
    ran = subprocess.run([tool, "decode", "F8_E4M3"], input=bytes(range(256)), stdout=subprocess.PIPE, check=True)
    ours, theirs = np.frombuffer(ran.stdout, np.float32), np.arange(256, dtype=np.uint8).view(E4M3).astype(np.float32)
    judge.expect("all 256 codes", np.array_equal(ours, theirs, equal_nan=True))


def together(name):
    """The matrices that share a scale: q, k and v of a layer are one matrix to other engines."""
    layer = name.rsplit(".", 2)[0]
    fused = [f"{layer}.{k}.weight" for k in ("q_proj", "k_proj", "v_proj")]
    return fused if name in fused else [name]


def judge_tensors(judge, before, after, fp8):
    scalars = {name for name in after if name.endswith(("weight_scale", "input_scale", "k_scale", "v_scale"))}
    expected = {f"{name[:-7]}.{kind}" for name in fp8 for kind in ("weight_scale", "input_scale")}
    expected |= {name[:-7] + suffix for name in before for layer, suffix in (("k_proj.weight", ".k_scale"), (
        "v_proj.weight", ".v_scale")) if name.endswith(layer)}
    judge.expect("names", set(after) - scalars == set(before) and scalars == expected, f" ({len(after)})")
    judge.expect("scales are F32 of no dimension", all(after[name][:2] == ("F32", []) for name in scalars))
    judge.expect("the rest as it was", all(after[n] == before[n] for n in before if n not in fp8))
    largest = {name: float(np.abs(numbers(before[name]).astype(np.float32)).max()) for name in fp8}
    limit = {name: max(largest[n] for n in together(name)) for name in fp8}
    scale = {name: float(numbers(after[name[:-7] + ".weight_scale"])) for name in fp8}
    judge.expect("weight scales", all(np.float32(limit[n]) / np.float32(448) == np.float32(scale[n]) for n in fp8),
                 f" ({len(fp8)})")
    differ = sum(int((codes_of(numbers(before[n]), scale[n]) != numbers(after[n]).view(np.uint8)).sum()) for n in fp8)
    judge.expect("codes", differ == 0, f" ({sum(numbers(after[n]).size for n in fp8)} of them, {differ} differ)")
    return scale


def judge_ranges(judge, after, oracle, samples, fp8):
    watched = {name: Watched(oracle.w[gguf_name(name)]) for name in after if name.endswith("proj.weight") or
               name == "lm_head.weight"}
    for name, matrix in watched.items():
        oracle.w[gguf_name(name)] = matrix
    for sample in samples:
        oracle.logits(sample)
    off = [abs(float(numbers(after[n[:-7] + ".input_scale"])) * 448 / watched[n].input - 1) for n in fp8]
    off += [abs(float(numbers(after[n[:-7] + suffix])) * 448 / watched[n].output - 1) for n in after for end, suffix in (
        ("k_proj.weight", ".k_scale"), ("v_proj.weight", ".v_scale")) if n.endswith(end)]
    judge.expect("scales of inputs, keys and values", max(off) < 1e-4, f" (largest relative difference {max(off):.1e})")


def judge_words(judge, directory, names, fp8):
    words = json.loads((directory / "hf_quant_config.json").read_text())["quantization"]
    config = json.loads((directory / "config.json").read_text())["quantization_config"]
    matched = lambda module: any(fnmatch.fnmatchcase(module, pattern) for pattern in words["exclude_modules"])
    modules = [n[:-7] for n in names if n.endswith((".weight")) and numbers(names[n]).ndim >= 2 and "embed" not in n]
    judge.expect("exclude_modules", all(matched(m) == (m + ".weight" not in fp8) for m in modules), f" ({len(modules)})")
    judge.expect("both files agree", config["ignore"] == words["exclude_modules"] and config["quant_algo"] == "FP8" ==
                 words["quant_algo"] and config["quant_method"] == "modelopt")
    return words, config


def modelopt_scales(matrices, limits):
    """Weight and input scales that Model Optimizer exports of linear maps that read the same inputs: it calibrates
    them itself on an input whose largest number is the limit, and joins those that are to share a scale."""
    import modelopt.torch.quantization as mtq
    import torch
    from modelopt.torch.export.quant_utils import (get_activation_scaling_factor, get_weight_scaling_factor,
                                                   preprocess_linear_fusion)
    model = torch.nn.ModuleDict()
    for index, matrix in enumerate(matrices):
        linear = model[f"map{index}"] = torch.nn.Linear(*reversed(matrix.shape), bias=False)
        linear.weight = torch.nn.Parameter(torch.from_numpy(matrix.astype(np.float32)))

    def run(quantized):
        for linear, limit in zip(quantized.values(), limits):
            linear(torch.full((1, linear.in_features), -limit))

    model.forward = lambda: None
    with contextlib.redirect_stdout(io.StringIO()):  # it tells what it inserts
        mtq.quantize(model, mtq.FP8_DEFAULT_CFG, forward_loop=run)
    if len(matrices) > 1:
        preprocess_linear_fusion(list(model.values()))
    return [(get_weight_scaling_factor(m).item(), get_activation_scaling_factor(m).item()) for m in model.values()]


def judge_modelopt_scales(judge, before, after, fp8):
    same_weights, off = True, 0.0
    for group in {tuple(n for n in together(name) if n in fp8): None for name in fp8}:
        ours = [[float(numbers(after[n[:-7] + kind])) for n in group] for kind in (".weight_scale", ".input_scale")]
        theirs = modelopt_scales([numbers(before[n]) for n in group], [s * 448 for s in ours[1]])
        same_weights &= [w for w, _ in theirs] == ours[0]
        off = max([off, *(abs(b / a - 1) for a, (_, b) in zip(ours[1], theirs))])
    judge.expect("modelopt: weight scales, calibrated by itself", same_weights, f" ({len(fp8)})")
    judge.expect("modelopt: input scales of the same limits", off < 2.0**-22, f" (largest relative difference {off:.1e})")


def judge_modelopt(judge, before, after, scale, fp8, directory, words, config):
    try:
        import torch
        from modelopt.torch.export.convert_hf_config import convert_hf_quant_config_format
        from modelopt.torch.export.quant_utils import process_layer_quant_config, to_quantized_weight
    except ImportError as missing:
        return print(f"skipped Model Optimizer's own functions: {missing}")
    judge_modelopt_scales(judge, before, after, fp8)
    same = True
    for name in fp8:
        weight = torch.from_numpy(numbers(before[name]).view(np.uint16).astype(np.int32)).to(torch.int16).view(torch.bfloat16)
        codes = to_quantized_weight(weight, torch.tensor(scale[name], dtype=torch.float32), "fp8")
        same &= np.array_equal(codes.view(torch.uint8).numpy(), numbers(after[name]).view(np.uint8))
    judge.expect("modelopt: codes", same)
    modules = {n[:-7]: "fp8" if n in fp8 else None for n in after if n.endswith(("proj.weight", "conv1d.weight")) or
               n == "lm_head.weight"}
    theirs = process_layer_quant_config({f"{m}.quantization": kind for m, kind in modules.items()})
    judge.expect("modelopt: exclude_modules", theirs["exclude_modules"] == words["exclude_modules"])
    whole = json.loads((directory / "hf_quant_config.json").read_text())
    judge.expect("modelopt: quantization_config", convert_hf_quant_config_format(whole) == config)


def judge_numbers(judge, adder, directory, tokens, folder):
    adder("convert", directory, folder / "numbers.gguf", "--type", "f32")
    expected, found = Oracle(folder / "numbers.gguf").logits(tokens), adder.logits(directory, tokens)
    off = float(np.abs(expected - found).max())
    judge.expect("logits of the directory", off < 2e-3, f" (largest difference from float64 {off:.1e})")


def main():
    adder, tool, seedling, judge = Adder(sys.argv[1]), sys.argv[2], sys.argv[3], Verdicts()
    judge_all_codes(judge, tool)
    texts = ["Once upon a time there was a king.", "The old woman went into the wood and said nothing at all."]
    samples = [adder.tokenize(seedling, text) for text in texts]
    for policy in ("selective", "layers", "all"):
        print(f"policy {policy}")
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "samples.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
            adder("convert", seedling, folder / "parent", "--type", "bf16")
            adder("convert", folder / "parent", folder / "parent.gguf")
            adder("quantize", folder / "parent", folder / "fp8", "--type", "fp8", "--calib", folder / "samples.jsonl",
                  "--fp8-policy", policy, "--fp8-kv", "calibrated")
            before, after = (raw_tensors(folder / d / "model.safetensors") for d in ("parent", "fp8"))
            fp8 = [n for n, t in after.items() if t[0] == "F8_E4M3"]
            scale = judge_tensors(judge, before, after, fp8)
            judge_ranges(judge, after, Oracle(folder / "parent.gguf"), samples, fp8)
            words, config = judge_words(judge, folder / "fp8", after, fp8)
            judge_modelopt(judge, before, after, scale, fp8, folder / "fp8", words, config)
            judge_numbers(judge, adder, folder / "fp8", samples[1], folder)
            with safe_open(folder / "fp8/model.safetensors", "np") as file:
                judge.expect("safetensors reads it", len(list(file.keys())) == len(after))
    sys.exit(judge.failed > 0)


if __name__ == "__main__":
    main()
