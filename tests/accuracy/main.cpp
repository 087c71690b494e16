// Prints docs/accuracy.md's table.
#include <CLI/CLI.hpp>
#include <iostream>

#include "tests/accuracy/measure.h"

int main(int argc, char** argv) {
  uint64_t stride = 10007;
  int samples = 200000;
  CLI::App app("Measures the pointwise functions against long double and prints a Markdown table.", "gradus_accuracy");
  app.add_option("--stride", stride, "every how many bit patterns of float32 are tried (1: all 2^32)")
      ->check(CLI::PositiveNumber);
  app.add_option("--samples", samples, "numbers or pairs tried otherwise")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  std::cout << gradus::test::markdown(gradus::test::measure(stride, 0, samples));
}
