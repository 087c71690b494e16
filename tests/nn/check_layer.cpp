#include "tests/nn/check_layer.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "autograd/tape.h"
#include "nn/mixed_precision.h"
#include "nn/weights.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

using Numbers = std::vector<double>;

Numbers numbers(const Tensor& x) { return x.to_vector<double>(); }
bool all_finite(const Tensor& x) {
  return std::ranges::all_of(numbers(x), [](double v) { return std::isfinite(v); });
}
double largest_difference(const Tensor& a, const Tensor& b) {
  const Numbers x = numbers(a), y = numbers(b);
  REQUIRE(x.size() == y.size());
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(x[i] - y[i]));
  return worst;
}
Tensor first_sample(const Tensor& x) { return x.slice({Slice(0, 1)}); }
Shape with_samples(Shape shape, int64_t count) {
  shape[0] = count;
  return shape;
}

std::vector<Numbers> values_of(const nn::Layer& layer) {
  std::vector<Numbers> out;
  for (const Variable& variable : layer.variables()) out.push_back(numbers(variable.value()));
  return out;
}

int64_t count(const std::vector<Variable>& variables) {
  int64_t total = 0;
  for (const Variable& variable : variables) total += variable.size();
  return total;
}

/// Moves all variables away from where they start: zeros and ones hide mistakes. Variances stay positive.
void move_variables(const nn::Layer& layer, random::Generator& generator) {
  for (const Variable& variable : layer.variables())
    if (is_floating(variable.dtype()))
      variable.assign_add(random::uniform(variable.shape(), 0.05, 0.4, variable.dtype(), generator));
}

/// Where the random numbers are that a layer draws, its own and the process's, to draw the same again.
class Positions : private nn::Visitor {
 public:
  explicit Positions(nn::Layer& layer) {
    on_generator(random::default_generator());
    layer.visit(*this);
  }
  void restore() const {
    for (const auto& [generator, seed, stream] : all_) generator->reset(seed, stream);
  }

 private:
  void on_variable(const Variable&) override {}
  void on_generator(random::Generator& generator) override { all_.push_back({&generator, generator.seed(), generator.stream()}); }

  struct Position {
    random::Generator* generator;
    uint64_t seed, stream;
  };
  std::vector<Position> all_;
};

/// The largest difference between the tape's gradient of sum(v * f()) to any of the variables and central differences.
double worst_parameter_gradient(const std::vector<Variable>& variables, const std::function<Tensor()>& f, const Tensor& v) {
  std::vector<Tensor> gradients;
  {
    GradientTape tape;
    gradients = tape.gradient(sum(v * f()), variables);
  }
  double worst = 0;
  for (size_t k = 0; k < variables.size(); ++k) {
    const Tensor value = variables[k].value();
    const Numbers analytic = numbers(gradients[k]), start = numbers(value);
    for (size_t i = 0; i < start.size(); ++i) {
      constexpr double kStep = 1e-6;
      const auto at = [&](double shift) {
        Numbers moved = start;
        moved[i] += shift;
        variables[k].assign(Tensor(moved, value.shape()));
        return sum(v * f()).item<double>();
      };
      const double numeric = (at(kStep) - at(-kStep)) / (2 * kStep);
      worst = std::max(worst, std::abs(analytic[i] - numeric) / std::max(1.0, std::abs(numeric)));
    }
    variables[k].assign(value);
  }
  return worst;
}

class Checks {
 public:
  Checks(const LayerMaker& maker, const LayerCase& c) : maker_(maker), c_(c) {
    x_ = c.sample.defined() ? c.sample : random::normal(c.input, 0, 1, DType::float64, generator_);
  }

  void run() {
    new_layer();
    variables_and_handles();
    build_alone();
    unknown_sizes();
    training();
    few_samples();
    gradients(false);
    gradients(true);
    freezing();
    files();
    other_dtypes();
    refusals();
  }

 private:
  using LayerPointer = std::unique_ptr<nn::Layer>;
  LayerPointer make(DType dtype = DType::float64) const { return maker_.make(dtype); }
  /// A layer that was called, its variables moved.
  LayerPointer used(DType dtype = DType::float64) {
    LayerPointer layer = make(dtype);
    layer->build(c_.input);
    move_variables(*layer, generator_);
    return layer;
  }

  void new_layer() const {
    const LayerPointer layer = make();
    CHECK(layer->variables().empty());
    CHECK((layer->output_shape(c_.input) == c_.output));
    CHECK(layer->variables().empty());
    CHECK_FALSE(layer->type().empty());
  }

  void variables_and_handles() const {
    const LayerPointer layer = make(), handle = maker_.copy(*layer);
    const Tensor y = (*layer)(x_);
    CHECK((y.shape() == c_.output));
    CHECK(y.dtype() == c_.output_dtype);
    CHECK((layer->output_shape(c_.input) == c_.output));
    CHECK(layer->num_parameters() == c_.parameters);
    CHECK(count(layer->trainable_variables()) == c_.parameters - c_.frozen_parameters);
    std::set<std::string> names;
    for (const nn::NamedVariable& part : layer->named_variables()) {
      CHECK_FALSE(part.name.empty());
      names.insert(part.name);
    }
    CHECK(names.size() == layer->variables().size());

    // Nothing is made again by a second call or by build(); a copy is the same layer.
    const std::vector<Variable> variables = layer->variables();
    CHECK(numbers((*layer)(x_)) == numbers(y));
    layer->build(c_.input);
    const std::vector<Variable> again = handle->variables();
    REQUIRE(again.size() == variables.size());
    for (size_t i = 0; i < again.size(); ++i) CHECK(again[i].same_as(variables[i]));
    CHECK(numbers((*handle)(x_)) == numbers(y));
  }

  /// build() alone makes the same variables, without an input and whatever the number of samples.
  void build_alone() const {
    const LayerPointer layer = make();
    layer->build(with_samples(c_.input, -1));
    CHECK(layer->num_parameters() == c_.parameters);
    CHECK((layer->output_shape(with_samples(c_.input, -1)) == with_samples(c_.output, -1)));
  }

  /// What is known of the output is right, whichever size of the input is unknown.
  void unknown_sizes() const {
    const LayerPointer layer = make();
    for (int axis = 1; axis < c_.input.ndim(); ++axis) {
      Shape input = c_.input;
      input[axis] = -1;
      Shape output;
      try {
        output = layer->output_shape(input);
      } catch (const ShapeError&) {
        continue;  // it has to know
      }
      CAPTURE(text(input, " -> ", output));
      REQUIRE(output.ndim() == c_.output.ndim());
      for (int i = 0; i < output.ndim(); ++i) CHECK((output[i] == -1 || output[i] == c_.output[i]));
    }
  }

  void training() {
    const LayerPointer layer = used();
    const std::vector<Numbers> before = values_of(*layer);
    const Tensor y = (*layer)(x_);
    CHECK(numbers((*layer)(x_)) == numbers(y));
    CHECK(values_of(*layer) == before);  // inference changes nothing
    const Positions positions(*layer);
    const Tensor trained = (*layer)(x_, true);
    CHECK((trained.shape() == c_.output));
    if (c_.random_in_training) {
      CHECK(numbers((*layer)(x_, true)) != numbers(trained));
      positions.restore();
      CHECK(numbers((*layer)(x_, true)) == numbers(trained));
    } else {
      CHECK((numbers(trained) == numbers(y)) != c_.differs_in_training);
      CHECK(numbers((*layer)(x_, true)) == numbers(trained));
    }
  }

  /// No samples in, no samples out, and nothing is learned from them; one alone gives what it gives among others.
  void few_samples() {
    const LayerPointer layer = used();
    const std::vector<Numbers> before = values_of(*layer);
    const Tensor none = zeros(with_samples(c_.input, 0), x_.dtype());
    for (const bool training : {false, true}) CHECK(((*layer)(none, training).shape() == with_samples(c_.output, 0)));
    CHECK(values_of(*layer) == before);
    const Tensor y = (*layer)(x_), alone = (*layer)(first_sample(x_));
    CHECK((alone.shape() == with_samples(c_.output, 1)));
    if (c_.by_sample) CHECK(largest_difference(alone, first_sample(y)) < 1e-12);
    CHECK(((*layer)(first_sample(x_), true).shape() == with_samples(c_.output, 1)));
  }

  void gradients(bool training) {
    if (c_.gradient_order == 0) return;
    CAPTURE(training);
    const LayerPointer layer = used();
    const Positions positions(*layer);
    const auto at = [&](const Tensor& x) {
      positions.restore();
      return (*layer)(x, training);
    };
    if (is_floating(x_.dtype())) {
      const GradcheckReport report =
          gradcheck([&](const std::vector<Tensor>& in) { return at(in[0]); }, {x_}, {.order = c_.gradient_order});
      CHECK_MESSAGE(report.ok(), report.text());
    }
    const Tensor v = random::normal(c_.output, 0, 1, DType::float64, generator_);
    CHECK(worst_parameter_gradient(
              layer->trainable_variables(), [&] { return at(x_); }, v) < 1e-7);
  }

  /// A frozen layer has nothing to train, before and after its variables are made, and training leaves it as it is.
  void freezing() {
    for (const bool built : {false, true}) {
      const LayerPointer layer = make();
      if (built) layer->build(c_.input);
      layer->set_trainable(false);
      CHECK_FALSE(layer->trainable());
      (*layer)(x_);
      const std::vector<Numbers> before = values_of(*layer);
      (*layer)(x_, true);
      CHECK(values_of(*layer) == before);
      CHECK(layer->num_parameters() == c_.parameters);
      CHECK(layer->trainable_variables().empty());
      layer->set_trainable(true);
      CHECK(layer->trainable());
      CHECK(count(layer->trainable_variables()) == c_.parameters - c_.frozen_parameters);
    }
  }

  void files() {
    if (c_.parameters == 0) return;
    const Folder folder;
    const LayerPointer layer = used(), other = used();
    nn::save_weights(*layer, folder / "layer.safetensors");
    nn::load_weights(*other, folder / "layer.safetensors");
    CHECK(values_of(*other) == values_of(*layer));
    CHECK(numbers((*other)(x_)) == numbers((*layer)(x_)));
  }

  void other_dtypes() {
    if (!is_floating(x_.dtype())) {
      if (maker_.any_dtype) mixed_precision(x_);
      return;
    }
    if (c_.takes_integers) {
      const LayerPointer layer = used();
      for (const DType dtype : {DType::uint8, DType::int64}) {
        const Tensor y = (*layer)(random::randint(c_.input, 0, 4, dtype, generator_));
        CHECK((y.shape() == c_.output));
        CHECK(all_finite(y));
      }
    }
    if (maker_.any_dtype || c_.parameters == 0) mixed_precision(x_.astype(DType::float32));
  }

  /// 16 bits on the way, float32 in variables and their gradients.
  void mixed_precision(const Tensor& x) {
    const LayerPointer layer = used(DType::float32);
    const Tensor exact = (*layer)(x);
    const nn::PrecisionScope scope(nn::mixed_bfloat16);
    for (const bool half_input : {false, true}) {
      const Tensor input = half_input && is_floating(x.dtype()) ? x.astype(DType::bfloat16) : x;
      GradientTape tape;
      const Tensor y = layer->call(input, false);
      CHECK(y.shape() == c_.output);
      CHECK(is_floating(y.dtype()));
      CHECK(all_finite(y));
      double largest = 1;
      for (const double v : numbers(exact)) largest = std::max(largest, std::abs(v));
      CHECK(largest_difference(y, exact) < 0.1 * largest);
      const std::vector<Variable> variables = layer->trainable_variables();
      if (variables.empty() || c_.gradient_order == 0) continue;
      for (const Tensor& gradient : tape.gradient(sum(y.astype(DType::float32)), variables)) {
        CHECK(gradient.dtype() == DType::float32);
        CHECK(all_finite(gradient));
      }
    }
    for (const Variable& variable : layer->variables()) CHECK((variable.dtype() == DType::float32));
  }

  void refusals() {
    for (const bool built : {false, true}) {
      const LayerPointer layer = built ? used() : make();
      std::vector<Shape> shapes = c_.never;
      if (built) shapes.insert(shapes.end(), c_.refused.begin(), c_.refused.end());
      for (const Shape& shape : shapes) {
        CAPTURE(text(built ? "built, " : "new, ", shape));
        CHECK_THROWS_AS((*layer)(zeros(shape, x_.dtype())), ShapeError);
        CHECK_THROWS_AS(layer->output_shape(shape), ShapeError);
      }
      if (!built) CHECK(layer->variables().empty());  // a refused input makes nothing
    }
  }

  const LayerMaker& maker_;
  const LayerCase& c_;
  random::Generator generator_{17};
  Tensor x_;
};

}  // namespace

void check_layer(const LayerMaker& maker, const LayerCase& c) {
  const std::string type(maker.make(DType::float64)->type());
  CAPTURE(type);
  CAPTURE(text(c.input));
  Checks(maker, c).run();
}

}  // namespace gradus::test
