#pragma once

#include <cstdio>
#include <cstdlib>

/// States what no input of a user can make false. When it is false all the same, the bug is ours: say so and stop.
#define YELLOW_CHECK(condition)                                                                                    \
  do {                                                                                                             \
    if (!(condition)) {                                                                                            \
      std::fprintf(stderr, "%s:%d: check failed: %s [this is a bug in yellow]\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                                                \
    }                                                                                                              \
  } while (false)
