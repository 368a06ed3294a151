# run/kernels is one library from several ISA folders. Flags are set per file, so a body can use only its own
# level; src/run/kernels/select.cc picks a table at run time. A level the target lacks is simply not compiled.
set(kernel_dir ${CMAKE_SOURCE_DIR}/src/run/kernels)
file(GLOB kernel_sources CONFIGURE_DEPENDS ${kernel_dir}/ref/*.cc)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  file(GLOB x86_sources CONFIGURE_DEPENDS ${kernel_dir}/x86/*.cc)
  list(APPEND kernel_sources ${x86_sources})

  set(isa_sources ${kernel_dir}/x86/avx2.cc ${kernel_dir}/x86/avx512.cc)
  set(avx2_flags -mavx2 -mfma -mf16c)
  set(avx512_flags ${avx2_flags} -mavx512f -mavx512bw -mavx512vl -mavx512dq)
  # The bodies keep their sums in registers only when every loop of constant length is unrolled.
  set_property(SOURCE ${isa_sources} APPEND PROPERTY COMPILE_OPTIONS $<$<NOT:$<CONFIG:Debug>>:-O3>)
  set_property(SOURCE ${kernel_dir}/x86/avx2.cc APPEND PROPERTY COMPILE_OPTIONS ${avx2_flags})
  set_property(SOURCE ${kernel_dir}/x86/avx512.cc APPEND PROPERTY COMPILE_OPTIONS ${avx512_flags}
    # GCC 12's own intrinsics start from a variable that is undefined on purpose.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized$<SEMICOLON>-Wno-uninitialized>)
endif()

adder_module(run/kernels DEPS core/quant SOURCES ${kernel_sources})
