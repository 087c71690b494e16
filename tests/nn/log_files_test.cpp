// Files that callbacks write: CSV and JSON lines to the letter, event files taken apart by a parser of the tests' own.
#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nn/nn.h"
#include "tests/data/files.h"
#include "tests/nn/scripted_run.h"

using namespace gradus;
using test::ScriptedRun;

namespace {

/// A bit at a time, unlike the table under test.
uint32_t slow_crc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
  }
  return ~crc;
}

uint64_t number(std::string_view bytes, size_t at, int width) {
  uint64_t out = 0;
  for (int i = 0; i < width; ++i) out |= uint64_t{static_cast<unsigned char>(bytes.at(at + static_cast<size_t>(i)))} << (8 * i);
  return out;
}

/// Fields of a message: number -> bytes (varints and fixed ones as 8 bytes).
std::vector<std::pair<int, std::string>> fields(std::string_view bytes) {
  std::vector<std::pair<int, std::string>> out;
  size_t at = 0;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes.at(at++));
      value |= uint64_t{byte & 127u} << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.size()) {
    const uint64_t key = varint();
    size_t length = key % 8 == 1 ? 8 : 4;
    if (key % 8 == 0) {
      out.emplace_back(static_cast<int>(key / 8), test::little(varint(), 8));
      continue;
    }
    if (key % 8 == 2) length = static_cast<size_t>(varint());
    REQUIRE(at + length <= bytes.size());
    out.emplace_back(static_cast<int>(key / 8), std::string(bytes.substr(at, length)));
    at += length;
  }
  return out;
}

/// "tag@step=value" of every scalar in the one event file of a folder.
std::vector<std::string> events(const std::string& folder) {
  std::vector<std::string> out;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++files;
    CHECK(entry.path().filename().string().starts_with("events.out.tfevents."));
    const std::string bytes = test::read_file(entry.path().string());
    const auto check = [&](size_t begin, size_t length) {
      const uint32_t crc = slow_crc32c(std::string_view(bytes).substr(begin, length));
      CHECK(number(bytes, begin + length, 4) == static_cast<uint32_t>(((crc >> 15) | (crc << 17)) + 0xa282ead8u));
    };
    for (size_t at = 0; at < bytes.size();) {
      const size_t length = number(bytes, at, 8);
      check(at, 8);
      check(at + 12, length);
      std::string step = "0", summary;
      for (const auto& [field, value] : fields(std::string_view(bytes).substr(at + 12, length))) {
        if (field == 1) CHECK(std::bit_cast<double>(number(value, 0, 8)) > 1.7e9);  // after 2023
        if (field == 2) step = std::to_string(number(value, 0, 8));
        if (field == 3) CHECK(value == "brain.Event:2");
        if (field == 3) CHECK(at == 0);
        if (field == 5) summary = value;
      }
      for (const auto& [field, value] : fields(summary)) {
        CHECK(field == 1);
        const auto parts = fields(value);
        REQUIRE(parts.size() == 2);
        out.push_back(text(parts[0].second, "@", step, "=",
                           static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(number(parts[1].second, 0, 4))))));
      }
      at += 12 + length + 4;
    }
  }
  CHECK(files == 1);
  return out;
}

}  // namespace

TEST_CASE("CSVLogger writes what Keras writes") {
  const test::Folder folder;
  const std::string path = folder / "log.csv";
  ScriptedRun script;
  nn::CSVLogger logger(path);
  logger.on_train_begin(script.run);
  script.epoch(logger, {{"val_loss", 0.5}, {"loss", 0.25}, {"accuracy", 1}});
  script.epoch(logger, {{"loss", 1e-9}, {"accuracy", 0.125}});  // an epoch without validation
  script.epoch(logger, {{"val_loss", std::numeric_limits<double>::quiet_NaN()}, {"loss", 3}, {"accuracy", 0}, {"new", 1}});
  CHECK(test::read_file(path) == "epoch,accuracy,loss,val_loss\r\n0,1,0.25,0.5\r\n1,0.125,1e-09,NA\r\n2,0,3,nan\r\n");

  // Another run replaces it; without val_ columns these are added.
  ScriptedRun again;
  logger.on_train_begin(again.run);
  again.epoch(logger, {{"loss", 2}});
  again.epoch(logger, {{"loss", 1}, {"val_loss", 4}});
  CHECK(test::read_file(path) == "epoch,loss,val_loss\r\n0,2,NA\r\n1,1,4\r\n");

  // Appending: a header only where there is nothing yet.
  ScriptedRun more;
  nn::CSVLogger appends(path, {.append = true});
  appends.on_train_begin(more.run);
  more.epoch(appends, {{"loss", 7}, {"val_loss", 8}});
  CHECK(test::read_file(path) == "epoch,loss,val_loss\r\n0,2,NA\r\n1,1,4\r\n0,7,8\r\n");
  ScriptedRun fresh;
  nn::CSVLogger other(folder / "new.csv", {.separator = ";", .append = true});
  other.on_train_begin(fresh.run);
  fresh.epoch(other, {{"a;b", 1}, {"say \"x\"", 2}, {"val_x", 3}});
  CHECK(test::read_file(folder / "new.csv") == "epoch;\"a;b\";\"say \"\"x\"\"\";val_x\r\n0;1;2;3\r\n");

  CHECK_THROWS_AS(nn::CSVLogger("x", {.separator = ""}), ValueError);
  nn::CSVLogger nowhere(folder / "no/such/folder.csv");
  CHECK_THROWS_WITH_AS(nowhere.on_train_begin(script.run), doctest::Contains("no/such/folder.csv"), IoError);
}

TEST_CASE("log files go on where a checkpoint was taken") {
  const test::Folder folder;
  const std::string csv = folder / "log.csv", json = folder / "log.jsonl";
  ScriptedRun script;
  nn::CSVLogger first(csv);
  nn::JsonLinesLogger first_lines(json);
  for (nn::Callback* callback : {static_cast<nn::Callback*>(&first), static_cast<nn::Callback*>(&first_lines)})
    callback->on_train_begin(script.run);
  script.epoch(first, {{"loss", 2}, {"val_loss", 3}});
  script.run.epoch = 0;
  script.epoch(first_lines, {{"loss", 2}});
  const nn::State state = first.state(), lines = first_lines.state();
  script.epoch(first, {{"loss", 9}, {"val_loss", 9}});  // lost with the process
  script.epoch(first_lines, {{"loss", 9}});

  nn::CSVLogger second(csv);
  nn::JsonLinesLogger second_lines(json);
  second.on_train_begin(script.run);
  second_lines.on_train_begin(script.run);
  second.load_state(state, script.run);
  second_lines.load_state(lines, script.run);
  script.run.epoch = 1;
  script.epoch(second, {{"loss", 1}, {"val_loss", 1.5}});
  script.run.epoch = 1;
  script.epoch(second_lines, {{"loss", 1}});
  CHECK(test::read_file(csv) == "epoch,loss,val_loss\r\n0,2,3\r\n1,1,1.5\r\n");
  CHECK(test::read_file(json) == "{\"epoch\":1,\"loss\":2.0}\n{\"epoch\":2,\"loss\":1.0}\n");

  test::write_file(csv, "short");
  nn::CSVLogger third(csv);
  third.on_train_begin(script.run);
  CHECK_THROWS_WITH_AS(third.load_state(state, script.run), doctest::Contains("not the file of this run"), IoError);
}

TEST_CASE("JsonLinesLogger: one object per line") {
  const test::Folder folder;
  ScriptedRun script;
  nn::JsonLinesLogger logger(folder / "log.jsonl");
  logger.on_train_begin(script.run);
  script.epoch(logger, {{"loss", 0.5}, {"we\"ird\n", std::numeric_limits<double>::infinity()}});
  const nlohmann::json line = nlohmann::json::parse(test::read_file(folder / "log.jsonl"));
  CHECK(line["epoch"] == 1);
  CHECK(line["loss"] == 0.5);
  CHECK(line["we\"ird\n"].is_null());
}

TEST_CASE("CRC-32C: the check value, and RFC 3720's examples") {
  CHECK(nn::detail::crc32c("123456789") == 0xe3069283u);
  CHECK(nn::detail::crc32c(std::string(32, '\0')) == 0x8a9136aau);
  CHECK(nn::detail::crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
  CHECK(nn::detail::crc32c("") == 0);
}

TEST_CASE("TensorBoard: event files of training and validation") {
  const test::Folder folder;
  ScriptedRun script({"accuracy", "loss", "val_loss"}, 3);
  nn::TensorBoard board({.log_dir = folder / "logs", .update_freq = 2});
  board.on_train_begin(script.run);
  script.epoch(board, {{"loss", 0.5}, {"val_loss", 0.75}});
  script.epoch(board, {{"loss", 0.25}, {"learning_rate", 9}});
  CHECK(events(folder / "logs/validation") == std::vector<std::string>{"epoch_loss@0=0.75"});
  CHECK(events(folder / "logs/train") ==
        std::vector<std::string>{"batch_loss@0=0.5", "batch_val_loss@0=0.75", "batch_loss@2=0.5", "batch_val_loss@2=0.75",
                                 "epoch_loss@0=0.5", "epoch_learning_rate@0=1", "batch_learning_rate@4=9", "batch_loss@4=0.25",
                                 "epoch_loss@1=0.25", "epoch_learning_rate@1=1"});

  ScriptedRun alone({"loss"});
  nn::TensorBoard train_only({.log_dir = folder / "alone"});
  train_only.on_train_begin(alone.run);
  CHECK_FALSE(std::filesystem::exists(folder / "alone/validation"));
  test::write_file(folder / "file", "");
  nn::TensorBoard nowhere({.log_dir = folder / "file"});
  CHECK_THROWS_AS(nowhere.on_train_begin(alone.run), IoError);
  CHECK_THROWS_AS(nn::TensorBoard({.update_freq = -1}), ValueError);
}
