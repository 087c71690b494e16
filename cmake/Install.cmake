# cmake --install: library, headers, CMake package, pkg-config file.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gradus)
install(TARGETS gradus EXPORT gradusTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  FILE_SET headers DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT gradusTargets NAMESPACE gradus:: DESTINATION ${package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/gradusConfig.cmake.in ${PROJECT_BINARY_DIR}/package/gradusConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/gradusConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/gradusConfig.cmake ${PROJECT_BINARY_DIR}/package/gradusConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/FindCBLAS.cmake
        DESTINATION ${package_dir})

# The same for pkg-config, with paths relative to the file, so that the folder may be moved.
file(RELATIVE_PATH GRADUS_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" GRADUS_PC_PREFIX "${GRADUS_PC_PREFIX}")
string(REPLACE ";" " " GRADUS_PC_OPENMP "${OpenMP_CXX_FLAGS}")
set(GRADUS_PC_TRACE "")
foreach(library IN LISTS CMAKE_DL_LIBS)
  string(APPEND GRADUS_PC_TRACE " -l${library}")
endforeach()
if(GRADUS_HAVE_LIBBACKTRACE)
  string(PREPEND GRADUS_PC_TRACE " -lbacktrace")
endif()
set(GRADUS_PC_OPTIONAL "${GRADUS_OPTIONAL_LINK}")
string(REPLACE ";" " " GRADUS_PC_OPTIONAL "${GRADUS_PC_OPTIONAL}")
configure_file(${PROJECT_SOURCE_DIR}/cmake/gradus.pc.in ${PROJECT_BINARY_DIR}/package/gradus.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/gradus.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
