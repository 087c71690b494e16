// Input that brought other libraries down, class by class, named after the report (CVE or TensorFlow advisory) that made each
// known. Everywhere the answer is an exception that names the operation, or a defined result; never a crash, never a read outside
// the memory. What concerns files is in tests/data/bad_files_test.cpp and tests/nn/bad_weights_test.cpp. DLPack (TFSA-2020-023 to
// 025) has no counterpart here: tensors are not exported.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/autograd.h"
#include "autograd/base/parallel.h"
#include "autograd/fused.h"
#include "tests/autograd/bad_input.h"
#include "tests/support/tensors.h"

namespace gradus::test {
namespace {

TEST_CASE("CVE-2020-15202: a parallel loop over more than 2^32 elements reaches each of them") {
  const int before = num_threads();
  set_num_threads(3);
  for (const int64_t n : {(int64_t{1} << 32) + 1, int64_t{1} << 33, (int64_t{1} << 62) + 5, kMost}) {
    INFO(n, " elements");
    std::atomic<uint64_t> covered = 0;
    std::atomic<bool> sound = true;
    parallel_for(n, n / 5, [&](int64_t begin, int64_t end) {
      if (begin < 0 || begin >= end || end > n) sound = false;
      covered += static_cast<uint64_t>(end - begin);
    });
    CHECK(sound);
    CHECK(covered == static_cast<uint64_t>(n));
  }
  set_num_threads(before);
}

TEST_CASE("CVE-2019-16778: counts and positions beyond 2^31 are not cut to 32 bits") {
  const int64_t n = (int64_t{1} << 33) + 7;
  const Tensor x = wide({n});
  CHECK(x.size() == n);
  CHECK(take(x, Tensor({n - 1, -n})).size() == 2);
  CHECK(gather(x, Tensor({n - 1}), 0).size() == 1);
  CHECK(x[n - 1].size() == 1);
  CHECK((x.slice({Slice(n - 3, none)}).shape() == Shape{3}));
  CHECK((one_hot(zeros({0}, DType::int64), n).shape() == Shape{0, n}));
  refuses<ValueError>("take", [&] { take(x, Tensor({n})); });
  // 2^32 + 1 is not 1.
  refuses<ValueError>("take", [&] { take(zeros({5}), Tensor({(int64_t{1} << 32) + 1})); });
  refuses<ValueError>("one_hot", [&] { one_hot(Tensor({(int64_t{1} << 32) + 1}), 5); });
}

TEST_CASE("CVE-2021-41198: shapes whose product is beyond 2^63 are refused before anything is allocated") {
  constexpr int64_t kHuge = int64_t{1} << 40;
  for (const Shape& shape : {Shape{kHuge, kHuge}, Shape{kMost, 2}, Shape{kMost, kMost, kMost}, Shape{0, kMost, kMost}}) {
    INFO(text(shape));
    refuses<ShapeError>("zeros", [&] { zeros(shape); });
    refuses<ShapeError>("ones", [&] { ones(shape); });
    refuses<ShapeError>("full", [&] { full(shape, 1); });
    refuses<ShapeError>("normal", [&] { random::normal(shape); });
    refuses<ShapeError>("uniform", [&] { random::uniform(shape); });
    refuses<ShapeError>("bernoulli", [&] { random::bernoulli(shape); });
    refuses<ShapeError>("randint", [&] { random::randint(shape, 0, 2); });
    CHECK(refusal<ShapeError>([&] { broadcast_to(zeros({1}), shape); }).find("too many elements") != std::string::npos);
    refuses<ShapeError>("reshape", [&] { reshape(zeros({4}), shape); });
    refuses<ShapeError>("Tensor", [&] { Tensor(std::vector<float>{1}, shape); });
  }
  for (const Shape& shape : {Shape{-1}, Shape{kLeast}, Shape{2, -3}, Shape{kLeast, kLeast}}) {
    INFO(text(shape));
    refuses<ShapeError>("zeros", [&] { zeros(shape); });
    refuses<ShapeError>("broadcast_to", [&] { broadcast_to(zeros({4}), shape); });
  }
  for (const Shape& shape : {Shape{-2}, Shape{kLeast}, Shape{-1, -1}, Shape{-1, 0}, Shape{kMost, -1, kMost}, Shape{kMost, 4}})
    refuses<ShapeError>("reshape", [&] { reshape(zeros({4}), shape); });
  // Fits in 63 bits, but not in memory: 2^63 bytes.
  refuses<ShapeError>("zeros", [] { zeros({int64_t{1} << 61}); });
  refuses<ShapeError>("contiguous", [] { wide({int64_t{1} << 61})["::-1"].contiguous(); });

  const Tensor half = wide({int64_t{1} << 62});
  refuses<ShapeError>("concat", [&] { concat({half, half}); });
  refuses<ShapeError>("concat", [&] { stack({half, half}); });
  refuses<ShapeError>("one_hot", [] { one_hot(Tensor({0, 1}), kMost); });
  refuses<ShapeError>("one_hot", [] { one_hot(wide({int64_t{1} << 45}, DType::int32), 2); });
  refuses<ShapeError>("take", [&] { take(wide({2}), wide({int64_t{1} << 45}, DType::int64)); });
  refuses<ShapeError>("eye", [] { eye(kMost, kMost); });
  refuses<ShapeError>("eye", [] { eye(-2, 3); });
  CHECK(sum(eye(3, 3, kLeast)).item<float>() == 0);
  CHECK(sum(eye(3, 3, kMost)).item<float>() == 0);
  refuses<ShapeError>("linspace", [] { linspace(0, 1, kMost); });
  refuses<ShapeError>("arange", [] { arange(kLeast, kMost); });
  refuses<ShapeError>("arange", [] { arange(0.0, 1e300); });
  refuses<ShapeError>("permutation", [] { random::permutation(kMost); });
  CHECK_THROWS_AS(expand_dims(zeros({1, 1, 1, 1, 1, 1, 1, 1}), 0), ShapeError);  // a ninth dimension
  CHECK_THROWS_AS(stack({zeros({1, 1, 1, 1, 1, 1, 1, 1})}), ShapeError);
  CHECK_THROWS_AS(one_hot(zeros({1, 1, 1, 1, 1, 1, 1, 1}, DType::int64), 2), ShapeError);
  CHECK_THROWS_AS(tensordot(zeros({1, 1, 1, 1, 1}), zeros({1, 1, 1, 1}), 0), ShapeError);
}

TEST_CASE("CVE-2022-41887: a broadcast whose size is beyond 32 bits is right, beyond 63 bits refused before it is allocated") {
  const Tensor column = wide({65536, 1}), row = wide({1, 65536});
  CHECK((broadcast_shapes("test", column.shape(), row.shape()) == Shape{65536, 65536}));
  CHECK(broadcast_to(column, {65536, 65536}).size() == int64_t{1} << 32);
  const Tensor tall = wide({int64_t{1} << 40, 1}), long_row = wide({1, int64_t{1} << 40});
  refuses<ShapeError>("add", [&] { tall + long_row; });
  refuses<ShapeError>("multiply", [&] { tall* long_row; });
  refuses<ShapeError>("maximum", [&] { maximum(tall, long_row); });
  refuses<ShapeError>("where", [&] { where(wide({int64_t{1} << 40, 1}, DType::boolean), long_row, 1); });
  refuses<ShapeError>("sigmoid_cross_entropy", [&] { sigmoid_cross_entropy(tall, long_row); });
  refuses<ShapeError>("matmul", [&] { matmul(tall, long_row); });
  refuses<ShapeError>("matmul", [&] { matmul(wide({1 << 30, 1, 2, 2}), wide({int64_t{1} << 40, 2, 2})); });
  const auto product = fused([](auto a, auto b) { return a * b; });
  CHECK_THROWS_AS(product(tall, long_row), ShapeError);
}

TEST_CASE("CVE-2022-21735, CVE-2021-41207: parts, groups and operands by the number of 0") {
  refuses<ShapeError>("concat", [] { concat({}); });
  refuses<ShapeError>("stack", [] { stack({}); });
  for (const int64_t parts : {int64_t{0}, int64_t{-1}, kLeast, kMost}) {
    refuses<ShapeError>("split", [&] { split(zeros({4}), parts); });
    refuses<ShapeError>("group_norm", [&] { group_norm(zeros({2, 4}), parts); });
  }
  refuses<ShapeError>("split", [] { split(zeros({4}), {}, 0); });
  refuses<ShapeError>("split", [] { split(zeros({4}), {kMost, kMost, 6}, 0); });  // wraps around to 4
  refuses<ShapeError>("split", [] { split(zeros({4}), {8, -4}, 0); });
  CHECK_THROWS_AS(einsum("->", {}), Error);
  CHECK_THROWS_AS(einsum("", {}), Error);
  refuses<ValueError>("slice", [] { zeros({4})["::0"]; });
  refuses<ValueError>("arange", [] { arange(0, 4, 0); });
  CHECK((softmax(zeros({0, 3})).shape() == Shape{0, 3}));
  CHECK((softmax(zeros({3, 0})).shape() == Shape{3, 0}));
  CHECK((layer_norm(zeros({3, 0})).shape() == Shape{3, 0}));
  CHECK((group_norm(zeros({0, 4}), 2).shape() == Shape{0, 4}));
  CHECK((batch_norm(zeros({0, 4})).y.shape() == Shape{0, 4}));
  CHECK(std::isnan(mean(zeros({0})).item<float>()));
  refuses<ShapeError>("max", [] { max(zeros({0})); });
  refuses<ShapeError>("argmin", [] { argmin(zeros({2, 0}), 1); });
}

TEST_CASE("CVE-2021-37674: seeds and gradients must have the shape of what they belong to") {
  const Variable x(Tensor({1.0, 2.0, 3.0}));
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{2}, Shape{4}, Shape{1, 3}, Shape{3, 1}, Shape{0}}) {
    INFO(text(shape));
    GradientTape tape;
    CHECK_THROWS_AS(tape.gradient(x * x, x, {.output_gradients = {zeros(shape, DType::float64)}}), ShapeError);
    CHECK_THROWS_AS(vjp([](const Tensor& t) { return t * t; }, x, zeros(shape, DType::float64)), ShapeError);
    CHECK_THROWS_AS(jvp([](const Tensor& t) { return t * t; }, x, zeros(shape, DType::float64)), ShapeError);
    CHECK_THROWS_AS(hvp([](const Tensor& t) { return sum(t * t * t); }, x, zeros(shape, DType::float64)), ShapeError);
    CHECK_THROWS_AS(x.set_grad(zeros(shape, DType::float64)), ShapeError);
    CHECK_THROWS_AS(x.assign(zeros(shape, DType::float64)), ShapeError);
  }
  // A rule of one's own that answers in the wrong shape, or that cannot be summed back.
  const auto wrong = custom_gradient([](const Tensor& t) {
    return std::pair{t * 2, [](const Tensor&) { return zeros({7}, DType::float64); }};
  });
  GradientTape tape;
  const Tensor y = wrong(x);
  CHECK_THROWS_AS(tape.gradient(y, x), Error);
}

TEST_CASE("CVE-2022-21728: axes far out of range, in every function that takes one") {
  const Tensor x = zeros({2, 3});
  const Tensor indices = zeros({2, 3}, DType::int64);
  struct Taker {
    std::string_view op;
    std::function<void(int64_t)> call;
    int rank = 2;
  };
  const std::vector<Taker> takers{
      {"sum", [&](int64_t a) { sum(x, a); }},
      {"mean", [&](int64_t a) { mean(x, a); }},
      {"prod", [&](int64_t a) { prod(x, a); }},
      {"prod", [&](int64_t a) { prod(indices, a); }},
      {"max", [&](int64_t a) { max(x, a); }},
      {"min", [&](int64_t a) { min(x, a); }},
      {"var", [&](int64_t a) { var(x, a); }},
      {"std", [&](int64_t a) { std(x, a); }},
      {"logsumexp", [&](int64_t a) { logsumexp(x, a); }},
      {"argmax", [&](int64_t a) { argmax(x, a); }},
      {"argmin", [&](int64_t a) { argmin(x, a); }},
      {"any", [&](int64_t a) { any(x, a); }},
      {"all", [&](int64_t a) { all(x, a, true); }},
      {"sum",
       [&](int64_t a) {
         sum(x, {0, a});
       }},
      {"tensordot", [&](int64_t a) { tensordot(x, x, {a}, {0}); }},
      {"tensordot", [&](int64_t a) { tensordot(x, x, {0}, {a}); }},
      {"flatten", [&](int64_t a) { flatten(x, a); }},
      {"permute",
       [&](int64_t a) {
         permute(x, {0, a});
       }},
      {"permute",
       [&](int64_t a) {
         x.transpose({a, 0});
       }},
      {"swapaxes", [&](int64_t a) { swapaxes(x, 0, a); }},
      {"swapaxes", [&](int64_t a) { swapaxes(x, a, 0); }},
      {"squeeze", [&](int64_t a) { squeeze(x, a); }},
      {"expand_dims", [&](int64_t a) { expand_dims(x, a); }, 3},
      {"flip", [&](int64_t a) { flip(x, a); }},
      {"concat",
       [&](int64_t a) {
         concat({x, x}, a);
       }},
      {"stack",
       [&](int64_t a) {
         stack({x, x}, a);
       },
       3},
      {"split", [&](int64_t a) { split(x, 1, a); }},
      {"split",
       [&](int64_t a) {
         split(x, {1, 1}, a);
       }},
      {"take", [&](int64_t a) { take(x, Tensor({0}), a); }},
      {"gather", [&](int64_t a) { gather(x, indices, a); }},
      {"softmax", [&](int64_t a) { softmax(x, a); }},
      {"log_softmax", [&](int64_t a) { log_softmax(x, a); }},
      {"group_norm", [&](int64_t a) { group_norm(x, 1, {}, {}, {.axis = a}); }},
      {"batch_norm", [&](int64_t a) { batch_norm(x, {}, {}, {.axis = a}); }},
      {"batch_norm_inference", [&](int64_t a) { batch_norm_inference(x, x, x, {}, {}, {.axis = a}); }},
      {"shape", [&](int64_t a) { x.shape(a); }},
  };
  for (const Taker& taker : takers)
    for (const int64_t axis : {int64_t{-taker.rank - 1}, int64_t{taker.rank}, kLeast, kLeast + 1, kMost, int64_t{1} << 32}) {
      INFO(taker.op, ", axis ", axis);
      refuses<ShapeError>(taker.op, [&] { taker.call(axis); });
    }
  for (const int64_t axes : {int64_t{-1}, int64_t{3}, kLeast, kMost}) {
    refuses<ShapeError>("tensordot", [&] { tensordot(x, x, axes); });
    refuses<ShapeError>("layer_norm", [&] { layer_norm(x, {}, {}, {.axes = axes}); });
    refuses<ShapeError>("rms_norm", [&] { rms_norm(x, {}, {.axes = axes}); });
  }
}

TEST_CASE("CVE-2021-37687: indices far out of range, in every function that takes one") {
  const Tensor x = zeros({4, 3}), logits = zeros({1, 4});
  for (const int64_t index : {int64_t{-5}, int64_t{4}, kLeast, kLeast + 1, kMost, int64_t{1} << 32, -(int64_t{1} << 32)}) {
    INFO("index ", index);
    const Tensor one({index}), matrix(std::vector<int64_t>{0, 1, index}, {1, 3});
    refuses<ValueError>("take", [&] { take(x, one); });
    refuses<ValueError>("take", [&] { take(x, matrix, 0); });
    refuses<ValueError>("gather", [&] { gather(x, matrix, 0); });
    refuses<ValueError>("one_hot", [&] { one_hot(one, 4); });
    refuses<ValueError>("sparse_softmax_cross_entropy", [&] { sparse_softmax_cross_entropy(one, logits); });
    refuses<ShapeError>("slice", [&] { x[index]; });
    refuses<ShapeError>("slice", [&] { x[std::to_string(index)]; });
    refuses<ShapeError>("slice", [&] { x.slice({Slice(), index}); });
    // Bounds of a slice are clamped, and whatever the step, it stays inside.
    CHECK(x.slice({Slice(index, none)}).size() <= x.size());
    CHECK(x.slice({Slice(none, index)}).size() <= x.size());
    CHECK(sum(x.slice({Slice(none, none, index)})).item<float>() == 0);
  }
  // Here negative indices do not count from the end.
  refuses<ValueError>("one_hot", [] { one_hot(Tensor({-1}), 4); });
  refuses<ValueError>("sparse_softmax_cross_entropy", [&] { sparse_softmax_cross_entropy(Tensor({-1}), logits); });
  // Nothing may be taken from nothing.
  refuses<ValueError>("take", [] { take(zeros({0}), Tensor({0})); });
  refuses<ValueError>("gather", [] { gather(zeros({0}), Tensor({0}), 0); });
  refuses<ValueError>("one_hot", [] { one_hot(Tensor({0}), 0); });
  refuses<ValueError>("one_hot", [] { one_hot(Tensor({0}), kLeast); });
  refuses<DTypeError>("take", [&] { take(x, Tensor({NAN})); });
  CHECK_THROWS_AS((x["99999999999999999999"]), ValueError);
  CHECK_THROWS_AS((x["-99999999999999999999:"]), ValueError);
}

TEST_CASE("CVE-2021-41219: products over a dimension of 0") {
  for (int zero = 1; zero < 8; ++zero) {
    const int64_t m = zero & 1 ? 0 : 2, k = zero & 2 ? 0 : 3, n = zero & 4 ? 0 : 4;
    INFO(m, " x ", k, " x ", n);
    const Variable a(ones({m, k})), b(ones({k, n}));
    GradientTape tape;
    const Tensor y = matmul(a, b);
    CHECK((y.shape() == Shape{m, n}));
    CHECK(sum(abs(y)).item<float>() == 0);
    const auto [da, db] = tape.gradient(y, a, b);
    CHECK((da.shape() == a.shape()));
    CHECK((db.shape() == b.shape()));
    CHECK((einsum("ik,kj->ij", {a, b}).shape() == Shape{m, n}));
    CHECK((tensordot(a, b, 1).shape() == Shape{m, n}));
  }
  CHECK((matmul(zeros({0, 2, 3}), zeros({3, 4})).shape() == Shape{0, 2, 4}));
}

TEST_CASE("TFSA-2020-028: floats beyond what an integer holds become the nearest it holds, NaN becomes 0") {
  const std::vector<double> values{NAN, INFINITY, -INFINITY, 1e30, -1e30, 0x1p31, 0x1p63, -0x1p63, 256, -1};
  constexpr double kMost32 = 0x1p31 - 1;
  const std::vector<double> as_int32{0, kMost32, -0x1p31, kMost32, -0x1p31, kMost32, kMost32, -0x1p31, 256, -1};
  const std::vector<int64_t> as_int64{0, kMost, kLeast, kMost, kLeast, int64_t{1} << 31, kMost, kLeast, 256, -1};
  const std::vector<double> as_uint8{0, 255, 0, 255, 0, 255, 255, 0, 255, 0};
  const std::vector<double> as_bool{1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  for (const DType dtype : {DType::float64, DType::float32, DType::bfloat16}) {
    INFO(info(dtype).name);
    for (const int64_t copies : {1, 9}) {  // in whole vectors, too
      const Tensor x = broadcast_to(Tensor(values), {copies, 10}).astype(dtype);
      for (int64_t c = 0; c < copies; ++c) {
        CHECK(x.astype(DType::int32)[c].to_vector<double>() == as_int32);
        CHECK(x.astype(DType::int64)[c].to_vector<int64_t>() == as_int64);
        CHECK(x.astype(DType::uint8)[c].to_vector<double>() == as_uint8);
        CHECK(x.astype(DType::boolean)[c].to_vector<double>() == as_bool);
      }
    }
  }
  CHECK(Tensor(1e30).item<int32_t>() == 2147483647);
  CHECK(Tensor(-1e30f).item<int64_t>() == kLeast);
  CHECK(Tensor(std::nan("")).item<uint8_t>() == 0);
  CHECK(full({}, 1e30, DType::int32).item<int32_t>() == 2147483647);
  CHECK(full({}, NAN, DType::int64).item<int64_t>() == 0);
  CHECK(std::isinf(Tensor(1e300).item<float>()));
  CHECK(std::isinf(Tensor(1e300).astype(DType::float16).item<float>()));
  // The least integer has no counterpart of the other sign; it wraps around.
  CHECK((-Tensor({kLeast})).item<int64_t>() == kLeast);
  CHECK(abs(Tensor({kLeast})).item<int64_t>() == kLeast);
  CHECK((Tensor({kMost}) + 1).item<int64_t>() == kLeast);
  CHECK(sum(Tensor({kMost, kMost})).item<int64_t>() == -2);
  CHECK(square(Tensor({kMost})).item<int64_t>() == 1);
}

TEST_CASE("TFSA-2020-013: names and texts full of conversion marks come through as they are") {
  const std::string nasty = "%s%n%x {} {0:n} \\ %";
  const Variable x(zeros({2}), {.name = nasty});
  CHECK(x.name() == nasty);
  GradientTape tape;
  CHECK(tape.gradient(sum(zeros({2})), x).missing_reason().find(nasty) != std::string::npos);
  for (const auto& message :
       {refusal<ValueError>([&] { zeros({2})[nasty]; }), refusal<Error>([&] { einsum(nasty, {zeros({2})}); })})
    CHECK_MESSAGE(message.find('%') != std::string::npos, message);
  CHECK_THROWS_WITH_AS(fail<ValueError>(nasty, nasty), (nasty + ": " + nasty).c_str(), ValueError);
}

TEST_CASE("undefined tensors are refused by name, wherever they are handed in") {
  const Tensor none, x = zeros({2, 2});
  const std::vector<std::function<void()>> calls{
      [&] { none + x; },
      [&] { sum(none); },
      [&] { matmul(x, none); },
      [&] {
        concat({x, none});
      },
      [&] { stack({none}); },
      [&] { take(x, none); },
      [&] { where(none, x, x); },
      [&] { softmax(none); },
      [&] { layer_norm(none); },
      [&] { batch_norm_inference(x, none, none); },
      [&] { scaled_dot_product_attention(x, none, x); },
      [&] { dropout(none, 0.5); },
      [&] { none.astype(DType::int32); },
      [&] { none[0]; },
      [&] { Variable v(none); },
  };
  for (size_t i = 0; i < calls.size(); ++i) {
    INFO("call ", i);
    CHECK(refusal<ValueError>(calls[i]).find("has no value") != std::string::npos);
  }
}

}  // namespace
}  // namespace gradus::test
