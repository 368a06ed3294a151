#include "apps/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace adder {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 2s;
constexpr auto kRedraw = 100ms;
constexpr int kWidth = 30;

}  // namespace

bool stderr_is_terminal() {
  return isatty(STDERR_FILENO) != 0;
}

bool stderr_has_color() {
  const char* no_color = std::getenv("NO_COLOR");
  return stderr_is_terminal() && (no_color == nullptr || *no_color == '\0');
}

Progress::Progress(std::string label) : label_(std::move(label)) {}

Progress::~Progress() {
  if (visible_) fmt::print(stderr, "\r\033[K");
}

bool Progress::is_due(Clock::time_point now) const {
  return now - start_ >= kPatience && now - drawn_ >= kRedraw && stderr_is_terminal();
}

void Progress::update(double fraction) {
  const auto now = Clock::now();
  if (!is_due(now)) return;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  draw(fraction, fraction > 0 ? fmt::format("{:.0f} s left", elapsed / fraction - elapsed) : "", now);
}

void Progress::update(double fraction, std::string_view note) {
  const auto now = Clock::now();
  if (is_due(now)) draw(fraction, note, now);
}

void Progress::draw(double fraction, std::string_view note, Clock::time_point now) {
  drawn_ = now;
  visible_ = true;
  fraction = std::clamp(fraction, 0.0, 1.0);
  const int filled = static_cast<int>(fraction * kWidth);
  fmt::print(stderr, "\r\033[K{} [{:#<{}}{:.<{}}] {:3.0f} % {}", label_, "", filled, "", kWidth - filled,
             fraction * 100, note);
  std::fflush(stderr);
}

}  // namespace adder
