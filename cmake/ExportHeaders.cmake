# The headers as consumers see them.
#
# Inside the tree headers name each other from the root: "autograd/tensor.h". Written into ${build}/include they become
# "gradus/autograd/tensor.h", so that a consumer's own folder called data/ or nn/ never clashes; the umbrella of a folder,
# X/X.h, becomes gradus/X.h. Only files whose text changed are written. The same script runs at configure time (the files must
# exist for the file set) and as a build step (an edited header is exported by the next build).

cmake_minimum_required(VERSION 3.25)

# Name of the exported header, relative to the include folder.
function(gradus_exported_name out header)
  string(REGEX REPLACE "^([a-z]+)/([a-z]+)\\.h$" "\\1;\\2" parts ${header})
  list(GET parts 0 folder)
  list(GET parts -1 stem)
  if(NOT folder STREQUAL header AND folder STREQUAL stem)
    set(${out} gradus/${folder}.h PARENT_SCOPE)
  else()
    set(${out} gradus/${header} PARENT_SCOPE)
  endif()
endfunction()

function(gradus_write_headers source_dir output_dir headers)
  set(wanted "")
  foreach(header IN LISTS headers)
    gradus_exported_name(name ${header})
    list(APPEND wanted ${name})
    file(READ ${source_dir}/${header} text)
    string(REGEX REPLACE "#include \"(autograd|optim|data|nn)/" "#include \"gradus/\\1/" text "${text}")
    foreach(folder autograd optim data nn)
      string(REPLACE "\"gradus/${folder}/${folder}.h\"" "\"gradus/${folder}.h\"" text "${text}")
    endforeach()
    set(old "")
    if(EXISTS ${output_dir}/${name})
      file(READ ${output_dir}/${name} old)
    endif()
    if(NOT old STREQUAL text)
      file(WRITE ${output_dir}/${name} "${text}")
    endif()
  endforeach()
  file(GLOB_RECURSE present RELATIVE ${output_dir} ${output_dir}/gradus/*.h)
  foreach(name IN LISTS present)
    if(NOT name IN_LIST wanted)
      file(REMOVE ${output_dir}/${name})
    endif()
  endforeach()
endfunction()

# Exports every header of the folders as the interface of `target`.
function(gradus_export_headers target)
  set(output_dir ${PROJECT_BINARY_DIR}/include)
  set(headers "")
  foreach(folder IN LISTS ARGN)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/${folder}/*.h)
    list(APPEND headers ${found})
  endforeach()
  list(FILTER headers EXCLUDE REGEX "-inl\\.h$")  # bodies of kernels, which no header includes
  gradus_write_headers(${PROJECT_SOURCE_DIR} ${output_dir} "${headers}")

  set(exported "")
  set(inputs "")
  foreach(header IN LISTS headers)
    gradus_exported_name(name ${header})
    list(APPEND exported ${output_dir}/${name})
    list(APPEND inputs ${PROJECT_SOURCE_DIR}/${header})
  endforeach()
  set(stamp ${PROJECT_BINARY_DIR}/headers.stamp)
  add_custom_command(
    OUTPUT ${stamp}
    BYPRODUCTS ${exported}
    COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DOUTPUT_DIR=${output_dir} "-DHEADERS=${headers}"
            -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
    DEPENDS ${inputs} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    COMMENT "Exporting headers"
    VERBATIM)
  add_custom_target(${target}_headers DEPENDS ${stamp})
  add_dependencies(${target} ${target}_headers)

  # A test compiles each of them alone.
  target_sources(${target} INTERFACE FILE_SET headers TYPE HEADERS BASE_DIRS ${output_dir} FILES ${exported})
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  gradus_write_headers(${SOURCE_DIR} ${OUTPUT_DIR} "${HEADERS}")
endif()
