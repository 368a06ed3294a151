#include "make/plan/measure.h"

#include <gmock/gmock.h>

#include "core/arch/checkpoint_writer.h"
#include "core/arch/presets.h"
#include "core/base/rng.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "make/eval/row_scores.h"
#include "make/plan/rounding.h"
#include "run/model/forward.h"

namespace adder {
namespace {

using testing::expect_error;

const std::vector<Window> kWindows = {{{1, 5, 9, 2, 6, 5, 3}, 0}, {{5, 8, 9, 7, 9, 3, 2}, 0}};

class MeasureTest : public ::testing::Test {
 protected:
  /// Random weights but for one tensor of `values`, if there is one.
  BoundModel write(const std::string& file, DType matrices = DType::kF32, size_t replaced = SIZE_MAX,
                   const std::vector<float>& values = {}) {
    ModelConfig config = tiny();
    config.layers = parse_pattern("M*-", 512, 2).value();
    config.vocab_size = 40;
    const auto specs = tensor_specs(config);
    std::vector<DType> types;
    for (const TensorSpec& spec : specs) types.push_back(spec.is_matrix ? matrices : DType::kF32);
    auto writer = CheckpointWriter::gguf(dir_ / file, config, types, {});
    CHECK(writer.has_value(), "{}", writer.error().message());
    for (size_t i = 0; i < specs.size(); ++i) {
      Rng rng(2, i);
      std::vector<float> random(static_cast<size_t>(specs[i].shape.elements()));
      for (float& x : random) x = specs[i].role == Role::kA ? -1.0f : (specs[i].is_matrix ? 0.1f : 1.0f) * rng.normal();
      CHECK(writer->write(i == replaced ? values : random).has_value());
    }
    CHECK(writer->finish().has_value());
    return bind(std::make_shared<const ModelFile>(ModelFile::open(dir_ / file).value())).value();
  }

  static std::vector<float> logits(const BoundModel& bound, const Window& window) {
    ThreadPool pool(1);
    const auto model = Model::from_bound(bound, pool).value();
    Forward forward(model, pool);
    Sequence sequence(bound.config, DType::kF32);
    const Segment segment{&sequence, window.tokens, Want::kAll};
    const auto rows = forward.run({&segment, 1}).value();
    return {rows.begin(), rows.end()};
  }

  testing::TempDir dir_;
};

/// A file in which one matrix is rounded, compared row by row.
TEST_F(MeasureTest, IsTheDivergenceOfAModelWithOneMatrixRounded) {
  const BoundModel parent = write("parent.gguf");
  const Sensitivities table = measure_sensitivities(parent, kWindows, {.threads = 2}).value();
  ThreadPool pool(1);
  size_t matrices = 0;
  for (size_t i = 0; i < parent.tensors.size(); ++i) {
    const BoundTensor& tensor = parent.tensors[i];
    if (!tensor.spec.is_matrix) continue;
    ++matrices;
    const TensorSensitivity* const row = table.find(tensor.spec.gguf_name);
    ASSERT_NE(row, nullptr) << tensor.spec.gguf_name;
    EXPECT_EQ(row->elements, tensor.spec.shape.elements());
    EXPECT_EQ(row->probe, DType::kQ4_0);
    const auto values = rounded(tensor.view, DType::kQ4_0, {.width = tensor.spec.shape.row_length()}, pool).value();
    const BoundModel child = write("child.gguf", DType::kF32, i, values);
    double sum = 0;
    int positions = 0;
    for (const Window& window : kWindows) {
      const std::vector<float> p = logits(parent, window), q = logits(child, window);
      for (size_t t = 0; t < window.tokens.size(); ++t, ++positions)
        sum += compare_rows(std::span(p).subspan(t * 40, 40), std::span(q).subspan(t * 40, 40), 0).kl;
    }
    EXPECT_GT(row->kl, 0) << tensor.spec.gguf_name;
    EXPECT_NEAR(row->kl, sum / positions, 1e-9 + 1e-6 * row->kl) << tensor.spec.gguf_name;
  }
  EXPECT_EQ(table.tensors.size(), matrices);
}

TEST_F(MeasureTest, GoesOnWhereItStopped) {
  const BoundModel model = write("model.gguf");
  Sensitivities saved;
  MeasureOptions options{.threads = 1};
  options.save = [&](const Sensitivities& table) -> Status {
    saved = table;
    return {};
  };
  options.progress = [&](double) -> Status {
    if (saved.tensors.size() == 3) return Error::cancelled("enough");
    return {};
  };
  expect_error(measure_sensitivities(model, kWindows, options), ErrorCode::kCancelled, "enough");
  ASSERT_EQ(saved.tensors.size(), 3u);

  saved.tensors[1].kl = 42;  // to see that it is not measured again
  const Sensitivities part = saved;
  options.progress = {};
  const Sensitivities whole = measure_sensitivities(model, kWindows, options, part).value();
  const Sensitivities once = measure_sensitivities(model, kWindows, {.threads = 1}).value();
  ASSERT_EQ(whole.tensors.size(), once.tensors.size());
  for (size_t i = 0; i < once.tensors.size(); ++i)
    EXPECT_EQ(whole.tensors[i].kl, i == 1 ? 42 : once.tensors[i].kl) << once.tensors[i].name;

  expect_error(measure_sensitivities(model, std::span(kWindows).first(1), options, part), ErrorCode::kUsage,
               "another text");
  Sensitivities other = part;
  other.model = "x";
  expect_error(measure_sensitivities(model, kWindows, options, other), ErrorCode::kUsage, "another model");
  const Imatrix imatrix;
  options.imatrix = &imatrix;
  expect_error(measure_sensitivities(model, kWindows, options, part), ErrorCode::kUsage, "another importance");
}

TEST_F(MeasureTest, WantsAnUnroundedModel) {
  expect_error(measure_sensitivities(write("q8.gguf", DType::kQ8_0), kWindows, {.threads = 1}), ErrorCode::kUsage,
               "q8.gguf", "Q8_0");
  EXPECT_NE(model_fingerprint(write("a.gguf")), model_fingerprint(write("b.gguf", DType::kQ8_0)));
  EXPECT_EQ(model_fingerprint(write("a.gguf")), model_fingerprint(write("c.gguf")));
}

}  // namespace
}  // namespace adder
