#include "make/verify/verify.h"

#include <algorithm>
#include <unordered_map>

#include "core/arch/bind.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

constexpr int64_t kElementsPerStep = int64_t{1} << 22;

class Verifier {
 public:
  Verifier(const ModelFile& file, const std::function<Status(const VerifyProgress&)>& progress, VerifyReport& report)
      : file_(file), progress_(progress), report_(report) {
    report.tensors = file.tensors().size();
    for (const NamedTensor& tensor : file.tensors()) report.bytes += tensor.view.bytes();
  }

  /// Hashes by name; numbers that are none are noted.
  Result<std::unordered_map<std::string, std::string>> read_tensors() {
    std::unordered_map<std::string, std::string> hashes;
    for (const NamedTensor& tensor : file_.tensors()) {
      TRY_ASSIGN(hashes[tensor.name], read(tensor));
    }
    return hashes;
  }

  void compare(Seal& seal, const std::unordered_map<std::string, std::string>& hashes) {
    std::ranges::move(seal.damage, std::back_inserter(report_.damage));
    for (const NamedTensor& tensor : file_.tensors()) {
      const auto said = seal.tensor_hashes.find(tensor.name);
      const std::string& found = hashes.at(tensor.name);
      if (said == seal.tensor_hashes.end()) {
        note("tensor {} is not in the receipt", tensor.name);
        continue;
      }
      if (said->second != found)
        note("tensor {}: not as it was written: its hash is {}, the receipt says {}", tensor.name, found, said->second);
      seal.tensor_hashes.erase(said);
    }
    for (const auto& [name, hash] : seal.tensor_hashes) note("tensor {} is in the receipt only", name);
  }

  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) {
    report_.damage.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  Result<std::string> read(const NamedTensor& tensor) {
    const TensorView& view = tensor.view;
    Hash128 hash;
    bool is_finite = true;
    const int64_t rows = view.shape.rows(), length = view.shape.row_length();
    const int64_t step = std::max(int64_t{1}, kElementsPerStep / std::max(int64_t{1}, length));
    for (int64_t begin = 0; begin < rows; begin += step) {
      const int64_t n = std::min(step, rows - begin);
      const std::span part(view.row(begin), static_cast<size_t>(n) * view.row_bytes());
      hash.update(part);
      if (is_finite && can_decode(view.dtype)) {
        const auto bad = find_non_finite(view.dtype, part.data(), n * length);
        if (bad) note("tensor {}: element {} is NaN or infinite", tensor.name, begin * length + *bad);
        is_finite = !bad;
      }
      file_.release_pages(part);
      done_ += part.size();
      if (progress_) TRY(progress_({done_, report_.bytes}));
    }
    return hash.hex();
  }

  const ModelFile& file_;
  const std::function<Status(const VerifyProgress&)>& progress_;
  VerifyReport& report_;
  uint64_t done_ = 0;
};

std::string hash_of(const BoundModel& model, const std::unordered_map<std::string, std::string>& hashes) {
  ModelHash hash(model.config);
  for (const BoundTensor& tensor : model.tensors)
    hash.add(tensor.spec, tensor.view.dtype, hashes.at(tensor.name), tensor.scales);
  return hash.hex();
}

}  // namespace

Result<VerifyReport> verify(const std::filesystem::path& path,
                            const std::function<Status(const VerifyProgress&)>& progress) {
  TRY_ASSIGN(ModelFile opened, ModelFile::open(path));
  const auto file = std::make_shared<const ModelFile>(std::move(opened));
  VerifyReport report;
  Verifier verifier(*file, progress, report);
  auto seal = read_seal(*file);
  auto receipt = read_receipt(*file);
  if (!seal) verifier.note("{}", seal.error().message());
  if (!receipt) verifier.note("{}", receipt.error().message());
  TRY_ASSIGN(const auto hashes, verifier.read_tensors());
  if (seal && *seal) {
    report.is_sealed = true;
    verifier.compare(**seal, hashes);
  }
  if (receipt) report.receipt = std::move(*receipt);

  const auto model = bind(file);
  if (!model && model.error().code() == ErrorCode::kUnsupported) {
    report.not_checked = model.error().message();
  } else if (!model) {
    verifier.note("{}", model.error().message());
  } else {
    report.model_hash = hash_of(*model, hashes);
    if (report.receipt && report.damage.empty() && report.receipt->model_hash != report.model_hash)
      verifier.note("the model's hash is {}, the receipt says {}", report.model_hash, report.receipt->model_hash);
  }
  return report;
}

}  // namespace adder
