# Compile and link options of our own targets. Nothing here reaches a consumer: no global flags, no interface options.

set(GRADUS_WARNINGS -Wall -Wextra -Wpedantic -Wconversion)
if(GRADUS_WERROR)
  list(APPEND GRADUS_WARNINGS -Werror)
endif()

function(gradus_sanitize target)
  if(GRADUS_SANITIZE)
    target_compile_options(${target} PRIVATE -O1 -g1 -fsanitize=${GRADUS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -D_GLIBCXX_ASSERTIONS)
    target_link_options(${target} PRIVATE -fsanitize=${GRADUS_SANITIZE})
  endif()
endfunction()

function(gradus_target_options target)
  set_target_properties(${target} PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  # errno and floating-point traps are never read; without contraction a value does not depend on which loop computed it; nobody
  # replaces our functions at load time, so that those of one file may be inlined into each other.
  target_compile_options(${target} PRIVATE ${GRADUS_WARNINGS} -fno-math-errno -fno-trapping-math -ffp-contract=off
                         -fno-semantic-interposition $<$<CONFIG:Release>:-O2>)
  gradus_sanitize(${target})
endfunction()
