#include "make/train/nn/recompute.h"

namespace adder {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// libtorch's custom functions take no undefined tensors: f sees the others in their places.
struct Work : torch::CustomClassHolder {
  Recomputable f;
  std::vector<bool> defined;

  tensor_list operator()(const tensor_list& given) const {
    std::vector<Tensor> inputs;
    auto next = given.begin();
    for (const bool there : defined) inputs.push_back(there ? *next++ : Tensor());
    return f(inputs);
  }
};

struct Recomputed : torch::autograd::Function<Recomputed> {
  static tensor_list forward(AutogradContext* ctx, const c10::intrusive_ptr<Work>& work, at::TensorList given) {
    ctx->saved_data["work"] = c10::IValue::make_capsule(work);
    ctx->save_for_backward(given.vec());
    return (*work)(given.vec());
  }
  static tensor_list backward(AutogradContext* ctx, const tensor_list& grads) {
    tensor_list given;
    for (const Tensor& saved : ctx->get_saved_variables()) {
      given.push_back(saved.detach().requires_grad_(saved.requires_grad()));
    }
    {
      const c10::AutoGradMode again(true);
      const auto work = ctx->saved_data["work"].toCapsule();
      torch::autograd::backward((*static_cast<const Work*>(work.get()))(given), grads);
    }
    tensor_list result = {Tensor()};
    for (const Tensor& input : given) result.push_back(input.grad());
    return result;
  }
};

}  // namespace

std::vector<Tensor> recomputed(Recomputable f, const std::vector<Tensor>& inputs) {
  auto work = c10::make_intrusive<Work>();
  work->f = std::move(f);
  tensor_list given;
  for (const Tensor& input : inputs) {
    work->defined.push_back(input.defined());
    if (input.defined()) given.push_back(input);
  }
  return Recomputed::apply(work, at::TensorList(given));
}

}  // namespace adder
