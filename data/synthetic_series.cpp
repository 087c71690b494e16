// Made-up houses and temperatures.
#include <cmath>
#include <numbers>

#include "data/synthetic.h"
#include "data/synthetic_draw.h"

namespace gradus::data::synthetic {

Houses house_prices(int64_t n, uint64_t seed) {
  check_count("house_prices", n);
  random::Generator generator(seed);
  std::vector<std::vector<float>> u;  // 13 uniform numbers per house
  for (int j = 0; j < 13; ++j) u.push_back(draw(random::uniform, n, generator));
  const std::vector<float> z = draw(random::normal, n, generator);
  std::vector<float> xs, ys;
  for (size_t i = 0; i < z.size(); ++i) {
    const float area = 40 + 200 * u[0][i] * u[0][i], bedrooms = std::floor(1 + area / 45 + u[1][i]);
    const float bathrooms = std::floor(1 + area / 110 + u[2][i]), age = 100 * u[3][i];
    const float lot = area * (0.5f + 4 * u[4][i]), garage = u[5][i] < 0.6f ? 1.0f : 0.0f;
    const float centre = 30 * u[6][i], station = 5 * u[7][i];
    const float crime = -2 * std::log(1 - 0.98f * u[8][i]), school = 10 * u[9][i];
    const float loud = 35 + 40 * u[10][i], tax = 0.5f + 2.5f * u[11][i];
    const float energy = std::floor(1 + 6.999f * std::clamp(0.7f * age / 100 + 0.3f * u[12][i], 0.0f, 1.0f));
    for (const float value : {area, bedrooms, bathrooms, age, lot, garage, centre, station, crime, school, loud, tax, energy})
      xs.push_back(value);
    const float price = 40 + (1.1f + 0.12f * school) * area * std::exp(-0.035f * centre) + 12 * bathrooms + 15 * garage +
                        0.03f * lot + 20 * std::pow(age / 50 - 1, 2.0f) - 6 * station - 4 * crime -
                        0.8f * std::max(loud - 55, 0.0f) - 3 * energy + 12 * z[i];
    ys.push_back(std::max(price, 20.0f));
  }
  return {Tensor(xs, {n, 13}),
          Tensor(ys),
          {"area", "bedrooms", "bathrooms", "age", "lot", "garage", "km_to_centre", "km_to_station", "crime", "school",
           "noise_db", "tax", "energy"}};
}

Tensor daily_temperatures(int64_t n, uint64_t seed) {
  check_count("daily_temperatures", n);
  random::Generator generator(seed);
  const std::vector<float> z = draw(random::normal, n, generator);
  std::vector<float> out;
  double weather = z.empty() ? 0 : 2 / 0.6 * z[0];  // of the size it settles at: 2 / sqrt(1 - 0.8^2)
  for (size_t day = 0; day < z.size(); ++day) {
    if (day > 0) weather = 0.8 * weather + 2 * z[day];
    const double season = -9 * std::cos(2 * std::numbers::pi * (static_cast<double>(day) - 20) / 365.25);
    out.push_back(static_cast<float>(10 + season + weather));
  }
  return Tensor(out);
}

}  // namespace gradus::data::synthetic
