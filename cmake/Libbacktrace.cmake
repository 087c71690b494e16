# libbacktrace turns code addresses into lines. gcc ships it in a folder of its own that every g++ and clang++ beside it searches
# when linking; its header lies where only gcc looks, so it is copied. Defines GRADUS_HAVE_LIBBACKTRACE.
include(CheckCXXSourceCompiles)

execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=include/backtrace.h
  OUTPUT_VARIABLE header OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
set(GRADUS_LIBBACKTRACE_INCLUDE ${PROJECT_BINARY_DIR}/libbacktrace)
file(MAKE_DIRECTORY ${GRADUS_LIBBACKTRACE_INCLUDE})
if(IS_ABSOLUTE "${header}" AND EXISTS "${header}")
  configure_file(${header} ${GRADUS_LIBBACKTRACE_INCLUDE}/backtrace.h COPYONLY)
endif()
set(CMAKE_REQUIRED_INCLUDES ${GRADUS_LIBBACKTRACE_INCLUDE})
set(CMAKE_REQUIRED_LIBRARIES backtrace)
check_cxx_source_compiles("
  #include <backtrace.h>
  int main() { return backtrace_create_state(nullptr, 0, nullptr, nullptr) == nullptr; }" GRADUS_HAVE_LIBBACKTRACE)
unset(CMAKE_REQUIRED_INCLUDES)
unset(CMAKE_REQUIRED_LIBRARIES)
