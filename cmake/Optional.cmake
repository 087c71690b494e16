# Libraries that gradus can do without: libpng and libjpeg for pictures, libcurl for downloads. Defines GRADUS_HAVE_PNG, _JPEG and
# _CURL, and gradus_optional_libraries(TARGET).
include(CheckCXXSourceCompiles)

option(GRADUS_IMAGES "Use libpng and libjpeg where they are installed" ON)
option(GRADUS_CURL "Use libcurl where its header is installed" ON)

set(optional_link "")
foreach(library PNG JPEG)
  set(GRADUS_HAVE_${library} OFF)
  if(GRADUS_IMAGES)
    find_package(${library} QUIET)
    if(${library}_FOUND)
      set(GRADUS_HAVE_${library} ON)
      list(APPEND optional_link ${${library}_LIBRARY_RELEASE})
    endif()
  endif()
endforeach()

# libcurl is opened at run time when something is downloaded: only its header is needed here.
if(GRADUS_CURL)
  set(CMAKE_REQUIRED_LIBRARIES ${CMAKE_DL_LIBS})
  check_cxx_source_compiles("
    #include <curl/curl.h>
    #include <dlfcn.h>
    int main() { return dlopen(\"\", RTLD_LAZY) == nullptr && CURLOPT_XFERINFOFUNCTION; }" GRADUS_HAVE_CURL)
  unset(CMAKE_REQUIRED_LIBRARIES)
else()
  unset(GRADUS_HAVE_CURL CACHE)
endif()

# A program that reads no pictures must not load the libraries for them: the linker notes only those that are used. One item, so
# that nothing comes between the options; it ends up in the package, too.
set(GRADUS_OPTIONAL_LINK "")
if(optional_link)
  if(APPLE)
    set(GRADUS_OPTIONAL_LINK ${optional_link})
  else()
    list(JOIN optional_link "," optional_link)
    set(GRADUS_OPTIONAL_LINK "-Wl,--push-state,--as-needed,${optional_link},--pop-state")
  endif()
endif()

function(gradus_optional_libraries target)
  foreach(entry "PNG png.cpp" "JPEG jpeg.cpp" "CURL http.cpp")
    string(REPLACE " " ";" entry ${entry})
    list(GET entry 0 library)
    list(GET entry 1 file)
    if(GRADUS_HAVE_${library})
      set(folders ${${library}_INCLUDE_DIRS})
      list(REMOVE_ITEM folders ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})  # -isystem /usr/include breaks the standard library
      set_source_files_properties(data/${file} PROPERTIES
        COMPILE_DEFINITIONS GRADUS_HAVE_${library} INCLUDE_DIRECTORIES "${folders}")
    endif()
  endforeach()
  target_link_libraries(${target} PRIVATE ${GRADUS_OPTIONAL_LINK})
endfunction()
