// The progress line, character by character, with a clock of our own.
#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "autograd/base/error.h"
#include "nn/progress.h"

using namespace gradus;
using nn::Progress;

namespace {

nn::Logs logs(double accuracy, double loss) {
  nn::Logs out;
  out.set("loss", loss);
  out.set("accuracy", accuracy);
  return out;
}

}  // namespace

TEST_CASE("durations, step times and values look like Keras'") {
  CHECK(nn::format_duration(0) == "0s");
  CHECK(nn::format_duration(12.9) == "12s");
  CHECK(nn::format_duration(62) == "1:02");
  CHECK(nn::format_duration(3723) == "1:02:03");
  CHECK(nn::format_duration(-1) == "0s");
  CHECK(nn::format_step_time(2.4) == "2s");
  CHECK(nn::format_step_time(0) == "0s");
  CHECK(nn::format_step_time(0.0031) == "3ms");
  CHECK(nn::format_step_time(0.00031) == "310us");
  CHECK(nn::format_value(0.9123) == "0.9123");
  CHECK(nn::format_value(12.5) == "12.5000");
  CHECK(nn::format_value(-2) == "-2.0000");
  CHECK(nn::format_value(1.2e-4) == "1.2000e-04");
  CHECK(nn::format_value(1e-3) == "1.0000e-03");
  CHECK(nn::format_value(0) == "0.0000e+00");
}

TEST_CASE("a terminal's line is redrawn, at most every 50 ms") {
  double now = 100;
  std::ostringstream out;
  Progress progress(out, Progress::Style::redraw, [&] { return now; });
  progress.begin("Epoch 1/5", 40);
  CHECK(out.str() == "Epoch 1/5\n");

  now = 100.04;  // first step: slow, but not yet 50 ms
  CHECK_FALSE(progress.step());
  now = 100.06;
  CHECK(progress.step());
  out.str("");
  progress.draw(logs(0.5, 0.6931));
  // Two steps, the second took 20 ms: 38 more take 0.76 s. 20 * 2 / 40 = 1 mark.
  CHECK(out.str() == "\r 2/40 ━─────────────────── 0s 20ms/step - accuracy: 0.5000 - loss: 0.6931");
  now = 100.10;
  CHECK_FALSE(progress.step());  // 40 ms after the last drawing
  now = 100.12;
  CHECK(progress.step());
  out.str("");
  progress.draw(logs(0.5, 0.00012));
  CHECK(out.str() == "\r 4/40 ━━────────────────── 0s 27ms/step - accuracy: 0.5000 - loss: 1.2000e-04");

  for (int i = 4; i < 40; ++i) progress.step();
  now = 162.4;
  out.str("");
  progress.end(logs(0.9, 0.1));
  // Elapsed time now, not what is left; spaces cover what was longer.
  CHECK(out.str() == "\r40/40 ━━━━━━━━━━━━━━━━━━━━ 1:02 2s/step - accuracy: 0.9000 - loss: 0.1000    \n");
}

TEST_CASE("a line that gets shorter covers the one before it") {
  double now = 0;
  std::ostringstream out;
  Progress progress(out, Progress::Style::redraw, [&] { return now; });
  progress.begin("", 2);
  CHECK(out.str().empty());
  now = 1;
  CHECK(progress.step());
  progress.draw(logs(0.5, 0.00012));
  out.str("");
  now = 2;
  progress.step();
  progress.end(logs(0.5, 0.5));
  CHECK(out.str() == "\r2/2 ━━━━━━━━━━━━━━━━━━━━ 2s 1s/step - accuracy: 0.5000 - loss: 0.5000    \n");
}

TEST_CASE("elsewhere each epoch is one plain line") {
  double now = 0;
  std::ostringstream out;
  Progress progress(out, Progress::Style::lines, [&] { return now; });
  progress.begin("Epoch 2/5", 3);
  now = 1;
  CHECK_FALSE(progress.step());
  now = 1.5;
  CHECK_FALSE(progress.step());
  now = 2;
  CHECK_FALSE(progress.step());
  progress.draw(logs(0, 0));
  CHECK(out.str().empty());
  progress.end(logs(0.9123, 0.25));
  CHECK(out.str() == "Epoch 2/5 - 3/3 - 2s 500ms/step - accuracy: 0.9123 - loss: 0.2500\n");
}

TEST_CASE("silence, interruption, styles") {
  std::ostringstream out;
  Progress silent(out, Progress::Style::silent);
  silent.begin("Epoch 1/1", 1);
  CHECK_FALSE(silent.step());
  silent.draw(logs(0, 0));
  silent.end(logs(0, 0));
  silent.abandon();
  CHECK(out.str().empty());

  double now = 0;
  Progress drawn(out, Progress::Style::redraw, [&] { return now; });
  drawn.begin("", 5);
  drawn.abandon();
  CHECK(out.str().empty());  // nothing was on the line
  now = 1;
  drawn.step();
  drawn.draw(logs(0, 0));
  out.str("");
  drawn.abandon();
  CHECK(out.str() == "\n");

  CHECK(Progress::style_of(0, true) == Progress::Style::silent);
  CHECK(Progress::style_of(1, true) == Progress::Style::redraw);
  CHECK(Progress::style_of(1, false) == Progress::Style::lines);
  CHECK(Progress::style_of(2, true) == Progress::Style::lines);
  CHECK_THROWS_AS(Progress::style_of(3, true), ValueError);
  CHECK_FALSE(Progress::is_terminal(out));
}
