// The parsers behind load_idx, load_npy, load_csv and the others, on any bytes. Internal: the public functions run them on
// files, the fuzz targets on memory. Every malformed input gives an IoError.
#pragma once

#include <map>
#include <string>

#include "data/cifar.h"
#include "data/csv.h"
#include "data/image.h"
#include "data/npy.h"
#include "data/safetensors.h"
#include "data/stream.h"

namespace gradus::data::io {

/// Plain or gzip, told apart by the first two bytes.
Tensor read_idx(const ByteSource& source);
/// One array, which must be all that `in` holds.
Tensor read_npy(ByteReader& in);
std::map<std::string, Tensor> read_npz(const ByteSource& source);
SafeTensors read_safetensors(const ByteSource& source);
LabelledImages read_cifar10(const ByteSource& source, const std::vector<int>& classes = {});
/// PNG or JPEG, told apart by the first bytes.
Tensor read_image(const ByteSource& source, const ImageOptions& options = {});
Table read_csv(const ByteSource& source, const CsvOptions& options = {});

/// Magic string, version and header of a .npy file for this tensor. DTypeError for bfloat16, naming `op`.
std::string npy_preamble(std::string_view op, const Tensor& tensor);

}  // namespace gradus::data::io
