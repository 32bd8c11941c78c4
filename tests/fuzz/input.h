#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace yellow::fuzz {

inline std::string Text(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace yellow::fuzz
