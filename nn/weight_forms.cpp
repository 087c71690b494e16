#include "nn/weight_forms.h"

#include <algorithm>
#include <map>
#include <utility>

#include "autograd/ops.h"
#include "nn/sequential.h"

namespace gradus::nn {
namespace {

using detail::Parts;
using detail::StoredForm;
using detail::StoredPlace;

class Finder : public Visitor {
 public:
  std::vector<StoredPlace> found;

  void find(Module& module) { enter(module, {}, {}); }

 private:
  struct Level {
    std::vector<std::string> torch, keras;
    std::string type, owner;
    bool numbered = false;
    int64_t position = 0;  // in torch's Sequential
  };

  void enter(Module& module, std::vector<std::string> torch, std::vector<std::string> keras) {
    const auto* layer = dynamic_cast<const Layer*>(&module);
    Level inner{std::move(torch), std::move(keras), layer ? std::string(layer->type()) : "", level_.type,
                dynamic_cast<const Sequential*>(&module) != nullptr};
    std::swap(level_, inner);
    module.visit(*this);
    std::swap(level_, inner);
  }

  void on_module(Module& module) override {
    const std::string whole = path(), name = whole.substr(whole.rfind('.') + 1);
    const auto* layer = dynamic_cast<const Layer*>(&module);
    const bool direction = level_.type == "Bidirectional";  // its halves are one module in torch
    std::vector<std::string> torch = level_.torch, keras = level_.keras;
    if (level_.numbered) {
      torch.push_back(text(level_.position++));
      if (layer && layer->output_activation() && layer->type() != "Activation") ++level_.position;
    } else if (!direction) {
      torch.push_back(name);
    }
    keras.push_back(direction && layer ? text(name, "_", detail::default_name(layer->type())) : name);
    reverse_ = direction && name == "backward";
    enter(module, std::move(torch), std::move(keras));
    reverse_ = false;
  }

  void on_variable(const Variable& variable) override {
    const auto same = [&](const StoredPlace& other) { return other.variable.same_as(variable); };
    if (std::ranges::any_of(found, same)) return;
    const std::string whole = path();
    found.push_back(
        {whole, level_.torch, level_.keras, level_.type, level_.owner, whole.substr(whole.rfind('.') + 1), reverse_, variable});
  }

  Level level_;
  bool reverse_ = false;
};

Shape last_first(int ndim) {
  Shape axes{ndim - 1, ndim - 2};
  for (int i = 0; i < ndim - 2; ++i) axes.push_back(i);
  return axes;
}

/// The first two of three gates change places along the last axis; once more, and they are back.
Tensor swap_gates(const Tensor& value, bool swap) {
  if (!swap) return value;
  const Parts gates = split(value, 3, -1);
  return concat({gates[1], gates[0], gates[2]}, -1);
}

}  // namespace

bool detail::is_recurrent(std::string_view type) { return type == "LSTM" || type == "GRU" || type == "SimpleRNN"; }

std::vector<StoredPlace> detail::find_places(const Module& module) {
  Finder finder;
  finder.find(const_cast<Module&>(module));  // visit() is not const; looking changes nothing
  return std::move(finder.found);
}

StoredForm detail::torch_form(const StoredPlace& at) {
  const std::string suffix = at.reverse ? "_reverse" : "";
  const bool gru = at.type == "GRU";
  if (is_recurrent(at.type) && (at.part == "kernel" || at.part == "recurrent_kernel")) {
    return {.parts = {(at.part == "kernel" ? "weight_ih_l0" : "weight_hh_l0") + suffix},
            .how = gru ? "transposed, gates reordered" : "transposed",
            .write = [=](const Tensor& value) { return Parts{transpose(swap_gates(value, gru))}; },
            .read = [=](const Parts& stored) { return swap_gates(transpose(stored[0]), gru); }};
  }
  if (is_recurrent(at.type) && at.part == "bias") {
    const bool two = at.variable.ndim() == 2;
    if (gru && !two)
      fail<ValueError>("WeightNames::torch", "a layer without counterpart; got ", at.path,
                       " of a GRU with reset_after = false, expected reset_after = true");
    return {.parts = {"bias_ih_l0" + suffix, "bias_hh_l0" + suffix},
            .how = text(two ? "split in two" : "the second of two is zero", gru ? ", gates reordered" : ""),
            .write =
                [=](const Tensor& value) {
                  const Tensor bias = swap_gates(value, gru);
                  return two ? Parts{bias[0], bias[1]} : Parts{bias, zeros(bias.shape(), bias.dtype())};
                },
            .read = [=](const Parts& stored) { return swap_gates(two ? stack(stored) : stored[0] + stored[1], gru); }};
  }
  if (at.part == "kernel" && at.variable.ndim() == 2 && at.type == "Dense")
    return {.parts = {"weight"},
            .how = "transposed",
            .write = [](const Tensor& value) { return Parts{transpose(value)}; },
            .read = [](const Parts& stored) { return transpose(stored[0]); }};
  if (at.part == "kernel" && at.type.find("Conv") != std::string::npos) {
    const Shape there = last_first(at.variable.ndim());
    Shape back = there;
    for (int i = 0; i < there.ndim(); ++i) back[static_cast<int>(there[i])] = i;
    return {.parts = {"weight"},
            .how = "transposed",
            .write = [=](const Tensor& value) { return Parts{permute(value, there)}; },
            .read = [=](const Parts& stored) { return permute(stored[0], back); }};
  }
  static const std::map<std::string, std::string> names{{"gamma", "weight"},
                                                        {"beta", "bias"},
                                                        {"embeddings", "weight"},
                                                        {"moving_mean", "running_mean"},
                                                        {"moving_variance", "running_var"}};
  const auto found = names.find(at.part);
  return {.parts = {found == names.end() ? at.part : found->second}};
}

}  // namespace gradus::nn
