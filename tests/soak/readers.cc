#include "tests/soak/readers.h"

#include <algorithm>
#include <cstring>

namespace adder {
namespace {

constexpr size_t kReaders = 4, kSaved = 4;
constexpr int64_t kLongest = 400;

int64_t below(Rng& rng, int64_t n) {
  return static_cast<int64_t>(rng.below(static_cast<uint64_t>(n)));
}

}  // namespace

Status Readers::round(Rng& rng) {
  if (readers_.empty()) TRY(begin());
  TRY(advance(rng));
  return incident(rng);
}

Status Readers::begin() {
  for (size_t i = 0; i < kReaders; ++i) {
    TRY_ASSIGN(Sequence sequence, engine_.new_sequence());
    readers_.push_back({std::move(sequence), {}});
  }
  return {};
}

Status Readers::advance(Rng& rng) {
  std::vector<Segment> batch;
  std::vector<const Reader*> company;
  for (Reader& reader : readers_) {
    const int64_t position = reader.sequence.position();
    if (below(rng, 4) == 0 || position >= kLongest) continue;
    const int64_t lengths[] = {1, 1, 1 + below(rng, 16), kChunk - position % kChunk, 1 + below(rng, 150)};
    const int64_t n = lengths[below(rng, 5)];
    for (int64_t i = 0; i < n; ++i)
      reader.text.push_back(static_cast<TokenId>(below(rng, engine_.model().config().vocab_size)));
    batch.push_back({&reader.sequence, std::span(reader.text).last(static_cast<size_t>(n))});
    company.push_back(&reader);
  }
  if (batch.empty()) return {};
  TRY_ASSIGN(const std::span<const float> logits, engine_.forward().run(batch));

  const auto chosen = static_cast<size_t>(below(rng, static_cast<int64_t>(batch.size())));
  const size_t width = logits.size() / batch.size();
  const auto row = logits.subspan(chosen * width, width);
  const std::vector<float> got(row.begin(), row.end());
  TRY_ASSIGN(Sequence fresh, engine_.new_sequence());
  const Segment alone{&fresh, company[chosen]->text};
  TRY_ASSIGN(const std::span<const float> want, engine_.forward().run({&alone, 1}));
  if (std::memcmp(got.data(), want.data(), want.size_bytes()) != 0)
    return Error::corrupt("a sequence at position {} has other logits than a fresh one", fresh.position());
  return {};
}

Status Readers::incident(Rng& rng) {
  Reader& one = readers_[static_cast<size_t>(below(rng, kReaders))];
  const Reader& other = readers_[static_cast<size_t>(below(rng, kReaders))];
  const int64_t position = one.sequence.position(), floor = one.sequence.cut_floor();
  switch (below(rng, 5)) {
    case 0: {
      TRY_ASSIGN(Sequence fork, other.sequence.fork());
      if (&one != &other) one = {std::move(fork), other.text};
      break;
    }
    case 1: {
      if (saved_.size() == kSaved) saved_.erase(saved_.begin() + below(rng, kSaved));
      TRY_ASSIGN(auto snapshot, one.sequence.snapshot());
      saved_.push_back({std::move(snapshot), one.text});
      break;
    }
    case 2: {
      if (saved_.empty()) break;
      const Saved& saved = saved_[static_cast<size_t>(below(rng, static_cast<int64_t>(saved_.size())))];
      TRY(one.sequence.restore(saved.snapshot));
      one.text = saved.text;
      break;
    }
    case 3:
    case 4: {
      const int64_t to = position >= kLongest || below(rng, 20) == 0 ? 0 : floor + below(rng, position - floor + 1);
      TRY(one.sequence.cut(to));
      one.text.resize(static_cast<size_t>(to));
      break;
    }
  }
  return {};
}

}  // namespace adder
