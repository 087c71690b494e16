# Consumes gradus in one way: builds tests/consumer against it and runs what comes out.
#   HOW        static (the build at hand, installed), shared (a shared build of its own, installed), subdirectory, fetch, pkgconfig
#   TREE       the source tree
#   BUILD      the build folder at hand
#   COMPILER   the C++ compiler; LAUNCHER its launcher, may be empty; WERROR whether warnings are errors there
cmake_minimum_required(VERSION 3.25)
set(work ${BUILD}/tests/consumer/${HOW})
# The flags of the build at hand, so that ccache need not compile the library again.
set(toolchain -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}
    -DGRADUS_WERROR=${WERROR})
file(REMOVE_RECURSE ${work}/prefix)
file(MAKE_DIRECTORY ${work}/run)

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${work}/run RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " line)
    message(FATAL_ERROR "${output}\nfailed (${status}): ${line}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

set(from package)
set(programs "01_first_look,02_from_scratch,03_derivatives,04_custom_model,05_tensors")
set(run_programs 03_derivatives 05_tensors own_folders)
if(HOW STREQUAL "shared")
  run(${CMAKE_COMMAND} -S ${TREE} -B ${work}/gradus ${toolchain} -DBUILD_SHARED_LIBS=ON -DGRADUS_BUILD_TESTS=OFF -DGRADUS_BUILD_APPS=OFF)
  run(${CMAKE_COMMAND} --build ${work}/gradus)
  run(${CMAKE_COMMAND} --install ${work}/gradus --prefix ${work}/prefix)
elseif(HOW MATCHES "static|pkgconfig")
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${work}/prefix)
else()
  set(from ${HOW})
  set(programs 05_tensors)
  set(run_programs 05_tensors own_folders)
endif()

if(HOW STREQUAL "pkgconfig")
  file(GLOB_RECURSE pc ${work}/prefix/gradus.pc)
  get_filename_component(pc_dir ${pc} DIRECTORY)
  set(ENV{PKG_CONFIG_PATH} "${pc_dir}")
  run(pkg-config --static --cflags --libs gradus)
  separate_arguments(flags UNIX_COMMAND "${output}")
  run(${COMPILER} -I ${TREE}/tests/consumer ${TREE}/tests/consumer/own_folders.cpp -o ${work}/own_folders ${flags})
  run(${work}/own_folders)
  return()
endif()

run(${CMAKE_COMMAND} -S ${TREE}/tests/consumer -B ${work}/build ${toolchain} -DCONSUME=${from} -DGRADUS_TREE=${TREE}
    -DPROGRAMS=${programs} -DCMAKE_PREFIX_PATH=${work}/prefix)
run(${CMAKE_COMMAND} --build ${work}/build)
foreach(program IN LISTS run_programs)
  run(${work}/build/${program})
endforeach()
