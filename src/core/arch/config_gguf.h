#pragma once

#include <vector>

#include "core/arch/config.h"
#include "core/formats/gguf.h"

namespace adder {

/// The hyper-parameters as GGUF stores them under `nemotron_h.`; there is no pattern string, a layer's kind follows
/// from two per-layer numbers: feed_forward_length > 0 is an MLP, else head_count_kv > 0 is attention, else Mamba.
/// `ssm.time_step_rank` is the number of Mamba heads. Tied embeddings are those without `output.weight`.
/// Missing or wrong-typed keys are all listed. Not yet validated.
Result<ModelConfig> config_from_gguf(const Gguf& file);

/// The inverse: general.architecture and every key that config_from_gguf and llama.cpp read. The rope.* keys are there
/// because readers expect them; the model has no rotary embedding.
std::vector<GgufEntry> gguf_metadata(const ModelConfig& config);

/// One entry of each type that metadata is made of.
GgufEntry gguf_u32(std::string key, int64_t value);
GgufEntry gguf_f32(std::string key, double value);
GgufEntry gguf_bool(std::string key, bool value);
GgufEntry gguf_text(std::string key, std::string value);
GgufEntry gguf_i32s(std::string key, std::vector<int64_t> values);

}  // namespace adder
