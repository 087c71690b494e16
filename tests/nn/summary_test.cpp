// The summary table of the first contract program, character by character, and what it shows before anything is built.
#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "nn/nn.h"

using namespace gradus;

namespace {

nn::Sequential mnist() { return {nn::Dense(512, {.activation = nn::relu}), nn::Dense(10, {.activation = nn::softmax})}; }

std::string summary_of(const nn::Model& model) {
  std::ostringstream out;
  model.summary(out);
  return out.str();
}

}  // namespace

TEST_CASE("summary is Keras' table") {
  nn::Sequential model = mnist();
  model.build({-1, 784});
  CHECK(summary_of(model) ==
        "Model: \"sequential\"\n"
        "┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓\n"
        "┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃\n"
        "┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩\n"
        "│ dense (Dense)                   │ (None, 512)            │       401,920 │\n"
        "├─────────────────────────────────┼────────────────────────┼───────────────┤\n"
        "│ dense_1 (Dense)                 │ (None, 10)             │         5,130 │\n"
        "└─────────────────────────────────┴────────────────────────┴───────────────┘\n"
        " Total params: 407,050 (1.55 MB)\n"
        " Trainable params: 407,050 (1.55 MB)\n"
        " Non-trainable params: 0 (0.00 B)\n");
}

TEST_CASE("summary counts the optimiser's values once it has some") {
  nn::Sequential model = mnist();
  model.compile({.optimizer = "rmsprop", .loss = "sparse_categorical_crossentropy"});
  model.fit(zeros({4, 784}), zeros({4}, DType::int32), {.verbose = 0});
  const std::string text = summary_of(model);
  CHECK(text.find(" Total params: 814,102 (3.11 MB)\n Trainable params: 407,050 (1.55 MB)\n") != std::string::npos);
  CHECK(text.find(" Optimizer params: 407,052 (1.55 MB)\n") != std::string::npos);
}

TEST_CASE("summary of what is not built, of frozen and wide parts") {
  nn::Sequential model{nn::Flatten(), nn::Dense(3, {.name = "a_layer_with_quite_a_long_name_in_the_first_column"})};
  CHECK(summary_of(model).find("│ ?                      │             0 │") != std::string::npos);
  model.build({-1, 2, 2});
  for (const Variable& variable : model.variables()) variable.set_trainable(false);
  const std::string text = summary_of(model);
  CHECK(text.find("│ flatten (Flatten)                                          │ (None, 4)") != std::string::npos);
  CHECK(text.find(" Trainable params: 0 (0.00 B)\n Non-trainable params: 15 (60.00 B)\n") != std::string::npos);
}
