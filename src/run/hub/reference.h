#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace adder {

/// A model on the Hugging Face Hub as people write it: ORG/NAME[@REVISION][:TYPE].
///   ORG, NAME   letters, digits, "-", "_", "."; no "-" or "." at either end, no "--" or ".."; 96 characters together
///   REVISION    a branch, a tag, refs/pr/N, or a commit: 40 lower-case hex digits
///   TYPE        what to take of it, see choose(): Q4_K_M, a file name, safetensors; empty: the usual one
struct HubReference {
  std::string organization, name;
  std::string revision = "main";
  std::string type = {};

  std::string repository() const { return organization + "/" + name; }
  /// As people write it, without "@main".
  std::string text() const;
  /// The revision names one state of the repository for ever.
  bool is_pinned() const;
};

bool is_commit(std::string_view revision);

/// kUsage for text of any other form.
Result<HubReference> parse_reference(std::string_view text);

/// Whether MODEL, which is no file here, may be meant for the Hub: it has the form of a reference and does not end as
/// model files do (.gguf, .safetensors, .json).
bool looks_like_reference(std::string_view model);

}  // namespace adder
