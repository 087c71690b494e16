// A tour of tensors, as the first lesson of a course takes it: ranks, types, slices, operations, and the gradient tape.
//
// Every expression is printed with its shape, its type and its value. What to see: the values that a course works out by hand,
// such as the matrix product [[13, 27], [11, 17]], and at the end the derivative of 2 x + 3, which is 2.
#include "apps/common/results.h"

using namespace gradus;

namespace {

constexpr int64_t kLargest = 100;  // of larger tensors the shape says enough

/// Prints expressions and their results, one after the other.
class Tour {
 public:
  explicit Tour(const apps::Options& options)
      : options_(options), report_("Tensors", "A tour of tensors and their operations.") {}

  void topic(std::string_view title, std::string_view explanation) {
    topic_ = title;
    if (!options_.json) std::cout << "\n--- " << title << " ---\n" << explanation << "\n";
    report_.paragraph(title, explanation);
  }

  void show(std::string_view expression, const Tensor& value) {
    ++shown_;
    const std::string shape = text(value.shape()), type = text(value.dtype()),
                      values = value.size() <= kLargest ? to_string(value) : "...";
    if (options_.json)
      apps::JsonLine()
          .add("topic", topic_)
          .add("expression", expression)
          .add("shape", shape)
          .add("dtype", type)
          .add("value", values)
          .print();
    else std::cout << "\n" << expression << "  ->  " << shape << " " << type << "\n" << values << "\n";
    rows_.push_back({std::string(expression), shape, type, values});
  }

  int finish(apps::Results results) {
    report_.table("All expressions", "In the order of the tour.", {"expression", "shape", "type", "value"}, rows_);
    results.add("shown", shown_);
    if (!options_.json) std::cout << "\n";
    return apps::finish(options_, results, report_);
  }
  apps::Report& report() { return report_; }

 private:
  const apps::Options& options_;
  apps::Report report_;
  std::string topic_;
  int64_t shown_ = 0;
  std::vector<std::vector<std::string>> rows_;
};

void ranks(Tour& tour) {
  tour.topic("Ranks", "The rank of a tensor is its number of axes: 0 for a number, 1 for a vector, 2 for a matrix.");
  tour.show("Tensor(12.0f)", Tensor(12.0f));
  tour.show("Tensor({12, 3, 6, 14, 7})", Tensor({12, 3, 6, 14, 7}));
  tour.show("Tensor({{5, 78, 2}, {6, 79, 3}, {7, 80, 4}})", Tensor({{5, 78, 2}, {6, 79, 3}, {7, 80, 4}}));
  tour.show("arange(30).reshape({3, 2, 5})", arange(30).reshape({3, 2, 5}));
}

void creation(Tour& tour) {
  tour.topic("Making tensors", "Tensors of one value, of a range, and of random numbers, which the seed fixes.");
  tour.show("ones({2, 3})", ones({2, 3}));
  tour.show("zeros({2, 2}, DType::uint8)", zeros({2, 2}, DType::uint8));
  tour.show("linspace(0, 1, 5)", linspace(0, 1, 5));
  tour.show("eye(3)", eye(3));
  tour.show("random::normal({2, 3})", random::normal({2, 3}));
  tour.show("random::uniform({2, 3})", random::uniform({2, 3}));
}

void types(Tour& tour) {
  tour.topic("Types", "A tensor has one element type; C++ values bring theirs, astype() converts.");
  tour.show("Tensor({1, 2, 3})", Tensor({1, 2, 3}));
  tour.show("Tensor({1.0f, 2.0f})", Tensor({1.0f, 2.0f}));
  tour.show("Tensor({1.0, 2.0})", Tensor({1.0, 2.0}));
  tour.show("Tensor({1.9f, -1.9f}).astype(DType::int32)", Tensor({1.9f, -1.9f}).astype(DType::int32));
  tour.show("Tensor({1, 2, 3}) / 2", Tensor({1, 2, 3}) / 2);
}

void slices(Tour& tour) {
  tour.topic("Slices", "Parts of tensors, by NumPy's rules. They are views: nothing is copied.");
  const Tensor m({{5, 78, 2}, {6, 79, 3}, {7, 80, 4}});
  tour.show("m[1]", m[1]);
  tour.show("m[-1]", m[-1]);
  tour.show("m[\":, 1\"]", m[":, 1"]);
  tour.show("m[\"1:, 1:\"]", m["1:, 1:"]);
  tour.show("m[\"::2, ::-1\"]", m["::2, ::-1"]);
  const Tensor images = zeros({100, 28, 28}, DType::uint8);
  tour.show("images[\"10:90, 7:-7, 7:-7\"]", images["10:90, 7:-7, 7:-7"]);
}

void operations(Tour& tour) {
  tour.topic("Element by element", "Arithmetic, comparisons and functions work on each element by itself.");
  const Tensor a({{1.0f, -2.0f}, {3.0f, -4.0f}}), b({{10.0f, 20.0f}, {30.0f, 40.0f}});
  tour.show("a + b", a + b);
  tour.show("a * b", a * b);
  tour.show("relu(a)", relu(a));
  tour.show("a > 0", a > 0);
  tour.topic("Broadcasting", "A smaller tensor is repeated along the axes it lacks, and along axes of size 1.");
  tour.show("a + Tensor({100.0f, 200.0f})", a + Tensor({100.0f, 200.0f}));
  tour.show("a + Tensor({{100.0f}, {200.0f}})", a + Tensor({{100.0f}, {200.0f}}));
  tour.show("maximum(random::uniform({64, 3, 32, 10}), random::uniform({32, 10}))",
            maximum(random::uniform({64, 3, 32, 10}), random::uniform({32, 10})));
  tour.topic("Reductions", "Sums, means and extremes over all axes, or over some.");
  tour.show("sum(b)", sum(b));
  tour.show("mean(b, {0})", mean(b, {0}));
  tour.show("argmax(b, -1)", argmax(b, -1));
}

void products(Tour& tour) {
  tour.topic("Products", "The dot product of vectors, and matrix products: rows of the first with columns of the second.");
  const Tensor v({1, 2, 3}), w({4, 5, 6}), p({{1, 2, 3}, {3, 2, 1}}), q({{1, 2}, {3, 2}, {2, 7}});
  tour.show("matmul(v, w)", matmul(v, w));
  tour.show("matmul(p, v)", matmul(p, v));
  tour.show("matmul(p, q)", matmul(p, q));
  tour.show("einsum(\"ij,jk->ki\", {p, q})", einsum("ij,jk->ki", {p, q}));
}

void shapes(Tour& tour) {
  tour.topic("Shapes", "The same elements in another arrangement.");
  const Tensor x({{0.0f, 1.0f}, {2.0f, 3.0f}, {4.0f, 5.0f}});
  tour.show("x.reshape({6, 1})", x.reshape({6, 1}));
  tour.show("x.reshape({2, -1})", x.reshape({2, -1}));
  tour.show("x.transpose()", x.transpose());
  tour.show("expand_dims(x, 0)", expand_dims(x, 0));
  tour.show("concat({x, x}, 1)", concat({x, x}, 1));
}

/// Returns the derivative of 2 x + 3.
double tape_tour(Tour& tour) {
  tour.topic("The gradient tape", "A tape records what happens to variables, and gives derivatives of the result.");
  const Variable x(0.0f, {.name = "x"});
  GradientTape tape;
  const Tensor y = 2 * x + 3;
  const Tensor derivative = tape.gradient(y, x);
  tour.show("y = 2 * x + 3", y);
  tour.show("tape.gradient(y, x)", derivative);

  const Variable W(random::uniform({2, 2}), {.name = "W"}), b(zeros({2}), {.name = "b"});
  const Tensor inputs = random::uniform({3, 2});
  GradientTape another;
  const Tensor outputs = matmul(inputs, W) + b;
  tour.report().graph("The graph of matmul(inputs, W) + b", "What the tape recorded.", outputs);
  const auto [dW, db] = another.gradient(outputs, W, b);
  tour.show("outputs = matmul(inputs, W) + b", outputs);
  tour.show("dW", dW);
  tour.show("db", db);
  return derivative.item<double>();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A tour of tensors: every expression and its result.", "tensors");
  apps::Options options;
  options.add_to(app);
  return apps::run(app, argc, argv, [&] {
    options.apply();
    Tour tour(options);
    for (const auto part : {ranks, creation, types, slices, operations, products, shapes}) part(tour);
    const double derivative = tape_tour(tour);
    return tour.finish(apps::Results().add("derivative", derivative));
  });
}
