# yellow_embed_folder(<target> <folder> <namespace> <constant> <header>): every file below a folder as an array of
# {path relative to it, text}, in the generated header `header`.
function(yellow_embed_folder target folder namespace constant header)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${folder} ${folder}/*)
  list(SORT files)
  set(entries "")
  foreach(file ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${file})
    file(READ ${folder}/${file} content)
    string(APPEND entries "    {\"${file}\", R\"yellow_text(${content})yellow_text\"},\n")
  endforeach()
  list(LENGTH files count)
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/generated/${header} CONTENT
"#pragma once
#include <array>
#include <string_view>
#include <utility>
namespace ${namespace} {
inline constexpr std::array<std::pair<std::string_view, std::string_view>, ${count}> ${constant}{{
${entries}}};
}
")
  target_include_directories(${target} PRIVATE ${CMAKE_BINARY_DIR}/generated)
endfunction()
