"""The models adder and its judges are asked about: the built-in one, and synthetic ones that move one thing each."""

import json
import os

import numpy as np

PATTERN = "M-M-M*-M"
BASE = dict(
    model_type="nemotron_h", architectures=["NemotronHForCausalLM"], hybrid_override_pattern=PATTERN,
    num_hidden_layers=len(PATTERN), hidden_size=160, vocab_size=515, intermediate_size=256, num_attention_heads=4,
    num_key_value_heads=2, head_dim=64, mamba_num_heads=8, mamba_head_dim=32, ssm_state_size=32, n_groups=1,
    conv_kernel=4, layer_norm_epsilon=1e-5, tie_word_embeddings=False, max_position_embeddings=4096,
    mlp_hidden_act="relu2", use_conv_bias=True, bos_token_id=1, eos_token_id=2)

SYNTHS = {
    "base": {},
    "3 heads a group": dict(n_groups=4, mamba_num_heads=12, mamba_head_dim=64, intermediate_size=512),
    "heads = groups": dict(n_groups=8, mamba_num_heads=8, mamba_head_dim=64, intermediate_size=512),
    "5 groups": dict(n_groups=5, mamba_num_heads=10, mamba_head_dim=64, intermediate_size=512),
    "8 groups": dict(n_groups=8, mamba_num_heads=16, mamba_head_dim=16),
    "1 KV head": dict(num_key_value_heads=1),
    "all KV heads": dict(num_key_value_heads=4),
    "conv width 3": dict(conv_kernel=3),
    "no attention": dict(hybrid_override_pattern="M-M-M-M", num_hidden_layers=7),
    "attention first": dict(hybrid_override_pattern="*M-M-*M-", num_hidden_layers=8),
    "rows % 32": dict(hidden_size=144),
    "odd vocabulary": dict(vocab_size=1033),
}
LLAMA_ABORTS = {"no attention"}  # node-llama-cpp 3.22.1: GGML_ASSERT(buffer) while it sets up the empty KV cache
SEEDLING = "seedling"
NAMES = [*SYNTHS, SEEDLING]
TYPES = ["f32", "q8_0", "q4_k_m"]


def make_files(adder, name, seedling, folder):
    """Path of each type, all made from one F32 file (of the seedling: from the file as it is)."""
    source = seedling
    if name != SEEDLING:
        config = os.path.join(folder, "config.json")
        with open(config, "w") as file:
            json.dump(BASE | SYNTHS[name], file)
        source = os.path.join(folder, "source.gguf")
        adder("synth", "--config", config, "--type", "f32", source)
    paths = {kind: os.path.join(folder, f"{kind}.gguf") for kind in TYPES}
    for kind, path in paths.items():
        adder("quantize", source, path, "--type", kind)
    return paths


def make_tokens(adder, name, seedling, positions):
    """Random weights get random ids; the built-in model gets prose."""
    if name != SEEDLING:
        vocabulary = (BASE | SYNTHS[name])["vocab_size"]
        return np.random.default_rng(7).integers(16, vocabulary, positions).tolist()
    tokens = adder.tokenize(seedling, adder.prose(seedling, positions + 64))
    assert len(tokens) >= positions
    return tokens[:positions]
