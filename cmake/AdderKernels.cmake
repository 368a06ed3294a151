# run/kernels is one library from several ISA folders. Flags are set per file, so a body can use only its own
# level; src/run/kernels/select.cc picks a table at run time. A level the target lacks is simply not compiled.
file(GLOB kernel_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/run/kernels/ref/*.cc)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  file(GLOB x86_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/run/kernels/x86/*.cc)
  list(APPEND kernel_sources ${x86_sources})
endif()
adder_module(run/kernels DEPS core/quant SOURCES ${kernel_sources})
