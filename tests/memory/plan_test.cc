#include "run/engine/plan.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/memory.h"
#include "core/base/testing/sanitizer.h"
#include "core/base/testing/temp_dir.h"
#include "make/synth/synth.h"
#include "tests/parity/random_model.h"

// What sequences filled to the end of their context take, all together, is what the plan said.

namespace adder {
namespace {

/// Most of its memory is keys and values, then recurrent state.
Status write_model(const std::filesystem::path& path) {
  const ModelConfig config = config_of({.pattern = "M*M-",
                                        .vocab = 1000,
                                        .hidden = 128,
                                        .ffn = 256,
                                        .heads = 4,
                                        .kv_heads = 4,
                                        .head_dim = 32,
                                        .mamba_heads = 16,
                                        .mamba_head_dim = 32,
                                        .state = 64});
  SynthOptions options;
  options.mix = Mix::kQ8_0;
  options.threads = 1;
  return synthesize(config, path, options);
}

/// Opens the model and reads `sequences` texts as long as the context, in pieces of a pass, then the last token of all
/// in one batch. Returns by how much the peak of this process lies above what it had before.
Result<int64_t> peak_of(const std::filesystem::path& path, const EngineOptions& options) {
  const int64_t before = resident_bytes();
  TRY_ASSIGN(const auto engine, Engine::open(path, options));
  const auto text = random_tokens(options.context, engine->model().config().vocab_size, 1);
  const auto all = std::span(text);
  std::vector<Sequence> sequences;
  std::vector<Segment> last;
  for (int64_t i = 0; i < options.sequences; ++i) {
    TRY_ASSIGN(Sequence sequence, engine->new_sequence());
    for (int64_t end = 0; end < options.context - 1;) {
      const int64_t begin = end;
      end = std::min(begin + options.prefill_tokens, options.context - 1);
      const Segment piece{&sequence, all.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin))};
      TRY(engine->forward().run({&piece, 1}));
    }
    sequences.push_back(std::move(sequence));
  }
  for (Sequence& sequence : sequences) last.push_back({&sequence, all.last(1)});
  TRY(engine->forward().run(last));
  return peak_resident_bytes() - before;
}

/// The same in a process of its own, whose peak is not that of the tests before.
int64_t peak_in_child(const std::filesystem::path& path, const EngineOptions& options) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    const int64_t peak = peak_of(path, options).value_or(-1);
    _exit(write(ends[1], &peak, sizeof peak) == sizeof peak ? 0 : 1);
  }
  int64_t peak = -1;
  close(ends[1]);
  if (read(ends[0], &peak, sizeof peak) != sizeof peak) peak = -1;
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return peak;
}

TEST(MemoryPlan, IsKeptByAsManySequencesOfAnyLength) {
#if ADDER_ASAN || ADDER_TSAN
  GTEST_SKIP() << "a sanitizer takes memory of its own";
#endif
  const testing::TempDir dir;
  const auto path = dir / "model.gguf";
  ASSERT_TRUE(write_model(path));
  auto file = ModelFile::open(path);
  ASSERT_TRUE(file);
  const auto bound = bind(std::make_shared<const ModelFile>(std::move(*file)));
  ASSERT_TRUE(bound);

  for (const int64_t context : {512, 4096}) {
    for (const int64_t sequences : {1, 3}) {
      SCOPED_TRACE(fmt::format("{} sequences of {}", sequences, context));
      const EngineOptions options{
          .threads = 1, .kv_type = DType::kF32, .context = context, .prefill_tokens = 256, .sequences = sequences};
      const auto plan = plan_memory(*bound, options);
      ASSERT_TRUE(plan);
      const int64_t peak = peak_in_child(path, options);
      RecordProperty(fmt::format("peak_{}x{}", sequences, context), std::to_string(peak));
      RecordProperty(fmt::format("plan_{}x{}", sequences, context), std::to_string(plan->total()));
      EXPECT_LE(peak, plan->total());
      EXPECT_GE(peak, plan->kv + plan->recurrent);
    }
  }
}

}  // namespace
}  // namespace adder
