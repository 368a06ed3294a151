#include <algorithm>
#include <filesystem>
#include <memory>
#include <numeric>

#include "apps/calibration_text.h"
#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/progress.h"
#include "core/base/atomic_file.h"
#include "core/formats/json.h"
#include "make/compress/layer_ranking.h"
#include "make/compress/score_page.h"
#include "make/compress/width_scores.h"
#include "make/plan/sensitivity.h"

namespace adder {
namespace {

struct ImportanceCommand {
  std::string model, out, html, reading = "after";
  CalibrationText text;
  EngineOptions engine;
  int64_t rank = -1, rank_windows = 32;
  bool attention = false, json = false;
};

FfnReading reading_of(const ImportanceCommand& c) {
  return c.reading == "after" ? FfnReading::kAfterActivation : FfnReading::kBeforeActivation;
}

/// What an earlier run left under the name that this one will write; nothing to go on from where there is no file.
Result<std::optional<Scores>> earlier_scores(const ImportanceCommand& c, const Engine& engine,
                                             std::span<const Window> windows) {
  std::error_code ignored;
  if (!std::filesystem::exists(c.out, ignored)) return std::optional<Scores>();
  auto scores = Scores::read(c.out, engine.model().config());
  const char* other = !scores ? "what is there are no scores of this model's shape"
                      : scores->model != model_fingerprint(engine.model().bound())
                          ? "the scores there are of another model"
                      : scores->text != fingerprint(windows) ? "the scores there were gathered on another text"
                      : scores->ffn_reading != reading_of(c) ? "the scores there have another --ffn"
                                                             : nullptr;
  if (other) return Error::usage("{}: {}; remove it or write to another file", c.out, other);
  return std::optional(std::move(scores).value());
}

Status rank(const ImportanceCommand& c, Engine& engine, std::span<const Window> windows, Scores& scores) {
  windows = windows.first(std::min(windows.size(), static_cast<size_t>(c.rank_windows)));
  const std::string text = fingerprint(windows);
  const bool has_begun = !scores.ranking.drop_list.empty() || scores.ranking.windows_done > 0;
  if (has_begun && scores.ranking_text != text)
    return Error::usage("{}: layers were ranked on other windows; remove it or write to another file", c.out);
  scores.ranking_text = text;

  Progress progress("ranking layers");
  RankingOptions options{.count = c.rank, .attention = c.attention};
  options.progress = [&](double done) -> Status {
    if (interrupted()) return Error::cancelled("interrupted; the same command goes on from {}", c.out);
    progress.update(done);
    return {};
  };
  options.save = [&](const LayerRanking& ranking) {
    scores.ranking = ranking;
    return scores.write(c.out);
  };
  TRY_ASSIGN(scores.ranking, rank_layers(engine, windows, scores.ranking, options));
  return {};
}

Result<Scores> gather_all(ImportanceCommand& c, Engine& engine) {
  TRY_ASSIGN(const std::vector<Window> windows,
             calibration_windows(c.text, *engine.model().bound().file, engine.tokenizer()));
  const int64_t most = rankable_layers(engine.model().config(), c.attention);
  if (c.rank < 0) c.rank = std::min(most, (engine.model().config().n_layers() + 3) / 4);
  if (c.rank > most) return Error::usage("--rank {}: the model has {} layers that may go", c.rank, most);
  TRY_ASSIGN(std::optional<Scores> scores, earlier_scores(c, engine, windows));
  if (!scores) {
    Progress progress("reading");
    WidthScoreOptions options{reading_of(c), [&](double done) -> Status {
                                if (interrupted()) return Error::cancelled("interrupted; nothing was written");
                                progress.update(done);
                                return {};
                              }};
    TRY_ASSIGN(scores, gather_width_scores(engine, windows, options));
    TRY(scores->write(c.out));
  }
  if (c.rank > 0) TRY(rank(c, engine, windows, *scores));
  return std::move(*scores);
}

/// What share of all importance the better half of the parts has, in per cent: 50 where all are alike.
double better_half(std::vector<double> scores) {
  std::ranges::sort(scores, std::ranges::greater{});
  const double all = std::accumulate(scores.begin(), scores.end(), 0.0);
  const double half =
      std::accumulate(scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(scores.size() / 2), 0.0);
  return all > 0 ? 100 * half / all : 50;
}

std::string describe_layer(int i, const Scores& scores, const ModelConfig& config) {
  const LayerScores& layer = scores.layers[static_cast<size_t>(i)];
  if (!layer.ffn.empty()) return fmt::format("neurons {:.1f}", better_half(layer.ffn));
  if (!layer.attention.empty()) return fmt::format("heads {:.1f}", better_half(layer.attention));
  return fmt::format("heads {:.1f}, channels {:.1f}", better_half(scores.mamba_heads(i, config, config.mamba_head_dim)),
                     better_half(scores.mamba_channels(i, config)));
}

void print_scores(const ImportanceCommand& c, const Scores& scores, const ModelConfig& config) {
  fmt::print("{}: scores of {} layers on {} windows of {} tokens\n\n", c.out, config.n_layers(), scores.windows,
             c.text.context);
  fmt::print("What the better half holds, in per cent of all importance; the nearer to 50, the less is to spare\n");
  fmt::print("  residual channels {:.1f}\n", better_half(scores.hidden));
  fmt::print("  layer  influence\n");
  for (int i = 0; i < static_cast<int>(config.n_layers()); ++i)
    fmt::print("  {:>3} {}  {:>9.4f}   {}\n", i, static_cast<char>(config.layers[static_cast<size_t>(i)].kind),
               scores.layers[static_cast<size_t>(i)].influence, describe_layer(i, scores, config));
  const LayerRanking& ranking = scores.ranking;
  if (ranking.drop_list.empty()) return;
  fmt::print("\nLayers in the order they would go, and the squared error of the logits once they have\n");
  for (size_t i = 0; i < ranking.drop_list.size(); ++i)
    fmt::print("  {:>3} {}  {:.4f}\n", ranking.drop_list[i],
               static_cast<char>(config.layers[static_cast<size_t>(ranking.drop_list[i])].kind), ranking.errors[i]);
}

Status run_importance(ImportanceCommand c) {
  c.engine.context = c.text.context;
  TRY_ASSIGN(const OpenedEngine opened, open_engine(c.model, c.engine));
  TRY_ASSIGN(const Scores scores, gather_all(c, *opened.engine));
  const ModelConfig& config = opened.engine->model().config();
  if (!c.html.empty()) TRY(write_file(c.html, score_page("Importance in " + opened.path, scores, config)));
  if (c.json) {
    TRY_ASSIGN(const nlohmann::json document, read_json(c.out));
    print_json(document);
  } else {
    print_scores(c, scores, config);
  }
  return {};
}

}  // namespace

void add_importance(CLI::App& app, Action& chosen) {
  auto c = std::make_shared<ImportanceCommand>();
  CLI::App* command = app.add_subcommand("importance", "Score all that a smaller child of a model may leave out");
  add_model_argument(*command, c->model);
  add_calibration_text_options(*command, c->text);
  command->add_option("-o,--out", c->out, "scores to write, JSON")->required()->type_name("FILE");
  command->add_option("--rank", c->rank, "layers to rank for removal, one after the other (default: a quarter of them)")
      ->check(CLI::Range(int64_t{0}, int64_t{4096}))
      ->default_str("");
  command->add_option("--rank-windows", c->rank_windows, "windows to rank them on, the first ones")
      ->check(CLI::Range(int64_t{1}, kMostContext))
      ->capture_default_str();
  command->add_flag("--rank-attention", c->attention, "attention layers may go too");
  command->add_option("--ffn", c->reading, "read FFN neurons before or after their activation")
      ->check(CLI::IsMember({"after", "before"}))
      ->type_name("WHEN")
      ->capture_default_str();
  command->add_option("--html", c->html, "write a page of heat maps too")->type_name("FILE");
  add_team_options(*command, c->engine);
  command->add_flag("--json", c->json, "print the scores as JSON");
  command->footer(
      "Forward passes only. All widths are scored in one reading of the text; ranking layers takes one reading for "
      "each\n"
      "layer still there, for each layer found. A run that was broken off goes on where it stopped.\n\n"
      "Examples:\n"
      "  adder importance parent-bf16.gguf --data prose.txt code.txt --windows 128 --out scores.json --html "
      "scores.html\n"
      "  adder importance parent-bf16.gguf --data prose.txt --rank 14 --rank-windows 32 --out scores.json\n"
      "  adder slice parent-bf16.gguf child.gguf --scores scores.json --budget 45%");
  command->callback([c, &chosen] { chosen = [c] { return run_importance(*c); }; });
}

}  // namespace adder
