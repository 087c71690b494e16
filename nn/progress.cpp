#include "nn/progress.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <utility>

#include "autograd/base/error.h"

namespace gradus::nn {
namespace {

constexpr int64_t kBarWidth = 20;
constexpr double kRedrawSeconds = 0.05;

template <class... Args>
std::string format(const char* pattern, Args... args) {
  char buffer[64];
  return std::string(buffer, static_cast<size_t>(std::snprintf(buffer, sizeof buffer, pattern, args...)));
}

/// Characters on the screen: UTF-8 continuation bytes take no room.
size_t columns(std::string_view line) {
  return static_cast<size_t>(std::ranges::count_if(line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string format_duration(double seconds) {
  const auto whole = static_cast<long long>(std::max(0.0, seconds));
  if (whole >= 3600) return format("%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  if (whole >= 60) return format("%lld:%02lld", whole / 60, whole % 60);
  return format("%llds", whole);
}

std::string format_step_time(double seconds) {
  if (seconds >= 1 || seconds == 0) return format("%.0fs", seconds);
  return seconds >= 1e-3 ? format("%.0fms", seconds * 1e3) : format("%.0fus", seconds * 1e6);
}

std::string format_value(double value) { return format(std::abs(value) > 1e-3 ? "%.4f" : "%.4e", value); }

Progress::Style Progress::style_of(int verbose, bool terminal) {
  if (verbose < 0 || verbose > 2) fail<ValueError>("fit", "verbose out of range; got ", verbose, ", expected 0, 1 or 2");
  return verbose == 0 ? Style::silent : verbose == 1 && terminal ? Style::redraw : Style::lines;
}

bool Progress::is_terminal(const std::ostream& out) {
  if (&out == &std::cout) return isatty(STDOUT_FILENO) == 1;
  if (&out == &std::cerr || &out == &std::clog) return isatty(STDERR_FILENO) == 1;
  return false;
}

double Progress::steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Progress::Progress(std::ostream& out, Style style, Clock clock) : out_(out), style_(style), clock_(std::move(clock)) {}

void Progress::begin(std::string_view title, int64_t steps, int64_t done) {
  title_ = title;
  steps_ = steps;
  done_ = before_ = done;
  width_ = 0;
  start_ = clock_();
  drawn_ = start_;
  if (style_ == Style::redraw && !title_.empty()) out_ << title_ << "\n" << std::flush;
}

bool Progress::step() {
  ++done_;
  if (style_ == Style::silent) return false;
  const int64_t now_done = done_ - before_;
  if (style_ == Style::lines && now_done > 1) return false;
  const double now = clock_();
  if (now_done == 1) after_first_ = now;
  if (style_ == Style::lines || now - drawn_ < kRedrawSeconds) return false;
  drawn_ = now;
  return true;
}

std::string Progress::line(const Logs& logs, double now, bool last) const {
  // The first step warms everything up, so the estimate leaves it out as soon as there is another.
  const double steps = static_cast<double>(done_ - before_);
  const double per_step = steps > 1 ? (now - after_first_) / (steps - 1) : steps == 1 ? now - start_ : 0;
  std::string out = text(done_, "/", steps_);
  if (style_ == Style::redraw) {
    const std::string total = std::to_string(steps_), current = std::to_string(done_);
    out.insert(0, total.size() - std::min(total.size(), current.size()), ' ');
    out += " ";
    const int64_t filled = steps_ > 0 ? kBarWidth * done_ / steps_ : kBarWidth;
    for (int64_t i = 0; i < kBarWidth; ++i) out += i < filled ? "━" : "─";
  } else {
    if (!title_.empty()) out = title_ + " - " + out;
    out += " -";
  }
  const double seconds = last ? now - start_ : per_step * static_cast<double>(steps_ - done_);
  out += text(" ", format_duration(seconds), " ", format_step_time(per_step), "/step");
  for (const auto& [name, value] : logs) out += text(" - ", name, ": ", format_value(value));
  return out;
}

void Progress::draw(const Logs& logs) {
  if (style_ != Style::redraw) return;
  std::string text = line(logs, clock_(), false);
  const size_t width = columns(text);
  if (width < width_) text.append(width_ - width, ' ');
  width_ = width;
  out_ << '\r' << text << std::flush;
}

void Progress::end(const Logs& logs) {
  if (style_ == Style::silent) return;
  std::string text = line(logs, clock_(), true);
  if (style_ == Style::redraw) {
    const size_t width = columns(text);
    if (width < width_) text.append(width_ - width, ' ');
    out_ << '\r';
  }
  width_ = 0;
  out_ << text << "\n" << std::flush;
}

void Progress::abandon() {
  if (width_ > 0) out_ << "\n" << std::flush;
  width_ = 0;
}

}  // namespace gradus::nn
