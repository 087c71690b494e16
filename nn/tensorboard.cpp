// The format: a file is a sequence of records (length, masked CRC of the length, bytes, masked CRC of the bytes), each an `Event`
// message of protocol buffers, in which a field is its number and kind in one byte, then the value.
#include "nn/tensorboard.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "nn/model.h"

namespace gradus::nn {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // Castagnoli's, bits reversed

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? kPolynomial : 0);
    table[i] = value;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = make_table();

std::string little(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

std::string masked(std::string_view bytes) {
  const uint32_t crc = detail::crc32c(bytes);
  return little(((crc >> 15) | (crc << 17)) + 0xa282ead8u, 4);
}

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}

// Kinds of fields: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
std::string field(int number, int kind, const std::string& value) { return static_cast<char>(number << 3 | kind) + value; }
std::string text_field(int number, const std::string& value) { return field(number, 2, varint(value.size()) + value); }

std::string event(const std::string& what) {
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const std::string bytes = field(1, 1, little(std::bit_cast<uint64_t>(now), 8)) + what;
  const std::string length = little(bytes.size(), 8);
  return length + masked(length) + bytes + masked(bytes);
}

std::string scalar(const std::string& tag, double value, int64_t step) {
  const std::string summary = text_field(1, tag) + field(2, 5, little(std::bit_cast<uint32_t>(static_cast<float>(value)), 4));
  return event(field(2, 0, varint(static_cast<uint64_t>(step))) + text_field(5, text_field(1, summary)));
}

void append(const std::string& path, const std::string& bytes) {
  if (bytes.empty()) return;
  std::ofstream out(path, std::ios::binary | std::ios::app);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) fail<IoError>("TensorBoard", path, ": cannot write; got an error, expected a folder that is writable");
}

std::string begin_file(const std::string& folder) {
  static std::atomic<int> files{0};
  std::error_code error;  // a folder that cannot be made is reported with the file
  std::filesystem::create_directories(folder, error);
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  std::string path = text(folder, "/events.out.tfevents.", static_cast<int64_t>(seconds), ".",
                          host[0] ? host.data() : "localhost", ".", static_cast<int64_t>(getpid()), ".", files++, ".v2");
  append(path, event(text_field(3, "brain.Event:2")));
  return path;
}

}  // namespace

uint32_t detail::crc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 255] ^ (crc >> 8);
  return ~crc;
}

TensorBoard::TensorBoard(Options options) : options_(std::move(options)) {
  if (options_.update_freq < 0)
    fail<ValueError>("TensorBoard", "negative update_freq; got ", options_.update_freq, ", expected batches or 0");
}

void TensorBoard::on_train_begin(Run& run) {
  train_ = begin_file(options_.log_dir + "/train");
  validation_.clear();
  for (const std::string& name : run.names)
    if (name.starts_with("val_") && validation_.empty()) validation_ = begin_file(options_.log_dir + "/validation");
}

void TensorBoard::on_batch_end(Run& run) {
  if (options_.update_freq == 0 || run.step % options_.update_freq != 0) return;
  std::string bytes;
  for (const auto& [name, value] : run.resumable->means()) bytes += scalar("batch_" + name, value, run.step);
  append(train_, bytes);
}

void TensorBoard::on_epoch_end(Run& run) {
  std::string train, validation;
  for (const auto& [name, value] : run.logs) {
    if (name.starts_with("val_")) validation += scalar("epoch_" + name.substr(4), value, run.epoch);
    else if (name != "learning_rate") train += scalar("epoch_" + name, value, run.epoch);
  }
  train += scalar("epoch_learning_rate", run.model.optimizer().learning_rate(), run.epoch);
  append(train_, train);
  if (!validation_.empty()) append(validation_, validation);
}

}  // namespace gradus::nn
