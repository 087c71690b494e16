// SHA-256 (FIPS 180-4): whether a file is the one that is meant.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace gradus::data {

/// The digest of what update() was given, in any pieces. A value; one thread at a time.
class Sha256 {
 public:
  void update(std::span<const std::byte> bytes);
  /// 64 hexadecimal digits. Afterwards only destruction and assignment make sense.
  std::string finish();

 private:
  void block(const std::byte* bytes);

  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> pending_{};
  uint64_t length_ = 0;  // bytes
};

/// The digest of a file. IoError when it cannot be read.
std::string sha256_file(const std::string& path);

}  // namespace gradus::data
