// Weights of the layers themselves in PyTorch: a file of ours, loaded there, computes what we compute; and comes back.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "data/npy.h"
#include "nn/nn.h"
#include "tests/data/files.h"

using namespace gradus;
using nn::WeightNames;

namespace {

Tensor noise(const Shape& shape, uint64_t seed) {
  random::Generator generator(seed);
  return random::normal(shape, 0, 1, DType::float32, generator);
}

/// One of each layer that has a counterpart with weights. Images and sequences have their channels last here, second there.
struct Net : nn::Module {
  nn::Dense dense{4};
  nn::Conv1D conv1{4, 3, {.strides = 2}};
  nn::Conv2D conv2{6, {2, 3}, {.groups = 2}};
  nn::Conv3D conv3{2, 2};
  nn::Conv2DTranspose up{3, {2, 3}, {.strides = 2}};
  nn::BatchNormalization norm;
  nn::LayerNormalization layer_norm;
  nn::Embedding table{7, 3};
  nn::SimpleRNN simple{3, {.return_sequences = true}};
  nn::LSTM lstm{3, {.return_sequences = true}};
  nn::LSTM lstm_two{3, {.two_biases = true, .return_sequences = true}};
  nn::GRU gru{3, {.return_sequences = true}};
  nn::Bidirectional both{nn::LSTM(3, {.return_sequences = true})};
  nn::Bidirectional both_gru{nn::GRU(2, {.return_sequences = true})};
  nn::Sequential body{nn::Conv2D(2, 3, {.activation = nn::relu}), nn::BatchNormalization(), nn::Flatten(),
                      nn::Dense(5, {.activation = nn::tanh}),     nn::Dropout(0.5),         nn::Dense(2)};

  void visit(nn::Visitor& v) override {
    v("dense", dense), v("conv1", conv1), v("conv2", conv2), v("conv3", conv3), v("up", up), v("norm", norm);
    v("layer_norm", layer_norm), v("table", table), v("simple", simple), v("lstm", lstm), v("lstm_two", lstm_two);
    v("gru", gru), v("both", both), v("both_gru", both_gru), v("body", body);
  }

  struct Use {
    nn::Layer& layer;
    Tensor x;
  };
  std::map<std::string, Use> uses() {
    const Tensor sequence = noise({2, 5, 4}, 9);
    return {{"dense", {dense, noise({3, 4}, 1)}},
            {"conv1", {conv1, noise({2, 7, 3}, 2)}},
            {"conv2", {conv2, noise({2, 5, 6, 4}, 3)}},
            {"conv3", {conv3, noise({1, 3, 4, 3, 2}, 4)}},
            {"up", {up, noise({2, 3, 2, 4}, 5)}},
            {"norm", {norm, noise({4, 3}, 6)}},
            {"layer_norm", {layer_norm, noise({2, 3, 6}, 7)}},
            {"table", {table, Tensor({int64_t{0}, int64_t{6}, int64_t{2}})}},
            {"simple", {simple, sequence}},
            {"lstm", {lstm, sequence}},
            {"lstm_two", {lstm_two, sequence}},
            {"gru", {gru, sequence}},
            {"both", {both, sequence}},
            {"both_gru", {both_gru, sequence}},
            {"body", {body, noise({2, 5, 4, 1}, 8)}}};
  }
};

constexpr const char* kJudge = R"(
import sys
try:
    import numpy as np, torch
    from torch import nn
except Exception:
    sys.exit(77)
folder = sys.argv[1]
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(4, 4)
        self.conv1 = nn.Conv1d(3, 4, 3, stride=2)
        self.conv2 = nn.Conv2d(4, 6, (2, 3), groups=2)
        self.conv3 = nn.Conv3d(2, 2, 2)
        self.up = nn.ConvTranspose2d(4, 3, (2, 3), stride=2)
        self.norm = nn.BatchNorm1d(3, eps=1e-3)
        self.layer_norm = nn.LayerNorm(6, eps=1e-3)
        self.table = nn.Embedding(7, 3)
        self.simple = nn.RNN(4, 3, batch_first=True)
        self.lstm = nn.LSTM(4, 3, batch_first=True)
        self.lstm_two = nn.LSTM(4, 3, batch_first=True)
        self.gru = nn.GRU(4, 3, batch_first=True)
        self.both = nn.LSTM(4, 3, batch_first=True, bidirectional=True)
        self.both_gru = nn.GRU(4, 2, batch_first=True, bidirectional=True)
        class Last(nn.Module):  # Flatten of images with their channels last
            def forward(self, x): return x.permute(0, 2, 3, 1).flatten(1)
        self.body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.BatchNorm2d(2, eps=1e-3), Last(), nn.Linear(12, 5), nn.Tanh(),
                                  nn.Dropout(0.5), nn.Linear(5, 2))
net = Net().eval()
state = {k: torch.tensor(v) for k, v in np.load(folder + "/torch.npz").items()}
missing, unexpected = net.load_state_dict(state, strict=False)
assert not unexpected, unexpected
assert all(m.endswith("num_batches_tracked") for m in missing), missing
for name, x in np.load(folder + "/x.npz").items():
    expected = np.load(folder + "/y.npz")[name]
    x = torch.tensor(x)
    with torch.no_grad():
        if name in ("conv1", "conv2", "conv3", "up", "body"): x = x.movedim(-1, 1)
        y = getattr(net, name)(x)
        if isinstance(y, tuple): y = y[0]
        if name in ("conv1", "conv2", "conv3", "up"): y = y.movedim(1, -1)
    np.testing.assert_allclose(expected, y.numpy(), rtol=2e-5, atol=2e-6, err_msg=name)
np.savez(folder + "/back.npz", **{k: v.numpy() for k, v in net.state_dict().items()})
)";

}  // namespace

TEST_CASE("PyTorch computes the same with the weights of each layer, and gives them back") {
  const test::Folder folder;
  random::seed(1);
  Net net;
  std::map<std::string, Tensor> x, y;
  for (auto& [name, use] : net.uses()) {
    use.layer(use.x);
    x.emplace(name, use.x);
  }
  uint64_t seed = 20;
  for (const Variable& variable : net.variables())
    variable.assign(abs(noise(variable.shape(), seed++)) * 0.4 + 0.05);  // no zeros, no ones
  for (auto& [name, use] : net.uses()) y.emplace(name, use.layer(use.x).contiguous());
  data::save_npz(folder / "x.npz", x);
  data::save_npz(folder / "y.npz", y);
  nn::save_weights(net, folder / "torch.npz", {.convention = WeightNames::torch});

  test::write_file(folder / "judge.py", kJudge);
  int code = 77;
  for (const char* python : {"python3", "/usr/bin/python3"}) {
    const int status =
        std::system(text(python, " ", folder / "judge.py", " ", folder / "", " > ", folder / "said", " 2>&1").c_str());
    code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code != 77 && code != 127) break;
  }
  if (code == 77 || code == 127) {
    MESSAGE("left out: no Python with torch and numpy");
    return;
  }
  const std::string said = test::read_file(folder / "said");
  CAPTURE(said);
  REQUIRE(code == 0);
  for (const Variable& variable : net.variables()) variable.assign(zeros(variable.shape()));
  nn::load_weights(net, folder / "back.npz", {.convention = WeightNames::torch});
  for (auto& [name, use] : net.uses()) {
    CAPTURE(name);
    CHECK(max(abs(use.layer(use.x) - y.at(name))).item<double>() < 1e-6);
  }
}

TEST_CASE("every convention gives back the layers' bits") {
  random::seed(2);
  Net net;
  for (auto& [name, use] : net.uses()) use.layer(use.x);
  std::vector<std::vector<float>> before;
  for (const Variable& variable : net.variables()) {
    variable.assign(noise(variable.shape(), before.size()));
    before.push_back(variable.value().to_vector<float>());
  }
  for (const WeightNames convention : {WeightNames::gradus, WeightNames::torch, WeightNames::keras}) {
    const test::Folder folder;
    nn::save_weights(net, folder / "weights.npz", {.convention = convention});
    for (const Variable& variable : net.variables()) variable.assign(zeros(variable.shape()));
    nn::load_weights(net, folder / "weights.npz", {.convention = convention});
    size_t i = 0;
    for (const Variable& variable : net.variables()) {
      const std::vector<float> now = variable.value().to_vector<float>();
      CHECK(now == before[i++]);
    }
  }
}

TEST_CASE("attention keeps its names and layout in PyTorch's convention, and comes back") {
  const test::Folder folder;
  nn::Sequential model{nn::MultiHeadAttention(2, 3)};
  model.build({-1, 4, 6});
  const Tensor x = noise({2, 4, 6}, 1), y = model(x);
  for (const WeightNames convention : {WeightNames::torch, WeightNames::keras}) {
    nn::save_weights(model, folder / "weights", {.convention = convention});
    for (const Variable& variable : model.variables()) variable.assign(zeros(variable.shape()));
    nn::load_weights(model, folder / "weights", {.convention = convention});
    CHECK(model(x).to_vector<float>() == y.to_vector<float>());
  }
}
