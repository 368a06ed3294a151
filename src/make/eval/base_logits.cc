#include "make/eval/base_logits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>

#include "core/base/check.h"

namespace adder {
namespace {

constexpr std::string_view kMagic = "_logits_";
constexpr size_t kHeader = 20, kScales = 8;
constexpr float kDepth = 16;  ///< of the stored logits below the largest
constexpr int64_t kMost = int64_t{1} << 24;

int64_t scored_rows(int64_t window) {
  return window - 1 - window / 2;
}
size_t row_bytes(int64_t vocabulary) {
  return kScales + 4 * static_cast<size_t>((vocabulary + 1) / 2);
}

template <class T>
T number_at(std::span<const std::byte> bytes, size_t offset) {
  T value;
  std::memcpy(&value, &bytes[offset], sizeof value);
  return value;
}

template <class T>
void append(std::vector<std::byte>& to, T value) {
  const size_t end = to.size();
  to.resize(end + sizeof value);
  std::memcpy(&to[end], &value, sizeof value);
}

}  // namespace

Result<BaseLogitsWriter> BaseLogitsWriter::create(const std::filesystem::path& path, std::span<const Window> windows,
                                                  int64_t vocabulary) {
  const int64_t length = windows.empty() ? 0 : static_cast<int64_t>(windows.front().tokens.size());
  for (const Window& window : windows)
    if (static_cast<int64_t>(window.tokens.size()) != length || window.first_scored != length / 2)
      return Error::usage("{}: the format is for windows of one length whose second half counts", path.string());
  TRY_ASSIGN(AtomicFile file, AtomicFile::create(path));
  BaseLogitsWriter writer(std::move(file));
  writer.vocabulary_ = vocabulary;
  writer.rows_left_ = static_cast<int64_t>(windows.size()) * scored_rows(length);
  std::vector<std::byte> header;
  for (const int64_t n : {length, vocabulary, static_cast<int64_t>(windows.size())})
    append(header, static_cast<int32_t>(n));
  for (const Window& window : windows)
    for (const TokenId token : window.tokens) append(header, static_cast<int32_t>(token));
  TRY(writer.file_.write(kMagic));
  TRY(writer.file_.write(header));
  return writer;
}

Status BaseLogitsWriter::add(std::span<const float> logits) {
  CHECK(static_cast<int64_t>(logits.size()) == vocabulary_ && rows_left_ > 0, "{} logits, {} rows left", logits.size(),
        rows_left_);
  const auto [low, high] = std::ranges::minmax(logits);
  const float least = std::max(low, high - kDepth), step = (high - least) / 65535;
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - high);
  row_.clear();
  append(row_, step);
  append(row_, static_cast<float>(least - high - std::log(sum)));
  for (const float logit : logits) {
    const float level = step > 0 ? (std::max(logit, least) - least) / step : 0;
    append(row_, static_cast<uint16_t>(std::lround(std::min(level, 65535.0f))));
  }
  row_.resize(row_bytes(vocabulary_));
  --rows_left_;
  return file_.write(row_);
}

Status BaseLogitsWriter::finish() {
  CHECK(rows_left_ == 0, "{} rows are missing", rows_left_);
  return file_.commit();
}

bool BaseLogits::is_one(const std::filesystem::path& path) {
  std::array<char, kMagic.size()> start{};
  std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  return std::string_view(start.data(), start.size()) == kMagic;
}

Result<BaseLogits> BaseLogits::open(const std::filesystem::path& path) {
  BaseLogits base;
  TRY_ASSIGN(base.file_, MappedFile::open(path));
  const std::span<const std::byte> bytes = base.file_.bytes();
  if (bytes.size() < kHeader || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    return Error::unsupported("{}: no file of logits, which begins with '{}'", path.string(), kMagic);
  base.window_ = number_at<int32_t>(bytes, 8);
  base.vocabulary_ = number_at<int32_t>(bytes, 12);
  base.windows_ = number_at<int32_t>(bytes, 16);
  if (base.window_ < 4 || base.window_ > kMost || base.vocabulary_ < 1 || base.vocabulary_ > kMost ||
      base.windows_ < 1 || base.windows_ > kMost)
    return Error::corrupt("{}: {} windows of {} tokens out of {}", path.string(), base.windows_, base.window_,
                          base.vocabulary_);
  // Each factor is below 2^25, so the products are taken in steps that cannot overflow.
  const auto per_window = static_cast<uint64_t>(scored_rows(base.window_)) * row_bytes(base.vocabulary_) +
                          4 * static_cast<uint64_t>(base.window_);
  const auto windows = static_cast<uint64_t>(base.windows_);
  if (per_window > (bytes.size() - kHeader) / windows || bytes.size() - kHeader != per_window * windows)
    return Error::corrupt("{}: {} bytes, expected {} windows of {} bytes after the first {}", path.string(),
                          bytes.size(), windows, per_window, kHeader);
  for (int64_t i = 0; i < base.windows_ * base.window_; ++i)
    if (const auto token = number_at<int32_t>(bytes, kHeader + 4 * static_cast<size_t>(i));
        token < 0 || token >= base.vocabulary_)
      return Error::corrupt("{}: token {} is {}, the vocabulary has {}", path.string(), i, token, base.vocabulary_);
  return base;
}

std::vector<Window> BaseLogits::windows(TokenId bos) const {
  std::vector<Window> result(static_cast<size_t>(windows_));
  size_t at = kHeader;
  for (Window& window : result) {
    window.first_scored = window_ / 2;
    for (int64_t i = 0; i < window_; ++i, at += 4) window.tokens.push_back(number_at<int32_t>(file_.bytes(), at));
    if (bos >= 0) window.tokens.front() = bos;
  }
  return result;
}

std::span<const std::byte> BaseLogits::row(int64_t w, int64_t i) const {
  const size_t tokens = 4 * static_cast<size_t>(windows_ * window_), bytes = row_bytes(vocabulary_);
  return file_.bytes().subspan(kHeader + tokens + static_cast<size_t>(w * scored_rows(window_) + i) * bytes, bytes);
}

RowDivergence BaseLogits::compare(int64_t w, int64_t i, std::span<const float> child, TokenId next) const {
  const std::span<const std::byte> stored = row(w, i);
  const double step = number_at<float>(stored, 0), least = number_at<float>(stored, 4);
  const auto log_p = [&](size_t v) { return least + step * number_at<uint16_t>(stored, kScales + 2 * v); };
  RowDivergence result;
  result.child = score_row(child, next);
  const double log_sum = result.child.nll + child[static_cast<size_t>(next)];
  size_t top = 0;
  for (size_t v = 0; v < child.size(); ++v) {
    const double p = log_p(v);
    if (p > log_p(top)) top = v;
    if (!(p <= -kDepth)) result.kl += std::exp(p) * (p - (child[v] - log_sum));
  }
  result.parent = {-log_p(static_cast<size_t>(next)), static_cast<TokenId>(top), top == static_cast<size_t>(next)};
  result.delta_p = std::exp(-result.child.nll) - std::exp(-result.parent.nll);
  return result;
}

}  // namespace adder
