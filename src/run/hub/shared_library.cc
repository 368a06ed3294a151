#include "run/hub/shared_library.h"

#include <dlfcn.h>

namespace adder {

Result<SharedLibrary> SharedLibrary::open(std::initializer_list<const char*> names, std::string_view package) {
  std::string reason;
  for (const char* name : names) {
    if (void* handle = ::dlopen(name, RTLD_NOW | RTLD_LOCAL)) return SharedLibrary(handle, name);
    if (reason.empty()) reason = ::dlerror();
  }
  return Error::not_found("{}; the Debian package {} has it", reason, package);
}

Result<void*> SharedLibrary::find(const char* symbol) const {
  void* const address = ::dlsym(handle_, symbol);
  if (address == nullptr) return Error::unsupported("{} has no {}, it is too old", name_, symbol);
  return address;
}

}  // namespace adder
