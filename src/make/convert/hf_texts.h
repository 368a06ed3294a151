#pragma once

#include "core/formats/hf_writer.h"
#include "core/formats/model_file.h"

namespace adder {

/// The texts of a Hugging Face directory for this model; the config's own fields are left to CheckpointWriter.
///
/// From a directory they are its own, without what does not hold for the copy (remote code, quantisation). From a GGUF
/// file, tokenizer.json is made from its vocabulary. The other JSON texts are those of the directory that the file came
/// from, where it carries them (carried_metadata.h) and they still name the special tokens that the vocabulary names;
/// else they are made. A file without a vocabulary gives a directory without a tokenizer.
Result<HfFiles> hf_texts(const ModelFile& file);

}  // namespace adder
