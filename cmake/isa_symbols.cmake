# cmake -DNM=nm -DOBJECTS=a.o;b.o -P isa_symbols.cmake
#
# An inline function compiled in a file with -mavx2 leaves a weak copy, and the linker may keep that copy for everybody:
# an illegal instruction on an older CPU. So these objects may define nothing weak, and nothing global outside their
# own namespace.
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND ${NM} --defined-only --demangle ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  get_filename_component(level ${object} NAME)
  string(REGEX REPLACE "\\..*" "" level ${level})
  string(REPLACE "\n" ";" symbols "${symbols}")
  set(seen 0)
  foreach(line IN LISTS symbols)
    if(line MATCHES "^[0-9a-f]* +([A-Zuvw]) (.*)$")
      set(kind ${CMAKE_MATCH_1})
      set(symbol ${CMAKE_MATCH_2})
      math(EXPR seen "${seen} + 1")
      if(kind STREQUAL "T" AND symbol MATCHES "^adder::${level}::")
        continue()
      endif()
      message(SEND_ERROR "${object}: '${symbol}' (${kind}) escapes from level ${level}")
    endif()
  endforeach()
  if(seen EQUAL 0)
    message(SEND_ERROR "${object}: no symbol at all, is this the right file?")
  endif()
endforeach()
