#pragma once

#include <filesystem>

#include "core/arch/receipt.h"

namespace adder {

/// Writes the divergence into the receipt of a GGUF file that adder wrote, in place of one that is there. The file is
/// rewritten, and replaced when that is complete. kUsage for a file without a receipt or a split one.
Status record_divergence(const std::filesystem::path& path, const ReceiptDivergence& divergence);

}  // namespace adder
