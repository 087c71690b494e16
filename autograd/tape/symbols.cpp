#include "autograd/tape/symbols.h"

#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <unordered_map>

#ifdef GRADUS_LIBBACKTRACE
#include <backtrace.h>
#endif

namespace gradus::detail {
namespace {

#ifdef GRADUS_LIBBACKTRACE

void ignore(void*, const char*, int) {}  // no debug information is no error

std::vector<Frame> look_up(uintptr_t address) {
  static backtrace_state* const state = backtrace_create_state(nullptr, 0, ignore, nullptr);
  std::vector<Frame> frames;
  if (!state) return frames;
  backtrace_pcinfo(
      state, address,
      [](void* to, uintptr_t, const char* file, int line, const char* function) {
        if (file || function)
          static_cast<std::vector<Frame>*>(to)->push_back({function ? function : "", file ? file : "", file ? line : 0});
        return 0;
      },
      ignore, &frames);
  // Debug information may name a static function without its namespace; the symbol table has the full name.
  std::string symbol;
  backtrace_syminfo(
      state, address,
      [](void* to, uintptr_t, const char* name, uintptr_t, uintptr_t) {
        if (name) *static_cast<std::string*>(to) = name;
      },
      ignore, &symbol);
  if (frames.empty()) frames.emplace_back();
  if (!symbol.empty()) frames.back().symbol = symbol;
  return frames;
}

#else

std::vector<Frame> look_up(uintptr_t) { return {Frame{}}; }

#endif

// The name the dynamic loader knows; an address in our own shared library without any name is ours.
void ask_loader(uintptr_t address, Frame& frame) {
  Dl_info here{}, own{};
  if (dladdr(reinterpret_cast<void*>(address), &here) == 0) return;
  if (here.dli_sname) frame.symbol = here.dli_sname;
  else if (dladdr(reinterpret_cast<void*>(&frames_at), &own) != 0 && here.dli_fbase == own.dli_fbase) frame.symbol = "_ZN6gradus";
}

bool starts_with_any(std::string_view text, const auto& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) { return text.starts_with(prefix); });
}

// The outermost scope of a mangled name, without the local functions and qualifiers in front: "6gradus2nn...", "St8function...".
std::string_view outer_scope(std::string_view symbol) {
  symbol.remove_prefix(2);  // _Z
  while (symbol.starts_with('Z')) symbol.remove_prefix(1);
  if (symbol.starts_with("N")) {
    symbol.remove_prefix(1);
    while (!symbol.empty() && std::string_view("KVrRO").find(symbol[0]) != std::string_view::npos) symbol.remove_prefix(1);
  }
  return symbol;
}

constexpr std::array<std::string_view, 10> kLibraryScopes{"6gradus", "St", "Sa", "Ss",         "Sb",
                                                          "Si",      "So", "Sd", "9__gnu_cxx", "10__cxxabiv1"};
constexpr std::array<std::string_view, 6> kStarts{"__libc_", "_start", "start_thread",
                                                  "__clone", "clone",  "execute_native_thread_routine"};

// The folder the library was compiled in, with a slash at the end; empty where it has no debug information. First asked for by
// frames_at(), which holds the lock that look_up() needs.
const std::string& source_root() {
  static const std::string root = [] {
    constexpr std::string_view here = "autograd/tape/symbols.cpp";
    for (const Frame& frame : look_up(reinterpret_cast<uintptr_t>(&frames_at)))
      if (frame.file.ends_with(here)) return frame.file.substr(0, frame.file.size() - here.size());
    return std::string();
  }();
  return root;
}

// Inlined functions may have lost their namespace; then the file tells: a source of the library, or a header wherever it is.
bool library_file(std::string_view file) {
  if (file.find("/include/c++/") != std::string_view::npos) return true;
  constexpr std::array<std::string_view, 4> folders{"autograd/", "optim/", "data/", "nn/"};
  const std::string& root = source_root();
  if (!root.empty() && file.starts_with(root) && starts_with_any(file.substr(root.size()), folders)) return true;
  return file.ends_with(".h") && std::any_of(folders.begin(), folders.end(), [&](std::string_view folder) {
           return file.find(std::string("/").append(folder)) != std::string_view::npos;
         });
}

}  // namespace

const std::vector<Frame>& frames_at(uintptr_t address) {
  static std::mutex mutex;
  static auto& known = *new std::unordered_map<uintptr_t, std::vector<Frame>>;  // outlives every thread
  const std::lock_guard lock(mutex);
  source_root();
  const auto [it, added] = known.try_emplace(address);
  if (added) {
    it->second = look_up(address);
    if (it->second.back().symbol.empty()) ask_loader(address, it->second.back());
  }
  return it->second;  // never moves
}

Owner owner_of(const Frame& frame) {
  const std::string_view symbol = frame.symbol;
  if (symbol.starts_with("_Z")) return starts_with_any(outer_scope(symbol), kLibraryScopes) ? Owner::library : Owner::user;
  if (starts_with_any(symbol, kStarts)) return Owner::start;
  return symbol.empty() || library_file(frame.file) ? Owner::library : Owner::user;
}

std::string function_name(std::string_view symbol) {
  if (!symbol.starts_with("_Z")) return std::string(symbol);
  // A suffix such as .isra.0 or .cold names a copy the compiler made.
  const std::string plain(symbol.substr(0, symbol.find('.')));
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(plain.c_str(), nullptr, nullptr, &status),
                                                         &std::free);
  if (status != 0 || !text) return plain;
  std::string_view name = text.get();
  if (const size_t lambda = name.find("::{lambda"); lambda != std::string_view::npos) name = name.substr(0, lambda);

  // From the right: qualifiers, the parameter list, the name up to a space outside of all brackets.
  while (name.ends_with(" const") || name.ends_with('&')) name.remove_suffix(name.ends_with('&') ? 1 : 6);
  const auto open_of = [&](size_t end, auto&& stop) {  // the first position from the right where stop(position, depth) holds
    int depth = 0;
    for (size_t i = end; i-- > 0;) {
      if (std::string_view(")>}]").find(name[i]) != std::string_view::npos) ++depth;
      if (std::string_view("(<{[").find(name[i]) != std::string_view::npos) --depth;
      if (stop(i, depth)) return i;
    }
    return std::string_view::npos;
  };
  if (name.ends_with(')')) name = name.substr(0, open_of(name.size(), [](size_t, int depth) { return depth == 0; }));
  const size_t space = open_of(std::min(name.rfind("operator"), name.size()), [&](size_t i, int depth) {
    return depth == 0 && name[i] == ' ' && !name.substr(i).starts_with(" const::");
  });
  return std::string(name.substr(space + 1));  // npos + 1 is 0
}

}  // namespace gradus::detail
