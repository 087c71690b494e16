#include "data/image.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "autograd/ops.h"
#include "data/image_folder.h"
#include "data/loader.h"
#include "tests/data/files.h"
#include "tests/data/pictures.h"

namespace gradus::test {
namespace {

using data::ImageFolder;
using data::ImageOptions;

// A build without libpng has nothing to test but its message.
bool built_with_png() {
  const Folder folder;
  const std::string error = message<IoError>([&] { data::save_png(folder / "a.png", zeros({1, 1}, DType::uint8)); });
  const bool built = !contains(error, "PNG without libpng");
  if (!built) MESSAGE(error);
  return built;
}

// 0, 3, 6, ... in the given shape, starting again after 255.
Tensor counting(const Shape& shape) {
  std::vector<uint8_t> values;
  for (int64_t i = 0, n = zeros(shape).size(); i < n; ++i) values.push_back(static_cast<uint8_t>(3 * i));
  return Tensor(values, shape);
}

std::string png(const Tensor& image) {
  const Folder folder;
  data::save_png(folder / "a.png", image);
  return read_file(folder / "a.png");
}
Tensor parse(const std::string& bytes, const ImageOptions& options = {.channels = 0}) {
  return data::io::read_image(memory(bytes), options);
}

TEST_CASE("png: written and read again, every number of channels") {
  if (!built_with_png()) return;
  for (const int64_t channels : {1, 3, 4}) {
    const Tensor image = counting({5, 7, channels});
    CHECK(identical(parse(png(image)), image));
  }
  const Tensor grey = counting({4, 6});
  CHECK(identical(parse(png(grey)), grey.reshape({4, 6, 1})));
  CHECK(parse(png(Tensor({{0.0f, 0.5f, 1.0f, 2.0f, -1.0f, 0.2f}}))).to_vector<int>() ==
        std::vector<int>{0, 128, 255, 255, 0, 51});
  CHECK(parse(png(grey.transpose())).shape()[0] == 6);
}

TEST_CASE("png: what other programs write: palettes, 16 and 1 bits, alpha") {
  if (!built_with_png()) return;
  CHECK(parse(kPalettePng).to_vector<int>() == std::vector<int>{255, 0, 0, 0, 255, 0, 255, 0, 0});
  CHECK(parse(kGrey16Png).to_vector<int>() == std::vector<int>{128, 255});
  CHECK(parse(kOneBitPng).to_vector<int>() == std::vector<int>{255, 0, 255});
  CHECK((parse(kGreyAlphaPng).shape() == Shape{1, 2, 2}));
  CHECK(parse(kGreyAlphaPng).to_vector<int>() == std::vector<int>{10, 128, 20, 255});
  CHECK(parse(kGreyAlphaPng, {.channels = 1}).to_vector<int>() == std::vector<int>{10, 20});
  CHECK(parse(kGreyAlphaPng, {.channels = 4}).to_vector<int>() == std::vector<int>{10, 10, 10, 128, 20, 20, 20, 255});
}

TEST_CASE("jpeg: colour, grey, damage") {
  Tensor colour;
  if (const std::string error = message<IoError>([&] { colour = parse(kColourJpeg); }); contains(error, "without libjpeg")) {
    MESSAGE(error);
    return;
  }
  CHECK((colour.shape() == Shape{8, 8, 3}));
  const auto pixel = colour[5][2].to_vector<int>();
  for (size_t c = 0; c < 3; ++c) CHECK(std::abs(pixel[c] - std::array{200, 40, 10}[c]) <= 4);  // lossy
  CHECK((parse(kGreyJpeg).shape() == Shape{8, 8, 1}));
  CHECK(std::abs(parse(kGreyJpeg)[0][0][0].item<int>() - 77) <= 2);
  CHECK((parse(kGreyJpeg, {.channels = 3}).shape() == Shape{8, 8, 3}));
  CHECK(contains(message<IoError>([] { parse(kColourJpeg, {.max_pixels = 63}); }), "got 8 x 8 pixels"));
  CHECK(contains(message<IoError>([] { parse(kColourJpeg.substr(0, kColourJpeg.size() - 6)); }), "malformed JPEG; got \""));
  CHECK(contains(message<IoError>([] { parse(kCmykJpeg); }), "malformed JPEG; got \"Unsupported color conversion"));
  CHECK_THROWS_AS(parse(kColourJpeg.substr(0, 40)), IoError);
}

TEST_CASE("images: channels are converted as TensorFlow and PIL do") {
  if (!built_with_png()) return;
  const std::string colours =
      png(Tensor(std::vector<uint8_t>{255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30}, {1, 5, 3}));
  CHECK(parse(colours, {.channels = 1}).to_vector<int>() == std::vector<int>{255, 76, 150, 29, 18});
  CHECK(parse(colours, {.channels = 4})[0][1].to_vector<int>() == std::vector<int>{255, 0, 0, 255});
  const std::string clear = png(Tensor(std::vector<uint8_t>{1, 2, 3, 0, 4, 5, 6, 128}, {1, 2, 4}));
  CHECK(parse(clear, {.channels = 3}).to_vector<int>() == std::vector<int>{1, 2, 3, 4, 5, 6});
  CHECK(parse(clear, {.channels = 4}).to_vector<int>() == std::vector<int>{1, 2, 3, 0, 4, 5, 6, 128});
  const std::string grey = png(Tensor(std::vector<uint8_t>{7, 9}, {1, 2}));
  CHECK(parse(grey, {.channels = 3}).to_vector<int>() == std::vector<int>{7, 7, 7, 9, 9, 9});
  CHECK(parse(grey, {.channels = 4}).to_vector<int>() == std::vector<int>{7, 7, 7, 255, 9, 9, 9, 255});
  CHECK(parse(grey, {.channels = 1}).to_vector<int>() == std::vector<int>{7, 9});
}

TEST_CASE("resize: bilinear between pixel centres, TensorFlow's values") {
  // tf.image.resize([[[0], [10], [20], [30]]], [1, 2]) and to [1, 8]; halves of one row pair.
  const auto row = [](std::vector<float> values, int64_t width) {
    const auto n = static_cast<int64_t>(values.size());
    return data::resize(Tensor(values, {1, n, 1}), 1, width).to_vector<float>();
  };
  CHECK(row({0, 10, 20, 30}, 2) == std::vector<float>{5, 25});
  CHECK(row({0, 10, 20, 30}, 8) == std::vector<float>{0, 2.5f, 7.5f, 12.5f, 17.5f, 22.5f, 27.5f, 30});
  CHECK(row({4}, 3) == std::vector<float>{4, 4, 4});
  const Tensor square(std::vector<float>{0, 10, 20, 30}, {2, 2, 1});
  CHECK(data::resize(square, 1, 1).to_vector<float>() == std::vector<float>{15});
  CHECK(data::resize(square, 2, 1).to_vector<float>() == std::vector<float>{5, 25});
  CHECK(data::resize(Tensor(std::vector<uint8_t>{0, 3}, {1, 2, 1}), 1, 1).to_vector<int>() ==
        std::vector<int>{2});  // 1.5 rounds up
  CHECK(data::resize(square.astype(DType::float64), 2, 2).dtype() == DType::float64);
  CHECK_THROWS_AS(data::resize(Tensor({1.0f}), 1, 1), ShapeError);
  CHECK_THROWS_AS(data::resize(zeros({0, 2, 1}), 1, 1), ShapeError);
  CHECK_THROWS_AS(data::resize(square, 0, 1), ValueError);
  CHECK_THROWS_AS(data::resize(zeros({1, 1, 1}, DType::int32), 1, 1), DTypeError);
}

TEST_CASE("images: options and files that are refused") {
  CHECK(contains(message<IoError>([] { parse("GIF89a"); }), "neither PNG nor JPEG; got 6 bytes"));
  CHECK_THROWS_AS(parse(""), IoError);
  CHECK_THROWS_AS(data::load_image("/nonexistent.png"), IoError);
  CHECK_THROWS_AS(parse("", {.channels = 2}), ValueError);
  CHECK_THROWS_AS(parse("", {.height = 3}), ValueError);
  CHECK_THROWS_AS(parse("", {.height = -3, .width = 3}), ValueError);
  const Folder folder;
  CHECK_THROWS_AS(data::save_png(folder / "a.png", zeros({2})), ShapeError);
  CHECK_THROWS_AS(data::save_png(folder / "a.png", zeros({2, 2, 2})), ShapeError);
  CHECK_THROWS_AS(data::save_png(folder / "a.png", zeros({0, 2})), ShapeError);
  CHECK_THROWS_AS(data::save_png(folder / "a.png", zeros({2, 2}, DType::int32)), DTypeError);
  if (!built_with_png()) return;
  CHECK_THROWS_AS(data::save_png(folder / "no/a.png", zeros({2, 2})), IoError);
  CHECK(folder.entries() == 0);
  const std::string good = png(counting({5, 7}));
  CHECK(contains(message<IoError>([&] { parse(good, {.max_pixels = 34}); }), "size out of range; got 7 x 5 pixels"));
  CHECK((parse(good, {.channels = 0, .max_pixels = 35}).shape() == Shape{5, 7, 1}));
  CHECK(contains(message<IoError>([&] { parse(good.substr(0, 60)); }), "parse: memory: malformed PNG; got \""));
  std::string huge = good;  // claims 2^31 - 1 pixels each way
  huge.replace(16, 8, "\x7f\xff\xff\xff\x7f\xff\xff\xff");
  CHECK_THROWS_AS(parse(huge), IoError);
}

TEST_CASE("image folders: classes and files in order, sizes, labels, workers") {
  if (!built_with_png()) return;
  const Folder folder;
  CHECK(contains(message<IoError>([&] { ImageFolder(folder / "nothing"); }), "cannot read the folder"));
  CHECK(contains(message<IoError>([&] { ImageFolder(folder / ""); }), "no pictures; got 0 sub-folders"));
  for (const std::string name : {"dog", "cat", "empty", ".hidden"}) std::filesystem::create_directory(folder / name);
  CHECK(contains(message<IoError>([&] { ImageFolder(folder / ""); }), "got 3 sub-folders"));
  const auto shade = [](int value) { return full({4, 6, 3}, value, DType::uint8); };
  data::save_png(folder / "dog/b.png", shade(20));
  data::save_png(folder / "dog/a.PNG", shade(10));
  data::save_png(folder / "cat/z.png", shade(30));
  data::save_png(folder / ".hidden/x.png", shade(1));
  write_file(folder / "cat/notes.txt", "x");
  const ImageFolder set(folder / "");
  CHECK(set.class_names() == std::vector<std::string>{"cat", "dog", "empty"});
  CHECK(set.size() == 3);
  CHECK(set.labels().to_vector<int>() == std::vector<int>{0, 1, 1});
  std::vector<int> shades;
  for (auto [x, y] : data::DataLoader(set, {.batch_size = 2, .workers = 2})) {
    CHECK((x.shape() == Shape{y.size(), 4, 6, 3}));
    for (int64_t i = 0; i < y.size(); ++i) shades.push_back(x[i][0][0][0].item<int>());
  }
  CHECK(shades == std::vector<int>{30, 10, 20});
  CHECK((ImageFolder(folder / "", {.channels = 1, .height = 2, .width = 2}).get(0).x.shape() == Shape{2, 2, 1}));

  data::save_png(folder / "dog/c.png", full({5, 6, 3}, 1, DType::uint8));
  const ImageFolder odd(folder / "");
  CHECK(contains(message<IoError>([&] { odd.get(3); }),
                 "dog/c.png: another size than the first picture; got [5, 6, 3], expected [4, 6, 3]"));
  CHECK((ImageFolder(folder / "", {.height = 4, .width = 6}).get(3).x.shape() == Shape{4, 6, 3}));
  write_file(folder / "dog/d.jpg", "broken");
  CHECK(contains(message<IoError>([&] { ImageFolder(folder / "").get(4); }), "d.jpg: neither PNG nor JPEG"));
}

}  // namespace
}  // namespace gradus::test
