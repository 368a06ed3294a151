# core/quant holds its searches twice, for the baseline and for AVX2; src/core/quant/search.cc picks at run time.
set(quant_dir ${CMAKE_SOURCE_DIR}/src/core/quant)
set(search_options
  # Without it a square root has to look at errno, which nobody reads.
  -fno-math-errno
  # Vectors are passed between inlined functions only.
  -Wno-psabi)
if(ADDER_SANITIZE)
  list(APPEND search_options -O1)
else()
  set(vectorized $<$<NOT:$<CONFIG:Debug>>:-O3>)
  list(APPEND search_options ${vectorized})
  set_property(SOURCE ${quant_dir}/codec.cc ${quant_dir}/float_formats.cc PROPERTY COMPILE_OPTIONS ${vectorized})
endif()
set_property(SOURCE ${quant_dir}/search_portable.cc PROPERTY COMPILE_OPTIONS ${search_options})

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # A library of its own, so that a test can look at the object.
  add_library(adder_core_quant_isa OBJECT ${quant_dir}/x86/avx2.cc)
  set_property(SOURCE ${quant_dir}/x86/avx2.cc PROPERTY COMPILE_OPTIONS ${search_options} -mavx2)
  target_link_libraries(adder_core_quant_isa PRIVATE adder_core_tensor)
  set(avx2_objects $<TARGET_OBJECTS:adder_core_quant_isa>)
  if(ADDER_TESTS AND NOT ADDER_SANITIZE)  # a sanitizer adds symbols of its own
    add_test(NAME core_quant_isa_symbols
      COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} "-DOBJECTS=$<TARGET_OBJECTS:adder_core_quant_isa>"
              -P ${CMAKE_SOURCE_DIR}/cmake/isa_symbols.cmake)
  endif()
endif()

adder_module(core/quant DEPS core/tensor SOURCES ${avx2_objects})
set_target_properties(adder_core_quant PROPERTIES UNITY_BUILD OFF)  # a file a family of formats, each with its own names
