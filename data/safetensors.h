// safetensors files (github.com/huggingface/safetensors, "Format"): an 8-byte length, a JSON header, the tensors' bytes. Holds
// weights without a trace of code. Stateless; safe from any thread.
#pragma once

#include <map>
#include <string>

#include "autograd/tensor.h"

namespace gradus::data {

struct SafeTensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;  // the header's __metadata__; empty when there is none
};

/// Reads a whole file; every rule of the format is enforced. IoError for a header beyond 100 MB or the file, that is not UTF-8
/// JSON, repeats a key or misses one; for tensors that overlap, leave holes, do not end with the file or do not fit their shape;
/// for dtypes other than BOOL, U8, I32, I64, F16, BF16, F32 and F64; for rank above 8.
SafeTensors load_safetensors(const std::string& path);

/// Writes the tensors, the widest dtypes first and then by name, their bytes aligned to 8. The file is replaced at once or not at
/// all. ValueError for text that is not UTF-8, a tensor named "__metadata__" or a header beyond 100 MB; IoError when it cannot be
/// written.
void save_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace gradus::data
