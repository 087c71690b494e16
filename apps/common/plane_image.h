// A function of two variables as a picture: smooth between its values, with bands of colour. Internal to the reports.
#pragma once

#include <string>

#include "apps/common/png.h"
#include "apps/common/report.h"

namespace gradus::apps {

/// For pages on light and on dark ground; the same bands.
struct PlaneImage {
  Image light, dark;
  double low = 0, high = 1;                   // of the values that are finite
  std::string light_gradient, dark_gradient;  // the colours from low to high, as CSS
};

/// ShapeError unless plane.values is [rows, columns], not empty. Values that are not finite are left clear.
PlaneImage image_of(const Plane& plane);

}  // namespace gradus::apps
