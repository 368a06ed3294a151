#include "apps/imatrix_option.h"

namespace adder {

void add_imatrix_options(CLI::App& command, ImatrixRequest& request) {
  command.add_option("--imatrix", request.file, "round by the importance that 'adder imatrix' or llama.cpp gathered")
      ->type_name("FILE");
  command
      .add_option("--rounding", request.rounding,
                  "nearest: each number to a level near it; compensated: columns make up for each other's errors "
                  "(GPTQ), by an --imatrix gathered with --gram (default: compensated with such a file)")
      ->check(CLI::IsMember({"nearest", "compensated"}))
      ->type_name("WAY");
}

Result<std::optional<Imatrix>> read_imatrix(const ImatrixRequest& request) {
  const bool compensated = request.rounding == "compensated";
  if (request.file.empty() && compensated)
    return Error::usage("--rounding compensated needs an --imatrix that was gathered with --gram");
  if (request.file.empty()) return std::optional<Imatrix>();
  TRY_ASSIGN(Imatrix imatrix, Imatrix::read(request.file));
  if (imatrix.grams.empty() && compensated)
    return Error::usage("{}: no Gram matrices to compensate by; gather it with 'adder imatrix --gram'", request.file);
  if (request.rounding == "nearest") imatrix.grams.clear();
  return std::optional(std::move(imatrix));
}

}  // namespace adder
