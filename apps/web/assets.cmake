# The pages' style and script as one source file, ${page_assets}, for the target of the including folder. Charts come from npm
# (package-lock.json says which, to the byte); without npm or its registry the pages show tables.
option(GRADUS_CHARTS "Bundle charts into the pages that the programs write (needs npm, and its registry once)" ON)
find_program(NPM npm)
mark_as_advanced(NPM)

set(npm "")
if(GRADUS_CHARTS AND NPM)
  set(npm ${NPM})
elseif(GRADUS_CHARTS)
  message(STATUS "npm was not found: the programs' pages come without charts")
endif()

set(web ${CMAKE_CURRENT_BINARY_DIR}/web)
set(page_assets ${web}/page_assets.cpp)
if(EXISTS ${web}/without_charts)  # the last build could not bundle them; configuring again means try again
  file(REMOVE ${page_assets})
endif()
file(GLOB inputs CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/src/* ${CMAKE_CURRENT_LIST_DIR}/package*.json)
add_custom_command(OUTPUT ${page_assets}
  COMMAND ${CMAKE_COMMAND} "-DNPM=${npm}" -DSOURCE=${CMAKE_CURRENT_LIST_DIR} -DBUILD=${web} -DOUTPUT=${page_assets}
          -P ${CMAKE_CURRENT_LIST_DIR}/bundle.cmake
  DEPENDS ${inputs} ${CMAKE_CURRENT_LIST_DIR}/bundle.cmake
  COMMENT "Bundling the script of the programs' pages"
  VERBATIM)
