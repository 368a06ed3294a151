#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

#include "run/kernels/ops.h"
#include "run/kernels/tables.h"

namespace adder {
namespace {

using testing::HasSubstr;

/// Sets ADDER_ISA for one test and puts back what was there.
class Isa {
 public:
  explicit Isa(const char* value) {
    if (const char* old = std::getenv("ADDER_ISA")) old_ = old;
    value ? setenv("ADDER_ISA", value, 1) : unsetenv("ADDER_ISA");
  }
  ~Isa() { old_ ? setenv("ADDER_ISA", old_->c_str(), 1) : unsetenv("ADDER_ISA"); }

 private:
  std::optional<std::string> old_;
};

TEST(Select, ScalarIsAlwaysThereAndFirst) {
  EXPECT_EQ(supported_ops().front()->name, "scalar");
}

TEST(Select, TheEnvironmentNamesTheTableThatRuns) {
  for (const Ops* ops : supported_ops()) {
    const Isa isa(std::string(ops->name).c_str());
    const auto chosen = select_ops();
    ASSERT_TRUE(chosen) << chosen.error().message();
    EXPECT_EQ((*chosen)->name, ops->name);
    EXPECT_EQ(*chosen, ops);
  }
}

TEST(Select, EveryLevelHasItsOwnCode) {
  const auto tables = supported_ops();
  for (size_t i = 1; i < tables.size(); ++i) {
    const Ops &parent = *tables[i - 1], &child = *tables[i];
    EXPECT_FALSE(child.linear == parent.linear && child.linear_q8 == parent.linear_q8)
        << child.name << " is " << parent.name;
  }
}

TEST(Select, WithoutTheEnvironmentTheBest) {
  for (const char* value : {static_cast<const char*>(nullptr), ""}) {
    const Isa isa(value);
    EXPECT_EQ(*select_ops(), supported_ops().back());
  }
}

TEST(Select, AnUnknownNameIsAnErrorThatListsTheKnown) {
  const Isa isa("sse9");
  const auto chosen = select_ops();
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().code(), ErrorCode::kUsage);
  EXPECT_THAT(chosen.error().message(), HasSubstr("ADDER_ISA"));
  EXPECT_THAT(chosen.error().message(), HasSubstr("'sse9'"));
  for (const Ops* ops : supported_ops()) EXPECT_THAT(chosen.error().message(), HasSubstr(std::string(ops->name)));
}

#if defined(__x86_64__)
TEST(Select, ALevelIsThereWhereTheCpuHasIt) {
  const std::pair<const char*, bool> levels[] = {{"avx2", cpu_has_avx2()},
                                                 {"avx512", cpu_has_avx512()},
                                                 {"avx512vnni", cpu_has_avx512vnni()},
                                                 {"amx", cpu_has_amx()}};
  std::string missing;
  for (const auto& [level, there] : levels) {
    const auto ops = select_ops(level);
    ASSERT_EQ(ops.has_value(), there) << level;
    if (there) {
      EXPECT_EQ((*ops)->name, level);
    } else {
      missing += missing.empty() ? level : std::string(" and ") + level;
    }
  }
  if (!missing.empty()) GTEST_SKIP() << "this CPU lacks " << missing << ": those kernels were NOT tested here";
}
#endif

}  // namespace
}  // namespace adder
