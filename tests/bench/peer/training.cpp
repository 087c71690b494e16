#include <zlib.h>

#include <random>

#include "tests/bench/peer/workloads.h"

namespace gradus::bench::peer {
namespace {

using Act = Tensor (*)(const Tensor&);
Tensor relu(const Tensor& t) { return torch::relu(t); }
Tensor tanh_(const Tensor& t) { return torch::tanh(t); }

struct Mlp : torch::nn::Module {  // Linear, act, Linear, act, ..., Linear
  std::vector<torch::nn::Linear> layers;
  Act act;
  Mlp(const Shape& sizes, Act a) : act(a) {
    for (size_t i = 0; i + 1 < sizes.size(); ++i)
      layers.push_back(register_module("l" + std::to_string(i), torch::nn::Linear(sizes[i], sizes[i + 1])));
  }
  Tensor forward(Tensor x) {
    for (size_t i = 0; i < layers.size(); ++i) {
      x = layers[i]->forward(x);
      if (i + 1 < layers.size()) x = act(x);
    }
    return x;
  }
};

struct LeNet : torch::nn::Module {
  torch::nn::Conv2d c1{nullptr}, c2{nullptr};
  torch::nn::Linear f1{nullptr}, f2{nullptr};
  LeNet() {
    c1 = register_module("c1", torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 16, 5).padding(2)));
    c2 = register_module("c2", torch::nn::Conv2d(torch::nn::Conv2dOptions(16, 32, 5).padding(2)));
    f1 = register_module("f1", torch::nn::Linear(32 * 7 * 7, 128));
    f2 = register_module("f2", torch::nn::Linear(128, 10));
  }
  Tensor forward(Tensor x) {
    x = torch::max_pool2d(torch::relu(c1->forward(x)), 2);
    x = torch::max_pool2d(torch::relu(c2->forward(x)), 2);
    return f2->forward(torch::relu(f1->forward(x.flatten(1))));
  }
};

// Weights in PyTorch's layout ([out,in], [out,in,kh,kw]); biases are zero.
// Parameter k (k = 0, 1, ... over weights only) gets seed 10+k and scale scales[k].
void init_weights(torch::nn::Module& net, const std::vector<double>& scales) {
  torch::NoGradGuard ng;
  size_t k = 0;
  for (Tensor& p : net.parameters()) {
    if (p.dim() == 1) {
      p.zero_();
      continue;
    }
    p.copy_(filled(p.sizes().vec(), 10.0 + double(k), scales.at(k)));
    ++k;
  }
}

void reset_optimizer(torch::optim::Optimizer& opt) {
  for (auto& kv : opt.state()) {
    if (auto* s = dynamic_cast<torch::optim::AdamParamState*>(kv.second.get())) {
      s->step(0);
      s->exp_avg().zero_();
      s->exp_avg_sq().zero_();
    } else if (auto* r = dynamic_cast<torch::optim::RMSpropParamState*>(kv.second.get())) {
      r->step(0);
      r->square_avg().zero_();
    }
  }
}

// One full training step per rep: zero_grad, forward, loss, backward, update, read the loss.
template <class Net, class Opt, class Loss>
Workload train_step(std::string unit, std::shared_ptr<Net> net, std::shared_ptr<Opt> opt, Tensor x, Loss loss_of) {
  std::vector<Tensor> params = net->parameters(), initial;
  for (const Tensor& p : params) initial.push_back(p.detach().clone());
  Workload w;
  w.peer = kPeer;
  w.unit = unit;
  w.rep = [=]() {
    opt->zero_grad();
    Tensor loss = loss_of(net->forward(x));
    loss.backward();
    opt->step();
    return double(loss.template item<float>());
  };
  w.grad_sum = [=]() {
    std::vector<Tensor> g;
    for (const Tensor& p : params) g.push_back(p.grad());
    return abs_sum(g);
  };
  w.reset = [=]() {
    torch::NoGradGuard ng;
    for (size_t i = 0; i < params.size(); ++i) params[i].detach().copy_(initial[i]);
    reset_optimizer(*opt);
  };
  return w;
}
auto xent(Tensor y) {
  return [y](const Tensor& logits) { return torch::nn::functional::cross_entropy(logits, y); };
}
auto rmsprop(torch::nn::Module& net) {
  return std::make_shared<torch::optim::RMSprop>(net.parameters(), torch::optim::RMSpropOptions(1e-3).alpha(0.9).eps(1e-7));
}
auto adam(std::vector<Tensor> params) { return std::make_shared<torch::optim::Adam>(params, torch::optim::AdamOptions(1e-3)); }

Workload small_mlp_step() {
  auto net = std::make_shared<Mlp>(Shape{4, 16, 16, 1}, tanh_);
  init_weights(*net, {0.5, 0.25, 0.25});
  Tensor y = filled({8, 1}, 2);
  auto opt = std::make_shared<torch::optim::SGD>(net->parameters(), torch::optim::SGDOptions(0.01));
  return train_step("one SGD step, MLP 4-16-16-1 tanh, batch 8, MSE", net, opt, filled({8, 4}, 1),
                    [y](const Tensor& out) { return torch::mse_loss(out, y); });
}
Workload mnist_step(int64_t batch) {
  auto net = std::make_shared<Mlp>(Shape{784, 512, 10}, relu);
  init_weights(*net, {0.005, 0.05});
  return train_step("one RMSprop step, MLP 784-512-10 relu, batch " + std::to_string(batch), net, rmsprop(*net),
                    filled({batch, 784}, 1), xent(labels(batch, 10)));
}
Workload mlp_wide_step() {
  auto net = std::make_shared<Mlp>(Shape{2048, 2048, 2048, 2048, 1000}, relu);
  init_weights(*net, {0.002, 0.05, 0.05, 0.05});
  return train_step("one Adam step, MLP 2048-2048-2048-2048-1000 relu, batch 256", net, adam(net->parameters()),
                    filled({256, 2048}, 1, 0.05), xent(labels(256, 1000)));
}
Workload lenet_step() {
  auto net = std::make_shared<LeNet>();
  init_weights(*net, {0.2, 0.05, 0.01, 0.05});
  return train_step("one Adam step, LeNet 5x5x16, 5x5x32, 128, 10, batch 64", net, adam(net->parameters()),
                    filled({64, 1, 28, 28}, 1), xent(labels(64, 10)));
}

Workload adam_update() {
  std::vector<Tensor> params, initial;
  for (int k = 0; k < 100; ++k) {
    params.push_back(param({100000}, 1 + k));
    params.back().mutable_grad() = filled({100000}, 201 + k, 0.1);
    initial.push_back(params.back().detach().clone());
  }
  auto opt = adam(params);
  Workload w;
  w.peer = kPeer;
  w.unit = "one Adam step on 100 tensors of 100000 elements";
  w.rep = [=] {
    opt->step();
    return double(params[0][7].item<float>());
  };
  w.reset = [=] {
    torch::NoGradGuard ng;
    for (size_t i = 0; i < params.size(); ++i) params[i].detach().copy_(initial[i]);
    reset_optimizer(*opt);
  };
  return w;
}
std::vector<uint8_t> read_idx(const std::string& name) {
  const char* dir = std::getenv("GRADUS_DATA");
  std::string path = std::string(dir ? dir : "../shared/data") + "/mnist/" + name;
  gzFile f = gzopen(path.c_str(), "rb");
  if (!f) {
    std::fprintf(stderr, "cannot open %s\n", path.c_str());
    std::exit(1);
  }
  std::vector<uint8_t> out;
  uint8_t buf[1 << 16];
  for (int n; (n = gzread(f, buf, sizeof buf)) > 0;) out.insert(out.end(), buf, buf + n);
  gzclose(f);
  return out;
}
Tensor read_images(const std::string& name) {  // 16 header bytes, then 784 bytes per image; scaled to [0,1]
  auto raw = read_idx(name);
  int64_t n = int64_t(raw.size() - 16) / 784;
  Tensor t = torch::empty({n, 784});
  for (int64_t i = 0; i < n * 784; ++i) t.data_ptr<float>()[i] = float(raw[16 + i]) / 255.0f;
  return t;
}
Tensor read_labels(const std::string& name) {  // 8 header bytes, then one byte per label
  auto raw = read_idx(name);
  Tensor t = torch::empty({int64_t(raw.size()) - 8}, torch::kInt64);
  for (int64_t i = 0; i < t.numel(); ++i) t.data_ptr<int64_t>()[i] = raw[8 + i];
  return t;
}
Workload mnist_epochs() {
  auto accuracy = std::make_shared<double>(0), train_ns = std::make_shared<double>(0);
  Workload w;
  w.own_ns = [=] { return *train_ns; };
  w.peer = kPeer;
  w.unit = "5 epochs of real MNIST, batch 128, model and optimizer of mnist_step";
  w.rep = [=] {
    Tensor x = read_images("train-images-idx3-ubyte.gz"), y = read_labels("train-labels-idx1-ubyte.gz");
    Tensor xt = read_images("t10k-images-idx3-ubyte.gz"), yt = read_labels("t10k-labels-idx1-ubyte.gz");
    Mlp net({784, 512, 10}, relu);
    std::mt19937 gen(1234);
    {  // Glorot uniform from mt19937, weights in order, [out,in] row major; biases zero
      torch::NoGradGuard ng;
      for (Tensor& p : net.parameters()) {
        if (p.dim() == 1) {
          p.zero_();
          continue;
        }
        const std::vector<float> values = glorot_values(gen, p.size(0), p.size(1));
        std::copy(values.begin(), values.end(), p.data_ptr<float>());
      }
    }
    auto opt = rmsprop(net);
    const int64_t n = x.size(0), batch = 128;
    Tensor perm = torch::arange(n, torch::kInt64);
    double last = 0, t0 = now_ns();
    for (int epoch = 0; epoch < 5; ++epoch) {
      shuffle({perm.data_ptr<int64_t>(), static_cast<size_t>(n)}, gen);
      double sum = 0;
      for (int64_t b = 0; b < n; b += batch) {
        Tensor idx = perm.slice(0, b, std::min(b + batch, n));
        Tensor xb = x.index_select(0, idx), yb = y.index_select(0, idx);
        opt->zero_grad();
        Tensor loss = torch::nn::functional::cross_entropy(net.forward(xb), yb);
        loss.backward();
        opt->step();
        sum += loss.item<float>() * double(idx.numel());
      }
      last = sum / double(n);
    }
    *train_ns = now_ns() - t0;
    torch::NoGradGuard ng;
    *accuracy = net.forward(xt).argmax(1).eq(yt).sum().item<double>() / double(yt.numel());
    return last;
  };
  w.extra = [=] { return training_members(*train_ns, *accuracy); };
  return w;
}

}  // namespace

std::vector<NamedWorkload> training_workloads() {
  return {{"small_mlp_step", small_mlp_step},
          {"mnist_step", [] { return mnist_step(128); }},
          {"mnist_step_b1", [] { return mnist_step(1); }},
          {"mlp_wide_step", mlp_wide_step},
          {"lenet_step", lenet_step},
          {"adam_update", adam_update},
          {"mnist_epochs", mnist_epochs}};
}

}  // namespace gradus::bench::peer
