#include "make/train/distill/teacher.h"

#include <nlohmann/json.hpp>

#include "core/base/hash.h"

namespace adder {
namespace {

std::string hash_of(const Parameters& params) {
  Hash128 hash;
  for (const torch::Tensor& value : params.values()) {
    const torch::Tensor here = value.detach().cpu().contiguous();
    hash.update({static_cast<const std::byte*>(here.data_ptr()), here.nbytes()});
  }
  return hash.hex();
}

std::vector<torch::Tensor> parts_of(const TeacherRows& rows) {
  if (!rows.is_top()) return {rows.hidden};
  return {rows.top_ids, rows.top_log_p, rows.rest_log_p};
}

}  // namespace

void check(const TeacherRecipe& r, RecipeReader& reader) {
  reader.demand(r.kd + r.ce > 0, "teacher.kd and teacher.ce are both 0");
  reader.demand(r.temperature > 0, "teacher.temperature is 0");
}

Result<Teacher> Teacher::open(std::shared_ptr<const Parameters> params, const TeacherRecipe& recipe,
                              ForwardOptions forward, const std::filesystem::path& cache) {
  if (const int64_t vocabulary = params->config().vocab_size; recipe.top_k > vocabulary)
    return Error::usage("teacher.top_k is {}, expected at most the {} tokens there are", recipe.top_k, vocabulary);
  Teacher teacher;
  teacher.params_ = std::move(params);
  teacher.forward_ = forward;
  teacher.top_k_ = recipe.top_k;
  teacher.temperature_ = recipe.temperature;
  if (cache.empty()) return teacher;
  nlohmann::json source = {{"weights", hash_of(*teacher.params_)},
                           {"precision", forward.precision == Precision::kF32 ? "f32" : "bf16"},
                           {"chunk", forward.chunk},
                           {"top_k", recipe.top_k}};
  if (recipe.top_k > 0) source["temperature"] = recipe.temperature;  // a hidden state has none
  TRY_ASSIGN(teacher.cache_, TeacherCache::open(cache, source));
  return teacher;
}

torch::Tensor Teacher::hidden(const MicroBatch& micro) const {
  torch::NoGradGuard no_grad;
  return hidden_states(*params_, micro.tokens, micro.starts, forward_);
}

TeacherRows Teacher::rows_of(const torch::Tensor& hidden) const {
  TeacherRows rows;
  rows.hidden = hidden;
  rows.head = head(*params_);
  return rows;
}

TeacherRows Teacher::say(const MicroBatch& micro) const {
  const torch::Tensor h = hidden(micro);
  return top_k_ == 0 ? rows_of(h) : keep_top(h, head(*params_), top_k_, temperature_, forward_.precision);
}

/// What is kept of so many rows, in the order of `parts_of`, with ids in half their bytes.
std::vector<torch::Tensor> Teacher::space_for(int64_t rows) const {
  if (top_k_ == 0) return {at::empty({rows, params_->config().hidden_size}, torch::kFloat32)};
  return {at::empty({rows, top_k_}, torch::kInt32), at::empty({rows, top_k_}, torch::kFloat32),
          at::empty({rows}, torch::kFloat32)};
}

TeacherRows Teacher::remembered(const std::vector<torch::Tensor>& kept, torch::Device device) const {
  if (top_k_ == 0) return rows_of(kept[0].to(device));
  TeacherRows rows;
  rows.top_ids = kept[0].to(device, torch::kInt64);
  rows.top_log_p = kept[1].to(device);
  rows.rest_log_p = kept[2].to(device);
  return rows;
}

TeacherRows Teacher::taught(const MicroBatch& micro) const {
  if (!cache_) return say(micro);
  const int64_t windows = micro.tokens.size(0), length = micro.tokens.size(1);
  const std::vector<torch::Tensor> kept = space_for(windows * length);
  const auto of_window = [&](int64_t window) {
    std::vector<torch::Tensor> rows;
    for (const torch::Tensor& tensor : kept) rows.push_back(tensor.narrow(0, window * length, length));
    return rows;
  };
  std::vector<std::string> names;
  bool all_there = true;
  for (int64_t i = 0; i < windows; ++i) {
    names.push_back(TeacherCache::name_of(micro.tokens[i], micro.starts.defined() ? micro.starts[i] : torch::Tensor()));
    all_there = all_there && cache_->find(names.back(), of_window(i));
  }
  if (all_there) return remembered(kept, micro.tokens.device());

  const TeacherRows rows = say(micro);
  const std::vector<torch::Tensor> parts = parts_of(rows);
  for (size_t i = 0; i < parts.size(); ++i) kept[i].copy_(parts[i]);
  for (int64_t i = 0; i < windows; ++i) cache_->keep(names[static_cast<size_t>(i)], of_window(i));
  return rows;
}

Distillation::Distillation(Teacher teacher, const TeacherRecipe& recipe, ForwardOptions forward)
    : teacher_(std::move(teacher)),
      loss_{recipe.kd, recipe.ce, recipe.temperature, forward.precision},
      forward_(forward) {}

HeadLoss Distillation::loss(const Weights& weights, const MicroBatch& micro) const {
  return masked_loss(weights.model, nullptr, micro);
}

HeadLoss Distillation::masked_loss(const Parameters& student, const Masks* masks, const MicroBatch& micro) const {
  TeacherRows rows;
  // A teacher whose word does not count is heard only when the student is judged.
  if (!c10::GradMode::is_enabled()) {
    rows = teacher_.all(micro);
  } else if (loss_.kd > 0) {
    rows = teacher_.taught(micro);
  }
  ForwardOptions forward = forward_;
  forward.masks = masks;
  const torch::Tensor hidden = hidden_states(student, micro.tokens, micro.starts, forward);
  return head_loss(hidden, head(student), micro.targets, rows, loss_);
}

}  // namespace adder
