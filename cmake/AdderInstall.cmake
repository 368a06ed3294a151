# make install PREFIX=...: the programs, the built-in model, recipes and licence. The model is looked for relative to the
# program (../share/adder/models), so the tree may be moved afterwards.
include(GNUInstallDirs)
install(TARGETS adder RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET adder-train)
  install(TARGETS adder-train RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY models recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/adder)
install(FILES LICENSE NOTICE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
