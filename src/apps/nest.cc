#include <memory>

#include "apps/commands.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/model_path.h"
#include "apps/progress.h"
#include "core/arch/budget.h"
#include "core/base/byte_size.h"
#include "core/nest/nested_file.h"
#include "make/compress/nested.h"
#include "make/compress/nested_writer.h"

namespace adder {
namespace {

struct NestCommand {
  std::string input, output;
  std::vector<std::string> sizes;
  bool json = false;
};

/// NAME=child.json
Result<NestedSize> parse_size(const std::string& text, const ModelConfig& parent) {
  const size_t at = text.find('=');
  if (at == 0 || at == std::string::npos || at + 1 == text.size())
    return Error::usage("nest: '{}', expected NAME=child.json", text);
  TRY_ASSIGN(ChildShape child, read_child(text.substr(at + 1), parent));
  return NestedSize{text.substr(0, at), std::move(child)};
}

Result<std::vector<NestedSize>> sizes_to_nest(const NestCommand& c, const BoundModel& parent) {
  std::vector<NestedSize> sizes;
  for (const std::string& text : c.sizes) {
    TRY_ASSIGN(sizes.emplace_back(), parse_size(text, parent.config));
  }
  if (!sizes.empty()) return sizes;
  TRY_ASSIGN(const auto record, read_nested(*parent.file, parent.config));
  if (record) sizes = record->sizes;
  if (sizes.empty())
    return Error::usage("{}: has no names for any children; say which, as NAME=child.json", parent.file->path());
  return sizes;
}

/// What each size reads of the file.
struct WrittenSize {
  std::string name;
  int64_t parameters = 0;
  uint64_t bytes = 0;
};

Result<std::vector<WrittenSize>> written_sizes(const std::string& path) {
  TRY_ASSIGN(ModelFile opened, ModelFile::open(path));
  const auto file = std::make_shared<const ModelFile>(std::move(opened));
  TRY_ASSIGN(const ModelConfig config, read_config(*file));
  TRY_ASSIGN(const std::vector<NestedSize> sizes, read_sizes(*file->gguf(), config));
  std::vector<WrittenSize> written;
  for (const NestedSize& size : sizes) {
    TRY_ASSIGN(const BoundModel model, bind_size(file, size.name, Join::kShapesOnly));
    written.push_back({.name = size.name, .parameters = parameter_count(model.config)});
    for (const BoundTensor& tensor : model.tensors) written.back().bytes += tensor.view.bytes();
  }
  return written;
}

Status run_nest(const NestCommand& c) {
  TRY_ASSIGN(const std::filesystem::path input, model_path(c.input));
  TRY_ASSIGN(ModelFile file, ModelFile::open(input));
  TRY_ASSIGN(const BoundModel parent, bind(std::make_shared<const ModelFile>(std::move(file))));
  TRY_ASSIGN(const std::vector<NestedSize> sizes, sizes_to_nest(c, parent));
  {
    Progress progress("nesting");
    TRY(write_nested_file(parent, sizes, c.output, "nest", [&](double done) -> Status {
      if (interrupted()) return Error::cancelled("interrupted; nothing was written");
      progress.update(done);
      return {};
    }));
  }
  TRY_ASSIGN(const std::vector<WrittenSize> written, written_sizes(c.output));
  if (c.json) {
    Json list = Json::array();
    for (const WrittenSize& size : written)
      list.push_back({{"name", size.name}, {"parameters", size.parameters}, {"bytes", size.bytes}});
    print_json({{"in", c.input}, {"out", c.output}, {"sizes", list}});
    return {};
  }
  for (const WrittenSize& size : written)
    fmt::print("{:<12} {:>14} parameters {:>10}\n", size.name, size.parameters,
               byte_size_text(static_cast<int64_t>(size.bytes)));
  fmt::print("{}\n", c.output);
  return {};
}

}  // namespace

void add_nest(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<NestCommand>();
  CLI::App* command = app.add_subcommand("nest", "Put a model and its smaller children into one file");
  command->add_option("IN", c->input, "GGUF file in nested order (adder slice --order, adder-train elastic)")
      ->required();
  command->add_option("OUT", c->output, "GGUF file")->required();
  command->add_option("SIZES", c->sizes, "NAME=child.json ... (default: the children that IN has names for)");
  command->add_flag("--json", c->json, "print JSON");
  command->footer(
      "Every size is a part of the next one, and nothing is in the file twice. A size is run at the cost of its own\n"
      "file: adder run OUT --size NAME. The whole model is the size 'full'. Widths are cut where blocks end: "
      "multiples\n"
      "of 32, of 256 for K-quants.\n\n"
      "Examples:\n"
      "  adder nest elastic.gguf family.gguf\n"
      "  adder nest ordered-q8_0.gguf family.gguf small=small.json medium=medium.json\n"
      "  adder run family.gguf --size small -p \"Once upon a time\"\n"
      "  adder slice family.gguf small.gguf --size small");
  command->callback([c, &chosen] { chosen = [c] { return run_nest(*c); }; });
}

}  // namespace adder
