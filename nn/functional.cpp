#include "nn/functional.h"

#include <algorithm>
#include <map>
#include <ranges>
#include <set>

#include "nn/step.h"

namespace gradus::nn {

namespace {

using detail::joining;
using detail::Step;

bool fits(const Shape& declared, const Shape& shape) {
  return declared.ndim() == shape.ndim() && std::equal(declared.begin(), declared.end(), shape.begin(),
                                                       [](int64_t a, int64_t b) { return a < 0 || b < 0 || a == b; });
}

}  // namespace

// Values live in slots: first those of the inputs, then one for each call, in order.
struct Functional::State {
  struct Part {
    std::string name, given;       // in this model; by the user
    std::shared_ptr<Layer> layer;  // null: an input
    Shape output;                  // of the first call
    int64_t calls = 0;
    std::vector<std::string> connected = {};  // for the summary
  };
  struct Call {
    size_t part;
    std::vector<size_t> inputs;        // slots
    std::vector<size_t> outputs = {};  // of the model, that this is
    std::vector<size_t> done = {};     // slots that no later call reads
    bool read = false;                 // by a later call
  };
  std::vector<Node> inputs, outputs;
  std::vector<Part> parts;  // in the order of connecting
  std::vector<Call> calls;
  std::vector<size_t> output_slots;

  std::vector<const Step*> steps() const;
  size_t part_of(const Step& step);
  void name_parts();
  void connect_parts(const std::vector<const Step*>& steps, const std::vector<size_t>& part_of_step);
  void check_inputs(const std::vector<Shape>& shapes) const;

  Layer& layer(const Call& call) const { return *parts[call.part].layer; }
  bool is_input(const Step* step) const {
    return std::ranges::any_of(inputs, [&](const Node& input) { return input.step_.get() == step; });
  }
  /// What computes this output; null for one that is an input.
  const Layer* last_layer(size_t output) const {
    if (output >= outputs.size())
      fail<ValueError>("Functional", "output out of range; got ", output, ", expected [0, ", outputs.size(), ")");
    const size_t slot = output_slots[output];
    return slot < inputs.size() ? nullptr : &layer(calls[slot - inputs.size()]);
  }
};

/// From the inputs to the outputs, in the order of connecting.
std::vector<const Step*> Functional::State::steps() const {
  if (inputs.empty() || outputs.empty())
    fail<ValueError>("Functional", "no ", inputs.empty() ? "inputs" : "outputs", "; got none, expected at least one");
  std::set<const Step*> given, seen;
  for (const Node& input : inputs)
    if (!given.insert(input.step_.get()).second)
      fail<ValueError>("Functional", "input given twice; got one node again, expected different nodes");
  std::vector<const Step*> found, rest;
  for (const Node& output : outputs) rest.push_back(output.step_.get());
  while (!rest.empty()) {
    const Step* step = rest.back();
    rest.pop_back();
    if (!seen.insert(step).second) continue;
    found.push_back(step);
    if (given.contains(step)) continue;
    if (!step->layer)
      fail<ValueError>("Functional", "disconnected graph; got an output that depends on an input \"", step->name, "\" of shape ",
                       step->shape, ", expected it among the model's inputs");
    for (const Node& input : step->inputs) rest.push_back(input.step_.get());
  }
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!seen.contains(inputs[i].step_.get()))
      fail<ValueError>("Functional", "disconnected graph; got no output that depends on input ", i, " of shape ",
                       inputs[i].shape(), ", expected each input to reach one");
  std::ranges::sort(found, {}, &Step::order);
  return found;
}

/// The part of this step: a layer connected several times is one part.
size_t Functional::State::part_of(const Step& step) {
  const bool input = is_input(&step);
  for (size_t i = 0; !input && i < parts.size(); ++i)
    if (parts[i].layer && parts[i].layer->id() == step.layer->id()) return i;
  parts.push_back({.name = step.name, .given = step.name, .layer = input ? nullptr : step.layer, .output = step.shape});
  return parts.size() - 1;
}

void Functional::State::name_parts() {
  std::set<std::string> taken;
  for (const Part& part : parts)
    if (!part.given.empty() && !taken.insert(part.given).second)
      fail<ValueError>("Functional", "two layers of one name; got \"", part.given, "\" again, expected different names");
  for (Part& part : parts) {
    if (!part.given.empty()) continue;
    // A layer keeps the name that an earlier model gave it, if it can.
    const std::string base = part.layer ? detail::default_name(part.layer->type()) : "input_layer";
    std::string name = part.layer && !part.layer->name().empty() ? part.layer->name() : base;
    if (taken.contains(name)) name = base;
    for (int i = 1; taken.contains(name); ++i) name = text(base, "_", i);
    taken.insert(name);
    if (part.layer && part.layer->name().empty()) part.layer->set_name(name);
    part.name = name;
  }
}

void Functional::State::connect_parts(const std::vector<const Step*>& steps, const std::vector<size_t>& part_of_step) {
  std::map<const Step*, size_t> slots;
  std::vector<std::string> labels(inputs.size());  // of the slots: "dense[0][0]"
  for (size_t i = 0; i < inputs.size(); ++i) slots[inputs[i].step_.get()] = i;
  for (size_t k = 0; k < steps.size(); ++k) {
    const Step& step = *steps[k];
    Part& part = parts[part_of_step[k]];
    const std::string label = text(part.name, "[", part.calls++, "][0]");
    if (!part.layer) {
      labels[slots[&step]] = label;
      continue;
    }
    Call call{.part = part_of_step[k], .inputs = {}};
    std::vector<Shape> shapes;
    for (const Node& input : step.inputs) {
      const size_t slot = slots.at(input.step_.get());
      call.inputs.push_back(slot);
      part.connected.push_back(labels[slot]);
      shapes.push_back(input.shape());
      if (slot >= inputs.size()) calls[slot - inputs.size()].read = true;
    }
    if (MultiInputLayer* many = joining(part.layer.get())) many->build_all(shapes);
    else part.layer->build(shapes[0]);
    slots[&step] = inputs.size() + calls.size();
    labels.push_back(label);
    calls.push_back(std::move(call));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    output_slots.push_back(slots.at(outputs[i].step_.get()));
    if (output_slots[i] >= inputs.size()) calls[output_slots[i] - inputs.size()].outputs.push_back(i);
  }
  std::set<size_t> needed;  // by the calls after this one
  for (Call& call : calls | std::views::reverse)
    for (const size_t slot : call.inputs)
      if (needed.insert(slot).second) call.done.push_back(slot);
}

void Functional::State::check_inputs(const std::vector<Shape>& shapes) const {
  if (shapes.size() != inputs.size())
    fail<ValueError>("Functional", "wrong number of inputs; got ", shapes.size(), ", expected ", inputs.size());
  for (size_t i = 0; i < shapes.size(); ++i)
    if (!fits(inputs[i].shape(), shapes[i]))
      fail<ShapeError>("Functional", "input ", i, " does not fit; got ", shapes[i], ", expected ", inputs[i].shape(),
                       " (-1: any size)");
}

Functional::Functional(const Nodes& inputs, const Nodes& outputs, std::string_view name) : state_(std::make_shared<State>()) {
  set_name(name);
  State& s = *state_;
  s.inputs = inputs;
  s.outputs = outputs;
  const std::vector<const Step*> steps = s.steps();
  std::vector<size_t> part_of_step;
  for (const Step* step : steps) part_of_step.push_back(s.part_of(*step));
  s.name_parts();
  s.connect_parts(steps, part_of_step);
}

Layer& Functional::layer(std::string_view name) const {
  std::string known;
  for (const State::Part& part : state_->parts) {
    if (!part.layer) continue;
    if (part.name == name) return *part.layer;
    known += (known.empty() ? "" : ", ") + part.name;
  }
  fail<ValueError>("Functional", "unknown layer; got \"", name, "\", expected one of ", known);
}

std::vector<Node> Functional::operator()(const std::vector<Node>& inputs) const {
  std::vector<Shape> shapes;
  for (const Node& input : inputs) shapes.push_back(input.shape());
  state_->check_inputs(shapes);
  std::vector<Node> nodes = inputs, outputs;
  for (const State::Call& call : state_->calls) {
    std::vector<Node> from;
    for (const size_t slot : call.inputs) from.push_back(nodes[slot]);
    nodes.push_back(connect(state_->parts[call.part].layer, from));
    nodes.back().step_->name = state_->parts[call.part].given;
  }
  for (const size_t slot : state_->output_slots) outputs.push_back(nodes[slot]);
  return outputs;
}

size_t Functional::num_inputs() const { return state_->inputs.size(); }

size_t Functional::num_outputs() const { return state_->outputs.size(); }

std::vector<Tensor> Functional::call_all(const std::vector<Tensor>& inputs, bool training, const std::vector<bool>& as_logits) {
  const State& s = *state_;
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.shape());
  s.check_inputs(shapes);
  if (!as_logits.empty() && as_logits.size() != s.outputs.size())
    fail<ValueError>("Functional", "marks of other outputs; got ", as_logits.size(), ", expected ", s.outputs.size());

  std::vector<Tensor> values = inputs, outputs(s.outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i)
    if (s.output_slots[i] < inputs.size()) outputs[i] = inputs[s.output_slots[i]];
  for (const State::Call& call : s.calls) {
    Layer& layer = s.layer(call);
    std::vector<Tensor> from;
    for (const size_t slot : call.inputs) from.push_back(values[slot]);
    for (const size_t slot : call.done) values[slot] = {};  // held no longer than needed

    const auto wants_logits = [&](size_t output) { return !as_logits.empty() && as_logits[output]; };
    MultiInputLayer* many = joining(&layer);
    const Activation* last = many ? nullptr : layer.output_activation();
    Tensor value, logits;
    if (last && std::ranges::any_of(call.outputs, wants_logits)) {
      logits = layer.logits(from[0], training);
      if (call.read || !std::ranges::all_of(call.outputs, wants_logits)) value = (*last)(logits);
    } else {
      logits = value = many ? many->call_all(from, training) : layer.call(from[0], training);
    }
    for (const size_t output : call.outputs) outputs[output] = wants_logits(output) ? logits : value;
    values.push_back(call.read ? std::move(value) : Tensor());
  }
  return outputs;
}

const Activation* Functional::output_activation_of(size_t output) const {
  const Layer* last = state_->last_layer(output);
  return last && !joining(last) ? last->output_activation() : nullptr;
}

std::string Functional::output_name(size_t output) const {
  const State& s = *state_;
  s.last_layer(output);  // checks the number
  std::vector<std::string> names;
  for (size_t i = 0; i <= output; ++i) {
    const size_t slot = s.output_slots[i];
    const std::string base = slot < s.inputs.size() ? text("input_", slot) : s.parts[s.calls[slot - s.inputs.size()].part].name;
    std::string name = base;
    for (int k = 1; std::ranges::find(names, name) != names.end(); ++k) name = text(base, "_", k);
    names.push_back(std::move(name));
  }
  return names.back();
}

const Shape& Functional::output_shape_of(size_t output) const {
  state_->last_layer(output);  // checks the number
  return state_->outputs[output].shape();
}

const Shape& Functional::input_shape_of(size_t input) const {
  if (input >= num_inputs())
    fail<ValueError>("Functional", "input out of range; got ", input, ", expected [0, ", num_inputs(), ")");
  return state_->inputs[input].shape();
}

void Functional::check_single(std::string_view what) const {
  if (num_inputs() != 1 || num_outputs() != 1)
    fail<ValueError>("Functional", "several inputs or outputs; got ", num_inputs(), " and ", num_outputs(), " for ", what,
                     ", expected one of each; call_all() takes and gives them all");
}

Tensor Functional::call(const Tensor& x, bool training) {
  check_single("call()");
  return call_all({x}, training)[0];
}

Tensor Functional::logits(const Tensor& x, bool training) {
  check_single("logits()");
  return call_all({x}, training, {true})[0];
}

const Activation* Functional::output_activation() const { return num_outputs() == 1 ? output_activation_of(0) : nullptr; }

Shape Functional::output_shape(const Shape& input) const {
  check_single("output_shape()");
  state_->check_inputs({input});
  std::vector<Shape> shapes{input};
  for (const State::Call& call : state_->calls) {
    std::vector<Shape> from;
    for (const size_t slot : call.inputs) from.push_back(shapes[slot]);
    shapes.push_back(detail::output_shape_of(state_->layer(call), from));
  }
  return shapes[state_->output_slots[0]];
}

void Functional::build(const Shape& input) { output_shape(input); }

void Functional::visit(Visitor& v) {
  for (const State::Part& part : state_->parts)
    if (part.layer) v(part.name, *part.layer);
}

std::vector<Model::SummaryRow> Functional::summary_rows() const {
  std::vector<SummaryRow> rows;
  for (const State::Part& part : state_->parts)
    rows.push_back({part.name, part.layer ? std::string(part.layer->type()) : "InputLayer", part.output,
                    part.layer ? part.layer->num_parameters() : 0, part.layer.get(),
                    part.layer ? part.connected : std::vector<std::string>{"-"}});
  return rows;
}

}  // namespace gradus::nn
