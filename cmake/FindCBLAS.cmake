# Finds a CBLAS: the OpenMP build of OpenBLAS first, because the library runs one thread pool, then any OpenBLAS.
# The library must hold LAPACK as well, as OpenBLAS does; for one that does not, liblapack is linked beside it.
# Defines CBLAS::CBLAS, CBLAS_FOUND, CBLAS_INCLUDE_DIR, CBLAS_LIBRARY, CBLAS_LIBRARY_DIR.
#
# Distributions keep the variants in folders of their own under one soname. Linking by the path in that folder makes CMake
# write it into the run path, so that the loader takes the same variant and not the one the system's alternatives point at.

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(PC_OPENBLAS QUIET openblas)
endif()

find_path(CBLAS_INCLUDE_DIR cblas.h
  HINTS ${PC_OPENBLAS_INCLUDE_DIRS}
  PATH_SUFFIXES openblas-openmp openblas openblas-pthread)
find_library(CBLAS_LIBRARY NAMES openblas cblas
  PATH_SUFFIXES openblas-openmp
  HINTS ${PC_OPENBLAS_LIBRARY_DIRS})

# The hint above may shadow the OpenMP variant where the system's alternatives point elsewhere: look for it by itself.
find_library(CBLAS_OPENMP_LIBRARY openblas PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp NO_DEFAULT_PATH)
find_path(CBLAS_OPENMP_INCLUDE_DIR cblas.h PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/openblas-openmp NO_DEFAULT_PATH)
if(CBLAS_OPENMP_LIBRARY AND CBLAS_OPENMP_INCLUDE_DIR)
  set(CBLAS_LIBRARY ${CBLAS_OPENMP_LIBRARY})
  set(CBLAS_INCLUDE_DIR ${CBLAS_OPENMP_INCLUDE_DIR})
endif()
mark_as_advanced(CBLAS_INCLUDE_DIR CBLAS_LIBRARY CBLAS_OPENMP_LIBRARY CBLAS_OPENMP_INCLUDE_DIR)

set(required CBLAS_LIBRARY CBLAS_INCLUDE_DIR)
if(CBLAS_LIBRARY)
  include(CheckLibraryExists)
  set(CMAKE_REQUIRED_QUIET TRUE)
  check_library_exists(${CBLAS_LIBRARY} dgesdd_ "" CBLAS_HAS_LAPACK)
  unset(CMAKE_REQUIRED_QUIET)
  if(NOT CBLAS_HAS_LAPACK)
    find_library(LAPACK_LIBRARY lapack)
    mark_as_advanced(LAPACK_LIBRARY)
    list(APPEND required LAPACK_LIBRARY)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CBLAS REQUIRED_VARS ${required}
  REASON_FAILURE_MESSAGE "install libopenblas-openmp-dev or another CBLAS with LAPACK")
unset(required)

if(CBLAS_FOUND)
  get_filename_component(CBLAS_LIBRARY_DIR ${CBLAS_LIBRARY} DIRECTORY)
  if(NOT TARGET CBLAS::CBLAS)
    add_library(CBLAS::CBLAS UNKNOWN IMPORTED)
    set_target_properties(CBLAS::CBLAS PROPERTIES
      IMPORTED_LOCATION ${CBLAS_LIBRARY}
      INTERFACE_INCLUDE_DIRECTORIES ${CBLAS_INCLUDE_DIR})
    if(NOT CBLAS_HAS_LAPACK)
      set_property(TARGET CBLAS::CBLAS PROPERTY INTERFACE_LINK_LIBRARIES ${LAPACK_LIBRARY})
    endif()
  endif()
endif()
