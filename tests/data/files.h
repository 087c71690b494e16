// Helpers for tests that read and write files: a temporary folder, whole files as strings, parsers on memory, error messages.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <string>

#include "data/readers.h"

namespace gradus::test {

/// A new empty folder, removed with everything in it.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gradus-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  /// Number of entries, hidden and temporary ones included.
  long entries() const {
    return std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator());
  }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}
inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// n as little- or big-endian bytes.
inline std::string little(uint64_t n, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(n >> (8 * i));
  return out;
}
inline std::string big(uint64_t n, int bytes) {
  const std::string reversed = little(n, bytes);
  return std::string(reversed.rbegin(), reversed.rend());
}

/// A string literal with its zero bytes.
template <size_t N>
std::string raw(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

inline data::io::MemorySource memory(const std::string& bytes) {
  return data::io::MemorySource({"parse", "memory"}, std::as_bytes(std::span(bytes)));
}
inline Tensor parse_idx(const std::string& bytes) { return data::io::read_idx(memory(bytes)); }
inline Tensor parse_npy(const std::string& bytes) {
  const auto source = memory(bytes);
  data::io::SectionReader in(source);
  return data::io::read_npy(in);
}
inline std::map<std::string, Tensor> parse_npz(const std::string& bytes) { return data::io::read_npz(memory(bytes)); }
inline data::SafeTensors parse_safetensors(const std::string& bytes) { return data::io::read_safetensors(memory(bytes)); }

/// The message of the E that f throws; "nothing thrown" if it throws none.
template <class E, class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing thrown";
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Same shape, dtype and bytes.
inline bool identical(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype() || !a.is_contiguous() || !b.is_contiguous()) return false;
  const auto n = static_cast<size_t>(a.size() * size_of(a.dtype()));
  return std::equal(a.impl().data, a.impl().data + n, b.impl().data);
}

}  // namespace gradus::test
