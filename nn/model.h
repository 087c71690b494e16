// Model: a layer that can be trained: compile, fit, evaluate, predict, summary.
//
// Derive from it for models of one's own, or stack layers with Sequential. A model is a handle: copies share their variables and
// what compile() set. One thread at a time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "nn/callback.h"
#include "nn/layer.h"
#include "nn/logs.h"
#include "nn/loss.h"
#include "nn/metric.h"
#include "nn/mixed_precision.h"
#include "nn/samples.h"
#include "optim/spec.h"

namespace gradus::data {
class Dataset;
}

namespace gradus::nn {

class Feed;
class Objective;
struct Batch;
struct Training;

/// A loss for all outputs, or one for each.
class Losses {
 public:
  /// None.
  Losses() = default;
  template <std::convertible_to<Loss> L>
  Losses(L loss) : all_{Loss(std::move(loss))} {}
  Losses(std::vector<Loss> losses) : all_(std::move(losses)) {}
  Losses(std::initializer_list<Loss> losses) : all_(losses) {}

  const std::vector<Loss>& list() const { return all_; }

 private:
  std::vector<Loss> all_;
};

struct CompileOptions {
  optim::Spec optimizer = "rmsprop";      // a name or an optimiser, of which the model keeps a copy
  Losses loss = {};                       // names or functions; required
  std::vector<double> loss_weights = {};  // what the losses of several outputs are multiplied with in their sum; empty: 1
  std::vector<Metric> metrics = {};       // of every output
  std::vector<std::vector<Metric>> output_metrics = {};  // of each output alone, beside `metrics`
  std::vector<Metric> weighted_metrics = {};             // of every output, with the samples' weights
  Precision precision = active_precision();  // nn::mixed_bfloat16, ...: of what fit(), evaluate() and predict() compute
};

/// Weights of the classes' samples in the loss, by class number; 1 for those it does not list.
using ClassWeight = std::map<int64_t, double>;

struct FitOptions {
  int64_t epochs = 1;  // number of the last one
  int64_t batch_size = 32;
  bool shuffle = true;                          // a new order each epoch
  std::optional<uint64_t> seed = std::nullopt;  // of the orders; otherwise drawn from random::default_generator()
  double validation_split = 0;                  // in [0, 1): this part of the samples, the last ones, is held out
  Samples validation_data = {};                 // {x, y}, {x, y, weights} or a loader
  int64_t validation_steps = 0;                 // batches of a validation; 0: all
  int64_t validation_freq = 1;                  // epochs from one validation to the next
  ClassWeight class_weight = {};                // of class numbers or one-hot rows
  Tensor sample_weight = {};                    // [samples]; not together with class_weight
  int64_t initial_epoch = 0;                    // the first epoch has this number
  int64_t steps_per_epoch = 0;                  // batches of an epoch, which goes on where the last one stopped; 0: all
  int verbose = 1;                              // 0 silent, 1 progress line, 2 one line per epoch
  std::ostream* output = nullptr;               // std::cout when null
  std::vector<CallbackOption> callbacks = {};
};

struct EvaluateOptions {
  int64_t batch_size = 32;
  Tensor sample_weight = {};  // [samples]
  int64_t steps = 0;          // batches; 0: all
  int verbose = 0;
  std::ostream* output = nullptr;  // std::cout when null
};

struct PredictOptions {
  int64_t batch_size = 32;
};

/// For train_on_batch() and test_on_batch().
struct BatchOptions {
  Tensor sample_weight = {};      // [samples]; not together with class_weight
  ClassWeight class_weight = {};  // while training
};

struct SummaryOptions {
  bool expand_nested = false;   // show the layers of models inside the model
  bool show_trainable = false;  // a column with Y for layers that are trained, N for frozen ones, - without variables
};

class Model : public Layer {
 public:
  /// How to train. Makes a new optimiser; the weights stay. ValueError without a loss, for metrics of one name, or for lists that
  /// do not fit the number of outputs.
  void compile(const CompileOptions& options);
  bool compiled() const { return training_ != nullptr; }
  /// The optimiser in use. ValueError before compile().
  optim::Optimizer& optimizer() const;
  /// What fit() trains with, chosen by the precision. ValueError before compile().
  const optim::LossScale& loss_scale() const;

  /// Trains on samples x [n, ...] with targets y [n, ...] and returns the values of each epoch: "loss", metrics, with "val_" in
  /// front those of the validation; of models with several outputs "<output>_loss" and "<output>_<metric>" as well. Reported
  /// values are means over the samples, taken while training; regularizers count in the loss, as in Keras.
  ///
  /// Before any training: ValueError without compile(), for options out of range, labels out of range; ShapeError for x and y of
  /// different lengths, without samples, or targets that do not fit the predictions. ValueError at the first batch whose loss is
  /// not finite: the weights are those before it. In mixed_float16 a step whose gradients are not finite is left out.
  ///
  /// fit(), evaluate() and predict() flush subnormal numbers to zero, callbacks included (autograd/flush_denormals.h).
  History fit(const Tensors& x, const Tensors& y, const FitOptions& options = {});
  /// The same with the batches of a loader, for which batch_size, shuffle and seed do not count. ValueError for validation_split
  /// or sample_weight.
  History fit(data::DataLoader& loader, const FitOptions& options = {});
  History fit(data::DataLoader&& loader, const FitOptions& options = {}) { return fit(loader, options); }
  /// The same with a loader made of a dataset and the options.
  History fit(const data::Dataset& dataset, const FitOptions& options = {});

  /// "loss" and the metrics. Errors as fit().
  Logs evaluate(const Tensors& x, const Tensors& y, const EvaluateOptions& options = {});
  Logs evaluate(const data::DataLoader& loader, const EvaluateOptions& options = {});
  Logs evaluate(const data::Dataset& dataset, const EvaluateOptions& options = {});

  /// The outputs for all samples, computed in batches; in the precision of compile(), given as float32. ValueError for a model of
  /// several outputs.
  Tensor predict(const Tensor& x, const PredictOptions& options = {});
  /// The same for several inputs or outputs.
  std::vector<Tensor> predict(const std::vector<Tensor>& x, const PredictOptions& options = {});
  /// Of the loader's x.
  Tensor predict(const data::DataLoader& loader);

  /// One training step, and the values of this batch. Errors as fit().
  Logs train_on_batch(const Tensors& x, const Tensors& y, const BatchOptions& options = {});
  Logs test_on_batch(const Tensors& x, const Tensors& y, const BatchOptions& options = {});
  Tensor predict_on_batch(const Tensor& x);

  /// Keras' table of layers, output shapes and parameter counts; for graphs also what each layer is connected to. Layers that are
  /// not built yet show "?".
  void summary(std::ostream& out, const SummaryOptions& options = {}) const;

  /// Models of several inputs or outputs override these; for others they are call(), logits() and output_activation().
  virtual size_t num_inputs() const { return 1; }
  virtual size_t num_outputs() const { return 1; }
  /// In the names of logs: "output_1", ...
  virtual std::string output_name(size_t output) const;
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
  class Trainer;
  std::shared_ptr<Training> training(std::string_view op) const;
  History fit(Feed& feed, Feed* validation, const FitOptions& options);
  Logs evaluate(Feed& feed, const EvaluateOptions& options);
  /// What the model gives for a batch, one for each output, as the losses like it best.
  void forward(const std::vector<Tensor>& x, bool training, std::vector<Outputs>& outputs);
  /// One training step, unless its loss is not finite. Returns the loss.
  double train_step(const Batch& batch, Objective& objective, std::vector<Outputs>& outputs,
                    const std::vector<Variable>& trainable);
  void test_step(const Batch& batch, Objective& objective, std::vector<Outputs>& outputs);
  /// Checks the samples against the model and builds its variables with the first one.
  void prepare(std::string_view op, const Feed& feed);

  std::shared_ptr<Training> training_;
};

}  // namespace gradus::nn
