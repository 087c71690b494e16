#include "autograd/tape/trace.h"

#include <unwind.h>

#include <filesystem>
#include <system_error>

#include "autograd/base/error.h"
#include "autograd/tape/symbols.h"

namespace gradus::detail {
namespace {

constexpr size_t kDeepest = 64;      // frames; the library itself takes some 30 of them at most
constexpr size_t kMostSeen = 65536;  // distinct stacks kept between steps

void capture(CallStack& stack) {
  stack.clear();
  _Unwind_Backtrace(
      [](_Unwind_Context* context, void* to) {
        CallStack& stack = *static_cast<CallStack*>(to);
        int before = 0;
        const uintptr_t address = _Unwind_GetIPInfo(context, &before);
        if (address == 0 || stack.size() == kDeepest) return _URC_END_OF_STACK;
        stack.push_back(before ? address : address - 1);  // a return address belongs to the line after the call
        return _URC_NO_REASON;
      },
      &stack);
}

// A layer or another part above the operations says more than the operation's own helpers.
bool part(std::string_view function) {
  return function.starts_with("gradus::nn::") || function.starts_with("gradus::optim::") ||
         function.starts_with("gradus::data::");
}
// Not worth naming: what is private, and the function of the operation itself.
bool hidden(std::string_view function, std::string_view op) {
  return !function.starts_with("gradus::") || function.find("::detail::") != std::string_view::npos ||
         function.find("(anonymous namespace)") != std::string_view::npos ||
         function.find("operator") != std::string_view::npos || function.substr(function.rfind(':') + 1) == op;
}

std::string shown(const std::string& file) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::path(file).lexically_normal(),
                              folder = std::filesystem::current_path(error);
  const std::filesystem::path relative = error ? path : path.lexically_relative(folder);
  return relative.empty() || *relative.begin() == ".." ? path.string() : relative.string();
}

}  // namespace

size_t Trace::Hash::operator()(const CallStack& stack) const {
  uint64_t h = stack.size();
  for (const uintptr_t address : stack) h = (h ^ address) * 0x9E3779B97F4A7C15u, h ^= h >> 32;
  return h;
}

const CallStack* Trace::here() {
  if (stacks_.empty() && seen_.size() > kMostSeen) seen_.clear();
  capture(scratch_);
  return &*seen_.insert(scratch_).first;
}

void Trace::note(uint32_t id) {
  stacks_.resize(id);  // what was recorded while nobody traced has none; what was noted without being recorded goes
  stacks_.push_back(here());
}

Location locate(const CallStack& stack, std::string_view op) {
  Location location;
  std::string outermost;
  for (const uintptr_t address : stack) {
    for (const Frame& frame : frames_at(address)) {
      const Owner owner = owner_of(frame);
      if (owner == Owner::start) return location;
      const std::string function = function_name(frame.symbol);
      if (owner == Owner::user) {
        location.file = frame.file;
        location.line = frame.line;
        location.function = function;
        if (location.inside.empty()) location.inside = outermost;
        return location;
      }
      if (part(function) && location.inside.empty()) location.inside = function;
      if (!hidden(function, op)) outermost = function;
    }
  }
  return {};
}

std::string text(const Location& x) {
  const std::string inside = x.inside.empty() ? "" : "in " + x.inside;
  if (x.function.empty() && x.file.empty()) return inside;
  const std::string line = x.file.empty() ? "" : gradus::text(shown(x.file), ":", x.line);
  const std::string in = x.function.empty() ? "" : line.empty() ? x.function : " (in " + x.function + ")";
  if (!inside.empty()) return inside + ", called from " + line + in;
  return (line.empty() ? "in " : "at ") + line + in;
}

}  // namespace gradus::detail
