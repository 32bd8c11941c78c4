add_library(yellow_warnings INTERFACE)
target_compile_options(yellow_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch -Werror)
