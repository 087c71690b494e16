// Expected text: NumPy 1.24, print(array) with default options.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "autograd/tensor.h"
#include "tests/support/tensors.h"

using namespace gradus;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

// 0, 1, 2, ... in any shape.
template <class T>
Tensor counting(const Shape& shape, T step = 1) {
  std::vector<T> values(static_cast<size_t>(numel("counting", shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(static_cast<T>(i) * step);
  return Tensor(values, shape);
}

template <class T>
Tensor repeated(T value, const Shape& shape) {
  return Tensor(std::vector<T>(static_cast<size_t>(numel("repeated", shape)), value), shape);
}

Tensor halves(const std::vector<float>& values) {
  std::vector<float16> out;
  for (float v : values) out.push_back(float16(v));
  return Tensor(out);
}

}  // namespace

TEST_CASE("printing numbers as 0-dim tensors") {
  CHECK(to_string(Tensor(12.0)) == "12.0");
  CHECK(to_string(Tensor(0.1f)) == "0.1");
  CHECK(to_string(Tensor(0.1)) == "0.1");
  CHECK(to_string(Tensor(1.0f / 3)) == "0.33333334");
  CHECK(to_string(Tensor(1.0 / 3)) == "0.3333333333333333");
  CHECK(to_string(Tensor(-0.0)) == "-0.0");
  CHECK(to_string(Tensor(123456.789)) == "123456.789");
  CHECK(to_string(Tensor(16777216.0f)) == "16777216.0");
  CHECK(to_string(Tensor(1e15)) == "1000000000000000.0");
  CHECK(to_string(Tensor(1e16)) == "1e+16");
  CHECK(to_string(Tensor(1e-4)) == "0.0001");
  CHECK(to_string(Tensor(1e-4f)) == "1e-04");  // as a float a little less than 0.0001
  CHECK(to_string(Tensor(1.5e-7)) == "1.5e-07");
  CHECK(to_string(Tensor(1e300)) == "1e+300");
  CHECK(to_string(Tensor(5e-324)) == "5e-324");
  CHECK(to_string(Tensor(kNan)) == "nan");
  CHECK(to_string(Tensor(-kInf)) == "-inf");
  CHECK(to_string(Tensor(float16(0.1f))) == "0.1");
  CHECK(to_string(Tensor(bfloat16(0.1f))) == "0.1");
  CHECK(to_string(Tensor(true)) == "True");
  CHECK(to_string(Tensor(uint8_t{200})) == "200");
  CHECK(to_string(Tensor(std::numeric_limits<int64_t>::min())) == "-9223372036854775808");
}

TEST_CASE("printing floating vectors: common width, as few digits as needed") {
  CHECK(to_string(Tensor({0.1, 0.25, 1.0})) == "[0.1  0.25 1.  ]");
  CHECK(to_string(Tensor({0.1f, 0.25f, 1.0f})) == "[0.1  0.25 1.  ]");
  CHECK(to_string(Tensor({1.0, -2.5, 3.125})) == "[ 1.    -2.5    3.125]");
  CHECK(to_string(Tensor({1.0 / 3, 2.0 / 3, 1000.0 / 3})) == "[  0.33333333   0.66666667 333.33333333]");
  CHECK(to_string(Tensor({99999999.0, 1e5})) == "[99999999.   100000.]");
  CHECK(to_string(Tensor({16777216.0f, 33554432.0f, 1e7f})) == "[16777216. 33554432. 10000000.]");
  CHECK(to_string(Tensor({-0.0, 0.0})) == "[-0.  0.]");
  CHECK(to_string(halves({1, 0.333f, 1e-3f})) == "[1.    0.333 0.001]");
  CHECK(to_string(Tensor({bfloat16(1), bfloat16(-0.1f)})) == "[ 1.  -0.1]");
}

TEST_CASE("printing floating vectors: exponents") {
  CHECK(to_string(Tensor({1e-5, 1.0, 2.0})) == "[1.e-05 1.e+00 2.e+00]");  // below 1e-4
  CHECK(to_string(Tensor({1e8, 1.0})) == "[1.e+08 1.e+00]");               // from 1e8
  CHECK(to_string(Tensor({0.01, 11.0})) == "[1.0e-02 1.1e+01]");           // more than 1000 apart
  CHECK(to_string(Tensor({0.01, 10.0})) == "[ 0.01 10.  ]");
  CHECK(to_string(Tensor({1e-10, 1.5e10, -2e100})) == "[ 1.0e-010  1.5e+010 -2.0e+100]");
  // Mantissas are filled up with the float's own digits.
  CHECK(to_string(Tensor({0.1f, 1e-5f, 6.5884582e-22f})) == "[1.000000e-01 1.000000e-05 6.588458e-22]");
  CHECK(to_string(halves({0.1f, 65504, 1})) == "[1.00e-01 6.55e+04 1.00e+00]");
}

TEST_CASE("printing what is not finite") {
  CHECK(to_string(Tensor({kNan, 1.5, -kInf})) == "[ nan  1.5 -inf]");
  CHECK(to_string(Tensor({kNan, kInf})) == "[nan inf]");
  CHECK(to_string(Tensor({-kInf, kNan})) == "[-inf  nan]");
  CHECK(to_string(Tensor({1e100, kNan, 1.0})) == "[1.e+100     nan 1.e+000]");
  CHECK(to_string(Tensor({kInf, 1e-10})) == "[   inf 1.e-10]");
}

TEST_CASE("printing integers and booleans") {
  CHECK(to_string(Tensor({7, -12, 300})) == "[  7 -12 300]");
  CHECK(to_string(Tensor({uint8_t{5}, uint8_t{250}})) == "[  5 250]");
  CHECK(to_string(Tensor({std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()})) ==
        "[-9223372036854775808  9223372036854775807]");
  CHECK(to_string(Tensor({true, false, true})) == "[ True False  True]");
  CHECK(to_string(Tensor({{true, true}, {true, true}})) == "[[ True  True]\n [ True  True]]");
}

TEST_CASE("printing nested brackets, blank lines between blocks") {
  CHECK(to_string(Tensor({{5, 78, 2}, {6, 79, 3}, {7, 80, 4}})) == "[[ 5 78  2]\n [ 6 79  3]\n [ 7 80  4]]");
  CHECK(to_string(Tensor({{1.5}, {-20.0}})) == "[[  1.5]\n [-20. ]]");
  CHECK(to_string(counting<int>({3, 2, 5})) == R"([[[ 0  1  2  3  4]
  [ 5  6  7  8  9]]

 [[10 11 12 13 14]
  [15 16 17 18 19]]

 [[20 21 22 23 24]
  [25 26 27 28 29]]])");
  CHECK(to_string(repeated(0.0f, {2, 2, 1, 2})) == R"([[[[0. 0.]]

  [[0. 0.]]]


 [[[0. 0.]]

  [[0. 0.]]]])");
  CHECK(to_string(repeated(7, {1, 1, 1, 1, 1, 1, 1, 1})) == "[[[[[[[[7]]]]]]]]");
}

TEST_CASE("printing wraps lines at 75 characters") {
  CHECK(to_string(counting<int>({30}, 1000)) == R"([    0  1000  2000  3000  4000  5000  6000  7000  8000  9000 10000 11000
 12000 13000 14000 15000 16000 17000 18000 19000 20000 21000 22000 23000
 24000 25000 26000 27000 28000 29000])");
  CHECK(to_string(repeated(-123456.789, {2, 9})) ==
        R"([[-123456.789 -123456.789 -123456.789 -123456.789 -123456.789 -123456.789
  -123456.789 -123456.789 -123456.789]
 [-123456.789 -123456.789 -123456.789 -123456.789 -123456.789 -123456.789
  -123456.789 -123456.789 -123456.789]])");
  // Blanks at the end of a wrapped line are dropped.
  CHECK(to_string(Tensor({0.25, 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.})) ==
        "[0.25 1.   1.   1.   1.   1.   1.   1.   1.   1.   1.   1.   1.   1.\n 1.   1.  ]");
}

TEST_CASE("printing elides more than 1000 elements") {
  CHECK(to_string(counting<int>({1001})) == "[   0    1    2 ...  998  999 1000]");
  CHECK(to_string(counting<int>({1000})).find("...") == std::string::npos);
  CHECK(to_string(counting<double>({1001}, 0.125)) == "[  0.      0.125   0.25  ... 124.75  124.875 125.   ]");
  CHECK(to_string(counting<int>({2, 1000})) == "[[   0    1    2 ...  997  998  999]\n [1000 1001 1002 ... 1997 1998 1999]]");
  CHECK(to_string(counting<int>({1300, 4})) == R"([[   0    1    2    3]
 [   4    5    6    7]
 [   8    9   10   11]
 ...
 [5188 5189 5190 5191]
 [5192 5193 5194 5195]
 [5196 5197 5198 5199]])");
  CHECK(to_string(counting<int>({8, 2, 70})) == R"([[[   0    1    2 ...   67   68   69]
  [  70   71   72 ...  137  138  139]]

 [[ 140  141  142 ...  207  208  209]
  [ 210  211  212 ...  277  278  279]]

 [[ 280  281  282 ...  347  348  349]
  [ 350  351  352 ...  417  418  419]]

 ...

 [[ 700  701  702 ...  767  768  769]
  [ 770  771  772 ...  837  838  839]]

 [[ 840  841  842 ...  907  908  909]
  [ 910  911  912 ...  977  978  979]]

 [[ 980  981  982 ... 1047 1048 1049]
  [1050 1051 1052 ... 1117 1118 1119]]])");
  // Only what is shown decides the format.
  std::vector<double> values(2000, 1e20);
  for (size_t i : {0u, 1u, 2u, 1997u, 1998u, 1999u}) values[i] = 0.5;
  CHECK(to_string(Tensor(values)) == "[0.5 0.5 0.5 ... 0.5 0.5 0.5]");
}

TEST_CASE("printing views, empty and undefined tensors") {
  const Tensor x = counting<int>({2, 3});
  Strides strides{};
  strides[0] = 1, strides[1] = 3;
  CHECK(to_string(test::strided(x, {3, 2}, strides)) == "[[0 3]\n [1 4]\n [2 5]]");
  strides[0] = -1;
  CHECK(to_string(test::strided(x, {3}, strides, 2)) == "[2 1 0]");
  strides[0] = 0;
  CHECK(to_string(test::strided(x, {2000}, strides, 5)) == "[5 5 5 ... 5 5 5]");
  CHECK(to_string(zeros({3, 0})) == "[]");
  CHECK(to_string(zeros({0})) == "[]");
  CHECK(to_string(Tensor()) == "undefined");
  CHECK(to_string(detail::missing("x: not watched")) == "undefined (x: not watched)");

  std::ostringstream out;
  out << x[0] << ' ' << Tensor(2.5);
  CHECK(out.str() == "[0 1 2] 2.5");
}
