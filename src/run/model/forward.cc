#include "run/model/forward.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "core/base/check.h"
#include "core/base/exceptions.h"
#include "run/model/activations.h"
#include "run/model/mixers.h"

namespace adder {
namespace {

constexpr int64_t kRowGrain = 32;  // outputs of a linear map that one thread takes at least

bool wants(Want want, int64_t i, int64_t n) {
  return want == Want::kAll || (want == Want::kLast && i == n - 1);
}

int64_t rows_wanted(const Segment& segment) {
  const auto n = static_cast<int64_t>(segment.tokens.size());
  return segment.want == Want::kAll ? n : segment.want == Want::kLast ? 1 : 0;
}

/// Rows of a long prompt lie all over the table, and the system maps sixteen pages about each: a hundred megabytes
/// after some thousand tokens. The file stays in its cache.
void unmap_rows(const Model& model, int64_t n_tokens) {
  constexpr int64_t kFew = 32;
  if (n_tokens > kFew) model.bound().unmap(model.embedding());
}

/// h = Emb[token]
Status embed(const Model& model, std::span<const Segment> batch, float* h) {
  const BoundTensor& table = model.embedding();
  const int64_t width = table.view.shape.row_length();
  for (const Segment& segment : batch) {
    for (const TokenId token : segment.tokens) {
      const std::span<float> row(h, static_cast<size_t>(width));
      decode_rows(table, token, 1, row);
      if (!std::all_of(row.begin(), row.end(), [](float x) { return std::isfinite(x); }))
        return Error::corrupt("tensor {}: NaN or Inf in row {}", table.name, token);
      h += width;
    }
  }
  return {};
}

/// h rows whose logits are wanted, one after another.
int64_t gather(std::span<const Segment> batch, int64_t width, const float* h, float* out) {
  int64_t rows = 0;
  for (const Segment& segment : batch) {
    const auto n = static_cast<int64_t>(segment.tokens.size());
    for (int64_t i = 0; i < n; ++i, h += width)
      if (wants(segment.want, i, n)) std::copy_n(h, width, out + rows++ * width);
  }
  return rows;
}

}  // namespace

/// Memory of one pass, kept for the next.
struct Forward::Activations {
  Buffer h, u, y, wide, narrow, rounded, logits;
  std::vector<Batch::Rows> segments;
  std::vector<const std::byte*> k_pages, v_pages;  // room for those of any layer of any sequence

  Status reserve(const ModelConfig& config, int64_t n_tokens, int64_t n_logits) {
    const ActivationBytes need = activation_bytes(config, n_tokens, n_logits);
    const auto holds = [](Buffer& buffer, int64_t bytes) { return bytes <= buffer.bytes() || buffer.own(bytes, 0); };
    if (holds(h, need.stream) && holds(u, need.stream) && holds(y, need.stream) && holds(wide, need.wide) &&
        holds(narrow, need.narrow) && holds(rounded, need.rounded) && holds(logits, need.logits))
      return {};
    return Error::too_large("out of memory for a pass over {} tokens with {} rows of {} logits", n_tokens, n_logits,
                            config.vocab_size);
  }

  void reserve_pages(Sequence& sequence, int64_t n_attention) {
    for (int64_t i = 0; i < n_attention; ++i) {
      const auto n = static_cast<size_t>(sequence.kv(i).n_pages());
      for (auto* pages : {&k_pages, &v_pages}) pages->resize(std::max(pages->size(), n));
    }
  }
};

Forward::Forward(std::shared_ptr<const Model> model, ThreadPool& pool)
    : model_(std::move(model)), pool_(pool), activations_(std::make_unique<Activations>()) {}
Forward::~Forward() = default;

void Forward::bypass(std::vector<bool> layers) {
  CHECK(layers.empty() || layers.size() == model_->layers().size(), "{}", layers.size());
  bypassed_ = std::move(layers);
}

Status Forward::check(std::span<const Segment> batch) const {
  const int64_t vocab_size = model_->config().vocab_size;
  std::unordered_set<const Sequence*> seen;
  for (const Segment& segment : batch) {
    CHECK(segment.sequence && segment.sequence->fits(model_->config()), "a sequence of another model");
    if (segment.tokens.empty()) return Error::usage("a segment without tokens");
    if (!seen.insert(segment.sequence).second) return Error::usage("a sequence twice in one batch");
    for (const TokenId token : segment.tokens)
      if (token < 0 || token >= vocab_size)
        return Error::usage("token id {} is outside the vocabulary of {} tokens", token, vocab_size);
  }
  return {};
}

Result<std::span<const float>> Forward::run(std::span<const Segment> batch) {
  return exceptions_to_errors("a forward pass", [&] { return pass(batch); });
}

/// All memory is taken before the first layer, for nothing can be taken back once a layer's state has moved on.
Result<std::span<const float>> Forward::pass(std::span<const Segment> batch) {
  TRY(check(batch));
  const ModelConfig& config = model_->config();
  const Ops& ops = model_->ops();
  const int64_t width = config.hidden_size;
  const auto eps = static_cast<float>(config.norm_eps);

  Activations& a = *activations_;
  int64_t n_tokens = 0, n_logits = 0;
  a.segments.clear();
  for (const Segment& segment : batch) {
    const auto n = static_cast<int64_t>(segment.tokens.size());
    a.segments.push_back({segment.sequence, n_tokens, n});
    n_tokens += n;
    n_logits += rows_wanted(segment);
  }
  TRY(a.reserve(config, n_tokens, n_logits));
  for (const Batch::Rows& rows : a.segments) {
    TRY(rows.sequence->reserve(rows.n));
    a.reserve_pages(*rows.sequence, config.count(LayerKind::kAttention));
  }

  const Batch pass{*model_,
                   pool_,
                   a.segments,
                   n_tokens,
                   a.wide.writable<float>(),
                   a.narrow.writable<float>(),
                   a.rounded.writable<Q8Block>(),
                   a.k_pages.data(),
                   a.v_pages.data(),
                   observers_};
  float* const h = a.h.writable<float>();
  float* const u = a.u.writable<float>();
  float* const y = a.y.writable<float>();
  const auto norm = [&](const float* x, const std::vector<float>& w, float* out, int64_t rows) {
    const RmsNormArgs args{x, w.data(), out, width, eps};
    pool_.parallel_for(rows, 1, [&](int64_t begin, int64_t end) { ops.rms_norm(args, begin, end); });
  };

  TRY(embed(*model_, batch, h));
  unmap_rows(*model_, n_tokens);
  int64_t n_mamba = 0, n_attention = 0;
  for (size_t i = 0; i < model_->layers().size(); ++i) {
    const LayerWeights& layer = model_->layers()[i];
    if (observers_.stream) observers_.stream(static_cast<int>(i), h, n_tokens);
    const bool is_bypassed = !bypassed_.empty() && bypassed_[i];
    if (is_bypassed) {  // its state stays where it is, but those of the layers behind it are counted on
      n_mamba += layer.kind == LayerKind::kMamba;
      n_attention += layer.kind == LayerKind::kAttention;
      continue;
    }
    norm(h, layer.norm, u, n_tokens);
    switch (layer.kind) {
      case LayerKind::kMamba:
        mamba(pass, layer.mamba, n_mamba++, u, y);
        break;
      case LayerKind::kAttention:
        attention(pass, layer.attention, n_attention++, u, y);
        break;
      case LayerKind::kMlp:
        mlp(pass, layer.mlp, u, y);
        break;
    }
    pass.elementwise(n_tokens * width, [&](int64_t begin, int64_t end) { ops.add(h, y, begin, end); });
  }
  if (observers_.stream) observers_.stream(static_cast<int>(model_->layers().size()), h, n_tokens);
  float* const logits = a.logits.writable<float>();
  if (const int64_t rows = gather(batch, width, h, u); rows > 0) {
    norm(u, model_->output_norm(), u, rows);
    pass.linear(model_->output(), u, logits, rows, kLogitParts);
  }
  for (const Batch::Rows& rows : a.segments) rows.sequence->advance(rows.n);
  return std::span<const float>(logits, static_cast<size_t>(n_logits * config.vocab_size));
}

void Batch::linear(const Matrix& w, const float* x, float* y, int64_t n, int64_t parts) const {
  if (observers.input) observers.input(model.tensor(w), x, n);
  multiply(w, x, y, n, parts);
  if (observers.result) observers.result(model.tensor(w), y, n);
}

void Batch::multiply(const Matrix& w, const float* x, float* y, int64_t n, int64_t parts) const {
  const Ops& op = ops();
  const auto over_rows = [&](const auto& args, auto map) {
    pool.parallel_for(n_rows(w), kRowGrain, [&](int64_t begin, int64_t end) { map(args, begin, end); });
  };
  const auto* const packed = std::get_if<PackedMatrix>(&w);
  if (!packed) {
    const auto& stored = std::get<StoredMatrix>(w);
    return over_rows(LinearArgs{stored.view, x, y, n, stored.scale}, op.linear);
  }
  const QuantizeRowsArgs rounding{x, rounded, packed->n_cols, parts};
  pool.parallel_for(n, 1, [&](int64_t begin, int64_t end) { op.quantize_rows(rounding, begin, end); });
  over_rows(LinearQ8Args{*packed, rounded, y, n, parts}, op.linear_q8);
}

}  // namespace adder
