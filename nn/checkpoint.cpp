#include "nn/checkpoint.h"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <utility>

#include "data/file.h"
#include "data/safetensors.h"
#include "data/stream.h"
#include "nn/weights.h"

namespace gradus::nn {
namespace {

constexpr std::string_view kOp = "load_checkpoint";
constexpr const char *kFormat = "format", *kMark = "gradus.checkpoint", *kVersion = "version", *kChecksum = "crc32";

/// Of names, dtypes, shapes and bytes, in the order of the names.
std::string checksum(const State& state) {
  uLong sum = crc32_z(0, nullptr, 0);
  const auto add = [&](const void* data, size_t n) { sum = crc32_z(sum, static_cast<const Bytef*>(data), n); };
  for (const auto& [name, tensor] : state) {
    const std::string head = text(name, "\n", tensor.dtype(), "\n", tensor.shape(), "\n");
    add(head.data(), head.size());
    data::io::write_tensor(tensor, std::endian::little, [&](const void* data, int64_t n) { add(data, static_cast<size_t>(n)); });
  }
  std::string digits(8, '0');
  for (size_t i = 0; i < digits.size(); ++i) digits[7 - i] = "0123456789abcdef"[(sum >> (4 * i)) & 15];
  return digits;
}

/// Names a crash has left behind while it wrote; nobody else writes this file.
void remove_leftovers(const std::filesystem::path& path) {
  const std::string front = path.filename().string() + ".tmp";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path.has_parent_path() ? path.parent_path() : ".", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(front) && std::ranges::all_of(name.substr(front.size()), [](char c) { return c >= '0' && c <= '9'; }))
      std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace

void detail::write_checkpoint(const std::string& path, const State& state) {
  data::save_safetensors(path, state, {{kFormat, kMark}, {kVersion, "1"}, {kChecksum, checksum(state)}});
}

State detail::read_checkpoint(const std::string& path) {
  data::SafeTensors file = data::load_safetensors(path);
  const auto entry = [&](const char* name) { return file.metadata.contains(name) ? file.metadata.at(name) : std::string(); };
  if (entry(kFormat) != kMark)
    fail<IoError>(kOp, path, ": not a checkpoint; got a safetensors file without the mark \"", kMark,
                  "\", expected one that save_checkpoint() or nn::Checkpoint wrote");
  if (entry(kVersion) != "1")
    fail<IoError>(kOp, path, ": unknown version of the format; got \"", entry(kVersion), "\", expected \"1\"");
  if (const std::string sum = checksum(file.tensors); sum != entry(kChecksum))
    fail<IoError>(kOp, path, ": damaged; got checksum ", sum, ", expected ", entry(kChecksum));
  return std::move(file.tensors);
}

void save_checkpoint(const std::string& path, const Module& model, const optim::Optimizer& optimizer, const Counters& counters) {
  State state;
  detail::add_model(state, model, optimizer);
  for (const auto& [name, value] : counters) state.emplace("counters." + name, Tensor(value));
  detail::write_checkpoint(path, state);
}

Counters load_checkpoint(const std::string& path, const Module& model, optim::Optimizer& optimizer) {
  const State state = detail::read_checkpoint(path);
  const detail::ModelState checked(path, state, model, optimizer);
  Counters counters;
  for (const auto& [name, value] : detail::sub_state(state, "counters")) counters.emplace(name, value.item<int64_t>());
  checked.apply();
  return counters;
}

Checkpoint::Checkpoint(std::string path, Options options) : path_(std::move(path)), options_(options) {
  if (options_.every_epochs < 0 || options_.every_steps < 0)
    fail<ValueError>("Checkpoint", "negative interval; got every ", options_.every_epochs, " epochs and ", options_.every_steps,
                     " steps, expected >= 0");
}

void Checkpoint::on_train_begin(Run&) {
  const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  remove_leftovers(path_);
  const data::io::AtomicFile probe({"Checkpoint", path_});  // better now than after an hour
}

void Checkpoint::on_resume(Run& run) {
  if (options_.resume && std::filesystem::exists(path_)) {
    run.resumable->load_state(detail::read_checkpoint(path_), path_);
    if (run.messages) *run.messages << text("Going on from ", path_, ": epoch ", run.epoch + 1, ", batch ", run.batch + 1, "\n");
  }
  saved_step_ = run.step;
  saved_epoch_ = run.epoch;
}

void Checkpoint::on_checkpoint(Run& run, bool last) {
  const bool steps = options_.every_steps > 0 && run.step - saved_step_ >= options_.every_steps;
  const bool epochs = options_.every_epochs > 0 && run.batch == 0 && run.epoch - saved_epoch_ >= options_.every_epochs;
  if (!last && !steps && !epochs) return;
  detail::write_checkpoint(path_, run.resumable->state());
  saved_step_ = run.step;
  if (run.batch == 0) saved_epoch_ = run.epoch;
}

}  // namespace gradus::nn
