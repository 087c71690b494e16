#include "apps/common/plane_image.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "autograd/base/error.h"

namespace gradus::apps {
namespace {

constexpr size_t kSide = 360, kBands = 16;

// Stops of the colour scales. One value grows away from the ground; two sides (blue, orange: told apart by every eye) meet in it.
constexpr Color kLightOne[] = {{243, 247, 252, 255}, {171, 204, 231, 255}, {74, 140, 196, 255}, {17, 60, 122, 255}};
constexpr Color kDarkOne[] = {{22, 30, 44, 255}, {26, 66, 112, 255}, {46, 104, 156, 255}, {98, 155, 206, 255}};
constexpr Color kLightTwo[] = {
    {120, 174, 224, 255}, {193, 218, 240, 255}, {249, 249, 249, 255}, {249, 216, 184, 255}, {236, 164, 102, 255}};
constexpr Color kDarkTwo[] = {{40, 96, 150, 255}, {33, 60, 92, 255}, {28, 31, 38, 255}, {92, 58, 34, 255}, {158, 90, 40, 255}};

Color at(std::span<const Color> stops, double t) {
  const double position = std::clamp(t, 0.0, 1.0) * static_cast<double>(stops.size() - 1);
  const auto i = std::min(static_cast<size_t>(position), stops.size() - 2);
  Color out;
  for (size_t k = 0; k < 4; ++k)
    out[k] = static_cast<uint8_t>(std::lround(std::lerp(stops[i][k], stops[i + 1][k], position - static_cast<double>(i))));
  return out;
}

/// The colours of the bands, of the line between the two sides, and "clear".
std::vector<Color> palette(std::span<const Color> stops, const Color& line) {
  std::vector<Color> out;
  for (size_t band = 0; band < kBands; ++band) out.push_back(at(stops, (static_cast<double>(band) + 0.5) / kBands));
  out.push_back(line);
  out.push_back({0, 0, 0, 0});
  return out;
}

std::string gradient(const std::vector<Color>& colors) {
  std::string out = "linear-gradient(to right";
  for (size_t band = 0; band < kBands; ++band)
    out += text(",rgb(", colors[band][0], " ", colors[band][1], " ", colors[band][2], ") ",
                100.0 * static_cast<double>(band) / kBands, "% ", 100.0 * static_cast<double>(band + 1) / kBands, "%");
  return out + ")";
}

/// Unlike std::lerp not a number as soon as one end is none.
double between(double a, double b, double t) { return a + (b - a) * t; }

/// Values on a grid, read anywhere between.
struct Grid {
  size_t rows, columns;
  std::vector<double> values;

  /// u and v in [0, 1] from column 0 and row 0.
  double operator()(double u, double v) const {
    const double x = u * static_cast<double>(columns - 1), y = v * static_cast<double>(rows - 1);
    const auto j = static_cast<size_t>(x), i = static_cast<size_t>(y);
    const size_t right = std::min(j + 1, columns - 1), above = std::min(i + 1, rows - 1);
    const auto row = [&](size_t r) { return between(values[r * columns + j], values[r * columns + right], x - std::floor(x)); };
    return between(row(i), row(above), y - std::floor(y));
  }
};

}  // namespace

PlaneImage image_of(const Plane& plane) {
  if (!plane.values.defined() || plane.values.ndim() != 2 || plane.values.size() == 0)
    fail<ShapeError>("Report::plane", "not a plane; got values of shape ",
                     plane.values.defined() ? text(plane.values.shape()) : "(undefined)",
                     ", expected [rows, columns], not empty");
  Grid grid{static_cast<size_t>(plane.values.shape()[0]), static_cast<size_t>(plane.values.shape()[1]),
            plane.values.to_vector<double>()};

  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  PlaneImage out;
  out.low = std::numeric_limits<double>::infinity(), out.high = -out.low;
  double least = out.low;  // above zero
  for (const double v : grid.values)
    if (std::isfinite(v))
      out.low = std::min(out.low, v), out.high = std::max(out.high, v), least = v > 0 ? std::min(least, v) : least;
  const auto shown = [&](double v) { return !std::isfinite(v) ? kNone : plane.log_values ? std::log(std::max(v, least)) : v; };
  for (double& v : grid.values) v = shown(v);

  // Where a value lies between the ends of the scale, 0 to 1; with a middle, that lies at 1/2 and both sides are as long.
  double low = shown(out.low), high = shown(out.high);
  if (plane.middle) {
    const double middle = shown(*plane.middle), reach = std::max(high - middle, middle - low);
    low = middle - reach, high = middle + reach;
  }
  const double range = high > low ? high - low : 1;
  const auto band_at = [&](size_t x, size_t y) {
    const double v = grid(static_cast<double>(x) / (kSide - 1), 1 - static_cast<double>(y) / (kSide - 1));
    const double band = (v - low) / range * kBands;
    return std::isfinite(band) ? static_cast<size_t>(std::clamp(band, 0.0, kBands - 1.0)) : kBands + 1;
  };
  out.light = {kSide, kSide, 1, {}, palette(plane.middle ? kLightTwo : std::span<const Color>(kLightOne), {70, 75, 85, 255})};
  for (size_t y = 0; y < kSide; ++y)
    for (size_t x = 0; x < kSide; ++x) {
      const size_t band = band_at(x, y);
      const auto other_side = [&](size_t neighbour) {
        return neighbour < kBands && (neighbour < kBands / 2) != (band < kBands / 2);
      };
      const bool border =
          plane.middle && band < kBands &&
          (other_side(band_at(std::min(x + 1, kSide - 1), y)) || other_side(band_at(x, std::min(y + 1, kSide - 1))));
      out.light.bytes.push_back(static_cast<uint8_t>(border ? kBands : band));
    }
  out.dark = out.light;
  out.dark.palette = palette(plane.middle ? kDarkTwo : std::span<const Color>(kDarkOne), {215, 220, 230, 255});
  out.light_gradient = gradient(out.light.palette), out.dark_gradient = gradient(out.dark.palette);
  if (plane.middle) out.low = plane.log_values ? std::exp(low) : low, out.high = plane.log_values ? std::exp(high) : high;
  return out;
}

}  // namespace gradus::apps
