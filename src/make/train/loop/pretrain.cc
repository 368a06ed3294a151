#include "make/train/loop/pretrain.h"

#include "core/arch/budget.h"
#include "core/base/atomic_file.h"
#include "make/train/loop/workbench.h"

namespace adder {

Result<Workshop> Workshop::open(const RecipeFile& recipe_file, const std::filesystem::path& data,
                                const std::filesystem::path& work, std::shared_ptr<const Team> team) {
  TRY_ASSIGN(Recipe recipe, read_recipe(recipe_file));
  TRY_ASSIGN(ModelConfig config, model_config(recipe));
  TRY_ASSIGN(std::vector<Book> books, read_corpus(data, recipe.held_out));
  TRY(make_directory(work));
  TRY_ASSIGN(Tokenizer tokenizer, tokenizer_for(books, recipe.vocab_size, work));
  TRY_ASSIGN(Streams streams, tokenize_corpus(books, tokenizer, work / "tokens.cache"));
  if (std::ssize(streams.train) < 2 * recipe.seq_len) {
    return Error::usage("{}: {} tokens to train on, two windows take {}", data.string(), streams.train.size(),
                        2 * recipe.seq_len);
  }
  const Workbench bench = open_workbench(recipe.precision, recipe.micro_batch * recipe.seq_len, recipe.hidden_size,
                                         recipe.intermediate_size);
  Mixture text(Windows(streams.train, tokenizer.data().bos, recipe.seq_len, recipe.seed));
  Weights weights{Parameters(config, torch::dtype(torch::kFloat32).device(bench.device)), {}};
  Trainer trainer(recipe, std::move(weights), std::move(text), std::make_shared<CrossEntropy>(bench.forward(recipe)),
                  std::move(team));
  return Workshop{std::move(recipe),    std::move(config),  std::move(books),
                  std::move(tokenizer), std::move(streams), std::move(trainer)};
}

HeldOutLoss Workshop::held_out_loss(int64_t windows, int threads) const {
  const HeldOutText text{&streams.held_out, streams.held_out_bytes, tokenizer.data().bos};
  return adder::held_out_loss(trainer, trainer.objective(), text, windows, threads);
}

Status pretrain(const PretrainOptions& options, const std::atomic<bool>& stop) {
  TRY_ASSIGN(Workshop shop, Workshop::open(options.recipe, options.data, options.work, options.team));
  TRY(options.recipe.keep(options.work));
  Trainer& trainer = shop.trainer;
  const std::filesystem::path last = options.work / "last.ckpt";
  const bool resumes = std::filesystem::exists(last);
  if (resumes) {
    TRY(trainer.load(last));
  } else if (!options.from.empty()) {
    TRY(trainer.load(options.from));
  } else {
    trainer.params().initialise(shop.recipe.seed, shop.recipe.init_std);
  }
  if (options.decay_steps > 0 && trainer.decay().steps == 0) {
    trainer.decay() = {.start = trainer.steps_done(), .steps = options.decay_steps};
  }
  fmt::print(stderr, "{}: {} parameters, {} tokens to train on, {} held out; {} at step {}\n", shop.recipe.name,
             parameter_count(shop.config), shop.streams.train.size(), shop.streams.held_out.size(),
             resumes ? "resuming" : "starting", trainer.steps_done());
  const Judge judge = [&](const Metrics& metrics, int threads) {
    return tell(metrics, trainer, shop.held_out_loss(shop.recipe.judge_windows, threads));
  };
  return run(trainer, options, judge, stop);
}

}  // namespace adder
