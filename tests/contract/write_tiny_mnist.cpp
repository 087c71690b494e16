// Writes a miniature MNIST in the original file format (big-endian IDX) into the folder given as its argument: 300 training and
// 100 test images, digit d drawn as a bar whose place depends on d.
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<char>;

void put(Bytes& out, uint32_t word) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(word >> shift & 255u));
}

bool write(const std::filesystem::path& path, const Bytes& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return file.flush().good();
}

bool write_split(const std::filesystem::path& folder, const std::string& name, uint32_t count) {
  Bytes images, labels;
  for (uint32_t word : {0x803u, count, 28u, 28u}) put(images, word);
  for (uint32_t word : {0x801u, count}) put(labels, word);
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t digit = i * 7 % 10;
    labels.push_back(static_cast<char>(digit));
    for (uint32_t row = 0; row < 28; ++row)
      for (uint32_t column = 0; column < 28; ++column)
        images.push_back(row / 2 == digit + 2 && column > i % 5 ? static_cast<char>(200 + i % 50) : '\0');
  }
  return write(folder / (name + "-images-idx3-ubyte"), images) && write(folder / (name + "-labels-idx1-ubyte"), labels);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  if (write_split(argv[1], "train", 300) && write_split(argv[1], "t10k", 100)) return 0;
  std::cerr << "write_tiny_mnist: cannot write to " << argv[1] << "\n";
  return 1;
}
