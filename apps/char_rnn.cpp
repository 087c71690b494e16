// A network that writes: it reads a text character by character and learns which one comes next.
//
// An embedding, a GRU (or LSTM) and a softmax over the characters, trained on pieces of the text; after every few epochs it
// writes a few lines of its own, one character at a time, each drawn from its predictions. What to see on the built-in sonnets:
// after one epoch letters as frequent as in English, after five short words and line breaks, after fifteen whole lines of
// Shakespeare. With its 80,000 parameters it learns them by heart: the loss falls from 3.5 to below 0.2, the accuracy passes
// 0.95.
#include "apps/common/results.h"
#include "data/text.h"
#include "data/windows.h"
#include "nn/nn.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

// William Shakespeare, Sonnets (1609): 18, 29, 116, 130.
constexpr std::string_view kSonnets = R"(Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date:
Sometime too hot the eye of heaven shines,
And often is his gold complexion dimm'd;
And every fair from fair sometime declines,
By chance or nature's changing course untrimm'd;
But thy eternal summer shall not fade
Nor lose possession of that fair thou owest;
Nor shall Death brag thou wander'st in his shade,
When in eternal lines to time thou growest:
So long as men can breathe or eyes can see,
So long lives this and this gives life to thee.

When, in disgrace with fortune and men's eyes,
I all alone beweep my outcast state
And trouble deaf heaven with my bootless cries
And look upon myself and curse my fate,
Wishing me like to one more rich in hope,
Featured like him, like him with friends possess'd,
Desiring this man's art and that man's scope,
With what I most enjoy contented least;
Yet in these thoughts myself almost despising,
Haply I think on thee, and then my state,
Like to the lark at break of day arising
From sullen earth, sings hymns at heaven's gate;
For thy sweet love remember'd such wealth brings
That then I scorn to change my state with kings.

Let me not to the marriage of true minds
Admit impediments. Love is not love
Which alters when it alteration finds,
Or bends with the remover to remove:
O no! it is an ever-fixed mark
That looks on tempests and is never shaken;
It is the star to every wandering bark,
Whose worth's unknown, although his height be taken.
Love's not Time's fool, though rosy lips and cheeks
Within his bending sickle's compass come:
Love alters not with his brief hours and weeks,
But bears it out even to the edge of doom.
If this be error and upon me proved,
I never writ, nor no man ever loved.

My mistress' eyes are nothing like the sun;
Coral is far more red than her lips' red;
If snow be white, why then her breasts are dun;
If hairs be wires, black wires grow on her head.
I have seen roses damask'd, red and white,
But no such roses see I in her cheeks;
And in some perfumes is there more delight
Than in the breath that from my mistress reeks.
I love to hear her speak, yet well I know
That music hath a far more pleasing sound;
I grant I never saw a goddess go;
My mistress, when she walks, treads on the ground:
And yet, by heaven, I think my love as rare
As any she belied with false compare.
)";

struct Settings : apps::EpochOptions {
  std::string text, cell = "gru";
  int64_t units = 128, length = 50, sample = 120, sample_every = 5;
  double temperature = 0.5, learning_rate = 0.005;

  void add_to(CLI::App& app) {
    app.add_option("--text", text, "Learn from this file, in UTF-8 (else four of Shakespeare's sonnets)");
    app.add_option("--cell", cell, "gru or lstm")->capture_default_str();
    app.add_option("--units", units, "Size of the network's memory")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--length", length, "Characters it sees in one piece")->check(apps::at_least(10))->capture_default_str();
    app.add_option("--sample", sample, "Characters it writes at a time")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--sample-every", sample_every, "Epochs between two samples")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--temperature", temperature, "How freely it writes: near 0 always the likeliest character")
        ->check(apps::between(1e-3))
        ->capture_default_str();
    app.add_option("--learning-rate", learning_rate, "Of Adam")->check(apps::between(0))->capture_default_str();
    EpochOptions::add_to(app);
  }
};

/// A text as numbers of its characters.
struct Corpus {
  data::Vocabulary alphabet;
  data::Sequence numbers;

  explicit Corpus(std::string_view text)
      : alphabet(data::Vocabulary::of_characters(text)), numbers(alphabet.encode(data::characters(text))) {}

  /// Pieces of `length` characters, each a few characters after the last one, and what follows each character.
  data::Example pieces(int64_t length, int64_t limit) const {
    const auto count = std::ssize(numbers);
    const data::WindowOptions options{.sequence_length = length + 1, .sequence_stride = std::max<int64_t>(1, length / 10)};
    const data::TimeSeries windows(Tensor(numbers, {count}), Tensor(), options);
    const int64_t size = limit > 0 ? std::min(limit, windows.size()) : windows.size();
    const Tensor pieces = windows.batch(arange(size)).x;
    return {pieces[":, :-1"], pieces[":, 1:"]};
  }
};

/// A model of one's own: its parts, what it computes, and how it writes.
class Writer : public nn::Model {
 public:
  Writer(int64_t characters, nn::Recurrent memory)
      : embedding_(characters, 32), memory_(std::move(memory)), next_(characters, {.activation = nn::softmax}) {}

  Tensor call(const Tensor& x, bool training) override { return next_(memory_(embedding_(x), training)); }
  Tensor logits(const Tensor& x, bool training) override { return next_.logits(memory_(embedding_(x), training), training); }
  const nn::Activation* output_activation() const override { return next_.output_activation(); }
  std::string_view type() const override { return "Writer"; }
  void visit(nn::Visitor& v) override {
    v("embedding", embedding_);
    v("memory", memory_);
    v("next", next_);
  }

  /// `count` characters after `start`. Below temperature 1 likely ones become likelier.
  data::Sequence write(const data::Sequence& start, int64_t count, double temperature, random::Generator& generator) {
    const NoRecord pause;
    data::Sequence out;
    std::vector<Tensor> states;
    for (int64_t i = 0; i < count; ++i) {
      const data::Sequence read = i == 0 ? start : data::Sequence{out.back()};
      const Tensor x(read, {1, std::ssize(read)});
      const nn::Recurrent::Result now = memory_.run(embedding_(x), states);
      states = now.states;
      const std::vector<double> p = softmax(next_.logits(now.output["0, -1:"], false) / temperature)[0].to_vector<double>();
      double rest = random::uniform({}, 0, 1, DType::float64, generator).item<double>();
      size_t k = 0;
      while (k + 1 < p.size() && (rest -= p[k]) > 0) ++k;
      out.push_back(static_cast<int32_t>(k));
    }
    return out;
  }

 private:
  nn::Embedding embedding_;
  nn::Recurrent memory_;
  nn::Dense next_;
};

/// Writes a few lines after every few epochs.
class Sampler : public nn::Callback {
 public:
  Sampler(Writer& writer, const Corpus& corpus, const Settings& settings, std::vector<std::vector<std::string>>& samples)
      : writer_(writer), corpus_(corpus), settings_(settings), samples_(samples) {}

  void on_epoch_end(nn::Run& run) override {
    if (run.epoch > 0 && (run.epoch + 1) % settings_.sample_every != 0 && run.epoch + 1 != run.epochs) return;
    random::Generator generator(settings_.seed);
    const data::Sequence start(corpus_.numbers.begin(), corpus_.numbers.begin() + 10);
    std::string text =
        corpus_.alphabet.decode(writer_.write(start, settings_.sample, settings_.temperature, generator), /*separator=*/"");
    settings_.remarks() << "--- after epoch " << run.epoch + 1 << ":\n" << text << "\n---\n";
    samples_.push_back({std::to_string(run.epoch + 1), std::move(text)});
  }

 private:
  Writer& writer_;
  const Corpus& corpus_;
  const Settings& settings_;
  std::vector<std::vector<std::string>>& samples_;
};

nn::Recurrent memory(const Settings& settings) {
  const nn::RecurrentOptions sequences{.return_sequences = true};
  if (settings.cell == "gru") return nn::GRU(settings.units, sequences);
  if (settings.cell == "lstm") return nn::LSTM(settings.units, sequences);
  fail<ValueError>("--cell", "unknown cell; got \"", settings.cell, "\", expected one of gru, lstm");
}

int train(const Settings& settings) {
  settings.apply();
  const apps::Interrupt interrupt;
  const std::string source = settings.text.empty() ? "four sonnets" : settings.text;
  const Corpus corpus(settings.text.empty() ? std::string(kSonnets) : data::load_text(settings.text));
  if (std::ssize(corpus.numbers) < 2 * settings.length)
    fail<ValueError>(source, "text too short; got ", corpus.numbers.size(), " characters, expected at least ",
                     2 * settings.length, ", two pieces of --length");
  const auto [x, y] = corpus.pieces(settings.length, settings.limit);
  settings.remarks() << "text: " << source << ", " << corpus.numbers.size() << " characters, " << corpus.alphabet.size()
                     << " different ones, " << x.shape(0) << " pieces\n";

  const apps::Stopwatch clock;
  Writer writer(corpus.alphabet.size(), memory(settings));
  writer.compile({.optimizer = optim::Adam({.learning_rate = settings.learning_rate}),
                  .loss = "sparse_categorical_crossentropy",
                  .metrics = {"accuracy"}});
  std::vector<std::vector<std::string>> samples;
  const apps::Watch watch(interrupt, settings.json);
  const nn::History history = writer.fit(x, y,
                                         {.epochs = settings.epochs,
                                          .batch_size = settings.batch_size,
                                          .seed = settings.seed,
                                          .verbose = settings.json ? 0 : 1,
                                          .callbacks = {watch, Sampler(writer, corpus, settings, samples)}});
  interrupt.check();
  const double loss = history["loss"].back(), accuracy = history["accuracy"].back(), seconds = clock.seconds();
  if (!settings.save.empty()) nn::save_weights(writer, settings.save);

  apps::Report report("A network that writes",
                      text("A network with ", writer.num_parameters(), " parameters learned from ", source,
                           " which character comes next. The loss says how surprised it still is."));
  report.fact("Loss", loss);
  report.fact("Accuracy", accuracy);
  report.fact("Characters", static_cast<double>(corpus.numbers.size()));
  report.curves(history);
  report.table("What it wrote", "After so many epochs, from the same beginning of the text.", {"epoch", "text"}, samples);
  report.epoch_times(watch.seconds());
  apps::Results results;
  results.add("loss", loss).add("accuracy", accuracy).add("seconds", seconds).add("sample", samples.back()[1]);
  return apps::finish(settings, results, report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Learns to write from a text, character by character.", "char_rnn");
  Settings settings;
  settings.epochs = 25;
  settings.batch_size = 32;
  settings.add_to(app);
  return apps::run(app, argc, argv, [&] { return train(settings); });
}
