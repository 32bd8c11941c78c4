# Warnings are errors for who works on Yellow, not for who only builds it: another compiler may know more of them.
# -Wrestrict of GCC 12 warns of correct uses of std::string (GCC bug 105651), -Wmaybe-uninitialized, under full optimisation, of pointers it has lost sight of.
add_library(yellow_warnings INTERFACE)
target_compile_options(yellow_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(yellow_warnings INTERFACE -Wno-restrict $<$<CONFIG:Release>:-Wno-maybe-uninitialized>)
  if(YELLOW_TESTS)
    target_compile_options(yellow_warnings INTERFACE -Werror)
  endif()
else()
  target_compile_options(yellow_warnings INTERFACE -Wno-sign-conversion -Wno-deprecated-declarations)
endif()
