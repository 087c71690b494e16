// check_layer: what holds for every layer, so that a new layer's test is one call and its values.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "autograd/tape.h"
#include "nn/layer.h"

namespace gradus::test {

struct LayerCase {
  Shape input = {};                 // of a batch
  Shape output = {};                // what must come out
  int64_t parameters = 0;           // values in all variables
  std::vector<Shape> refused = {};  // inputs that must be a ShapeError once the layer is built
  bool random_in_training = false;  // calls with training = true differ
};

/// The largest difference between the tape's gradient of sum(v * layer(x)) to any variable and central differences.
inline double worst_parameter_gradient(nn::Layer& layer, const Tensor& x, const Tensor& v) {
  const std::vector<Variable> variables = layer.variables();
  std::vector<Tensor> gradients;
  {
    GradientTape tape;
    gradients = tape.gradient(sum(v * layer(x)), variables);
  }
  double worst = 0;
  for (size_t k = 0; k < variables.size(); ++k) {
    const Tensor value = variables[k].value();
    const std::vector<double> analytic = gradients[k].to_vector<double>();
    std::vector<double> numbers = value.to_vector<double>();
    for (size_t i = 0; i < numbers.size(); ++i) {
      constexpr double kStep = 1e-6;
      const auto at = [&](double shift) {
        std::vector<double> moved = numbers;
        moved[i] += shift;
        variables[k].assign(Tensor(moved, value.shape()));
        return sum(v * layer(x)).item<double>();
      };
      const double numeric = (at(kStep) - at(-kStep)) / (2 * kStep);
      worst = std::max(worst, std::abs(analytic[i] - numeric) / std::max(1.0, std::abs(numeric)));
    }
    variables[k].assign(value);
  }
  return worst;
}

/// `make()` gives a new layer of float64 variables. Shapes, counts, names, laziness, handles, gradients to second order,
/// refusals.
template <class Make>
void check_layer(const Make& make, const LayerCase& c) {
  random::Generator generator(17);
  const Tensor x = random::normal(c.input, 0, 1, DType::float64, generator);

  auto layer = make();
  CAPTURE(layer.type());
  CHECK(layer.variables().empty());
  CHECK((layer.output_shape(c.input) == c.output));
  CHECK(layer.variables().empty());

  auto handle = layer;
  const Tensor y = layer(x);
  CHECK((y.shape() == c.output));
  CHECK(y.dtype() == DType::float64);
  CHECK((layer.output_shape(c.input) == c.output));
  CHECK(layer.num_parameters() == c.parameters);
  std::set<std::string> names;
  for (const nn::NamedVariable& part : layer.named_variables()) {
    CHECK_FALSE(part.name.empty());
    names.insert(part.name);
  }
  CHECK(names.size() == layer.variables().size());

  // Nothing is made again by a second call or by build(); a copy is the same layer.
  const std::vector<Variable> variables = layer.variables();
  CHECK(layer(x).template to_vector<double>() == y.to_vector<double>());
  layer.build(c.input);
  const std::vector<Variable> again = handle.variables();
  REQUIRE(again.size() == variables.size());
  for (size_t i = 0; i < again.size(); ++i) CHECK(again[i].same_as(variables[i]));
  CHECK(handle(x).template to_vector<double>() == y.to_vector<double>());

  // build() alone makes the same number of variables, without an input.
  auto built = make();
  Shape any_count = c.input;
  any_count[0] = -1;
  built.build(any_count);
  CHECK(built.num_parameters() == c.parameters);
  CHECK(built.output_shape(any_count).ndim() == c.output.ndim());

  if (c.random_in_training) CHECK(layer(x, true).template to_vector<double>() != layer(x, true).template to_vector<double>());
  else CHECK(layer(x, true).template to_vector<double>() == y.to_vector<double>());

  // No samples in, no samples out.
  Shape none_in = c.input, none_out = c.output;
  none_in[0] = none_out[0] = 0;
  CHECK((layer(zeros(none_in, DType::float64)).shape() == none_out));

  const GradcheckReport report = gradcheck([&](const std::vector<Tensor>& in) { return layer(in[0]); }, {x});
  CHECK_MESSAGE(report.ok(), report.text());
  const Tensor v = random::normal(c.output, 0, 1, DType::float64, generator);
  CHECK(worst_parameter_gradient(layer, x, v) < 1e-7);

  for (const Shape& shape : c.refused) {
    CAPTURE(text(shape));
    CHECK_THROWS_AS(layer(zeros(shape, DType::float64)), ShapeError);
    CHECK_THROWS_AS(layer.output_shape(shape), ShapeError);
  }
}

}  // namespace gradus::test
