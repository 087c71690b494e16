// Layer: a module that maps one tensor to one tensor, so that models can be stacked from it.
//
// The first dimension of inputs and outputs counts samples. Layers are handles: copies share their variables.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "autograd/tensor.h"
#include "nn/activation.h"
#include "nn/initializer.h"
#include "nn/module.h"

namespace gradus::nn {

class Layer : public Module {
 public:
  /// The layer's output. Layers that behave differently while training (dropout) look at `training`.
  virtual Tensor call(const Tensor& x, bool training) = 0;
  Tensor operator()(const Tensor& x, bool training = false) { return call(x, training); }

  /// The kind, as summaries show it: "Dense".
  virtual std::string_view type() const = 0;
  /// Shape of the output for inputs of shape `input`; -1 stands for any size. ShapeError for inputs the layer does not take.
  virtual Shape output_shape(const Shape& input) const = 0;
  /// Makes the variables for inputs of this shape (the first dimension does not matter); call() does it when it has to.
  virtual void build(const Shape& input);
  void visit(Visitor&) override {}

  /// The activation this layer ends with and logits() leaves out; null if there is none. Training takes softmax and sigmoid
  /// together with the loss in this way, which is faster and does not lose digits.
  virtual const Activation* output_activation() const { return nullptr; }
  /// The output before output_activation().
  virtual Tensor logits(const Tensor& x, bool training) { return call(x, training); }

  /// The same for copies of one layer, which share its variables.
  const void* id() const { return trainable_.get(); }

  /// Empty until the user or the model that holds the layer gives one.
  const std::string& name() const { return name_; }
  /// ValueError for a name with a dot.
  void set_name(std::string_view name);
  /// False once set_trainable(false) froze it: new variables are not trained then, and batch normalisation acts as at inference.
  bool trainable() const { return *trainable_; }

 protected:
  Layer() = default;
  void on_trainable(bool trainable) override { *trainable_ = trainable; }

  /// A new variable "<name>.<part>", frozen if the layer is. ShapeError for an initializer that makes another shape.
  Variable make_variable(std::string_view part, const Initializer& initializer, const Shape& shape, DType dtype) const;
  /// The same for values that are not trained; visit() shows them as buffers.
  Variable make_buffer(std::string_view part, const Tensor& value) const;

 private:
  std::string name_;
  std::shared_ptr<bool> trainable_ = std::make_shared<bool>(true);  // shared by copies, like the variables
};

namespace detail {
/// The name of a part that was given none, as Keras': "batch_normalization", "conv2d", "max_pooling2d", "lstm", "simple_rnn".
std::string default_name(std::string_view type);
}  // namespace detail

}  // namespace gradus::nn
