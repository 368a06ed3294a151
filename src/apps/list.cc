#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "apps/commands.h"
#include "apps/hub_model.h"
#include "apps/json_output.h"
#include "core/base/byte_size.h"

namespace adder {
namespace {

void print_table(const std::vector<StoredModel>& models, const std::vector<ModelStore::Unfinished>& unfinished) {
  size_t width = 4;
  for (const StoredModel& model : models) width = std::max(width, model.text().size());
  for (const auto& begun : unfinished) width = std::max(width, begun.repository.size());
  const auto row = [width](std::string_view name, std::string_view size, std::string_view commit,
                           std::string_view date) {
    fmt::print("{:<{}}  {:>10}  {:<12}  {}\n", name, width, size, commit, date);
  };
  row("NAME", "SIZE", "COMMIT", "PULLED");
  for (const StoredModel& model : models)
    row(model.text(), byte_size_text(static_cast<int64_t>(model.bytes())), model.commit.substr(0, 12), model.pulled);
  for (const auto& begun : unfinished)
    row(begun.repository, byte_size_text(static_cast<int64_t>(begun.bytes)), "", "unfinished");
}

Json to_json(const ModelStore& store, const StoredModel& model) {
  return {{"name", model.text()},   {"repository", model.repository}, {"revision", model.revision},
          {"type", model.type},     {"commit", model.commit},         {"endpoint", model.endpoint},
          {"pulled", model.pulled}, {"bytes", model.bytes()},         {"path", store.path_of(model).string()}};
}

Status list(bool json) {
  TRY_ASSIGN(const HubOptions options, hub_options_here());
  const ModelStore store(options.cache);
  TRY_ASSIGN(const std::vector<StoredModel> models, store.list());
  const std::vector<ModelStore::Unfinished> unfinished = store.unfinished();
  if (json) {
    Json whole = Json::array(), begun = Json::array();
    for (const StoredModel& model : models) whole.push_back(to_json(store, model));
    for (const auto& one : unfinished) begun.push_back({{"repository", one.repository}, {"bytes", one.bytes}});
    print_json({{"models", whole}, {"unfinished", begun}});
  } else if (models.empty() && unfinished.empty()) {
    fmt::print(stderr, "nothing has been pulled to {}\n", options.cache.string());
  } else {
    print_table(models, unfinished);
  }
  return {};
}

}  // namespace

void add_list(CLI::App& app, Action& chosen) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("list", "Show the models that have been pulled");
  command->add_flag("--json", *json, "print JSON, with the path of each");
  command->footer(
      "Any command takes a NAME of this list as its MODEL.\n\n"
      "Examples:\n"
      "  adder list\n"
      "  adder list --json | jq -r '.models[].path'");
  command->callback([json, &chosen] { chosen = [json] { return list(*json); }; });
}

}  // namespace adder
