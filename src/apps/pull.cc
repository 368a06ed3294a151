#include "run/hub/pull.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "apps/commands.h"
#include "apps/hub_model.h"
#include "apps/json_output.h"
#include "core/base/byte_size.h"

namespace adder {
namespace {

struct PullCommand {
  std::string model, revision;
  bool json = false;
};

void print_event(const Json& event) {
  fmt::print("{}\n", event.dump(-1, ' ', false, Json::error_handler_t::replace));
  std::fflush(stdout);
}

/// A line of JSON for each file that is begun, each transfer that broke, and twice a second.
class Events {
 public:
  void see(const PullProgress& at) {
    const auto now = std::chrono::steady_clock::now();
    if (at.stage == PullProgress::Stage::kRetrying) {
      print_event(
          {{"event", "retry"}, {"reason", at.reason}, {"wait_s", std::chrono::duration<double>(at.wait).count()}});
    } else if (at.bytes_total > 0 && (at.file != file_ || now - told_ >= std::chrono::milliseconds(500))) {
      file_ = at.file;
      told_ = now;
      print_event(
          {{"event", "progress"}, {"file", at.file}, {"bytes_done", at.bytes_done}, {"bytes_total", at.bytes_total}});
    }
  }

 private:
  std::string file_;
  std::chrono::steady_clock::time_point told_;
};

Status run_pull(const PullCommand& c) {
  TRY_ASSIGN(HubReference reference, parse_reference(c.model));
  if (!c.revision.empty()) {
    if (c.model.find('@') != std::string::npos) return Error::usage("--revision: '{}' names one already", c.model);
    TRY_ASSIGN(reference, parse_reference(reference.repository() + "@" + c.revision +
                                          (reference.type.empty() ? "" : ":" + reference.type)));
  }
  TRY_ASSIGN(const HubOptions options, hub_options_here());
  Events events;
  TRY_ASSIGN(const Pulled pulled, pull_watched(reference, options, [&](const PullProgress& at) -> Status {
               if (c.json) events.see(at);
               return {};
             }));
  const StoredModel& model = pulled.model;
  if (c.json) {
    print_event({{"event", "done"},
                 {"model", model.text()},
                 {"path", pulled.path.string()},
                 {"commit", model.commit},
                 {"bytes", model.bytes()},
                 {"bytes_fetched", pulled.bytes_fetched},
                 {"asked_the_hub", pulled.asked_the_hub}});
    return {};
  }
  fmt::print(stderr, "{} at commit {}: {}, {} of it fetched{}\n", model.text(), model.commit.substr(0, 12),
             byte_size_text(static_cast<int64_t>(model.bytes())),
             byte_size_text(static_cast<int64_t>(pulled.bytes_fetched)),
             pulled.asked_the_hub ? "" : fmt::format("; the copy of {}, without asking the Hub", model.pulled));
  fmt::print("{}\n", pulled.path.string());
  return {};
}

}  // namespace

void add_pull(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<PullCommand>();
  CLI::App* command = app.add_subcommand("pull", "Fetch a model from the Hugging Face Hub");
  command->add_option("NAME", c->model, "ORG/NAME, ORG/NAME:TYPE or ORG/NAME@REVISION:TYPE")->required();
  command->add_option("--revision", c->revision, "branch, tag or commit (default: main)")->type_name("REVISION");
  command->add_flag("--json", c->json, "a JSON object a line: progress, retries, and what was done");
  command->footer(
      "TYPE is a number format (Q4_K_M), a GGUF file's name, or safetensors. Without one: the only GGUF file, else "
      "the\n"
      "Q4_K_M one, else safetensors. Prints the path, which every command takes as a MODEL, as it takes the NAME.\n"
      "An interrupted pull goes on where it ended; every file is checked against the digest the Hub states, also "
      "those\n"
      "that are here already. --revision with a commit's 40 digits pins it: once here, it needs no network.\n\n"
      "  HF_TOKEN       for private models (else the token that huggingface-cli keeps)\n"
      "  HF_ENDPOINT    a mirror, like https://hub.example\n"
      "  ADDER_CACHE    where models are kept (default: ~/.cache/adder)\n"
      "  ADDER_OFFLINE  1: use only what is here\n"
      "  SSL_CERT_FILE  certificates to trust instead of the system's\n\n"
      "Examples:\n"
      "  adder pull nvidia/NVIDIA-Nemotron-3-Nano-4B-GGUF:Q4_K_M\n"
      "  adder run nvidia/NVIDIA-Nemotron-3-Nano-4B-GGUF:Q4_K_M -p \"Once upon a time\"\n"
      "  adder pull org/model@refs/pr/1:safetensors --json");
  command->callback([c, &chosen] { chosen = [c] { return run_pull(*c); }; });
}

}  // namespace adder
