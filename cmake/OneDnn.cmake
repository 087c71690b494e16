# oneDNN is optional, and opened at run time when a program first convolves something or multiplies matrices of 16 bits: only its
# header is needed here. Defines GRADUS_HAVE_ONEDNN.
include(CheckCXXSourceCompiles)

option(GRADUS_ONEDNN "Use oneDNN where its header is installed" ON)
if(GRADUS_ONEDNN)
  set(CMAKE_REQUIRED_LIBRARIES ${CMAKE_DL_LIBS})
  check_cxx_source_compiles("
    #include <dlfcn.h>
    #include <dnnl.h>
    static_assert(DNNL_VERSION_MAJOR == 2, \"the interface of the next one is another\");
    int main() { return dlopen(\"\", RTLD_LAZY) == nullptr; }" GRADUS_HAVE_ONEDNN)
  unset(CMAKE_REQUIRED_LIBRARIES)
else()
  unset(GRADUS_HAVE_ONEDNN CACHE)
endif()
