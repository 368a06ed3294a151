#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "run/hub/repository.h"

namespace adder {

/// What is taken of a repository.
struct Choice {
  /// By which choose() finds it again: "Q4_K_M", "safetensors", or a file name where that says too little.
  std::string type;
  std::vector<RemoteFile> files;  ///< sorted by path
  std::string entry;  ///< the file to open, of several parts the first; empty: the directory, for safetensors
};

/// The model in a repository that `type` names:
///   Q4_K_M (in any case)  the GGUF file whose name has that as a word: nano-Q4_K_M.gguf, Q4_K_M/nano.q4_k_m.gguf, not
///                         nano-IQ4_K_M.gguf; all its parts where it is split (-00001-of-00003.gguf)
///   a file name           that GGUF file, with or without ".gguf"
///   safetensors           the Hugging Face directory: *.json, *.jinja, tokenizer*, *.safetensors at the top
///   empty                 the only GGUF file, else the Q4_K_M one, else, without any GGUF file, safetensors
/// GGUF files that are no language models (mmproj*, imatrix*) count only when named in full.
/// kNotFound when there is none, kUsage when there are several; both list what there is. kCorrupt when a part is
/// missing.
Result<Choice> choose(const Repository& repository, std::string_view type);

}  // namespace adder
