// Confusion matrices and classification reports, against tables made with scikit-learn's rules by hand.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "autograd/ops.h"
#include "nn/nn.h"

using namespace gradus;

namespace {

std::vector<int64_t> matrix(const Tensor& labels, const Tensor& predictions, int64_t classes = 0) {
  const Tensor found = nn::confusion_matrix(labels, predictions, classes);
  CHECK(found.dtype() == DType::int64);
  CHECK(found.ndim() == 2);
  CHECK(found.shape()[0] == found.shape()[1]);
  return found.to_vector<int64_t>();
}

}  // namespace

TEST_CASE("confusion matrices: rows are the truth") {
  const Tensor labels({0, 1, 2, 2, 2}), guess({0, 0, 2, 2, 1});
  const std::vector<int64_t> expected{1, 0, 0, 1, 0, 0, 0, 1, 2};
  CHECK(matrix(labels, guess) == expected);
  CHECK(matrix(labels, guess, 3) == expected);
  CHECK(matrix(labels.reshape({5, 1}), guess) == expected);
  CHECK(matrix(labels.astype(DType::uint8), guess.astype(DType::int64)) == expected);
  CHECK(matrix(labels, one_hot(guess, 3)) == expected);
  CHECK(matrix(one_hot(labels, 3), one_hot(guess, 3)) == expected);
  CHECK(matrix(labels.astype(DType::float32), guess) == expected);
  CHECK((nn::confusion_matrix(labels, guess, 5).shape() == Shape{5, 5}));
  CHECK(matrix(Tensor({1, 0, 1}), Tensor({0.9f, 0.6f, 0.5f})) == std::vector<int64_t>{0, 1, 1, 1});
  CHECK(matrix(Tensor({1, 0, 1}), Tensor({{0.9f}, {0.6f}, {0.5f}})) == std::vector<int64_t>{0, 1, 1, 1});
  CHECK(matrix(Tensor({true, false}), Tensor({true, true})) == std::vector<int64_t>{0, 1, 0, 1});
  const Tensor none = zeros({0}).astype(DType::int64);
  CHECK((nn::confusion_matrix(none, none).shape() == Shape{0, 0}));
  CHECK(matrix(none, zeros({0, 2})) == std::vector<int64_t>(4));
}

TEST_CASE("confusion matrices of what does not fit") {
  const Tensor labels({0, 1, 2});
  CHECK_THROWS_WITH_AS(nn::confusion_matrix(labels, Tensor({0, 1, 1}), 2),
                       "confusion_matrix: label out of range; got 2, expected [0, 2)", ValueError);
  CHECK_THROWS_AS(nn::confusion_matrix(Tensor({0, 1, 1}), labels, 2), ValueError);
  CHECK_THROWS_AS(nn::confusion_matrix(Tensor({0, -1, 1}), labels), ValueError);
  CHECK_THROWS_AS(nn::confusion_matrix(labels, Tensor({0, 1})), ShapeError);
  CHECK_THROWS_AS(nn::confusion_matrix(labels, full({3, 2}, 0.5)), ValueError);
  CHECK_THROWS_AS(nn::confusion_matrix(labels, full({3, 3}, 0.5), 4), ValueError);
  CHECK_THROWS_AS(nn::confusion_matrix(labels, labels, -1), ValueError);
  CHECK_THROWS_WITH_AS(nn::confusion_matrix(Tensor({0.5, 1.0, 0.0}), labels), doctest::Contains("with a fraction"), ValueError);
  CHECK_THROWS_WITH_AS(nn::confusion_matrix(Tensor({0, 1'000'000'000}), Tensor({0, 1})), doctest::Contains("too many classes"),
                       ValueError);
}

TEST_CASE("classification report") {
  const Tensor labels({0, 1, 2, 2, 2}), guess({0, 0, 2, 2, 1});
  CHECK(nn::classification_report(labels, guess, {.names = {"class 0", "class 1", "class 2"}}) ==
        "              precision    recall  f1-score   support\n"
        "\n"
        "     class 0       0.50      1.00      0.67         1\n"
        "     class 1       0.00      0.00      0.00         1\n"
        "     class 2       1.00      0.67      0.80         3\n"
        "\n"
        "    accuracy                           0.60         5\n"
        "   macro avg       0.50      0.56      0.49         5\n"
        "weighted avg       0.70      0.60      0.61         5\n");
  const std::string plain = nn::classification_report(labels, one_hot(guess, 3), {.digits = 4});
  CHECK(plain.find("           2     1.0000    0.6667    0.8000         3\n") != std::string::npos);
  CHECK(nn::classification_report(zeros({0}), zeros({0, 2})).find("accuracy") != std::string::npos);
  CHECK_THROWS_AS(nn::classification_report(labels, one_hot(guess, 3), {.names = {"a", "b"}}), ValueError);
  CHECK_THROWS_AS(nn::classification_report(labels, guess, {.names = {"a", "b"}}), ValueError);
  CHECK_THROWS_AS(nn::classification_report(labels, guess, {.digits = 16}), ValueError);
}
