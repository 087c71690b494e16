// Model: a layer that can be trained: compile, fit, evaluate, predict, summary.
//
// Derive from it for models of one's own, or stack layers with Sequential. A model is a handle: copies share their variables and
// what compile() set. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/callback.h"
#include "nn/layer.h"
#include "nn/logs.h"
#include "nn/loss.h"
#include "nn/metric.h"
#include "nn/mixed_precision.h"
#include "optim/spec.h"

namespace gradus::nn {

struct CompileOptions {
  optim::Spec optimizer = "rmsprop";        // a name or an optimiser, of which the model keeps a copy
  std::optional<Loss> loss = std::nullopt;  // a name or a function; required
  std::vector<Metric> metrics = {};
  Precision precision = active_precision();  // nn::mixed_bfloat16, ...: of what fit(), evaluate() and predict() compute
};

/// Samples x [n, ...] and their targets y [n, ...].
struct Samples {
  Tensor x = {}, y = {};
};

struct FitOptions {
  int64_t epochs = 1;
  int64_t batch_size = 32;
  bool shuffle = true;                          // a new order each epoch
  std::optional<uint64_t> seed = std::nullopt;  // of the orders; otherwise drawn from random::default_generator()
  double validation_split = 0;                  // in [0, 1): this part of the samples, the last ones, is held out
  Samples validation_data = {};
  int verbose = 1;                 // 0 silent, 1 progress line, 2 one line per epoch
  std::ostream* output = nullptr;  // std::cout when null
  std::vector<CallbackOption> callbacks = {};
};

struct EvaluateOptions {
  int64_t batch_size = 32;
  int verbose = 0;
  std::ostream* output = nullptr;  // std::cout when null
};

struct PredictOptions {
  int64_t batch_size = 32;
};

struct SummaryOptions {
  bool expand_nested = false;   // show the layers of models inside the model
  bool show_trainable = false;  // a column with Y for layers that are trained, N for frozen ones, - without variables
};

class Model : public Layer {
 public:
  /// How to train. Makes a new optimiser; the weights stay. ValueError without a loss or for metrics of one name.
  void compile(const CompileOptions& options);
  bool compiled() const { return training_ != nullptr; }
  /// The optimiser in use. ValueError before compile().
  optim::Optimizer& optimizer() const;
  /// What fit() trains with, chosen by the precision. ValueError before compile().
  const optim::LossScale& loss_scale() const;

  /// Trains on samples x [n, ...] with targets y [n, ...] and returns the values of each epoch. Reported values are means over
  /// the samples, taken while training, as in Keras.
  ///
  /// Before any training: ValueError without compile(), for options out of range, labels out of range; ShapeError for x and y of
  /// different lengths, without samples, or targets that do not fit the predictions. ValueError at the first batch whose loss is
  /// not finite: the weights are those before it. In mixed_float16 a step whose gradients are not finite is left out.
  ///
  /// fit(), evaluate() and predict() flush subnormal numbers to zero, callbacks included (autograd/flush_denormals.h).
  History fit(const Tensor& x, const Tensor& y, const FitOptions& options = {});

  /// "loss" and the metrics. Errors as fit().
  Logs evaluate(const Tensor& x, const Tensor& y, const EvaluateOptions& options = {});

  /// The outputs for all samples, computed in batches; in the precision of compile(), given as float32.
  Tensor predict(const Tensor& x, const PredictOptions& options = {});

  /// Keras' table of layers, output shapes and parameter counts; for graphs also what each layer is connected to. Layers that are
  /// not built yet show "?".
  void summary(std::ostream& out, const SummaryOptions& options = {}) const;

  /// Models of several inputs or outputs override these four; for others they are call(), logits() and output_activation().
  virtual size_t num_inputs() const { return 1; }
  virtual size_t num_outputs() const { return 1; }
  virtual const Activation* output_activation_of(size_t output) const;
  /// All outputs. Those marked in `as_logits` (empty: none) are given before their output_activation_of(i). ValueError for
  /// another number of inputs.
  virtual std::vector<Tensor> call_all(const std::vector<Tensor>& inputs, bool training, const std::vector<bool>& as_logits = {});

  std::string_view type() const override { return "Model"; }
  /// Unknown, so ValueError, unless a derived class knows.
  Shape output_shape(const Shape& input) const override;

 protected:
  Model() = default;
  /// One row of the summary.
  struct SummaryRow {
    std::string name, type;
    std::optional<Shape> output;  // absent: not known
    int64_t parameters;
    const Layer* layer = nullptr;             // null: none, or not known
    std::vector<std::string> connected = {};  // where its inputs come from; a column of its own as soon as one row has some
  };
  /// By default the parts of visit(), their output shapes unknown.
  virtual std::vector<SummaryRow> summary_rows() const;

 private:
  static void expand(std::vector<SummaryRow>& rows, std::vector<SummaryRow> parts, const std::string& indent);
  struct Training {
    std::unique_ptr<optim::Optimizer> optimizer;
    Loss loss;
    std::vector<Metric> metrics;
    Precision precision;
    optim::LossScale loss_scale;
  };
  class Trainer;
  Training& training(std::string_view op) const;
  Outputs forward(const Tensor& x, const Loss& loss, bool training);
  /// Checks the samples against the model and builds its variables with the first one.
  void prepare(std::string_view op, const Samples& samples);
  /// Adds the samples batch by batch; after each, calls on_batch if there is one.
  void measure(const Samples& samples, int64_t batch_size, Meter& meter, const std::function<void()>& on_batch = {});

  std::shared_ptr<Training> training_;
};

}  // namespace gradus::nn
