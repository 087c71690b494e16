// Damaged files, systematically: every prefix, every byte changed in several ways, pieces removed, doubled and swapped at random.
// A reader may refuse with an IoError or accept; it never crashes (run this under sanitizers), never throws anything else, and
// what it accepts has exactly the size that its shape says. Formats with checksums never accept changed data.
#include <doctest/doctest.h>

#include <functional>

#include "data/idx.h"
#include "tests/data/files.h"
#include "tests/data/pictures.h"

namespace gradus::test {
namespace {

using Tensors = std::map<std::string, Tensor>;

struct Format {
  std::string name, good;
  std::function<Tensors(const std::string&)> parse;
  bool checksum;               // covers the data
  bool strict = true;          // no part of a file is a file, and most changes are noticed
  int64_t bytes_per_byte = 1;  // that a file may expand to
};

Tensors table_of(const std::string& text) {
  Tensors out;
  const data::Table table = data::io::read_csv(memory(text));
  for (const std::string& name : table.names()) {
    const bool words = table.column(name).type == data::ColumnType::text;
    out[name] = words ? table.categorical(name).codes : table.tensor(name);
  }
  return out;
}

Tensors picture_of(const std::string& bytes) {
  return {{"", data::io::read_image(memory(bytes), {.channels = 0, .max_pixels = 10000})}};
}

// False in a build without the library.
bool reads(const std::string& picture) {
  return !contains(message<IoError>([&] { picture_of(picture); }), "expected one made where");
}

std::vector<Format> formats() {
  const Folder folder;
  const Tensor bytes(std::vector<uint8_t>{1, 2, 3, 4, 5, 6}, {2, 3}), floats({{1.5f, -2.f}, {3.f, 0.25f}});
  auto one = [](Tensor (*parse)(const std::string&)) {
    return [parse](const std::string& file) { return Tensors{{"", parse(file)}}; };
  };
  auto file = [&](const std::string& name, const auto& save) {
    save(folder / name);
    return read_file(folder / name);
  };
  auto save_npz = [&](bool compressed) {
    return [&, compressed](const std::string& path) {
      data::save_npz(path, {{"a", bytes}, {"b", floats}}, {.compressed = compressed});
    };
  };
  std::string record(1, '\7');
  for (int i = 0; i < 3072; ++i) record += static_cast<char>(i);
  std::vector<Format> all{
      {"idx", file("a", [&](const std::string& path) { data::save_idx(path, bytes); }), one(parse_idx), false},
      {"idx.gz", file("a.gz", [&](const std::string& path) { data::save_idx(path, bytes); }), one(parse_idx), true},
      {"npy", file("a.npy", [&](const std::string& path) { data::save_npy(path, floats); }), one(parse_npy), false},
      {"npz stored", file("a.npz", save_npz(false)), parse_npz, true},
      {"npz deflated", file("b.npz", save_npz(true)), parse_npz, true},
      {"safetensors",
       file("a.st",
            [&](const std::string& path) {
              data::save_safetensors(path, {{"a", bytes}, {"b", floats}}, {{"k", "v"}});
            }),
       [](const std::string& text) { return parse_safetensors(text).tensors; }, false},
      {"cifar", record,
       [](const std::string& text) {
         return Tensors{{"", data::io::read_cifar10(memory(text)).images}};
       },
       false, false},
      {"csv", "a,\"b\",c\r\n1,2.5,\"x \"\"y\"\"\"\n-3,,z\n\n4,NA,\n", table_of, false, false, 8},
  };
  if (reads(kPalettePng)) {
    all.push_back({"png, palette", kPalettePng, picture_of, true, false});
    all.push_back({"png, 16 bits", kGrey16Png, picture_of, true, false});
  }
  if (reads(kColourJpeg)) all.push_back({"jpeg", kColourJpeg, picture_of, false, false, 30000});
  return all;
}

bool same(const Tensors& a, const Tensors& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return identical(x.second, y.second); });
}

// Parses; true if accepted. Anything but an IoError goes through and fails the test.
bool accepts(const Format& format, const Tensors& original, const std::string& file) {
  Tensors result;
  try {
    result = format.parse(file);
  } catch (const IoError& error) {
    CHECK(std::string(error.what()).starts_with("parse: memory: "));
    return false;
  }
  int64_t bytes = 0;
  for (const auto& [name, tensor] : result) {
    // Reads every element: a header that lied about the size would show under AddressSanitizer.
    CHECK(static_cast<int64_t>(tensor.to_vector<double>().size()) == tensor.size());
    bytes += tensor.size() * size_of(tensor.dtype());
  }
  if (format.checksum) CHECK(same(result, original));
  else CHECK(bytes <= format.bytes_per_byte * static_cast<int64_t>(file.size()));
  return true;
}

TEST_CASE("mutation: every prefix of a file is refused") {
  for (const Format& format : formats()) {
    INFO(format.name);
    const Tensors original = format.parse(format.good);
    for (size_t n = 0; n < format.good.size(); ++n) {
      INFO("the first " << n << " of " << format.good.size() << " bytes");
      const bool accepted = accepts(format, original, format.good.substr(0, n));
      if (format.strict) CHECK_FALSE(accepted);
    }
    CHECK(accepts(format, original, format.good));
    const bool accepted = accepts(format, original, format.good + '\0');
    if (format.strict) CHECK_FALSE(accepted);
  }
}

TEST_CASE("mutation: every byte changed") {
  for (const Format& format : formats()) {
    INFO(format.name);
    const Tensors original = format.parse(format.good);
    int refused = 0;
    for (size_t at = 0; at < format.good.size(); ++at)
      for (const int change : {0x01, 0x02, 0x80, 0xff, 0x30, -1, -2}) {  // masks; -1: becomes 0, -2: becomes 0x7f
        std::string file = format.good;
        const int old = static_cast<unsigned char>(file[at]);
        file[at] = static_cast<char>(change == -1 ? 0 : change == -2 ? 0x7f : old ^ change);
        INFO("byte " << at << " from " << old << " to " << static_cast<int>(static_cast<unsigned char>(file[at])));
        refused += !accepts(format, original, file);
      }
    CHECK(refused > (format.strict ? static_cast<int>(format.good.size()) : 0));
  }
}

TEST_CASE("mutation: random damage, the same every time") {
  uint64_t state = 12345;
  auto random = [&](size_t n) {  // splitmix64; Steele, Lea and Flood 2014
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return static_cast<size_t>((z ^ z >> 31) % n);
  };
  for (const Format& format : formats()) {
    INFO(format.name);
    const Tensors original = format.parse(format.good);
    for (int round = 0; round < 3000; ++round) {
      std::string file = format.good;
      for (size_t k = 0, edits = 1 + random(4); k < edits; ++k) {
        const size_t at = random(file.size()), n = std::min(1 + random(12), file.size() - at), other = random(file.size());
        switch (random(6)) {
          case 0: file.erase(at, n); break;
          case 1: file.insert(other, file.substr(at, n)); break;
          case 2: file.replace(at, n, n, static_cast<char>(random(2) * 255)); break;
          case 3: file[at] = static_cast<char>(random(256)); break;
          case 4: std::swap(file[at], file[other]); break;
          default: file[at] = "0123456789[]{},:'\"()<>|-"[random(25)]; break;
        }
        if (file.empty()) file = "x";
      }
      INFO("round " << round);
      accepts(format, original, file);
    }
  }
}

}  // namespace
}  // namespace gradus::test
