// Weights in PyTorch's and Keras' naming: names, layouts, reports; and PyTorch itself as the judge where it is installed.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "autograd/autograd.h"
#include "data/npy.h"
#include "data/safetensors.h"
#include "nn/nn.h"
#include "tests/data/files.h"

using namespace gradus;
using nn::WeightNames;

namespace {

/// A layer that is nothing but its type and its variables.
struct Bare : nn::Layer {
  std::string kind;
  std::vector<std::pair<std::string, Variable>> parts;

  Bare(std::string type, const std::vector<std::pair<std::string, Shape>>& shapes) : kind(std::move(type)) {
    for (const auto& [name, shape] : shapes) parts.emplace_back(name, Variable(random::uniform(shape, 0.1, 0.9)));
  }
  Tensor call(const Tensor& x, bool) override { return x; }
  std::string_view type() const override { return kind; }
  Shape output_shape(const Shape& input) const override { return input; }
  void visit(nn::Visitor& v) override {
    for (const auto& [name, variable] : parts) v(name, variable);
  }
};

struct Halves : nn::Layer {
  Bare forward, backward;
  Halves(Bare one, Bare other) : forward(std::move(one)), backward(std::move(other)) {}
  Tensor call(const Tensor& x, bool) override { return x; }
  std::string_view type() const override { return "Bidirectional"; }
  Shape output_shape(const Shape& input) const override { return input; }
  void visit(nn::Visitor& v) override { v("forward", forward), v("backward", backward); }
};

Bare lstm() { return {"LSTM", {{"kernel", {3, 8}}, {"recurrent_kernel", {2, 8}}, {"bias", {8}}}}; }

/// One of each kind of layer that lies otherwise in PyTorch.
struct Zoo : nn::Module {
  Bare linear{"Dense", {{"kernel", {4, 3}}, {"bias", {3}}}};
  Bare conv{"Conv2D", {{"kernel", {2, 3, 4, 5}}, {"bias", {5}}}};
  Bare norm{"BatchNormalization", {{"gamma", {4}}, {"beta", {4}}, {"moving_mean", {4}}, {"moving_variance", {4}}}};
  Bare table{"Embedding", {{"embeddings", {7, 2}}}};
  Bare memory = lstm();
  Bare gated{"GRU", {{"kernel", {3, 6}}, {"recurrent_kernel", {2, 6}}, {"bias", {2, 6}}}};
  Halves both{lstm(), lstm()};

  void visit(nn::Visitor& v) override {
    v("linear", linear), v("conv", conv), v("norm", norm), v("table", table), v("memory", memory), v("gated", gated);
    v("both", both);
  }
};

std::vector<double> weights_of(const nn::Module& module) {
  std::vector<double> out;
  for (const Variable& variable : module.variables())
    for (const double v : variable.value().to_vector<double>()) out.push_back(v);
  return out;
}

void clear(const nn::Module& module) {
  for (const Variable& variable : module.variables()) variable.assign(zeros(variable.shape()));
}

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> out;
  for (const auto& [name, tensor] : data::load_safetensors(path).tensors) out.push_back(name);
  return out;
}

nn::Sequential mlp() {
  nn::Sequential model{nn::Flatten(), nn::Dense(5, {.activation = nn::relu}), nn::Dropout(0.5),
                       nn::Dense(2, {.activation = nn::softmax})};
  model.build({-1, 3});
  return model;
}

constexpr const char* kJudge = R"(
import json, struct, sys
try:
    import numpy as np, torch
except Exception:
    sys.exit(77)
folder = sys.argv[1]

def read(path):
    with open(path, "rb") as f: raw = f.read()
    n = struct.unpack("<Q", raw[:8])[0]
    head = json.loads(raw[8:8 + n])
    head.pop("__metadata__", None)
    return {k: np.frombuffer(raw[8 + n + h["data_offsets"][0]:8 + n + h["data_offsets"][1]], np.float32).reshape(h["shape"]) for k, h in head.items()}

def write(path, tensors):
    head, body = {}, b""
    for k, v in tensors.items():
        v = v.detach().contiguous().numpy()
        kind = {"float32": "F32", "int64": "I64"}[str(v.dtype)]
        head[k] = {"dtype": kind, "shape": list(v.shape), "data_offsets": [len(body), len(body) + v.nbytes]}
        body += v.tobytes()
    text = json.dumps(head).encode()
    with open(path, "wb") as f: f.write(struct.pack("<Q", len(text)) + text + body)

here, there = read(folder + "/gradus"), read(folder + "/torch")
class Zoo(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 3)
        self.conv = torch.nn.Conv2d(4, 5, (2, 3))
        self.norm = torch.nn.BatchNorm1d(4, eps=1e-3)
        self.table = torch.nn.Embedding(7, 2)
        self.memory = torch.nn.LSTM(3, 2, batch_first=True)
        self.gated = torch.nn.GRU(3, 2, batch_first=True)
        self.both = torch.nn.LSTM(3, 2, batch_first=True, bidirectional=True)
zoo = Zoo().eval()
zoo.load_state_dict({k: torch.tensor(v) for k, v in there.items()}, strict=False)
missing = set(zoo.state_dict()) - set(there)
for name, value in np.load(folder + "/keras.npz").items():
    name = name.replace("/lstm_cell", "").replace("/gru_cell", "").replace("forward_lstm", "forward").replace("backward_lstm", "backward")
    np.testing.assert_array_equal(value, here[name.replace("/", ".")])
assert missing <= {"norm.num_batches_tracked"} and set(there) <= set(zoo.state_dict()), missing

rng = np.random.default_rng(1)
def same(a, b): np.testing.assert_allclose(a, b.detach().numpy(), rtol=2e-5, atol=2e-6)
def f32(*shape): return rng.normal(size=shape).astype(np.float32)
sigmoid = lambda v: 1 / (1 + np.exp(-v))
x = f32(6, 4)
same(x @ here["linear.kernel"] + here["linear.bias"], zoo.linear(torch.tensor(x)))
scale = here["norm.gamma"] / np.sqrt(here["norm.moving_variance"] + 1e-3)
same((x - here["norm.moving_mean"]) * scale + here["norm.beta"], zoo.norm(torch.tensor(x)))
image, k = f32(2, 5, 6, 4), here["conv.kernel"]
out = np.zeros((2, 4, 4, 5), np.float32)
for i in range(4):
    for j in range(4): out[:, i, j] = np.einsum("nhwc,hwcf->nf", image[:, i:i + 2, j:j + 3], k) + here["conv.bias"]
same(out.transpose(0, 3, 1, 2), zoo.conv(torch.tensor(image.transpose(0, 3, 1, 2).copy())))
same(here["table.embeddings"][[0, 6, 2]], zoo.table(torch.tensor([0, 6, 2])))
s = f32(2, 5, 3)
def lstm(name, s):
    h = c = np.zeros((2, 2), np.float32); outs = []
    for t in range(s.shape[1]):
        i, f, g, o = np.split(s[:, t] @ here[name + ".kernel"] + h @ here[name + ".recurrent_kernel"] + here[name + ".bias"], 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g); h = sigmoid(o) * np.tanh(c); outs.append(h)
    return np.stack(outs, 1)
same(lstm("memory", s), zoo.memory(torch.tensor(s))[0])
back = lstm("both.backward", s[:, ::-1])[:, ::-1]
same(np.concatenate([lstm("both.forward", s), back], 2), zoo.both(torch.tensor(s))[0])
h, outs = np.zeros((2, 2), np.float32), []
for t in range(5):
    z, r, n = np.split(s[:, t] @ here["gated.kernel"] + here["gated.bias"][0], 3, axis=1)
    rz, rr, rn = np.split(h @ here["gated.recurrent_kernel"] + here["gated.bias"][1], 3, axis=1)
    z, r = sigmoid(z + rz), sigmoid(r + rr); n = np.tanh(n + r * rn); h = z * h + (1 - z) * n; outs.append(h)
same(np.stack(outs, 1), zoo.gated(torch.tensor(s))[0])
write(folder + "/back", zoo.state_dict())
)";

/// The exit code of the judge under a Python that has what it needs; 77: there is none.
int judge(const std::string& folder) {
  test::write_file(folder + "/judge.py", kJudge);
  for (const char* python : {"python3", "/usr/bin/python3"}) {
    const int status = std::system(text(python, " ", folder, "/judge.py ", folder, " > ", folder, "/said 2>&1").c_str());
    if (WIFEXITED(status) && WEXITSTATUS(status) != 77 && WEXITSTATUS(status) != 127) return WEXITSTATUS(status);
  }
  return 77;
}

}  // namespace

TEST_CASE("PyTorch computes with our weights what Keras' formulas say, and gives them back") {
  const test::Folder folder;
  random::seed(1);
  Zoo zoo;
  nn::save_weights(zoo, folder / "gradus");
  nn::save_weights(zoo, folder / "torch", {.convention = WeightNames::torch});
  nn::save_weights(zoo, folder / "keras.npz", {.convention = WeightNames::keras});
  const int code = judge(folder / "");
  if (code == 77) {
    MESSAGE("left out: no Python with torch and numpy");
    return;
  }
  const std::string said = test::read_file(folder / "said");
  CAPTURE(said);
  REQUIRE(code == 0);
  const std::vector<double> before = weights_of(zoo);
  clear(zoo);
  nn::load_weights(zoo, folder / "back", {.convention = WeightNames::torch});
  CHECK(weights_of(zoo) == before);
}

TEST_CASE("every convention gives back the same bits") {
  random::seed(2);
  Zoo zoo;
  const std::vector<double> before = weights_of(zoo);
  for (const WeightNames convention : {WeightNames::gradus, WeightNames::torch, WeightNames::keras})
    for (const char* file : {"weights.safetensors", "weights.npz"}) {
      const test::Folder folder;
      const nn::WeightReport saved = nn::save_weights(zoo, folder / file, {.convention = convention});
      CHECK(saved.lines.size() == zoo.variables().size());
      clear(zoo);
      const nn::WeightReport loaded = nn::load_weights(zoo, folder / file, {.convention = convention});
      CHECK(weights_of(zoo) == before);
      std::ostringstream a, b;
      a << saved, b << loaded;
      CHECK(a.str() == b.str());
    }
}

TEST_CASE("PyTorch's names: activations count in a Sequential") {
  const test::Folder folder;
  const std::string path = folder / "net";
  nn::Sequential model = mlp();
  std::ostringstream report;
  report << nn::save_weights(model, path, {.convention = WeightNames::torch});
  // Flatten 0, Linear 1, ReLU 2, Dropout 3, Linear 4, Softmax 5
  CHECK(names_in(path) == std::vector<std::string>{"1.bias", "1.weight", "4.bias", "4.weight"});
  CHECK(report.str() ==
        "dense.kernel: 1.weight [5, 3], transposed\ndense.bias: 1.bias [5]\n"
        "dense_1.kernel: 4.weight [2, 5], transposed\ndense_1.bias: 4.bias [2]\n");
  CHECK(data::load_safetensors(path).tensors.at("1.weight").to_vector<float>() ==
        transpose(model.variables()[0].value()).to_vector<float>());

  nn::save_weights(model, path, {.convention = WeightNames::torch, .rename = {{"dense", "fc1"}, {"dense_1", "head.out"}}});
  CHECK(names_in(path) == std::vector<std::string>{"fc1.bias", "fc1.weight", "head.out.bias", "head.out.weight"});
  nn::load_weights(model, path, {.convention = WeightNames::torch, .rename = {{"dense", "fc1"}, {"dense_1", "head.out"}}});

  struct Nested : nn::Module {
    nn::Sequential body = mlp();
    void visit(nn::Visitor& v) override { v("body", body); }
  } nested;
  nn::save_weights(nested, path, {.convention = WeightNames::torch});
  CHECK(names_in(path).front() == "body.1.bias");
  nn::save_weights(nested, path, {.convention = WeightNames::torch, .rename = {{"body", "net"}}});
  CHECK(names_in(path).front() == "net.dense.bias");

  Zoo zoo;
  nn::save_weights(zoo, path, {.convention = WeightNames::torch});
  const std::vector<std::string> names = names_in(path);
  for (const char* name : {"both.weight_ih_l0", "both.weight_hh_l0_reverse", "both.bias_ih_l0_reverse", "gated.bias_hh_l0",
                           "norm.running_var", "table.weight"})
    CHECK(std::ranges::find(names, name) != names.end());
}

TEST_CASE("Keras' names: cells, the model's name, old suffixes, heads") {
  const test::Folder folder;
  const std::string path = folder / "net.npz";
  nn::Sequential model = mlp();
  const std::vector<double> before = weights_of(model);
  nn::save_weights(model, path, {.convention = WeightNames::keras});
  auto tensors = data::load_npz(path);
  CHECK(tensors.contains("dense/kernel"));
  std::map<std::string, Tensor> keras{{"sequential/dropout/seed_generator/seed_generator_state", zeros({2})}};
  for (const auto& [name, value] : tensors) keras.emplace("sequential/" + name + ":0", value.astype(DType::float64));
  data::save_safetensors(folder / "keras", keras);
  clear(model);
  const nn::WeightReport report = nn::load_weights(model, folder / "keras", {.convention = WeightNames::keras});
  CHECK(weights_of(model) == before);
  CHECK(report.lines[0].how == "converted from float64");

  Zoo zoo;
  nn::save_weights(zoo, folder / "zoo", {.convention = WeightNames::keras});
  const std::vector<std::string> names = names_in(folder / "zoo");
  for (const char* end : {"cell/recurrent_kernel", "norm/moving_variance", "conv/kernel"})
    CHECK(std::ranges::any_of(names, [&](const std::string& name) { return name.ends_with(end); }));

  struct Attention : nn::Layer {
    Bare query{"Dense", {{"kernel", {4, 6}}, {"bias", {6}}}};
    Tensor call(const Tensor& x, bool) override { return x; }
    std::string_view type() const override { return "MultiHeadAttention"; }
    Shape output_shape(const Shape& input) const override { return input; }
    void visit(nn::Visitor& v) override { v("query", query); }
  };
  struct Net : nn::Module {
    Attention attention;
    void visit(nn::Visitor& v) override { v("attention", attention); }
  } net;
  data::save_npz(path,
                 {{"attention/query/kernel", arange<float>(24).reshape({4, 2, 3})}, {"attention/query/bias", zeros({2, 3})}});
  nn::load_weights(net, path, {.convention = WeightNames::keras});
  CHECK(net.variables()[0].value().to_vector<float>() == arange<float>(24).to_vector<float>());
}

TEST_CASE("what does not fit is listed, and nothing changes") {
  const test::Folder folder;
  const std::string path = folder / "net";
  nn::Sequential model = mlp();
  const std::vector<double> before = weights_of(model);
  data::save_safetensors(path, {{"1.weight", zeros({3, 5})},
                                {"1.bias", zeros({5}, DType::int64)},
                                {"4.weight", zeros({2, 5})},
                                {"5.weight", zeros({1})},
                                {"bn.num_batches_tracked", zeros({}, DType::int64)}});
  const std::string message =
      test::message<ValueError>([&] { nn::load_weights(model, path, {.convention = WeightNames::torch}); });
  CHECK(message ==
        text("load_weights: ", path,
             " does not fit the module:\n  1.weight: got float32 [3, 5], expected float32 [5, 3] for dense.kernel"
             "\n  1.bias: got int64 [5], expected float32 [5] for dense.bias"
             "\n  4.bias: got nothing, expected float32 [2] for dense_1.bias\n  5.weight: got float32 [1], expected nothing"));
  CHECK(weights_of(model) == before);
  struct Old : nn::Module {
    Bare gru{"GRU", {{"kernel", {3, 6}}, {"bias", {6}}}};
    void visit(nn::Visitor& v) override { v("gru", gru); }
  } old;
  CHECK_THROWS_WITH_AS(nn::save_weights(old, path, {.convention = WeightNames::torch}), doctest::Contains("reset_after"),
                       ValueError);
  nn::Sequential unbuilt{nn::Dense(3), nn::Dense(2)};
  CHECK_THROWS_AS(nn::save_weights(unbuilt, path, {.convention = WeightNames::torch}), ValueError);
  CHECK_THROWS_AS(nn::load_weights(model, folder / "missing.npz", {.convention = WeightNames::keras}), IoError);
}
