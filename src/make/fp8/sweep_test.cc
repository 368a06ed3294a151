#include "make/fp8/sweep.h"

#include <gmock/gmock.h>

#include "core/arch/presets.h"
#include "core/base/testing/temp_dir.h"
#include "core/text/tiny_vocabulary_test.h"
#include "run/engine/chain_model_for_test.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> names(const std::vector<Fp8Configuration>& configurations) {
  std::vector<std::string> names;
  for (const Fp8Configuration& configuration : configurations) names.push_back(configuration.name);
  return names;
}

TEST(Fp8Sweep, ConfigurationsAreWorthATry) {
  EXPECT_THAT(names(fp8_configurations(tiny())),
              ElementsAre("all", "layers", "selective", "no attention", "no outer layers", "attention alone",
                          "Mamba alone", "MLP alone", "ssm_in alone", "ssm_out alone", "up alone", "down alone"));
  ModelConfig config = tiny();
  config.layers = parse_pattern("-", 512, 2).value();
  EXPECT_THAT(names(fp8_configurations(config)), ElementsAre("all", "layers", "up alone", "down alone"));
}

/// A model whose only layer adds nothing, so that only rounding the output matrix can show: 0.3 is no number of FP8,
/// but the largest number of a matrix comes through whole.
TEST(Fp8Sweep, MeasuresWhatRoundingDoes) {
  const testing::TempDir dir;
  const auto path = dir / "chain.gguf";
  ASSERT_TRUE(write_chain_model(path, {{'a', 'b'}, {'b', 'c'}}, tiny_vocabulary(), 264, 0.3f));
  const auto model = bind(std::make_shared<const ModelFile>(ModelFile::open(path).value()));
  ASSERT_TRUE(model) << model.error().message();
  const std::vector<Window> windows = {{{'a', 'b', 'c', 'a'}, 0}, {{'b'}, 0}};
  double done = 0;
  const auto sweep = sweep_fp8(*model, windows, 2, [&](double share) -> Status {
    done = share;
    return {};
  });
  ASSERT_TRUE(sweep) << sweep.error().message();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(sweep->positions, 3);
  EXPECT_EQ(sweep->parent_right, 2);  // c is followed by id 0 there
  ASSERT_EQ(sweep->points.size(), 4u);
  const int64_t output = 264 * 264, layer = 2 * 264 * 32, vectors = 2 * 264 * 4, row = 264 * 4;
  EXPECT_EQ(sweep->parent_bytes_per_token, 4 * (output + layer) + vectors + row);
  EXPECT_EQ(sweep->points[0].bytes_per_token, output + layer + vectors + row);
  EXPECT_EQ(sweep->points[1].bytes_per_token, 4 * output + layer + vectors + row);
  for (const Fp8Point& point : sweep->points) {
    EXPECT_EQ(point.kl.count(), 3) << point.name;
    EXPECT_LT(point.kl.mean(), 1e-9) << point.name;
    EXPECT_EQ(point.same_top_share(), 1) << point.name;
    EXPECT_EQ(sweep->recovery(point), 1) << point.name;
  }
  EXPECT_TRUE(sweep->is_on_frontier(sweep->points[0]));
  const auto json = to_json(*sweep);
  EXPECT_EQ(json["configurations"][2]["name"], "up alone");
  EXPECT_EQ(json["positions"], 3);
  const std::string html = to_html(*sweep, "a < b");
  EXPECT_THAT(html, HasSubstr("a &lt; b"));
  EXPECT_THAT(html, HasSubstr("<td>down alone"));
  EXPECT_THAT(html, HasSubstr("<svg"));
}

TEST(Fp8Sweep, TheFrontierIsWhatNothingBeats) {
  const auto point = [](std::string name, int64_t bytes, double kl) {
    Fp8Point p{.name = std::move(name), .bytes_per_token = bytes, .kl = {}};
    p.kl.add(kl);
    return p;
  };
  const Fp8Sweep sweep{.points = {point("small", 10, 0.3), point("worse", 20, 0.3), point("good", 20, 0.1),
                                  point("large", 30, 0.2), point("best", 40, 0.0)}};
  std::vector<std::string> best;
  for (const Fp8Point& p : sweep.points)
    if (sweep.is_on_frontier(p)) best.push_back(p.name);
  EXPECT_THAT(best, ElementsAre("small", "good", "best"));
}

}  // namespace
}  // namespace adder
