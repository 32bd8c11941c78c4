# yellow_embed_text(<target> <namespace> <file>...): for each file `a/b_c.sql` a constant
# `<namespace>::kBCSql` (std::string_view), declared in the generated header `<dir>/b_c.sql.h`.
function(yellow_embed_text target namespace)
  foreach(file ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    get_filename_component(stem ${file} NAME)
    string(REGEX REPLACE "[^A-Za-z0-9]" ";" words ${stem})
    set(constant "k")
    foreach(word ${words})
      string(SUBSTRING ${word} 0 1 first)
      string(SUBSTRING ${word} 1 -1 rest)
      string(TOUPPER ${first} first)
      string(APPEND constant ${first}${rest})
    endforeach()
    file(READ ${CMAKE_CURRENT_SOURCE_DIR}/${file} content)
    # A string literal has a limit of 64 KiB in some compilers; GCC has none.
    set(YELLOW_EMBED_NAMESPACE ${namespace})
    set(YELLOW_EMBED_CONSTANT ${constant})
    set(YELLOW_EMBED_CONTENT "${content}")
    file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR})
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/${folder}/${file}.h @ONLY NEWLINE_STYLE UNIX CONTENT
"#pragma once
#include <string_view>
namespace @YELLOW_EMBED_NAMESPACE@ {
inline constexpr std::string_view @YELLOW_EMBED_CONSTANT@ = R\"yellow_text(@YELLOW_EMBED_CONTENT@)yellow_text\";
}
")
  endforeach()
  target_include_directories(${target} PUBLIC ${CMAKE_BINARY_DIR}/generated)
endfunction()
