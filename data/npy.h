// NumPy's .npy and .npz files, as numpy/lib/format.py describes them. Stateless; safe from any thread.
#pragma once

#include <map>
#include <string>

#include "autograd/tensor.h"

namespace gradus::data {

/// Reads one array: versions 1.0 to 3.0, either byte order, C or Fortran layout (the result is row-major). IoError for a file
/// that is missing, malformed, cut short or too long, of rank above 8, or of a dtype without a counterpart; object arrays hold
/// pickles, which run code when they are read, and are always refused.
Tensor load_npy(const std::string& path);

/// Writes version 1.0, little-endian, row-major, the data aligned to 64 bytes: numpy.load(path) gives the same array. The file is
/// replaced at once or not at all. DTypeError for bfloat16, which NumPy lacks; IoError when it cannot be written.
void save_npy(const std::string& path, const Tensor& tensor);

struct NpzOptions {
  bool compressed = false;  // deflate, as numpy.savez_compressed does
};

/// Reads a zip file of .npy members, stored or deflated; keys are the names without ".npy". CRC-32 and sizes of every member are
/// verified. IoError for anything malformed, for members that overlap, are encrypted, or whose names repeat or leave the archive.
std::map<std::string, Tensor> load_npz(const std::string& path);

/// Writes one member per tensor, in order of the names. The file is replaced at once or not at all. ValueError for a name that is
/// longer than 60,000 bytes, holds a backslash, a colon or a zero byte, or has an empty, "." or ".." part between its slashes,
/// and from 4 GiB (save_safetensors has no such limit); DTypeError for bfloat16; IoError when it cannot be written.
void save_npz(const std::string& path, const std::map<std::string, Tensor>& tensors, NpzOptions options = {});

}  // namespace gradus::data
