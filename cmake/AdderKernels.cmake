# run/kernels is one library from several ISA folders. Flags are set per file, so a body can use only its own
# level; src/run/kernels/select.cc picks a table at run time. A level the target lacks is simply not compiled.
set(kernel_dir ${CMAKE_SOURCE_DIR}/src/run/kernels)
file(GLOB kernel_sources CONFIGURE_DEPENDS ${kernel_dir}/ref/*.cc)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  file(GLOB x86_sources CONFIGURE_DEPENDS ${kernel_dir}/x86/*.cc)
  set(avx2 ${kernel_dir}/x86/avx2.cc)
  set(avx512 ${kernel_dir}/x86/avx512.cc)
  set(avx512vnni ${kernel_dir}/x86/avx512vnni.cc)
  set(amx ${kernel_dir}/x86/amx.cc)
  set(levels ${avx2} ${avx512} ${avx512vnni} ${amx})
  list(REMOVE_ITEM x86_sources ${levels})
  list(APPEND kernel_sources ${x86_sources})

  set(avx2_flags -mavx2 -mfma -mf16c)
  set_property(SOURCE ${avx2} PROPERTY COMPILE_OPTIONS ${avx2_flags})
  set(avx512_flags ${avx2_flags} -mavx512f -mavx512bw -mavx512vl -mavx512dq
    # GCC 12's own intrinsics start from a variable that is undefined on purpose.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized$<SEMICOLON>-Wno-uninitialized>)
  set_property(SOURCE ${avx512} PROPERTY COMPILE_OPTIONS ${avx512_flags})
  set_property(SOURCE ${avx512vnni} PROPERTY COMPILE_OPTIONS ${avx512_flags} -mavx512vnni)
  set_property(SOURCE ${amx} PROPERTY COMPILE_OPTIONS ${avx512_flags} -mavx512vnni -mamx-tile -mamx-int8)

  # A library of its own, so that a test can look at these objects.
  add_library(adder_run_kernels_isa OBJECT ${levels})
  target_link_libraries(adder_run_kernels_isa PRIVATE adder_core_tensor)
  if(ADDER_SANITIZE)
    # Checks on every operation of the unrolled bodies take the optimiser minutes.
    target_compile_options(adder_run_kernels_isa PRIVATE -O1)
  else()
    # The bodies keep their sums in registers only when every loop of constant length is unrolled.
    target_compile_options(adder_run_kernels_isa PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O3>
      # Else GCC 12 lines up the loads of a tile first and spills its sums: a third of the speed of integer products.
      $<$<CXX_COMPILER_ID:GNU>:-fschedule-insns$<SEMICOLON>-fsched-pressure>)
  endif()
  list(APPEND kernel_sources $<TARGET_OBJECTS:adder_run_kernels_isa>)
  if(ADDER_TESTS AND NOT ADDER_SANITIZE)  # a sanitizer adds symbols of its own
    add_test(NAME run_kernels_isa_symbols
      COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} "-DOBJECTS=$<TARGET_OBJECTS:adder_run_kernels_isa>"
              -P ${CMAKE_SOURCE_DIR}/cmake/isa_symbols.cmake)
  endif()
endif()

# Packing reads the whole file once: its loops over the words of a block are unrolled, which -O2 does not do.
if(NOT ADDER_SANITIZE)
  set_property(SOURCE ${kernel_dir}/packed.cc PROPERTY COMPILE_OPTIONS $<$<NOT:$<CONFIG:Debug>>:-O3>)
endif()

adder_module(run/kernels DEPS core/quant SOURCES ${kernel_sources})
