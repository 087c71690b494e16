// IDX files (yann.lecun.com/exdb/mnist): two zero bytes, an element code, the rank, big-endian dimensions, big-endian data.
// Stateless; safe from any thread.
#pragma once

#include <string>

#include "autograd/tensor.h"

namespace gradus::data {

/// Reads plain and gzip-compressed files. Elements: uint8 (0x08), int32 (0x0c), float32 (0x0d), float64 (0x0e). IoError for a
/// file that is missing, cut short, too long, corrupt, of rank above 8, or of another element type.
Tensor load_idx(const std::string& path);

/// Writes a tensor of one of these dtypes and of rank 1 to 8; compressed when the path ends in ".gz". The file is replaced at
/// once or not at all. DTypeError for other dtypes, ShapeError for rank 0 and dimensions beyond 2^32 - 1, IoError when it cannot
/// be written.
void save_idx(const std::string& path, const Tensor& tensor);

}  // namespace gradus::data
