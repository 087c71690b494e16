// Recurrent layers: SimpleRNN, LSTM, GRU. They read a sequence x [samples, time, features] step by step and give their last
// output [samples, units] or, with return_sequences, all of them [samples, time, units].
//
// The kernels of a cell's gates lie side by side, in Keras' order: LSTM input, forget, candidate, output; GRU update, reset,
// candidate. The inputs of all steps are multiplied with the kernel at once; each step multiplies only the state.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nn/initializer.h"
#include "nn/layer.h"

namespace gradus::nn {

struct RecurrentOptions {
  Activation activation = tanh;
  Activation recurrent_activation = sigmoid;  // of the gates: LSTM and GRU
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  bool unit_forget_bias = true;   // LSTM: the forget gate's bias starts at 1 (Jozefowicz et al. 2015)
  bool reset_after = true;        // GRU: the reset gate acts on the product with the state, not on the state
  bool two_biases = false;        // one more bias beside the state's product, as PyTorch has it; GRU has it with reset_after
  bool return_sequences = false;  // all outputs instead of the last
  bool go_backwards = false;      // from the last step to the first; sequences come out in that order, too
  double dropout = 0;             // of the inputs, while training: the same elements in all steps (Gal and Ghahramani 2016)
  double recurrent_dropout = 0;   // the same for the state, where it is multiplied
  std::optional<uint64_t> seed = std::nullopt;  // of dropout; otherwise random::default_generator()
  DType dtype = DType::float32;
  std::string name = {};
};

/// The options that give PyTorch's layers of this size: uniform within 1 / sqrt(units), two biases, no forget bias.
RecurrentOptions torch_recurrent(int64_t units);

/// What the three layers share. Variables: kernel [features, gates * units], recurrent_kernel [units, gates * units], and bias
/// [gates * units], or [2, gates * units] where there are two.
class Recurrent : public Layer {
 public:
  using Options = RecurrentOptions;

  /// ShapeError for inputs of another rank than 3 or another width than the kernel's. Without steps: zeros.
  Tensor call(const Tensor& x, bool training) override;

  struct Result {
    Tensor output;               // as call()
    std::vector<Tensor> states;  // after the last step, [samples, units] each: the output and, of LSTM, the cell
  };
  /// The same from an initial state, for sequences that come in parts. ShapeError for states of other shapes, ValueError for
  /// another number of them.
  Result run(const Tensor& x, const std::vector<Tensor>& initial_state = {}, bool training = false);

  std::string_view type() const override;
  Shape output_shape(const Shape& input) const override;
  void build(const Shape& input) override;
  void visit(Visitor& v) override;

  int64_t units() const;
  const Options& options() const;
  /// A new layer of the same options, with variables of its own, that reads in the other direction.
  Recurrent reversed() const;

 protected:
  struct Cell;
  static const Cell kSimple, kLSTM, kGRU;
  /// ValueError unless units > 0 and for rates out of [0, 1].
  Recurrent(const Cell& cell, int64_t units, Options options);

 private:
  struct State;
  struct Step;
  std::shared_ptr<State> state_;  // shared by copies
};

/// h' = activation(x @ kernel + bias + h @ recurrent_kernel) (Elman 1990).
class SimpleRNN : public Recurrent {
 public:
  explicit SimpleRNN(int64_t units, Options options = {}) : Recurrent(kSimple, units, std::move(options)) {}
};

/// Long short-term memory (Hochreiter and Schmidhuber 1997, with forget gates):
///   [i, f, g, o] = x @ kernel + bias + h @ recurrent_kernel
///   c' = s(f) c + s(i) a(g), h' = s(o) a(c')        with s the recurrent activation and a the activation
class LSTM : public Recurrent {
 public:
  explicit LSTM(int64_t units, Options options = {}) : Recurrent(kLSTM, units, std::move(options)) {}
};

/// Gated recurrent unit (Cho et al. 2014), with X = x @ kernel + bias and R = h @ recurrent_kernel (+ bias 2) of three parts:
///   z = s(Xz + Rz), r = s(Xr + Rr), h' = z h + (1 - z) a(Xh + r Rh)
/// Without reset_after the last product is that of r h.
class GRU : public Recurrent {
 public:
  explicit GRU(int64_t units, Options options = {}) : Recurrent(kGRU, units, std::move(options)) {}
};

}  // namespace gradus::nn
