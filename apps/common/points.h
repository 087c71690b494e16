// Points in the plane: what programs need to draw them. Stateless.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "apps/common/report.h"
#include "autograd/autograd.h"

namespace gradus::apps {

/// The part of the plane that a picture shows.
struct Box {
  double x_low, x_high, y_low, y_high;
};

/// All points [n, 2] and a margin, in tenths.
inline Box box_around(const Tensor& points) {
  const Tensor low = min(points, {0}), high = max(points, {0}), margin = 0.1 * (high - low);
  const std::vector<double> from = (low - margin).to_vector<double>(), to = (high + margin).to_vector<double>();
  const auto down = [](double value) { return std::floor(10 * value) / 10; };
  return {down(from[0]), -down(-to[0]), down(from[1]), -down(-to[1])};
}

/// The values over a box of a function that takes points [n, 2] and gives [n] or [n, 1]; it decides at 0.5.
inline Plane plane_of(const std::function<Tensor(const Tensor&)>& function, const Box& box, int64_t resolution = 80) {
  const Tensor x = linspace(box.x_low, box.x_high, resolution), y = linspace(box.y_low, box.y_high, resolution);
  const Shape square{resolution, resolution};
  const Tensor grid = stack({broadcast_to(x, square), broadcast_to(expand_dims(y, 1), square)}, 2).reshape({-1, 2});
  return {.x_low = box.x_low,
          .x_high = box.x_high,
          .y_low = box.y_low,
          .y_high = box.y_high,
          .values = function(grid).reshape(square),
          .middle = 0.5};
}

/// Two vectors of the same length.
inline Series series(std::string name, const Tensor& x, const Tensor& y) {
  return {std::move(name), x.to_vector<double>(), y.to_vector<double>()};
}

/// Two vectors of the same length, as points that no line joins.
inline Series dots(std::string name, const Tensor& x, const Tensor& y) {
  Series points = series(std::move(name), x, y);
  points.dots = true;
  return points;
}

/// One value per epoch.
inline Series by_epoch(std::string name, const std::vector<double>& values) {
  Series line{std::move(name), {}, values};
  for (size_t i = 1; i <= values.size(); ++i) line.x.push_back(static_cast<double>(i));
  return line;
}

/// The points [n, 2] of class 0, 1, ... as y [n] or [n, 1] says, under the names of the classes.
inline std::vector<Series> by_class(const Tensor& points, const Tensor& y, const std::vector<std::string>& names) {
  std::vector<Series> classes;
  for (const std::string& name : names) classes.push_back({name, {}, {}});
  const std::vector<double> xy = points.to_vector<double>();
  const std::vector<int64_t> labels = y.to_vector<int64_t>();
  for (size_t i = 0; i < labels.size(); ++i) {
    Series& own = classes.at(static_cast<size_t>(labels[i]));
    own.x.push_back(xy[2 * i]);
    own.y.push_back(xy[2 * i + 1]);
  }
  return classes;
}

/// Where a x + b y + c is 0, between the sides of the box; nothing for a line that never enters it.
inline Series boundary(std::string name, double a, double b, double c, const Box& box) {
  Series line{std::move(name), {}, {}};
  const auto keep = [&](double x, double y) {
    const double slack_x = 1e-9 * (box.x_high - box.x_low), slack_y = 1e-9 * (box.y_high - box.y_low);
    if (x < box.x_low - slack_x || x > box.x_high + slack_x || y < box.y_low - slack_y || y > box.y_high + slack_y) return;
    if (line.x.size() < 2) line.x.push_back(x), line.y.push_back(y);
  };
  if (b != 0)
    for (const double x : {box.x_low, box.x_high}) keep(x, -(a * x + c) / b);
  if (a != 0)
    for (const double y : {box.y_low, box.y_high}) keep(-(b * y + c) / a, y);
  return line;
}

}  // namespace gradus::apps
