# One set of flags for everything that is ours, as an interface target so that nothing leaks into packages.
add_library(adder_flags INTERFACE)
target_include_directories(adder_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(adder_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wno-missing-field-initializers -Werror
  # Results are promised to the bit (docs/numerics.md): a multiply-add is fused where the code says fma and nowhere else.
  -ffp-contract=off
  # GCC 12 sees overlaps where a literal and a string are joined (its bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)

if(ADDER_SANITIZE)
  target_compile_options(adder_flags INTERFACE -fsanitize=${ADDER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(adder_flags INTERFACE -fsanitize=${ADDER_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
