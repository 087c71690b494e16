#include "nn/recurrent.h"

#include <array>
#include <cmath>
#include <utility>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "nn/mixed_precision.h"

namespace gradus::nn {

// What one step needs beside its input and the state.
struct Recurrent::Step {
  const Options& options;
  Tensor kernel, bias;  // recurrent; no bias: undefined
  Tensor candidate;     // GRU without reset_after: the kernel's last part, for a product of its own
  Tensor mask;          // of the state; undefined: none

  Tensor product(const Tensor& h) const {
    const Tensor x = mask.defined() ? h * mask : h;
    return bias.defined() ? dense(x, kernel, bias) : matmul(x, kernel);
  }
};

struct Recurrent::Cell {
  using States = std::array<Tensor, 2>;
  std::string_view type;
  int64_t gates;
  size_t states;
  /// The states after a step; the first one is the output. `x` is the input times the kernel, with the bias.
  States (*step)(const Step& step, const Tensor& x, const States& states);
};

const Recurrent::Cell Recurrent::kSimple{"SimpleRNN", 1, 1, [](const Step& s, const Tensor& x, const Cell::States& in) {
                                           return Cell::States{s.options.activation(x + s.product(in[0]))};
                                         }};

const Recurrent::Cell Recurrent::kLSTM{"LSTM", 4, 2, [](const Step& s, const Tensor& x, const Cell::States& in) {
                                         const auto& [activation, gate] =
                                             std::tie(s.options.activation, s.options.recurrent_activation);
                                         const std::vector<Tensor> z = split(x + s.product(in[0]), 4, 1);
                                         const Tensor c = gate(z[1]) * in[1] + gate(z[0]) * activation(z[2]);
                                         return Cell::States{gate(z[3]) * activation(c), c};
                                       }};

const Recurrent::Cell Recurrent::kGRU{
    "GRU", 3, 1, [](const Step& s, const Tensor& x, const Cell::States& in) {
      const Tensor& h = in[0];
      const std::vector<Tensor> xs = split(x, 3, 1);
      const std::vector<Tensor> hs = split(s.product(h), s.candidate.defined() ? 2 : 3, 1);
      const Tensor z = s.options.recurrent_activation(xs[0] + hs[0]);
      const Tensor r = s.options.recurrent_activation(xs[1] + hs[1]);
      const Tensor part = s.candidate.defined() ? matmul(r * (s.mask.defined() ? h * s.mask : h), s.candidate) : r * hs[2];
      const Tensor candidate = s.options.activation(xs[2] + part);
      return Cell::States{candidate + z * (h - candidate)};
    }};

struct Recurrent::State {
  const Cell& cell;
  int64_t units;
  Options options;
  std::shared_ptr<random::Generator> generator = {};  // null: the default one
  std::optional<Variable> kernel = {}, recurrent = {}, bias = {};

  bool is(const Cell& other) const { return &cell == &other; }
  bool two_biases() const { return options.two_biases || (is(kGRU) && options.reset_after); }

  void check(const Shape& input, const std::string& name) const {
    const auto where = [&] { return name.empty() ? std::string() : text("; in layer ", name); };
    if (input.ndim() != 3)
      fail<ShapeError>(cell.type, "input is not a batch of sequences; got ", input, ", expected [samples, time, features]",
                       where());
    if (kernel && input[2] >= 0 && input[2] != kernel->shape()[0])
      fail<ShapeError>(cell.type, "input of another width than the kernel; got ", input, ", expected last dimension ",
                       kernel->shape()[0], where());
  }

  Tensor kept(const Shape& shape, double rate, DType dtype) const {
    return dropout(ones(shape, dtype), rate, generator ? *generator : random::default_generator());
  }
};

RecurrentOptions torch_recurrent(int64_t units) {
  const double limit = 1 / std::sqrt(static_cast<double>(std::max<int64_t>(units, 1)));
  const Initializer uniform = [limit](const Shape& shape, DType dtype, random::Generator& generator) {
    return random::uniform(shape, -limit, limit, dtype, generator);
  };
  return {.kernel_initializer = uniform,
          .recurrent_initializer = uniform,
          .bias_initializer = uniform,
          .unit_forget_bias = false,
          .two_biases = true};
}

Recurrent::Recurrent(const Cell& cell, int64_t units, Options options) {
  if (units <= 0 || units > int64_t{1} << 31)  // so that the gates' width is a number
    fail<ValueError>(cell.type, "number of units out of range; got ", units, ", expected > 0 and at most 2^31");
  if (!is_floating(options.dtype))
    fail<DTypeError>(cell.type, "dtype is not floating; got ", options.dtype, ", expected float32 or another");
  for (const double rate : {options.dropout, options.recurrent_dropout})
    if (!(rate >= 0 && rate <= 1)) fail<ValueError>(cell.type, "rate out of range; got ", rate, ", expected [0, 1]");
  if (&cell == &kGRU && options.two_biases && !options.reset_after)
    fail<ValueError>(cell.type, "two biases without reset_after; got both options, expected one of them");
  if (!options.name.empty()) set_name(options.name);
  auto generator = options.seed ? std::make_shared<random::Generator>(*options.seed) : nullptr;
  state_ = std::make_shared<State>(State{cell, units, std::move(options), std::move(generator)});
}

Recurrent Recurrent::reversed() const {
  Options options = state_->options;
  options.go_backwards = !options.go_backwards;
  options.name.clear();
  return Recurrent(state_->cell, state_->units, std::move(options));
}

std::string_view Recurrent::type() const { return state_->cell.type; }

int64_t Recurrent::units() const { return state_->units; }

const RecurrentOptions& Recurrent::options() const { return state_->options; }

Shape Recurrent::output_shape(const Shape& input) const {
  state_->check(input, name());
  return state_->options.return_sequences ? Shape{input[0], input[1], state_->units} : Shape{input[0], state_->units};
}

void Recurrent::build(const Shape& input) {
  State& s = *state_;
  s.check(input, name());
  if (s.kernel) return;
  if (input[2] < 0) fail<ShapeError>(type(), "unknown number of features; got ", input, ", expected a known last dimension");
  const int64_t width = s.cell.gates * s.units;
  Variable kernel = make_variable("kernel", s.options.kernel_initializer, {input[2], width}, s.options.dtype);
  Variable recurrent = make_variable("recurrent_kernel", s.options.recurrent_initializer, {s.units, width}, s.options.dtype);
  if (s.options.use_bias) {
    Initializer initializer = s.options.bias_initializer;
    if (s.is(kLSTM) && s.options.unit_forget_bias)
      initializer = [units = s.units, plain = initializer](const Shape& shape, DType dtype, random::Generator& generator) {
        const Tensor bias = plain(shape, dtype, generator), column = arange<int64_t>(shape.back());
        Tensor forget = logical_and(column >= units, column < 2 * units);
        if (shape.ndim() == 2) forget = logical_and(forget, Tensor({{true}, {false}}));  // in the first of the two
        return where(forget, 1.0, bias);
      };
    s.bias = make_variable("bias", initializer, s.two_biases() ? Shape{2, width} : Shape{width}, s.options.dtype);
  }
  s.kernel = std::move(kernel), s.recurrent = std::move(recurrent);
}

void Recurrent::visit(Visitor& v) {
  State& s = *state_;
  if (s.kernel) v("kernel", *s.kernel, s.options.kernel_regularizer);
  if (s.recurrent) v("recurrent_kernel", *s.recurrent, s.options.recurrent_regularizer);
  if (s.bias) v("bias", *s.bias, s.options.bias_regularizer);
  if (s.generator) v("generator", *s.generator);
}

Tensor Recurrent::call(const Tensor& x, bool training) { return run(x, {}, training).output; }

Recurrent::Result Recurrent::run(const Tensor& input, const std::vector<Tensor>& initial_state, bool training) {
  State& s = *state_;
  if (!s.kernel) build(input.shape());
  s.check(input.shape(), name());
  const int64_t samples = input.shape()[0], time = input.shape()[1];
  const DType dtype = compute_dtype(s.options.dtype);
  const auto converted = [&](const Tensor& x) { return x.dtype() == dtype ? x : x.astype(dtype); };

  Cell::States states;
  if (!initial_state.empty() && initial_state.size() != s.cell.states)
    fail<ValueError>(type(), "wrong number of initial states; got ", initial_state.size(), ", expected ", s.cell.states);
  for (size_t i = 0; i < s.cell.states; ++i) {
    states[i] = initial_state.empty() ? zeros({samples, s.units}, dtype) : converted(initial_state[i]);
    if (states[i].shape() != Shape{samples, s.units})
      fail<ShapeError>(type(), "initial state does not fit; got ", states[i].shape(), ", expected ", Shape{samples, s.units});
  }

  Step step{.options = s.options, .kernel = converted(*s.recurrent), .bias = {}, .candidate = {}, .mask = {}};
  Tensor bias;
  if (s.bias) {
    bias = converted(*s.bias);
    if (s.two_biases()) step.bias = bias[1], bias = bias[0];
  }
  if (s.is(kGRU) && !s.options.reset_after) {
    const std::vector<Tensor> parts = split(step.kernel, {2 * s.units, s.units}, 1);
    step.kernel = parts[0], step.candidate = parts[1];
  }
  Tensor x = converted(input);
  if (training && s.options.dropout > 0) x = x * s.kept({samples, 1, x.shape()[2]}, s.options.dropout, dtype);
  if (training && s.options.recurrent_dropout > 0) step.mask = s.kept({samples, s.units}, s.options.recurrent_dropout, dtype);

  x = swapaxes(x, 0, 1).contiguous();  // steps first: each reads memory in one piece
  const Tensor kernel = converted(*s.kernel);
  x = bias.defined() ? dense(x, kernel, bias) : matmul(x, kernel);
  std::vector<Tensor> outputs;
  for (int64_t t = 0; t < time; ++t) {
    states = s.cell.step(step, x[s.options.go_backwards ? time - 1 - t : t], states);
    if (s.options.return_sequences) outputs.push_back(states[0]);
  }
  Result result{.output = states[0], .states = {states.begin(), states.begin() + static_cast<std::ptrdiff_t>(s.cell.states)}};
  if (s.options.return_sequences) result.output = time == 0 ? zeros({samples, 0, s.units}, dtype) : stack(outputs, 1);
  return result;
}

}  // namespace gradus::nn
