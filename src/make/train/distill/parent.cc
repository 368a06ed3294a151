#include "make/train/distill/parent.h"

#include "core/formats/model_file.h"
#include "make/train/nn/load.h"

namespace adder {

Result<Parent> Parent::open(const std::filesystem::path& path) {
  TRY_ASSIGN(ModelFile opened, ModelFile::open(path));
  const auto file = std::make_shared<const ModelFile>(std::move(opened));
  TRY_ASSIGN(BoundModel model, bind(file));
  TRY_ASSIGN(Tokenizer tokenizer, Tokenizer::from_file(*file));
  if (tokenizer.data().bos < 0 || tokenizer.data().eos < 0) {
    return Error::unsupported("{}: the tokenizer has begin {} and end {}; training needs both ids", path.string(),
                              tokenizer.data().bos, tokenizer.data().eos);
  }
  if (tokenizer.vocab_size() > model.config.vocab_size) {
    return Error::corrupt("{}: {} tokens, but embeddings for {}", path.string(), tokenizer.vocab_size(),
                          model.config.vocab_size);
  }
  TRY_ASSIGN(auto nested, read_nested(*file, model.config));
  return Parent{std::move(model), std::move(tokenizer), std::move(nested)};
}

Result<Parameters> Parent::weights(torch::Device device) const {
  return load_parameters(model, torch::dtype(torch::kFloat32).device(device));
}

std::vector<ReceiptStep> Parent::steps_to(std::string recipe) const {
  // A receipt that cannot be read is left out, as core/arch/receipt.h has it.
  const auto receipt = read_receipt(*model.file);
  if (!receipt || !*receipt) return {{std::move(recipe), ""}};
  std::vector<ReceiptStep> steps = (*receipt)->steps;
  steps.push_back({std::move(recipe), (*receipt)->model_hash});
  return steps;
}

Result<NestedRecord> nested_order(const Parent& parent) {
  if (parent.nested) return *parent.nested;
  return Error::usage("{}: is not in nested order; `adder slice --order` makes a parent that is",
                      parent.model.file->path());
}

}  // namespace adder
