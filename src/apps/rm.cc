#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <iostream>
#include <memory>

#include "apps/commands.h"
#include "apps/hub_model.h"
#include "apps/interrupt.h"
#include "apps/progress.h"
#include "core/base/byte_size.h"

namespace adder {
namespace {

struct RmCommand {
  std::string model;
  bool yes = false;
};

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, {}, [](unsigned char c) { return std::tolower(c); }, [](unsigned char c) { return std::tolower(c); });
}

/// The bare name of a repository means all of it.
bool means_all(const HubReference& reference) {
  return reference.type.empty() && reference.revision == "main";
}

bool means(const HubReference& reference, const StoredModel& model) {
  return means_all(reference) || (model.revision == reference.revision &&
                                  (reference.type.empty() || same_ignoring_case(model.type, reference.type)));
}

/// Whether a person who could be asked says yes. Scripts are not asked.
bool is_agreed(const RmCommand& c, std::string_view what) {
  if (c.yes || isatty(STDIN_FILENO) == 0 || !stderr_is_terminal()) return true;
  fmt::print(stderr, "remove {}? [y/N] ", what);
  std::string answer;
  std::getline(std::cin, answer);
  return same_ignoring_case(answer, "y") || same_ignoring_case(answer, "yes");
}

Status rm(const RmCommand& c) {
  TRY_ASSIGN(const HubReference reference, parse_reference(c.model));
  TRY_ASSIGN(const HubOptions options, hub_options_here());
  const ModelStore store(options.cache);
  TRY_ASSIGN(const std::vector<StoredModel> models, store.list(reference.repository()));
  std::string what;
  uint64_t bytes = 0;
  for (const StoredModel& model : models) {
    if (!means(reference, model)) continue;
    what += (what.empty() ? "" : ", ") + model.text();
    bytes += model.bytes();
  }
  std::error_code ignored;
  const bool is_unfinished = models.empty() && std::filesystem::exists(store.folder(reference.repository()), ignored);
  if (is_unfinished && means_all(reference)) what = "what has come of " + reference.repository();
  if (what.empty()) return Error::not_found("{}: not among the pulled models; adder list shows them", reference.text());
  if (bytes > 0) what += fmt::format(" ({})", byte_size_text(static_cast<int64_t>(bytes)));
  if (!is_agreed(c, what)) return Error::cancelled("nothing was removed");

  TRY_ASSIGN(const StoreLock lock, StoreLock::acquire(store, reference.repository(), []() -> Status {
               if (interrupted()) return Error::cancelled("interrupted; nothing was removed");
               return {};
             }));
  TRY(lock.remove([&](const StoredModel& model) { return means(reference, model); }));
  fmt::print(stderr, "removed {}\n", what);
  return {};
}

}  // namespace

void add_rm(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<RmCommand>();
  CLI::App* command = app.add_subcommand("rm", "Remove pulled models");
  command->add_option("NAME", c->model, "as adder list shows it; ORG/NAME alone: all of that repository")->required();
  command->add_flag("-y,--yes", c->yes, "do not ask (it asks only at a terminal)");
  command->footer(
      "Files that another model of the same repository needs stay.\n\n"
      "Examples:\n"
      "  adder rm org/model:Q4_K_M\n"
      "  adder rm org/model --yes");
  command->callback([c, &chosen] { chosen = [c] { return rm(*c); }; });
}

}  // namespace adder
