#include "core/text/bpe.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "core/base/check.h"

namespace adder {
namespace {

constexpr int32_t kNoPair = std::numeric_limits<int32_t>::max();
constexpr size_t kEnd = std::numeric_limits<size_t>::max();

}  // namespace

BpeMerges::BpeMerges(size_t expected) : slots_(std::bit_ceil(2 * expected + 2)) {}

bool BpeMerges::add(int32_t left, int32_t right, int32_t rank, int32_t merged) {
  DCHECK(left >= 0 && right >= 0 && rank >= 0 && rank < kNoPair && merged >= 0);
  if (2 * (used_ + 1) > slots_.size()) rehash(2 * slots_.size());
  Slot& slot = slots_[probe(left, right)];
  if (slot.left >= 0) return false;
  slot = {left, right, rank, merged};
  ++used_;
  return true;
}

void BpeMerges::rehash(size_t slots) {
  std::vector<Slot> old(slots);
  std::swap(old, slots_);
  for (const Slot& slot : old)
    if (slot.left >= 0) slots_[probe(slot.left, slot.right)] = slot;
}

/// The slot of the pair, or the empty one where it would go.
size_t BpeMerges::probe(int32_t left, int32_t right) const {
  const uint64_t key = (static_cast<uint64_t>(left) << 32) | static_cast<uint32_t>(right);
  const uint64_t mixed = key * 0x9e3779b97f4a7c15u;  // 2^64 / golden ratio
  size_t at = (mixed ^ (mixed >> 32)) & (slots_.size() - 1);
  while (slots_[at].left >= 0 && (slots_[at].left != left || slots_[at].right != right))
    at = (at + 1) & (slots_.size() - 1);
  return at;
}

void BpeMerges::look_up_pair(Workspace& workspace, size_t at) const {
  auto& symbol = workspace.symbols[at];
  symbol.rank = kNoPair;
  if (symbol.next == kEnd) return;
  const Slot& slot = slots_[probe(symbol.id, workspace.symbols[symbol.next].id)];
  if (slot.left < 0) return;
  symbol.rank = slot.rank;
  symbol.merged = slot.merged;
}

void BpeMerges::merge(std::vector<int32_t>& ids, size_t begin, Workspace& workspace) const {
  const size_t n = ids.size() - begin;
  if (n < 2) return;
  auto& symbols = workspace.symbols;
  auto& heap = workspace.heap;
  const auto later = [](const Workspace::Candidate& a, const Workspace::Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
  };
  const auto offer = [&](size_t at) {
    look_up_pair(workspace, at);
    if (symbols[at].rank == kNoPair) return;
    heap.push_back({symbols[at].rank, at});
    std::push_heap(heap.begin(), heap.end(), later);
  };

  symbols.resize(n);
  heap.clear();
  for (size_t i = 0; i < n; ++i)
    symbols[i] = {ids[begin + i], kNoPair, -1, i == 0 ? kEnd : i - 1, i + 1 < n ? i + 1 : kEnd};
  for (size_t i = 0; i + 1 < n; ++i) offer(i);

  while (!heap.empty()) {
    const auto [rank, at] = heap.front();
    std::pop_heap(heap.begin(), heap.end(), later);
    heap.pop_back();
    auto& left = symbols[at];
    if (left.rank != rank) continue;  // one of the two has merged with another since
    auto& right = symbols[left.next];
    left.id = left.merged;
    right.rank = kNoPair;
    left.next = right.next;
    if (left.next != kEnd) symbols[left.next].previous = at;
    offer(at);
    if (left.previous != kEnd) offer(left.previous);
  }

  ids.resize(begin);
  for (size_t i = 0; i != kEnd; i = symbols[i].next) ids.push_back(symbols[i].id);
}

}  // namespace adder
