#include "make/problems/words.h"

#include <utility>

#include "core/base/check.h"

namespace adder {
namespace {

constexpr std::string_view kPeople[] = {"Anna", "Ben",  "Clara", "David", "Emma", "Frank", "Grace", "Henry",
                                        "Ida",  "Jack", "Kate",  "Leo",   "Mary", "Nora",  "Oscar", "Paul",
                                        "Rosa", "Sam",  "Tom",   "Vera",  "Will", "Jane",  "Peter", "Lucy"};
constexpr std::string_view kPlaces[] = {"London", "Paris",  "Rome",   "Oslo",   "Cairo",  "Lisbon", "Vienna", "Dublin",
                                        "Athens", "Berlin", "Madrid", "Prague", "Warsaw", "Naples", "Boston", "Geneva"};
constexpr std::string_view kAnimals[] = {"cat",  "dog",   "horse", "goat", "hen",  "fox",  "bear",  "owl",
                                         "duck", "mouse", "sheep", "pig",  "crow", "frog", "snake", "donkey"};
constexpr std::string_view kThings[] = {"box",  "lamp",  "book", "cup",   "ring",  "knife", "clock", "basket",
                                        "coat", "chair", "bell", "apple", "chest", "drum",  "kite",  "boat"};
constexpr std::string_view kColours[] = {"red", "blue", "green", "white", "black", "yellow", "brown", "grey"};

constexpr std::string_view kOnsets = "bdfgklmnprstvz", kVowels = "aeiou";

}  // namespace

Words people() {
  return kPeople;
}
Words places() {
  return kPlaces;
}
Words animals() {
  return kAnimals;
}
Words things() {
  return kThings;
}
Words colours() {
  return kColours;
}

std::string_view any(Rng& rng, Words words) {
  return words[rng.below(words.size())];
}

std::vector<std::string_view> some(Rng& rng, Words words, size_t n) {
  CHECK(n <= words.size(), "{} of {}", n, words.size());
  std::vector<std::string_view> left(words.begin(), words.end());
  for (size_t i = 0; i < n; ++i) std::swap(left[i], left[i + rng.below(left.size() - i)]);
  left.resize(n);
  return left;
}

int64_t number(Rng& rng, int64_t low, int64_t high) {
  CHECK(low <= high, "{} to {}", low, high);
  return low + static_cast<int64_t>(rng.below(static_cast<uint64_t>(high - low + 1)));
}

std::string nonsense(Rng& rng, int64_t syllables) {
  std::string word;
  for (; syllables > 0; --syllables) {
    word += kOnsets[rng.below(kOnsets.size())];
    word += kVowels[rng.below(kVowels.size())];
  }
  return word;
}

}  // namespace adder
