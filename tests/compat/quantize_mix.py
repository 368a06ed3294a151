"""Compares whole files: `adder quantize` against llama.cpp's quantiser on the same random models.

    quantize_mix.py ADDER LLAMA_LIBRARIES        needs: numpy, gguf, the npm package node-llama-cpp

For every mix and shape, every tensor must have the type llama.cpp gives it and, all but one block in a thousand (a build
that fuses multiply and add may round the odd tie the other way), the same bytes.
"""
import ctypes
import os
import subprocess
import sys
import tempfile

import numpy as np
from gguf import GGUFReader, GGUFWriter
from gguf.constants import GGML_QUANT_SIZES

from llama_peer import Llama, _Blob

FILE_TYPES = {"f16": 1, "bf16": 32, "q8_0": 7, "q6_k": 18, "q5_k_m": 17, "q5_k_s": 16, "q5_1": 9, "q5_0": 8,
              "q4_k_m": 15, "q4_k_s": 14, "q4_1": 3, "q4_0": 2, "iq4_nl": 25,
              "iq4_xs": 30, "q3_k_l": 13, "q3_k_m": 12, "q3_k_s": 11, "q2_k": 10}
# Enough layers that every rule picks some and leaves some; hidden sizes that divide by 256 and only by 32; a first layer
# without attention and with.
PATTERN = "M-*-M-M-*-M-M-*-M-M-*-M-M-*-"
SHAPES = {"aligned": (PATTERN, 256), "fallback": (PATTERN, 160), "attention": ("*-" + PATTERN, 256)}


def write_model(path, pattern, hidden):
    rng = np.random.default_rng(hidden)
    heads, kv, head_dim, ffn, ssm_heads, ssm_head, state, groups, vocab = 8, 2, 32, 512, 16, 16, 32, 4, 96
    inner = ssm_heads * ssm_head
    conv = inner + 2 * groups * state
    w = GGUFWriter(path, "nemotron_h")
    w.add_block_count(len(pattern))
    w.add_context_length(4096)
    w.add_embedding_length(hidden)
    w.add_feed_forward_length([ffn if k == "-" else 0 for k in pattern])
    w.add_head_count(heads)
    w.add_head_count_kv([kv if k == "*" else 0 for k in pattern])
    w.add_key_length(head_dim)
    w.add_value_length(head_dim)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_layer_norm_eps(1e-5)
    w.add_vocab_size(vocab)
    w.add_ssm_conv_kernel(4)
    w.add_ssm_state_size(state)
    w.add_ssm_group_count(groups)
    w.add_ssm_inner_size(inner)
    w.add_ssm_time_step_rank(ssm_heads)

    def add(name, *shape, sign=1):
        values = (rng.standard_normal(shape) * 0.05).astype(np.float32)
        w.add_tensor(name, -np.abs(values) - 0.1 if sign < 0 else values)

    add("token_embd.weight", vocab, hidden)
    add("output_norm.weight", hidden)
    add("output.weight", vocab, hidden)
    for i, kind in enumerate(pattern):
        add(f"blk.{i}.attn_norm.weight", hidden)
        if kind == "M":
            add(f"blk.{i}.ssm_in.weight", inner + conv + ssm_heads, hidden)
            add(f"blk.{i}.ssm_conv1d.weight", conv, 4)
            add(f"blk.{i}.ssm_conv1d.bias", conv)
            add(f"blk.{i}.ssm_dt.bias", ssm_heads)
            add(f"blk.{i}.ssm_a", ssm_heads, 1, sign=-1)
            add(f"blk.{i}.ssm_d", ssm_heads, 1)
            add(f"blk.{i}.ssm_norm.weight", groups, inner // groups)
            add(f"blk.{i}.ssm_out.weight", hidden, inner)
        elif kind == "*":
            add(f"blk.{i}.attn_q.weight", heads * head_dim, hidden)
            add(f"blk.{i}.attn_k.weight", kv * head_dim, hidden)
            add(f"blk.{i}.attn_v.weight", kv * head_dim, hidden)
            add(f"blk.{i}.attn_output.weight", hidden, heads * head_dim)
        else:
            add(f"blk.{i}.ffn_up.weight", ffn, hidden)
            add(f"blk.{i}.ffn_down.weight", hidden, ffn)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def declare(library):
    library.llama_model_quantize_default_params.restype = _Blob
    library.llama_model_quantize.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p]
    library.llama_model_quantize.restype = ctypes.c_uint32
    return library


def llama_quantize(library, source, target, file_type):
    params = library.llama_model_quantize_default_params()
    params.set(0, 2)  # nthread
    params.set(4, file_type)
    if library.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(params)) != 0:
        raise RuntimeError("llama.cpp refused: " + b"".join(Llama._messages).decode(errors="replace"))


def equal_blocks(ours, theirs):
    _, size = GGML_QUANT_SIZES[ours.tensor_type]
    a, b = (np.ascontiguousarray(t.data).view(np.uint8).reshape(-1, size) for t in (ours, theirs))
    return float(np.mean((a == b).all(axis=1)))


def main():
    adder, directory = sys.argv[1:]
    library = declare(Llama._load_library(directory))
    failed = False
    with tempfile.TemporaryDirectory() as temp:
        for title, (pattern, hidden) in SHAPES.items():
            source = os.path.join(temp, f"{title}.gguf")
            write_model(source, pattern, hidden)
            for mix, file_type in FILE_TYPES.items():
                ours, theirs = os.path.join(temp, "ours.gguf"), os.path.join(temp, "theirs.gguf")
                subprocess.run([adder, "quantize", source, ours, "--type", mix], check=True, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
                llama_quantize(library, source, theirs, file_type)
                a = {t.name: t for t in GGUFReader(ours).tensors}
                b = {t.name: t for t in GGUFReader(theirs).tensors}
                types = [f"{n}: {a[n].tensor_type.name}, llama.cpp {b[n].tensor_type.name}"
                         for n in b if n not in a or a[n].tensor_type != b[n].tensor_type]
                same = [n for n in b if n in a and a[n].tensor_type == b[n].tensor_type]
                worst = min(equal_blocks(a[n], b[n]) for n in same)
                failed |= bool(types) or len(a) != len(b) or worst < 0.999
                print(f"{title:9} {mix:7} {len(b)} tensors, {len(types)} of another type, blocks equal >= {worst:.4%}")
                for line in types:
                    print("   ", line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
