#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "core/base/exceptions.h"
#include "core/base/testing/temp_dir.h"
#include "make/synth/synth.h"
#include "run/engine/engine.h"
#include "run/state/snapshot_store.h"
#include "tests/memory/failing_memory.h"
#include "tests/parity/random_model.h"

// Whatever place in the program is refused memory, the caller gets an error, and what was there before is as it was:
// the same call succeeds when there is memory again, and gives what it would have given at once.

namespace adder {
namespace {

using testing::FailingMemory;

/// What a call gave, to be compared.
using Outcome = Result<std::vector<float>>;

/// Ends the test program should `f` throw: what is called here gives errors.
template <class F>
auto without_exceptions(F&& f) noexcept {
  return f();
}

struct Scene {
  std::function<void()> prepare;    ///< before every call
  std::function<Outcome()> call;    ///< with memory or without
  std::function<Outcome()> verify;  ///< with memory, after each call that failed
};

/// Refuses memory at every place of `call`, once and from there on.
void refuse_everywhere(const Scene& scene) {
  scene.prepare();
  const Outcome want = scene.call();
  if (!want) ADD_FAILURE() << want.error().message();
  std::vector<int64_t> places;
  for (int round = 0; round < 2; ++round) {  // the first warms up
    scene.prepare();
    places = testing::first_requests([&] { static_cast<void>(scene.call()); });
  }
  int64_t errors = 0;
  for (const auto how : {FailingMemory::How::kOnce, FailingMemory::How::kFromThenOn}) {
    for (const int64_t place : places) {
      scene.prepare();
      std::optional<Outcome> got;
      {
        const FailingMemory failing(place, how);
        got = exceptions_to_errors("the test's own copy", scene.call);
      }
      if (*got) {  // it could do without
        EXPECT_EQ(**got, *want) << "request " << place;
        continue;
      }
      ++errors;
      const Error& error = got->error();
      EXPECT_TRUE(error.code() == ErrorCode::kTooLarge || error.code() == ErrorCode::kIo) << error.message();
      const Outcome after = scene.verify();
      EXPECT_TRUE(after) << after.error().message();
      if (!after) continue;
      EXPECT_EQ(*after, *want) << "after request " << place << ": " << error.message();
    }
  }
  EXPECT_GT(errors, static_cast<int64_t>(places.size())) << places.size() << " places";
}

/// A small file with a vocabulary.
class EngineWithoutMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    const ModelConfig config = config_of({.pattern = "M-*M",
                                          .vocab = 320,
                                          .hidden = 64,
                                          .ffn = 96,
                                          .heads = 4,
                                          .kv_heads = 2,
                                          .head_dim = 16,
                                          .mamba_heads = 8,
                                          .mamba_head_dim = 8});
    SynthOptions synth;
    synth.mix = Mix::kQ8_0;
    synth.threads = 1;
    const Status made = synthesize(config, path_, synth);
    ASSERT_TRUE(made) << made.error().message();
  }

  std::unique_ptr<Engine> open() const { return Engine::open(path_, options_).value(); }

  static GenerateRequest ask(std::vector<TokenId> prompt) {
    GenerateRequest request;
    request.prompt = std::move(prompt);
    request.max_tokens = 12;
    request.ignore_eos = true;
    request.stop = {"never said"};
    request.sampling.repetition_penalty = 1.1f;
    return request;
  }

  static Outcome answer(Engine& engine, const GenerateRequest& request) {
    std::string heard;
    const auto listen = [&](std::string_view text) {
      heard += text;
      return true;
    };
    const auto result = without_exceptions([&] { return engine.generate(request, listen); });
    if (!result) return result.error();
    EXPECT_EQ(heard, result->text);
    return std::vector<float>(result->tokens.begin(), result->tokens.end());
  }

  const EngineOptions options_{.threads = 1, .context = 400, .prefill_tokens = 50, .snapshot_bytes = 1 << 20};
  testing::TempDir dir_;
  std::filesystem::path path_ = dir_ / "small.gguf";
};

TEST_F(EngineWithoutMemory, OpensWhenThereIsMemoryAgain) {
  EngineOptions options = options_;
  options.threads = 3;
  const auto open = [&]() -> Outcome {
    TRY_ASSIGN(const auto engine, without_exceptions([&] { return Engine::open(path_, options); }));
    return std::vector{static_cast<float>(engine->tokenizer().vocab_size())};
  };
  refuse_everywhere({[] {}, open, open});
}

TEST_F(EngineWithoutMemory, AnswersWhenThereIsMemoryAgain) {
  const auto prompt = random_tokens(90, 320, 2);
  auto repeating = random_tokens(30, 320, 3);
  for (int i = 0; i < 2; ++i) repeating.insert(repeating.end(), repeating.begin(), repeating.begin() + 30);
  const auto cut = [&](size_t n) {
    return std::vector(prompt.begin(), prompt.begin() + static_cast<std::ptrdiff_t>(n));
  };

  struct Case {
    const char* what;
    std::vector<TokenId> before, now;
  };
  const Case cases[] = {{"from the beginning", repeating, prompt},
                        {"the same again", prompt, prompt},
                        {"back to a snapshot", prompt, cut(60)},
                        {"drafts", prompt, repeating}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    const auto engine = open();
    refuse_everywhere({.prepare = [&] { EXPECT_TRUE(answer(*engine, ask(c.before))); },
                       .call = [&] { return answer(*engine, ask(c.now)); },
                       .verify = [&] { return answer(*engine, ask(c.now)); }});
  }
  std::unique_ptr<Engine> engine;
  refuse_everywhere({.prepare = [&] { engine = open(); },
                     .call = [&] { return answer(*engine, ask(prompt)); },
                     .verify = [&] { return answer(*engine, ask(prompt)); }});
}

/// Two sequences of one model.
struct Two {
  Two(const RandomModel& m, const Ops* ops) : model(m.model(ops)), config(m.bound().config) { begin_anew(); }

  /// As if nothing had been computed with this model yet.
  void begin_anew() { forward.emplace(model, pool); }

  Sequence reads(const std::vector<TokenId>& past) {
    Sequence sequence(config, DType::kF16);
    const Segment segment{&sequence, past};
    EXPECT_TRUE(forward->run({&segment, 1}));
    return sequence;
  }
  /// Over the end of a chunk with one, into a chunk with the other.
  Outcome go_on(Sequence& one, Sequence& other) {
    const Segment batch[] = {{&one, std::span(text).first(70), Want::kLast},
                             {&other, std::span(text).first(5), Want::kAll}};
    std::vector<float> out;
    out.reserve(6 * 151);  // a failure here comes before the call, not after
    TRY_ASSIGN(const auto logits, without_exceptions([&] { return forward->run(batch); }));
    out.assign(logits.begin(), logits.end());
    return out;
  }

  ThreadPool pool{1};
  std::shared_ptr<const Model> model;
  ModelConfig config;
  std::optional<Forward> forward;
  std::vector<TokenId> text = random_tokens(100, 151, 4);
};

TEST(StateWithoutMemory, APassFailsWholeOrNotAtAll) {
  for (const Ops* ops : supported_ops()) {
    for (const DType dtype : {DType::kF32, DType::kQ8_0}) {
      SCOPED_TRACE(fmt::format("{} {}", ops->name, name(dtype)));
      const RandomModel model(ModelSketch{}, mix(dtype));
      Two two(model, ops);
      const Sequence long_one = two.reads(random_tokens(70, 151, 5)), short_one = two.reads(random_tokens(30, 151, 6));
      std::optional<Sequence> one, other;
      const auto prepare = [&] {
        one = long_one.fork().value();
        other = short_one.fork().value();
      };
      refuse_everywhere({.prepare = prepare,
                         .call = [&] { return two.go_on(*one, *other); },
                         .verify =
                             [&] {
                               EXPECT_EQ(one->position(), 70);
                               EXPECT_EQ(other->position(), 30);
                               return two.go_on(*one, *other);
                             }});
      refuse_everywhere({.prepare = [&] { prepare(), two.begin_anew(); },
                         .call = [&] { return two.go_on(*one, *other); },
                         .verify = [&] { return two.go_on(*one, *other); }});
    }
  }
}

TEST(StateWithoutMemory, ForksAndSnapshotsFailAndLeaveAllAsItWas) {
  const RandomModel model(ModelSketch{}, all(DType::kF32));
  Two two(model, nullptr);
  const Sequence past = two.reads(random_tokens(100, 151, 7));
  const auto early = two.reads(random_tokens(90, 151, 8)).snapshot().value();
  std::optional<Sequence> one, other;
  std::optional<SnapshotStore> store;
  const auto prepare = [&] {
    one = past.fork().value();
    other = past.fork().value();
    store.emplace(1 << 20);
    ASSERT_TRUE(store->add(early));
  };
  const auto position = [](const Sequence& sequence) { return static_cast<float>(sequence.position()); };
  const auto bytes = [](const Sequence& sequence) { return static_cast<float>(sequence.bytes().total()); };

  const auto fork = [&]() -> Outcome {
    TRY_ASSIGN(const Sequence made, without_exceptions([&] { return one->fork(); }));
    return std::vector{position(made), bytes(made)};
  };
  const auto snapshot = [&]() -> Outcome {
    TRY_ASSIGN(const auto made, without_exceptions([&] { return one->snapshot(); }));
    return std::vector{static_cast<float>(made->position())};
  };
  const auto restore = [&]() -> Outcome {
    std::vector<float> out(2);
    TRY(without_exceptions([&] { return one->restore(early); }));
    out = {position(*one), bytes(*one)};
    return out;
  };
  const auto kept = past.snapshot().value();
  const auto keep = [&]() -> Outcome {
    std::vector<float> out(1);
    TRY(without_exceptions([&] { return store->add(kept); }));
    out[0] = static_cast<float>(store->bytes());
    return out;
  };
  prepare();
  const std::vector<float> further = two.go_on(*one, *other).value();
  const auto as_it_was = [&](const auto& again) {
    return [&]() -> Outcome {
      EXPECT_EQ(store->positions(), std::vector<int64_t>{90});
      EXPECT_EQ(two.go_on(*one, *other).value(), further);
      prepare();
      return again();
    };
  };
  refuse_everywhere({prepare, fork, as_it_was(fork)});
  refuse_everywhere({prepare, snapshot, as_it_was(snapshot)});
  refuse_everywhere({prepare, restore, as_it_was(restore)});
  refuse_everywhere({prepare, keep, [&]() -> Outcome {
                       SnapshotStore same(1 << 20);
                       EXPECT_TRUE(same.add(early));
                       EXPECT_EQ(store->positions(), same.positions());
                       EXPECT_EQ(store->bytes(), same.bytes());
                       return keep();
                     }});
}

}  // namespace
}  // namespace adder
