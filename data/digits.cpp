#include "data/digits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "autograd/base/parallel.h"
#include "autograd/kernels/random.h"
#include "data/digit_strokes.h"

namespace gradus::data::digits {
namespace {

constexpr int kSide = 28;
constexpr int64_t kPixels = kSide * kSide;
constexpr float kInk = 20;         // side of the square that the ink fits, pixels
constexpr int kPiecesPerKnot = 6;  // line segments between two knots
constexpr int kLongest = 192;      // line segments of a digit; the longest style has ten knots
constexpr int64_t kGrainImages = 64;

// How far writers stray. Fractions of the digit's box unless said otherwise; tuned so that a linear model, nearest neighbours and
// a small network score about what they score on MNIST.
constexpr float kKnotJitter = 0.04f;
constexpr float kEndJitter = 0.05f;  // strokes begin and end anywhere
constexpr float kWarp = 0.0505f;     // slow waves that bend everything
constexpr float kSlant = 0.23f, kMeanSlant = 0.12f;
constexpr float kRotation = 0.13f;                                       // radians
constexpr float kTaper = 0.22f;                                          // upper and lower half of different width
constexpr float kWaist = 0.15f;                                          // and height
constexpr float kMeanWidth = 0.74f, kWidth = 0.15f, kLeastWidth = 0.5f;  // relative to the height
constexpr float kMeanPen = 1.25f, kPen = 0.3f;  // half the stroke's width: pixels; spread of its logarithm
constexpr float kGrain = 0.12f;                 // uneven ink

// Numbers for one image: a counter of its own.
class Stream {
 public:
  Stream(uint64_t seed, int64_t image)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
        counter_{0, 0, static_cast<uint32_t>(image), static_cast<uint32_t>(image >> 32)} {}

  uint32_t bits() {
    if (used_ == 4) {
      block_ = kernels::philox(counter_, key_);
      ++counter_[0];
      used_ = 0;
    }
    return block_[used_++];
  }
  float uniform() { return static_cast<float>(bits() >> 8) * 0x1p-24f; }
  int below(int n) { return static_cast<int>(static_cast<uint64_t>(bits()) * static_cast<uint64_t>(n) >> 32); }
  /// Mean 0, deviation 1: the sum of four uniform numbers, so never beyond 3.5, and the same on every machine.
  float normal() {
    const uint32_t a = bits(), b = bits();
    const uint32_t sum = (a & 0xffff) + (a >> 16) + (b & 0xffff) + (b >> 16);
    return (static_cast<float>(sum) * 0x1p-16f - 2) * 1.7320508f;
  }

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_, block_{};
  size_t used_ = 4;
};

struct Dot {
  float x, y;
  bool joined = false;  // to the one before
};

struct Line {
  std::array<Dot, kLongest> dots;
  int count = 0;

  void add(float x, float y, bool joined) {
    if (count < kLongest) dots[static_cast<size_t>(count++)] = {x, y, joined};
  }
  std::span<Dot> all() { return {dots.data(), static_cast<size_t>(count)}; }
};

// Catmull-Rom curve through p1 and p2.
float curve(float p0, float p1, float p2, float p3, float t) {
  return p1 + 0.5f * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)));
}

// The strokes of a style with shaken knots, as line segments.
Line trace(Style style, Stream& random) {
  std::array<Point, 16> knots;
  const size_t n = style.size();
  for (size_t i = 0; i < n; ++i) {
    const bool end = i == 0 || style[i].knot == Knot::lift || style[i - 1].knot == Knot::lift;
    const float spread = end ? kEndJitter : kKnotJitter;
    knots[i] = {style[i].x + spread * random.normal(), style[i].y + spread * random.normal(), style[i].knot};
  }
  Line line;
  bool begins = true;
  for (size_t i = 0; i < n; ++i) {
    if (begins) line.add(knots[i].x, knots[i].y, false);
    begins = knots[i].knot == Knot::lift;
    if (begins || i + 1 == n) continue;
    // Beyond a corner or an end the curve has nothing to aim for: the knot itself stands in.
    const Point &a = knots[i], &b = knots[i + 1];
    const bool open_before = i == 0 || a.knot == Knot::corner || knots[i - 1].knot == Knot::lift;
    const bool open_after = i + 2 >= n || b.knot != Knot::smooth;
    const Point &before = open_before ? a : knots[i - 1], &after = open_after ? b : knots[i + 2];
    for (int k = 1; k <= kPiecesPerKnot; ++k) {
      const float t = static_cast<float>(k) / kPiecesPerKnot;
      line.add(curve(before.x, a.x, b.x, after.x, t), curve(before.y, a.y, b.y, after.y, t), true);
    }
  }
  return line;
}

// One writer's hand: bends, leans and stretches the whole digit.
void deform(Line& line, Stream& random) {
  struct Wave {
    float x, y, phase, size;
  };
  std::array<Wave, 4> waves;  // two for each coordinate
  for (Wave& w : waves)
    w = {5 * random.normal(), 5 * random.normal(), 2 * std::numbers::pi_v<float> * random.uniform(), kWarp * random.normal()};
  const float taper = kTaper * random.normal(), waist = kWaist * random.normal();
  const float width = std::max(kLeastWidth, kMeanWidth + kWidth * random.normal());
  const float slant = kMeanSlant + kSlant * random.normal(), turn = kRotation * random.normal();
  const float cosine = std::cos(turn), sine = std::sin(turn);
  for (Dot& d : line.all()) {
    auto wave = [&](const Wave& w) { return w.size * std::sin(w.x * d.x + w.y * d.y + w.phase); };
    float x = d.x - 0.5f + wave(waves[0]) + wave(waves[1]), y = d.y - 0.5f + wave(waves[2]) + wave(waves[3]);
    x *= width * (1 + taper * y);
    y += waist * (0.25f - y * y);
    x -= slant * y;
    d.x = cosine * x - sine * y;
    d.y = sine * x + cosine * y;
  }
}

// Scales to the square of ink and centres by mass, in pixels.
void place(Line& line, float pen) {
  const std::span<Dot> dots = line.all();
  const auto [left, right] = std::ranges::minmax(dots, {}, &Dot::x);
  const auto [top, bottom] = std::ranges::minmax(dots, {}, &Dot::y);
  const float scale = (kInk - 2 * pen) / std::max({right.x - left.x, bottom.y - top.y, 0.1f});
  float mass = 1e-6f, x = 0, y = 0;
  for (size_t i = 1; i < dots.size(); ++i) {
    if (!dots[i].joined) continue;
    const float length = std::hypot(dots[i].x - dots[i - 1].x, dots[i].y - dots[i - 1].y);
    mass += length;
    x += length * (dots[i].x + dots[i - 1].x) / 2;
    y += length * (dots[i].y + dots[i - 1].y) / 2;
  }
  constexpr float kCentre = (kSide - 1) / 2.0f;
  for (Dot& d : dots) d = {(d.x - x / mass) * scale + kCentre, (d.y - y / mass) * scale + kCentre, d.joined};
}

// Ink where the pen's edge is near: the nearest segment decides.
void ink(Line& line, float pen, float softness, Stream& random, uint8_t* pixels) {
  std::array<float, kPixels> depth{};  // inside the stroke, in units of the softness; 0 is outside
  const std::span<Dot> dots = line.all();
  const float swing = 0.2f * random.normal(), phase = 6.3f * random.uniform();
  for (size_t i = 1; i < dots.size(); ++i) {
    if (!dots[i].joined) continue;
    const Dot &a = dots[i - 1], &b = dots[i];
    const float radius = pen * (1 + swing * std::sin(0.25f * static_cast<float>(i) + phase)) + softness / 2;
    const float dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy, inverse = length > 0 ? 1 / length : 0;
    const int x0 = std::max(0, static_cast<int>(std::min(a.x, b.x) - radius));
    const int x1 = std::min(kSide - 1, static_cast<int>(std::max(a.x, b.x) + radius + 1));
    const int y0 = std::max(0, static_cast<int>(std::min(a.y, b.y) - radius));
    const int y1 = std::min(kSide - 1, static_cast<int>(std::max(a.y, b.y) + radius + 1));
    for (int y = y0; y <= y1; ++y)
      for (int x = x0; x <= x1; ++x) {
        const float px = static_cast<float>(x) - a.x, py = static_cast<float>(y) - a.y;
        const float t = std::clamp((px * dx + py * dy) * inverse, 0.0f, 1.0f);
        const float ex = px - t * dx, ey = py - t * dy;
        const float square = ex * ex + ey * ey;
        if (square >= radius * radius) continue;
        float& d = depth[static_cast<size_t>(y * kSide + x)];
        d = std::max(d, (radius - std::sqrt(square)) / softness);
      }
  }
  for (size_t i = 0; i < depth.size(); ++i) {
    const float level = depth[i] > 0 ? std::min(depth[i], 1.0f) * (1 + kGrain * (random.normal() + 1)) : 0;
    pixels[i] = static_cast<uint8_t>(std::clamp(255 * level + 0.5f, 0.0f, 255.0f));
  }
}

uint8_t draw(uint64_t seed, int64_t image, uint8_t* pixels) {
  Stream random(seed, image);
  const int label = random.below(10);
  const Style style = kStyles[static_cast<size_t>(label)][static_cast<size_t>(random.below(4))];
  Line line = trace(style, random);
  deform(line, random);
  const float pen = std::clamp(kMeanPen * std::exp(kPen * random.normal()), 0.6f, 3.0f);
  const float softness = 0.7f + 0.8f * random.uniform();
  place(line, pen);
  ink(line, pen, softness, random, pixels);
  return static_cast<uint8_t>(label);
}

}  // namespace

Digits generate(int64_t n, uint64_t seed) {
  if (n < 0) fail<ValueError>("digits::generate", "negative number of images; got ", n, ", expected 0 or more");
  Digits out{gradus::detail::empty("digits::generate", {n, kSide, kSide}, DType::uint8),
             gradus::detail::empty("digits::generate", {n}, DType::uint8)};
  uint8_t *images = out.images.impl().as<uint8_t>(), *labels = out.labels.impl().as<uint8_t>();
  parallel_for(n, kGrainImages, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) labels[i] = draw(seed, i, images + i * kPixels);
  });
  return out;
}

}  // namespace gradus::data::digits
