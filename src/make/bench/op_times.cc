#include "make/bench/op_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <optional>

namespace adder {
namespace {

/// What one call has to do.
struct Work {
  int64_t bytes = 0, operations = 0;
  std::optional<DType> dtype = {};
};

constexpr int64_t kFloat = sizeof(float);

Work work(const LinearArgs& a, int64_t begin, int64_t end) {
  const int64_t rows = end - begin;
  return {rows * static_cast<int64_t>(a.w.row_bytes()), 2 * rows * a.w.shape.row_length() * a.n_tokens, a.w.dtype};
}
Work work(const LinearQ8Args& a, int64_t begin, int64_t end) {
  const int64_t rows = end - begin;
  return {rows * a.w.group_bytes() / kPackedRows, 2 * rows * a.w.n_cols * a.n_tokens * a.parts, a.w.dtype};
}
Work work(const QuantizeRowsArgs& a, int64_t begin, int64_t end) {
  return {(end - begin) * (a.width * kFloat + a.width / 32 * a.parts * int64_t{sizeof(Q8Block)}), 0};
}
Work work(const RmsNormArgs& a, int64_t begin, int64_t end) {
  return {(end - begin) * a.width * 2 * kFloat, 0};
}
Work work(const GatedNormArgs& a, int64_t begin, int64_t end) {
  return {(end - begin) * (a.d_inner / a.n_groups) * 3 * kFloat, 0};
}
Work work(const ConvSiluArgs& a, int64_t begin, int64_t end) {
  const int64_t outputs = (end - begin) * a.n_tokens;
  return {outputs * 3 * kFloat, outputs * 2 * a.kernel};
}
int64_t state_of(const SsdChunk& s, int64_t heads) {
  return static_cast<int64_t>(storage_bytes(s.state_type, heads * s.head_dim * s.state_size));
}
Work work(const SsdOutputArgs& a, int64_t begin, int64_t end) {
  const int64_t heads = end - begin, n = a.last - a.first;
  const int64_t log_rows = n * (a.first + 1) + n * (n - 1) / 2;  // position i reads rows 0 .. i
  return {state_of(a.chunk, heads) + heads * (a.last + n) * a.chunk.head_dim * kFloat,
          2 * heads * a.chunk.head_dim * (n * a.chunk.state_size + log_rows)};
}
Work work(const SsdAdvanceArgs& a, int64_t begin, int64_t end) {
  const int64_t states = (end - begin) * a.chunk.head_dim * a.chunk.state_size;
  return {2 * state_of(a.chunk, end - begin), states * 2 * a.n_positions};
}
Work work(const AttentionArgs& a, int64_t begin, int64_t end) {
  if (begin == end) return {0, 0, a.kv_type};
  int64_t keys = 0;  // seen by all items together
  for (int64_t item = begin; item < end;) {
    const int64_t token = item / a.n_heads, next = std::min(end, (token + 1) * a.n_heads);
    keys += (next - item) * (a.position + token + 1);
    item = next;
  }
  const int64_t group = a.n_heads / a.n_kv_heads, items = end - begin;
  const int64_t kv_heads =
      items >= a.n_heads ? a.n_kv_heads : std::min(a.n_kv_heads, (end - 1) / group - begin / group + 1);
  const int64_t positions = a.position + (end - 1) / a.n_heads + 1;
  return {2 * kv_heads * positions * static_cast<int64_t>(storage_bytes(a.kv_type, a.head_dim)), 4 * keys * a.head_dim,
          a.kv_type};
}
Work work(float*, int64_t begin, int64_t end) {
  return {(end - begin) * 2 * kFloat, 0};
}
Work work(float*, const float*, int64_t begin, int64_t end) {
  return {(end - begin) * 3 * kFloat, 0};
}
Work work(float*, const float*, int64_t n) {
  return {n * 3 * kFloat, 0};
}
Work work(DType kv_type, float, const float*, std::byte*, int64_t n) {
  return {n * kFloat + static_cast<int64_t>(storage_bytes(kv_type, n)), 0, kv_type};
}

/// Every op of the table has a row, in the table's order.
// clang-format off
constexpr const char* kNames[] = {
  "linear", "quantize_rows", "linear_q8", "rms_norm", "gated_norm", "conv_silu", "ssd_output", "ssd_advance",
  "attention", "relu2", "add", "softplus", "to_kv",
};
// clang-format on
constexpr size_t kOps = std::size(kNames);
static_assert(sizeof(Ops) == sizeof(std::string_view) + kOps * sizeof(void (*)()), "an op that is not timed");

constexpr size_t kTypes = 64;  // more than there are; the last stands for none

struct Counter {
  std::atomic<int64_t> calls = 0, nanoseconds = 0, bytes = 0, operations = 0;
};
std::array<std::array<Counter, kTypes>, kOps> counters;
const Ops* base_ops = nullptr;

template <size_t kId, auto kOp>
struct Timed;
template <size_t kId, class... Args, void (*Ops::*kOp)(Args...)>
struct Timed<kId, kOp> {
  static void call(Args... args) {
    const auto start = std::chrono::steady_clock::now();
    (base_ops->*kOp)(args...);
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - start;
    const Work done = work(args...);
    Counter& counter = counters[kId][done.dtype ? static_cast<size_t>(*done.dtype) : kTypes - 1];
    constexpr auto kRelaxed = std::memory_order_relaxed;
    counter.calls.fetch_add(1, kRelaxed);
    counter.nanoseconds.fetch_add(took.count(), kRelaxed);
    counter.bytes.fetch_add(done.bytes, kRelaxed);
    counter.operations.fetch_add(done.operations, kRelaxed);
  }
};

}  // namespace

const Ops& timed_ops(const Ops& base) {
  base_ops = &base;
  static Ops ops;
  ops.name = base.name;
  ops.linear = Timed<0, &Ops::linear>::call;
  ops.quantize_rows = Timed<1, &Ops::quantize_rows>::call;
  ops.linear_q8 = Timed<2, &Ops::linear_q8>::call;
  ops.rms_norm = Timed<3, &Ops::rms_norm>::call;
  ops.gated_norm = Timed<4, &Ops::gated_norm>::call;
  ops.conv_silu = Timed<5, &Ops::conv_silu>::call;
  ops.ssd_output = Timed<6, &Ops::ssd_output>::call;
  ops.ssd_advance = Timed<7, &Ops::ssd_advance>::call;
  ops.attention = Timed<8, &Ops::attention>::call;
  ops.relu2 = Timed<9, &Ops::relu2>::call;
  ops.add = Timed<10, &Ops::add>::call;
  ops.softplus = Timed<11, &Ops::softplus>::call;
  ops.to_kv = Timed<12, &Ops::to_kv>::call;
  return ops;
}

std::vector<OpTime> take_op_times() {
  std::vector<OpTime> times;
  for (size_t op = 0; op < kOps; ++op) {
    for (size_t type = 0; type < kTypes; ++type) {
      Counter& counter = counters[op][type];
      const int64_t calls = counter.calls.exchange(0), nanoseconds = counter.nanoseconds.exchange(0);
      const int64_t bytes = counter.bytes.exchange(0), operations = counter.operations.exchange(0);
      if (calls == 0) continue;
      std::string name = kNames[op];
      if (type != kTypes - 1) name += fmt::format(" {}", adder::name(static_cast<DType>(type)));
      times.push_back({std::move(name), calls, static_cast<double>(nanoseconds) * 1e-9, static_cast<double>(bytes),
                       static_cast<double>(operations)});
    }
  }
  std::sort(times.begin(), times.end(), [](const OpTime& a, const OpTime& b) { return a.seconds > b.seconds; });
  return times;
}

}  // namespace adder
