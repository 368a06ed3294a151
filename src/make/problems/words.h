#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/rng.h"

namespace adder {

// The small world that problems are about.
using Words = std::span<const std::string_view>;
Words people();
Words places();
Words animals();
Words things();
Words colours();

std::string_view any(Rng& rng, Words words);
/// n different ones, n <= words.size().
std::vector<std::string_view> some(Rng& rng, Words words, size_t n);
/// In [low, high].
int64_t number(Rng& rng, int64_t low, int64_t high);
/// A word that means nothing.
std::string nonsense(Rng& rng, int64_t syllables);

}  // namespace adder
