// Functional models: graphs of layers against the same computation written by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "nn/nn.h"

using namespace gradus;
using doctest::Contains;

namespace {

const nn::DenseOptions k64{.dtype = DType::float64};

Tensor noise(const Shape& shape, uint64_t seed) {
  random::Generator generator(seed);
  return random::normal(shape, 0, 1, DType::float64, generator);
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE((a.shape() == b.shape()));
  return a.size() ? max(abs(a - b)).item<double>() : 0;
}

Tensor by_hand(const Tensor& x, const nn::Dense& dense) { return matmul(x, dense.kernel()) + dense.bias(); }

/// A layer as users write them: no handle, no build().
class Scale : public nn::Layer {
 public:
  Tensor call(const Tensor& x, bool) override {
    if (!factor_) factor_ = make_variable("factor", "ones", {1}, x.dtype());
    return x * *factor_;
  }
  std::string_view type() const override { return "Scale"; }
  Shape output_shape(const Shape& input) const override { return input; }
  void visit(nn::Visitor& v) override {
    if (factor_) v("factor", *factor_);
  }

 private:
  std::optional<Variable> factor_;
};

}  // namespace

TEST_CASE("a functional model is the composition of its layers") {
  const nn::Node image = nn::Input({2, 3}), label = nn::Input({4});
  nn::Dense hidden(5, k64), out(2, k64);
  const nn::Node h = image | nn::Flatten() | hidden | nn::relu;
  CHECK((image.shape() == Shape{-1, 2, 3}));
  CHECK((h.shape() == Shape{-1, 5}));
  const nn::Node joined = nn::concatenate({h, label});
  CHECK((joined.shape() == Shape{-1, 9}));
  nn::Functional model({image, label}, {joined | out, h});

  CHECK(model.num_inputs() == 2);
  CHECK(model.num_outputs() == 2);
  CHECK((model.output_shape_of(0) == Shape{-1, 2}));
  CHECK((model.output_shape_of(1) == Shape{-1, 5}));
  CHECK((model.input_shape_of(1) == Shape{-1, 4}));
  CHECK(model.num_parameters() == 6 * 5 + 5 + 9 * 2 + 2);  // variables exist at once
  std::vector<std::string> names;
  for (const nn::NamedVariable& v : model.named_variables()) names.push_back(v.name);
  CHECK(names == std::vector<std::string>{"dense.kernel", "dense.bias", "dense_1.kernel", "dense_1.bias"});
  CHECK(&model.layer("dense_1") != &model.layer("dense"));

  const Tensor x = noise({7, 2, 3}, 1), y = noise({7, 4}, 2);
  const std::vector<Tensor> got = model.call_all({x, y}, false);
  const Tensor expected_h = relu(by_hand(x.reshape({7, 6}), hidden));
  CHECK(largest_difference(got[1], expected_h) < 1e-14);
  CHECK(largest_difference(got[0], by_hand(concat({expected_h, y}, 1), out)) < 1e-14);
  CHECK((model.call_all({zeros({0, 2, 3}, DType::float64), zeros({0, 4}, DType::float64)}, false)[0].shape() == Shape{0, 2}));
}

TEST_CASE("gradients of functional models; models inside Sequential and inside each other") {
  const nn::Node in = nn::Input({4});
  const nn::Node a = in | nn::Dense(3, {.activation = nn::tanh, .dtype = DType::float64});
  const nn::Node b = in | nn::Dense(3, k64) | nn::sigmoid;
  nn::Functional model(in, a * b - (a + b));
  const Tensor x = noise({3, 4}, 3);
  CHECK(model.num_parameters() == 30);
  CHECK((model.output_shape({5, 4}) == Shape{5, 3}));
  const GradcheckReport report = gradcheck([&](const std::vector<Tensor>& values) { return model(values[0]); }, {x});
  CHECK_MESSAGE(report.ok(), report.text());

  nn::Dense last(2, k64);
  nn::Sequential outer{model, last};
  const Tensor y = outer(x);
  CHECK(largest_difference(y, by_hand(model(x), last)) < 1e-14);
  CHECK(outer.named_variables()[0].name == "functional.dense.kernel");
  nn::Functional wrapped(in, in | model | last);
  CHECK(wrapped.num_parameters() == 30 + 8);
  CHECK(wrapped(x).to_vector<double>() == outer(x).to_vector<double>());

  // A copy is the same model.
  nn::Functional copy = wrapped;
  copy.variables()[0].assign(zeros({4, 3}, DType::float64));
  CHECK(wrapped(x).to_vector<double>() == copy(x).to_vector<double>());
}

TEST_CASE("a layer connected twice is one layer") {
  const nn::Dense encoder(3, {.activation = nn::tanh, .dtype = DType::float64});
  const nn::Node a = nn::Input({4}), b = nn::Input({4});
  nn::Functional twins({a, b}, nn::subtract({a | encoder, b | encoder}));
  CHECK(twins.variables().size() == 2);
  CHECK(twins.named_variables()[0].name == "dense.kernel");
  CHECK(twins.layer("dense").id() == encoder.id());
  const Tensor x = noise({5, 4}, 5), y = noise({5, 4}, 6), v = noise({5, 3}, 7);
  const std::vector<Variable> variables = twins.variables();

  GradientTape tape;
  const std::vector<Tensor> got = tape.gradient(sum(v * twins.call_all({x, y}, false)[0]), variables);
  // d/dW sum v (tanh(xW + c) - tanh(yW + c)): the contributions of both uses.
  const Tensor tx = tanh(by_hand(x, encoder)), ty = tanh(by_hand(y, encoder));
  const Tensor gx = v * (1.0 - square(tx)), gy = v * (1.0 - square(ty));
  CHECK(largest_difference(got[0], matmul(transpose(x), gx) - matmul(transpose(y), gy)) < 1e-12);
  CHECK(largest_difference(got[1], sum(gx, 0) - sum(gy, 0)) < 1e-12);
}

TEST_CASE("layers that users write: one object, however often it is connected") {
  const nn::Node a = nn::Input({2}), b = nn::Input({2});
  const Scale scale;
  nn::Functional model({a, b}, (a | scale) + (b | scale));
  CHECK(model.call_all({ones({1, 2}), ones({1, 2})}, false)[0].to_vector<float>() == std::vector<float>{2, 2});
  CHECK(model.num_parameters() == 1);
  CHECK(model.named_variables()[0].name == "scale.factor");
}

TEST_CASE("the same graph on other nodes") {
  const nn::Node a = nn::Input({3}), b = nn::Input({3});
  const nn::Functional part({a, b}, {a | nn::Dense(2, k64), nn::maximum({a, b})});
  const nn::Node c = nn::Input({3}), d = nn::Input({3});
  const std::vector<nn::Node> outputs = part({d, c});
  nn::Functional whole({c, d}, nn::concatenate(outputs));
  CHECK(whole.variables()[0].same_as(part.variables()[0]));
  nn::Functional same = part;
  const Tensor x = noise({4, 3}, 8), y = noise({4, 3}, 9);
  CHECK(whole.call_all({x, y}, false)[0].to_vector<double>() == concat(same.call_all({y, x}, false), 1).to_vector<double>());

  // A model of a graph's later part: from a node inside, and names that stay where they can.
  const nn::Node h = a | nn::Dense(4, k64), out = h | nn::Dense(1, k64);
  nn::Functional full(a, out), tail(h, out);
  CHECK(tail.named_variables()[0].name == "dense_1.kernel");
  CHECK(largest_difference(tail(full.layer("dense")(x)), full(x)) < 1e-14);
  nn::Functional identity(a, a);
  CHECK(identity(x).to_vector<double>() == x.to_vector<double>());
  CHECK(identity.output_activation() == nullptr);
}

TEST_CASE("merging layers") {
  const Tensor a = noise({2, 3}, 10), b = noise({2, 3}, 11), c = noise({2, 1}, 12);
  CHECK(largest_difference(nn::Add()({a, b, c}), a + b + c) == 0);
  CHECK(largest_difference(nn::Subtract()({a, b}), a - b) == 0);
  CHECK(largest_difference(nn::Multiply()({a, b}), a * b) == 0);
  CHECK(largest_difference(nn::Average()({a, b, c}), (a + b + c) / 3) < 1e-15);
  CHECK(largest_difference(nn::Maximum()({a, b}), maximum(a, b)) == 0);
  CHECK(largest_difference(nn::Minimum()({a, b}), minimum(a, b)) == 0);
  CHECK(largest_difference(nn::Concatenate()({a, c}), concat({a, c}, 1)) == 0);
  CHECK(largest_difference(nn::Concatenate({.axis = 0})({a, b}), concat({a, b}, 0)) == 0);
  CHECK(largest_difference(nn::Add()(a), a) == 0);

  // dot, by loops: sums over the last axis of both, for every sample.
  const Tensor p = noise({2, 3, 4}, 13), q = noise({2, 5, 4}, 14);
  const std::vector<double> ps = p.to_vector<double>(), qs = q.to_vector<double>();
  const Tensor dotted = nn::Dot()({p, q}), cosines = nn::Dot({.normalize = true})({p, q});
  REQUIRE((dotted.shape() == Shape{2, 3, 5}));
  for (size_t n = 0; n < 2; ++n)
    for (size_t i = 0; i < 3; ++i)
      for (size_t j = 0; j < 5; ++j) {
        double pq = 0, pp = 0, qq = 0;
        for (size_t k = 0; k < 4; ++k) {
          const double x = ps[(n * 3 + i) * 4 + k], y = qs[(n * 5 + j) * 4 + k];
          pq += x * y, pp += x * x, qq += y * y;
        }
        CHECK(dotted[n][i][j].item<double>() == doctest::Approx(pq).epsilon(1e-12));
        CHECK(cosines[n][i][j].item<double>() == doctest::Approx(pq / std::sqrt(pp * qq)).epsilon(1e-12));
      }
  CHECK((nn::Dot()({a, b}).shape() == Shape{2, 1}));
  CHECK((nn::Dot({.axis = 1})({p, noise({2, 3}, 15)}).shape() == Shape{2, 4}));
  CHECK((nn::Dot()({zeros({0, 3}), zeros({0, 3})}).shape() == Shape{0, 1}));

  // Sizes that are not known yet.
  CHECK((nn::Add().output_shape_all({{-1, 3}, {-1, 1}, {2, 3}}) == Shape{2, 3}));
  CHECK((nn::Concatenate().output_shape_all({{-1, 3}, {-1, -1}}) == Shape{-1, -1}));
  CHECK_THROWS_AS(nn::Add()({a, zeros({2, 2})}), ShapeError);
  CHECK_THROWS_AS(nn::Concatenate()({a, zeros({3, 3})}), ShapeError);
  CHECK_THROWS_AS(nn::Concatenate({.axis = 2})({a, b}), ShapeError);
  CHECK_THROWS_AS(nn::Dot()({a, zeros({2, 4})}), ShapeError);
  CHECK_THROWS_AS(nn::Dot({.axis = 0})({a, b}), ValueError);
  CHECK_THROWS_AS(nn::Dot()({zeros({2}), zeros({2})}), ShapeError);
  CHECK_THROWS_AS(nn::Subtract()({a, b, c}), ValueError);
  CHECK_THROWS_AS(nn::Add()(std::vector<Tensor>{}), ValueError);
}

TEST_CASE("outputs before their last activation, as losses want them") {
  const nn::Node x = nn::Input({3});
  const nn::Node p = x | nn::Dense(2, {.activation = nn::softmax, .dtype = DType::float64});
  nn::Functional model(x, {p, p | nn::Dense(1, {.activation = nn::sigmoid, .dtype = DType::float64}), p});
  CHECK(model.output_activation_of(0)->same_as(nn::softmax));
  CHECK(model.output_activation_of(1)->same_as(nn::sigmoid));
  CHECK(model.output_name(1) == "dense_1");
  CHECK(model.output_name(2) == "dense_2");
  const Tensor in = noise({4, 3}, 16);
  const std::vector<Tensor> plain = model.call_all({in}, false), logits = model.call_all({in}, false, {true, true, false});
  CHECK(largest_difference(softmax(logits[0]), plain[0]) < 1e-15);
  CHECK(largest_difference(logits[0], by_hand(in, static_cast<nn::Dense&>(model.layer("dense")))) < 1e-14);
  CHECK(largest_difference(sigmoid(logits[1]), plain[1]) < 1e-15);
  CHECK(largest_difference(logits[2], plain[0]) < 1e-15);
  CHECK(model.output_activation() == nullptr);
  CHECK_THROWS_AS(model.call_all({in}, false, {true}), ValueError);
  nn::Functional one(x, p);
  CHECK(one.output_activation()->same_as(nn::softmax));
  CHECK(largest_difference(one.logits(in, false), logits[0]) < 1e-15);
}

TEST_CASE("a functional model trains and predicts as the same Sequential does, to the last bit") {
  const Tensor x = noise({60, 4}, 17).astype(DType::float32), y = argmax(x[":, :3"], 1).astype(DType::int32);
  const auto train = [&](nn::Model& model) {
    model.compile({.optimizer = "adam", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
    model.optimizer().set_learning_rate(0.02);
    const nn::History history = model.fit(x, y, {.epochs = 10, .seed = 5, .verbose = 0});
    return history;
  };
  random::seed(1);
  nn::Sequential chain{nn::Dense(16, {.activation = nn::relu}), nn::Dense(3, {.activation = nn::softmax})};
  chain.build({-1, 4});
  random::seed(1);
  const nn::Node in = nn::Input({4});
  nn::Functional graph(in, in | nn::Dense(16, {.activation = nn::relu}) | nn::Dense(3, {.activation = nn::softmax}));
  CHECK(train(chain)["loss"] == train(graph)["loss"]);
  CHECK(chain.predict(x).to_vector<float>() == graph.predict(x).to_vector<float>());
  CHECK(graph.evaluate(x, y)["loss"] < 0.6);
}

TEST_CASE("functional models refuse graphs that are none") {
  const nn::Node a = nn::Input({3}), b = nn::Input({3}, "side");
  const nn::Node sum = a + b;
  CHECK_THROWS_WITH_AS(nn::Functional(a, sum), Contains("disconnected graph; got an output that depends on an input \"side\""),
                       ValueError);
  CHECK_THROWS_WITH_AS(nn::Functional({a, b}, a | nn::relu), Contains("no output that depends on input 1"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Functional({a, a}, a), Contains("input given twice"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Functional(nn::Nodes{}, a), Contains("no inputs"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Functional(a, nn::Nodes{}), Contains("no outputs"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Functional(a, a | nn::Dense(2, {.name = "x"}) | nn::Dense(2, {.name = "x"})),
                       Contains("two layers of one name; got \"x\" again"), ValueError);
  CHECK_THROWS_AS(nn::Functional(a, a, "a.b"), ValueError);
  CHECK_THROWS_AS(nn::Input({-2}), ValueError);

  CHECK_THROWS_WITH_AS(nn::concatenate({a, nn::Input({3, 3})}), Contains("Concatenate: inputs do not fit together"), ShapeError);
  CHECK_THROWS_AS(nn::connect(nn::Dense(2), {a, b}), ValueError);
  CHECK_THROWS_AS(nn::connect(nn::Dense(2), {}), ValueError);
  CHECK_THROWS_AS(nn::connect(std::shared_ptr<nn::Layer>(), {a}), ValueError);
  const nn::Node unknown = nn::Input({-1});
  CHECK_THROWS_WITH_AS(nn::Functional(unknown, unknown | nn::Dense(2)), Contains("unknown input width"), ShapeError);

  nn::Functional model({a, b}, sum);
  CHECK_THROWS_WITH_AS(model.call_all({zeros({1, 3})}, false), Contains("wrong number of inputs; got 1, expected 2"), ValueError);
  CHECK_THROWS_WITH_AS(model.call_all({zeros({1, 3}), zeros({1, 4})}, false), Contains("input 1 does not fit; got [1, 4]"),
                       ShapeError);
  CHECK_THROWS_AS(model(zeros({1, 3})), ValueError);
  CHECK_THROWS_AS(model.output_shape({1, 3}), ValueError);
  CHECK_THROWS_AS(model({a}), ValueError);
  CHECK_THROWS_AS(model.output_activation_of(1), ValueError);
  CHECK_THROWS_AS(model.output_shape_of(1), ValueError);
  CHECK_THROWS_AS(model.input_shape_of(2), ValueError);
  CHECK_THROWS_WITH_AS(model.layer("sum"), Contains("expected one of add"), ValueError);
}

TEST_CASE("a very long chain of layers does not exhaust the stack") {
  nn::Node x = nn::Input({2});
  const nn::Node in = x;
  const auto flatten = std::make_shared<nn::Flatten>();
  for (int i = 0; i < 100000; ++i) x = nn::connect(flatten, {x});
  CHECK((x.shape() == Shape{-1, 2}));
  x = in;  // the chain goes
}

TEST_CASE("summary of a graph says what is connected to what") {
  const nn::Node a = nn::Input({4}, "left"), b = nn::Input({4});
  const nn::Dense encoder(3, {.name = "encoder"});
  const nn::Sequential head{nn::Dense(2), nn::Dense(1)};
  nn::Functional model({a, b}, nn::add({a | encoder, b | encoder}) | head, "twins");
  encoder.kernel().set_trainable(false);
  std::ostringstream out;
  model.summary(out);
  CHECK(out.str() ==
        "Model: \"twins\"\n"
        "┏━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━┓\n"
        "┃ Layer (type)             ┃ Output Shape      ┃    Param # ┃ Connected to      ┃\n"
        "┡━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━┩\n"
        "│ left (InputLayer)        │ (None, 4)         │          0 │ -                 │\n"
        "├──────────────────────────┼───────────────────┼────────────┼───────────────────┤\n"
        "│ input_layer (InputLayer) │ (None, 4)         │          0 │ -                 │\n"
        "├──────────────────────────┼───────────────────┼────────────┼───────────────────┤\n"
        "│ encoder (Dense)          │ (None, 3)         │         15 │ left[0][0],       │\n"
        "│                          │                   │            │ input_layer[0][0] │\n"
        "├──────────────────────────┼───────────────────┼────────────┼───────────────────┤\n"
        "│ add (Add)                │ (None, 3)         │          0 │ encoder[0][0],    │\n"
        "│                          │                   │            │ encoder[1][0]     │\n"
        "├──────────────────────────┼───────────────────┼────────────┼───────────────────┤\n"
        "│ sequential (Sequential)  │ (None, 1)         │         11 │ add[0][0]         │\n"
        "└──────────────────────────┴───────────────────┴────────────┴───────────────────┘\n"
        " Total params: 26 (104.00 B)\n"
        " Trainable params: 14 (56.00 B)\n"
        " Non-trainable params: 12 (48.00 B)\n");

  std::ostringstream expanded;
  model.set_trainable(true);
  encoder.kernel().set_trainable(false);
  encoder.bias().set_trainable(false);
  model.summary(expanded, {.expand_nested = true, .show_trainable = true});
  const std::string all = expanded.str();
  CHECK(all.find("│ encoder (Dense)          │ (None, 3)         │         15 │ left[0][0],       │ N         │") !=
        std::string::npos);
  CHECK(all.find("│ add (Add)                │ (None, 3)         │          0 │ encoder[0][0],    │ -         │") !=
        std::string::npos);
  CHECK(all.find("│     └ dense_1 (Dense)    │ (None, 1)         │          3 │ -                 │ Y         │") !=
        std::string::npos);
}
