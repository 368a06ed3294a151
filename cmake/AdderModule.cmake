# adder_module(core/quant DEPS core/tensor PACKAGES fmt::fmt)
#
# One folder of src/ is one static library named after its path (adder_core_quant):
#   *.cc          the library
#   main.cc       with PROGRAM name: that program, in the top of the build folder
#   *_test.cc     one test program  (core_quant_test), run by ctest
#   *_bench.cc    one benchmark     (core_quant_bench), with ADDER_BENCH
#   *_fuzz.cc     one libFuzzer target a file, with ADDER_FUZZ
# DEPS are the folders it may include, written out here so that the arrows of the architecture are links, not habits.
function(adder_module path)
  cmake_parse_arguments(ARG "" "PROGRAM" "DEPS;PACKAGES;SOURCES" ${ARGN})
  string(REPLACE "/" "_" name ${path})
  set(dir ${CMAKE_SOURCE_DIR}/src/${path})
  file(GLOB all CONFIGURE_DEPENDS ${dir}/*.cc)
  set(lib ${all})
  list(FILTER lib EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$|/main\\.cc$")
  list(APPEND lib ${ARG_SOURCES})

  set(deps adder_flags ${ARG_PACKAGES})
  foreach(dep IN LISTS ARG_DEPS)
    string(REPLACE "/" "_" dep_name ${dep})
    list(APPEND deps adder_${dep_name})
  endforeach()

  if(lib)
    add_library(adder_${name} STATIC ${lib})
    target_link_libraries(adder_${name} PUBLIC ${deps})
  else()
    add_library(adder_${name} INTERFACE)
    target_link_libraries(adder_${name} INTERFACE ${deps})
  endif()

  if(ARG_PROGRAM)
    add_executable(${ARG_PROGRAM} ${dir}/main.cc)
    target_link_libraries(${ARG_PROGRAM} PRIVATE adder_${name})
    set_target_properties(${ARG_PROGRAM} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  endif()

  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(ADDER_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE adder_${name} GTest::gmock GTest::gtest_main)
    target_compile_options(${name}_test PRIVATE $<$<CONFIG:Release>:-O1>)  # compiles in half the time of -O3
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    if(path MATCHES "/train")
      set_tests_properties(${name} PROPERTIES LABELS train)
    endif()
  endif()

  set(benches ${all})
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  if(ADDER_BENCH AND benches)
    add_executable(${name}_bench ${benches})
    target_link_libraries(${name}_bench PRIVATE adder_${name} benchmark::benchmark_main)
    set_target_properties(${name}_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/benchmarks)
  endif()

  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  if(ADDER_FUZZ)
    foreach(fuzzer IN LISTS fuzzers)
      get_filename_component(target ${fuzzer} NAME_WE)
      add_executable(${target} ${fuzzer})
      target_link_libraries(${target} PRIVATE adder_${name})
      target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzzers)
    endforeach()
  endif()
endfunction()
