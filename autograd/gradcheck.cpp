#include "autograd/gradcheck.h"

#include <cmath>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "autograd/tape.h"

namespace gradus {
namespace {

constexpr std::string_view kName = "gradcheck";

class Checker {
 public:
  Checker(const GradcheckFunction& f, const std::vector<Tensor>& inputs, const GradcheckOptions& options)
      : f_(f), options_(options), generator_(options.seed) {
    const NoRecord constant;
    for (const Tensor& x : inputs) {
      if (is_floating(x.dtype()) && x.dtype() != DType::float64)
        fail<DTypeError>(kName, "differences need float64; got an input of ", x.dtype(), ", expected float64");
      inputs_.push_back(stop_gradient(x).contiguous());
    }
  }

  GradcheckReport run() {
    const Tensor y = value(inputs_);
    if (y.dtype() != DType::float64) fail<DTypeError>(kName, "the function must return float64; got ", y.dtype());
    if (options_.full) {
      for (int64_t i = 0; i < y.size(); ++i) check(reshape(one_hot(Tensor(i), y.size(), DType::float64), y.shape()), i);
    } else {
      check(random::normal(y.shape(), 0, 1, DType::float64, generator_), -1);
    }
    return report_;
  }

 private:
  Tensor value(const std::vector<Tensor>& inputs) const {
    const NoRecord constant;
    return f_(inputs);
  }

  // Gradients of <v, f(x)>; zeros where there is no path.
  std::vector<Tensor> gradients(const std::vector<Tensor>& inputs, const Tensor& v) const {
    GradientTape tape;
    for (const Tensor& x : inputs)
      if (is_floating(x.dtype())) tape.watch(x);
    const Tensor y = f_(inputs);
    return tape.gradient(y, inputs, {.output_gradients = {v}, .unconnected = Unconnected::Zero});
  }

  void check(const Tensor& v, int64_t output) {
    const std::vector<Tensor> first = gradients(inputs_, v);
    const auto again = gradients(inputs_, v);
    for (size_t k = 0; k < first.size(); ++k)
      if (first[k].to_vector<double>() != again[k].to_vector<double>() && !any(first[k] != first[k]).item<bool>())
        fail<ValueError>(kName, "two backward passes differ; got different gradients of input ", k, ", expected the same bits");
    compare(1, output, first, [&](const std::vector<Tensor>& x) { return dot(value(x), v); });
    if (options_.order < 2) return;

    std::vector<Tensor> w;
    for (const Tensor& x : inputs_) w.push_back(random::normal(x.shape(), 0, 1, DType::float64, generator_));
    const auto projected = [&](const std::vector<Tensor>& inputs) {
      const std::vector<Tensor> g = gradients(inputs, v);
      Tensor total = zeros({}, DType::float64);
      for (size_t k = 0; k < g.size(); ++k)
        if (is_floating(inputs[k].dtype())) total = total + sum(g[k] * w[k]);
      return total;
    };
    std::vector<Tensor> second;
    {
      GradientTape outer;
      for (const Tensor& x : inputs_)
        if (is_floating(x.dtype())) outer.watch(x);
      const Tensor total = projected(inputs_);
      second = outer.gradient(total, inputs_, {.unconnected = Unconnected::Zero});
    }
    compare(2, output, second, [&](const std::vector<Tensor>& x) { return projected(x).item<double>(); });
  }

  template <class F>
  void compare(int order, int64_t output, const std::vector<Tensor>& analytic, const F& scalar) {
    for (size_t k = 0; k < inputs_.size(); ++k) {
      if (!is_floating(inputs_[k].dtype())) continue;
      const std::vector<double> a = analytic[k].to_vector<double>();
      for (int64_t i = 0; i < inputs_[k].size(); ++i) {
        const double numeric = (scalar(shifted(k, i, options_.eps)) - scalar(shifted(k, i, -options_.eps))) / (2 * options_.eps);
        const double got = a[static_cast<size_t>(i)], error = std::abs(got - numeric);
        ++report_.checked;
        if (error > report_.max_error[order - 1]) report_.max_error[order - 1] = error;
        const bool same = error <= options_.atol + options_.rtol * std::abs(numeric) || got == numeric ||
                          (std::isnan(got) && std::isnan(numeric));
        if (!same) report_.failures.push_back({order, output, k, i, got, numeric});
      }
    }
  }

  std::vector<Tensor> shifted(size_t k, int64_t element, double step) const {
    const NoRecord constant;
    std::vector<Tensor> inputs = inputs_;
    std::vector<double> values = inputs[k].to_vector<double>();
    values[static_cast<size_t>(element)] += step;
    inputs[k] = Tensor(values, inputs[k].shape());
    return inputs;
  }

  static double dot(const Tensor& a, const Tensor& b) {
    const NoRecord constant;
    return sum(a * b).item<double>();
  }

  const GradcheckFunction& f_;
  const GradcheckOptions& options_;
  std::vector<Tensor> inputs_;
  random::Generator generator_;
  GradcheckReport report_;
};

}  // namespace

GradcheckReport gradcheck(const GradcheckFunction& f, const std::vector<Tensor>& inputs, const GradcheckOptions& options) {
  if (options.order < 1 || options.order > 2)
    fail<ValueError>(kName, "order out of range; got ", options.order, ", expected 1 or 2");
  return Checker(f, inputs, options).run();
}

std::string GradcheckReport::text() const {
  if (ok()) return "ok";
  std::string out = gradus::text(failures.size(), " of ", checked, " derivatives differ");
  for (size_t i = 0; i < failures.size() && i < 10; ++i) {
    const GradcheckFailure& f = failures[i];
    out += gradus::text("\n  order ", f.order, ", input ", f.input, ", element ", f.element);
    if (f.output >= 0) out += gradus::text(", output ", f.output);
    out += gradus::text(": analytic ", f.analytic, ", numeric ", f.numeric);
  }
  return out;
}

}  // namespace gradus
