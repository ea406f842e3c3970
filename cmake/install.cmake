# What is installed, and how others find it: pkg-config (epode) and find_package(epode).
set(EPODE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/epode)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/epode DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development FILES_MATCHING PATTERN "*.h")
install(TARGETS epode EXPORT epode_shared
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development)
# A set of its own: who links the shared library needs none of the static one's dependencies.
install(TARGETS epode_static EXPORT epode_static
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
if(TARGET epode-cli)
  install(TARGETS epode-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  install(FILES ${PROJECT_SOURCE_DIR}/samples/epode/share/epode.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
  install(FILES ${PROJECT_SOURCE_DIR}/samples/epode/share/epode.bash RENAME epode
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT program)
  install(FILES ${PROJECT_SOURCE_DIR}/samples/epode/share/_epode
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT program)
  # It finds the library beside it, wherever both are put.
  file(RELATIVE_PATH EPODE_BIN_TO_LIB ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(epode-cli PROPERTIES INSTALL_RPATH "$ORIGIN/${EPODE_BIN_TO_LIB}")
endif()

foreach(set shared static)
  install(EXPORT epode_${set} NAMESPACE epode:: DESTINATION ${EPODE_CMAKE_DIR} FILE epode-${set}.cmake
    COMPONENT development)
endforeach()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/epode-config.cmake.in
  ${PROJECT_BINARY_DIR}/epode-config.cmake INSTALL_DESTINATION ${EPODE_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/epode-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/epode-config.cmake ${PROJECT_BINARY_DIR}/epode-config-version.cmake
  DESTINATION ${EPODE_CMAKE_DIR} COMPONENT development)

# pkg-config: what is below the prefix is found from where epode.pc lies, so that all can be moved.
set(EPODE_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  file(RELATIVE_PATH EPODE_PC_UP "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" /)
  set(EPODE_PC_PREFIX "\${pcfiledir}/${EPODE_PC_UP}")
endif()
foreach(dir LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(EPODE_PC_${dir} "${CMAKE_INSTALL_${dir}}")
  else()
    set(EPODE_PC_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
# libstrophe by its flags for linking: its macros are for who includes its headers, which ours do not.
list(JOIN STROPHE_LDFLAGS " " EPODE_PC_STROPHE)
configure_file(${CMAKE_CURRENT_LIST_DIR}/epode.pc.in ${PROJECT_BINARY_DIR}/epode.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/epode.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT development)
