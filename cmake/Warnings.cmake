# -Wrestrict of GCC 12 warns of correct uses of std::string (GCC bug 105651).
add_library(yellow_warnings INTERFACE)
target_compile_options(yellow_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch -Werror -Wno-restrict)
