// to_dot, to_json, stats() and traced calls. Tests and helpers stand outside of gradus::, as its users do; compiled with -g1.
#include "autograd/graph.h"

#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "autograd/tape/symbols.h"
#include "nn/nn.h"
#include "tests/autograd/tape_support.h"

using namespace gradus;
using gradus::test::contains;
using gradus::test::InUse;
using Json = nlohmann::json;

[[gnu::noinline]] static Tensor trace_test_layer(const Variable& w, const Tensor& x, int& line) {
  line = __LINE__ + 1;
  Tensor y = exp(matmul(x, w));
  return y * 1.0f;
}

namespace {

std::map<std::string, Json> by_op(const Json& graph) {
  std::map<std::string, Json> out;
  for (const Json& op : graph["operations"]) out[op["op"]] = op;
  return out;
}

bool lines_known() {
#ifdef GRADUS_TEST_LINES
  return true;
#else
  return false;
#endif
}

/// The strings and brackets of a DOT file close, line by line.
bool well_formed(const std::string& dot) {
  bool inside = false;
  int brackets = 0;
  for (size_t i = 0; i < dot.size(); ++i) {
    if (inside && dot[i] == '\\') ++i;
    else if (dot[i] == '"') inside = !inside;
    else if (dot[i] == '\n' && inside) return false;
    else if (!inside && dot[i] == '[') ++brackets;
    else if (!inside && dot[i] == ']') --brackets;
  }
  return !inside && brackets == 0 && dot.starts_with("digraph tape {\n") && dot.ends_with("}\n");
}

}  // namespace

TEST_CASE("JSON holds what leads to the target and nothing else") {
  Variable w(Tensor({{1.f, 2.f}, {3.f, 4.f}}), {.name = "w"}), other(1.f);
  const Tensor x = ones({3, 2}), watched = ones({2}, DType::float32);
  GradientTape tape;
  tape.watch(watched);
  const Tensor unrelated = other * 2;
  const Tensor loss = sum(square(matmul(x, w) - watched));
  const Tensor later = loss * 3;
  const Json graph = Json::parse(to_json(loss));

  REQUIRE(graph["leaves"].size() == 2);
  std::map<std::string, Json> leaves;
  for (const Json& leaf : graph["leaves"]) leaves[leaf["name"]] = leaf;
  CHECK(leaves["w"]["shape"] == Json({2, 2}));
  CHECK(leaves["w"]["variable"] == true);
  CHECK(leaves["w"]["trainable"] == true);
  CHECK(leaves[""]["variable"] == false);
  CHECK(leaves[""]["dtype"] == "float32");

  auto ops = by_op(graph);
  CHECK(ops.size() == 4);
  CHECK(ops["matmul"]["inputs"] == Json({nullptr, leaves["w"]["id"]}));
  CHECK(ops["matmul"]["shape"] == Json({3, 2}));
  CHECK(ops["matmul"]["bytes_saved"] == 24);  // x, for the gradient of w
  CHECK(ops["square"]["bytes_saved"] == 24);
  CHECK(ops["subtract"]["inputs"] == Json({ops["matmul"]["id"], leaves[""]["id"]}));
  CHECK(ops["sum"]["id"] == graph["target"]);
  CHECK(ops["sum"]["shape"] == Json::array());
  CHECK(ops["sum"]["location"].is_null());
  int64_t last = -1;
  for (const Json& op : graph["operations"]) {
    CHECK(op["id"].get<int64_t>() > last);
    last = op["id"];
    for (const Json& input : op["inputs"]) CHECK((input.is_null() || input.get<int64_t>() < last));
  }
}

TEST_CASE("DOT names operations, shapes, bytes, leaves and edges") {
  Variable w(Tensor({1.f, 2.f}), {.name = "w"});
  GradientTape tape;
  const std::string dot = to_dot(sum(square(w) * w));
  CHECK(well_formed(dot));
  CHECK(contains(dot, "n0 [label=\"w\\n[2] float32\", shape=ellipse"));
  CHECK(contains(dot, "n1 [label=\"square\\n[2] float32\\n8 bytes saved\"];"));
  CHECK(contains(dot, "n0 -> n1;"));
  CHECK(contains(dot, "n0 -> n2 [label=\"1\""));
  CHECK(contains(dot, "n3 [label=\"sum\\n[] float32\", penwidth=2];"));
}

TEST_CASE("names with quotes, backslashes, newlines, entities and bytes that are no UTF-8 stay valid") {
  const std::string name = "a\"b\\c\nd\te &lt; \xff\xc3 \xe2\x82\xac" + std::string(1, '\0') + "]";
  Variable w(1.f, {.name = name});
  GradientTape tape;
  const Tensor y = w * 2;
  const std::string dot = to_dot(y);
  CHECK(well_formed(dot));
  CHECK(contains(dot, "a\\\"b\\\\c\\nd e &amp;lt; \xef\xbf\xbd\xef\xbf\xbd \xe2\x82\xac ]\\n"));
  const Json graph = Json::parse(to_json(y));  // throws for invalid UTF-8
  CHECK(graph["leaves"][0]["name"] == "a\"b\\c\nd\te &lt; \xef\xbf\xbd\xef\xbf\xbd \xe2\x82\xac" + std::string(1, '\0') + "]");
}

TEST_CASE("a leaf alone is a graph; a tensor that no tape holds is an error") {
  Variable w(1.f, {.name = "w"});
  CHECK_THROWS_WITH_AS(to_dot(w * 2),
                       "to_dot: no tape of this thread holds the tensor; got no open tape, expected an open or persistent "
                       "GradientTape around its computation",
                       TapeError);
  GradientTape tape;
  CHECK_THROWS_AS(to_json(ones({2}) * 2), TapeError);
  CHECK_THROWS_AS(to_dot(Tensor()), Error);
  const Tensor y = w * 2;
  CHECK(Json::parse(to_json(w))["operations"].empty());
  CHECK(Json::parse(to_json(w))["leaves"].size() == 1);
  std::thread([&] { CHECK_THROWS_AS(to_json(y), TapeError); }).join();
  tape.gradient(y, w);
  CHECK_THROWS_AS(to_json(y), TapeError);
}

TEST_CASE("a hundred thousand records in a chain") {
  Variable w(1.f);
  GradientTape tape({.trace = true});
  Tensor x = w;
  for (int i = 0; i < 100000; ++i) x = x * 1.0f;
  const std::string dot = to_dot(x);
  CHECK(std::count(dot.begin(), dot.end(), '\n') == 200004);
  CHECK(Json::parse(to_json(x))["operations"].size() == 100000);
  CHECK(tape.stats().operations == 100000);
}

TEST_CASE("stats() counts operations, leaves and memory") {
  Variable w(ones({1000}), {.name = "w"});
  GradientTape tape({.persistent = true});
  const Tensor h = exp(w);
  Tensor loss = sum(h * h + sin(w) + sin(w));
  {
    auto pause = tape.pause();
    GradientTape inner;
    loss = loss + sum(exp(w));
    CHECK(inner.stats().operations == 3);
  }
  const TapeStats stats = tape.stats();
  CHECK(stats.operations == tape.size());
  CHECK(stats.operations == 7);
  CHECK(stats.leaves == 1);
  CHECK(stats.saved_tensors == 5);   // exp's result, both factors, the sines' inputs
  CHECK(stats.saved_bytes >= 4000);  // one buffer: the sines hold the variable's own
  CHECK(stats.saved_bytes < 8000);
  CHECK(stats.tape_bytes >= 8 * 32);
  REQUIRE(stats.ops.size() == 5);
  CHECK(stats.ops[0].second == 2);
  CHECK(stats.ops[4].first == "sum");
  std::thread([&] { CHECK_THROWS_AS(tape.stats(), TapeError); }).join();

  TapeStats table{.operations = 12, .leaves = 3, .saved_tensors = 7, .saved_bytes = 4096, .tape_bytes = 1};
  table.ops = {{"matmul", 10}, {"add", 2}};
  CHECK(table.text() ==
        "operations       12\n"
        "leaves            3\n"
        "saved tensors     7\n"
        "saved bytes    4096\n"
        "tape bytes        1\n"
        "  matmul         10\n"
        "  add             2\n");
  tape.reset();
  CHECK(tape.stats().operations == 0);
  CHECK(tape.stats().ops.empty());
}

TEST_CASE("a traced record knows the line and the function of its call") {
  Variable w(ones({2, 2}));
  GradientTape tape({.trace = true});
  int line = 0;
  auto ops = by_op(Json::parse(to_json(trace_test_layer(w, ones({2, 2}), line))));
  for (const char* op : {"matmul", "exp"}) {
    const Json& location = ops[op]["location"];
    REQUIRE(!location.is_null());
    CHECK(location["function"] == "trace_test_layer");
    CHECK(location["inside"] == "");
    if (!lines_known()) continue;
    CHECK(location["line"] == line);
    CHECK(contains(location["file"].get<std::string>(), "graph_test.cpp"));
  }
  if (lines_known()) CHECK(ops["multiply"]["location"]["line"] == line + 1);
}

TEST_CASE("an operation inside a layer or another function of the library belongs to the user's call") {
  nn::Sequential model{nn::Dense(3, {.activation = nn::relu}), nn::Dense(2)};
  GradientTape tape({.trace = true});
  const int line = __LINE__ + 1;
  const Tensor y = model(ones({4, 5}));
  const Tensor loss = mean(y);
  const Json graph = Json::parse(to_json(loss));
  size_t layers = 0;
  for (const Json& op : graph["operations"]) {
    const Json& location = op["location"];
    CHECK(contains(location["function"].get<std::string>(), "DOCTEST_ANON"));
    const std::string inside = location["inside"];
    layers += inside.starts_with("gradus::nn::");
    if (lines_known()) CHECK(location["line"] == (inside.starts_with("gradus::nn::") ? line : line + 1));
  }
  CHECK(layers == 3);  // dense and relu of the first, dense of the second
  if (lines_known()) CHECK(contains(to_dot(loss), text("graph_test.cpp:", line)));
}

TEST_CASE("only what a tracing tape records is traced") {
  Variable w(1.f);
  GradientTape outer;
  const Tensor before = w * 2;
  Tensor inside;
  {
    GradientTape tracing({.trace = true});
    inside = before * 3;
    auto pause = tracing.pause();
    inside = inside * 4;
  }
  const Tensor after = inside * 5;
  const Json graph = Json::parse(to_json(after));
  REQUIRE(graph["operations"].size() == 4);
  for (size_t i = 0; i < 4; ++i) CHECK(graph["operations"][i]["location"].is_null() == (i != 1));
  GradientTape again({.trace = true});
  const Tensor old = w * 2;
  again.reset();
  CHECK(!Json::parse(to_json(w * 2))["operations"][0]["location"].is_null());
}

TEST_CASE("tracing leaks nothing and keeps gradients as they are") {
  Variable w(2.0);
  const auto step = [&](bool trace) {
    GradientTape tape({.trace = trace});
    return tape.gradient(w * w * w, w).item<double>();
  };
  CHECK(step(true) == 12);
  const InUse before;
  for (int i = 0; i < 3; ++i) CHECK(step(i % 2 == 0) == step(i % 2 == 1));
  CHECK(InUse() == before);
}

TEST_CASE("function names") {
  using gradus::detail::function_name;
  CHECK(function_name("main") == "main");
  CHECK(function_name("_ZN6gradus2nn5Dense4callERKNS_6TensorEb") == "gradus::nn::Dense::call");
  CHECK(function_name("_ZN6gradusplERKNS_6TensorES2_") == "gradus::operator+");
  CHECK(function_name("_ZNK6gradus6Tensor3catEv") == "gradus::Tensor::cat");
  CHECK(function_name("_Z4tmplIiEiRSt6vectorImSaImEE") == "tmpl<int>");
  CHECK(function_name("_ZN12_GLOBAL__N_11M4callERSt6vectorImSaImEE") == "(anonymous namespace)::M::call");
  CHECK(function_name("_ZNK5modelcvbEv") == "model::operator bool");
  CHECK(function_name("_Z4lossi.cold") == "loss");
  CHECK(function_name("_ZZ4mainENKUlvE_clEv") == "main");
  CHECK(function_name("_ZZN5modelclERKN6gradus6TensorEENKUlS2_E0_clES2_") == "model::operator()");
  CHECK(function_name("_Zgarbage") == "_Zgarbage");
}

TEST_CASE("whose a frame is") {
  using gradus::detail::Owner, gradus::detail::owner_of;
  CHECK(owner_of({"_ZN6gradus3logERKNS_6TensorE", "", 0}) == Owner::library);
  CHECK(owner_of({"_ZZN6gradus4gradESt8functionIFNS_6TensorERKS1_EEENKUlS3_E_clES3_", "", 0}) == Owner::library);
  CHECK(owner_of({"_ZNSt17_Function_handlerIFivEZ4mainEUlvE_E9_M_invokeERKSt9_Any_data", "", 0}) == Owner::library);
  CHECK(owner_of({"_ZNKSt8functionIFivEEclEv", "", 0}) == Owner::library);
  CHECK(owner_of({"_Z4lossRKN6gradus6TensorE", "", 0}) == Owner::user);
  CHECK(owner_of({"_Z4lossIfEN6gradus6TensorERKS1_", "", 0}) == Owner::user);  // gradus::Tensor loss<float>(...)
  CHECK(owner_of({"_ZZ4mainENKUlvE_clEv", "", 0}) == Owner::user);
  CHECK(owner_of({"_ZN8gradusly4lossEv", "", 0}) == Owner::user);
  CHECK(owner_of({"operator()", "/include/gradus/autograd/functional.h", 3}) == Owner::library);
  CHECK(owner_of({"operator()", "/somewhere/train.cpp", 3}) == Owner::user);
  CHECK(owner_of({"main", "", 0}) == Owner::user);
  CHECK(owner_of({"", "", 0}) == Owner::library);
  CHECK(owner_of({"__libc_start_call_main", "", 0}) == Owner::start);
}
