#include <cstdlib>
#include <string>

#include "run/kernels/ops.h"
#include "run/kernels/tables.h"

namespace adder {

std::vector<const Ops*> supported_ops() {
  std::vector<const Ops*> tables = {&scalar_ops()};
#if defined(__x86_64__)
  if (cpu_has_avx2()) tables.push_back(&avx2_ops());
  if (cpu_has_avx512()) tables.push_back(&avx512_ops());
  if (cpu_has_avx512vnni()) tables.push_back(&avx512vnni_ops());
  if (cpu_has_amx()) tables.push_back(&amx_ops());
#endif
  return tables;
}

Result<const Ops*> select_ops() {
  const char* wanted = std::getenv("ADDER_ISA");
  if (wanted == nullptr || *wanted == '\0') return supported_ops().back();
  auto ops = select_ops(wanted);
  if (!ops) return std::move(ops).error().in("ADDER_ISA");
  return ops;
}

Result<const Ops*> select_ops(std::string_view name) {
  std::string names;
  for (const Ops* ops : supported_ops()) {
    if (ops->name == name) return ops;
    names += names.empty() ? "" : ", ";
    names += ops->name;
  }
  return Error::usage("no kernels '{}' for this CPU; it runs: {}", name, names);
}

}  // namespace adder
