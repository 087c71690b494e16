// The page as text: what is escaped, what is refused, what a reader without charts gets. pages/ opens it in a browser.
#include "apps/common/report.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/common/classifier.h"
#include "apps/common/graph_figure.h"
#include "apps/common/html.h"
#include "apps/common/page.h"
#include "autograd/autograd.h"
#include "tests/data/files.h"

namespace gradus::apps {
namespace {

using test::contains, test::message;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// What the script would draw. Without npm there is no script and no data: then the page is made by hand.
nlohmann::json drawings(const Report& report) {
  const std::string html = report.html(), open = "id=\"drawings\">";
  const size_t begin = html.find(open);
  if (begin == std::string::npos) return {};
  const size_t from = begin + open.size();
  return nlohmann::json::parse(html.substr(from, html.find("</script>", from) - from));
}
bool with_charts() { return !page_script().empty(); }

}  // namespace

TEST_CASE("text of a page is escaped, invalid UTF-8 replaced") {
  CHECK(html::escape("a < b & \"c\" > 'd'") == "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;");
  CHECK(html::escape("Grüße, 数字 ✓") == "Grüße, 数字 ✓");
  CHECK(html::escape("\xff|\xc3|\xed\xa0\x80") == "\uFFFD|\uFFFD|\uFFFD\uFFFD\uFFFD");
  CHECK(html::escape(std::string_view("a\0b", 3)) == "a\uFFFDb");
  CHECK(html::script_safe("[\"</script><!--\"]") == "[\"\\u003c/script>\\u003c!--\"]");
  CHECK(nlohmann::json::parse(html::script_safe("[\"</script>\"]"))[0] == "</script>");
}

TEST_CASE("numbers for people") {
  CHECK(html::number(0.98141) == "0.9814");
  CHECK(html::number(1.23456e-7) == "1.235e-07");
  CHECK(html::number(0) == "0");
  CHECK(html::number(9999) == "9999");
  CHECK(html::number(60000) == "60,000");
  CHECK(html::number(-1234567) == "-1,234,567");
  CHECK(html::number(-12345) == "-12,345");
  CHECK(html::number(1e20) == "1e+20");
  CHECK(html::number(kNaN) == "–");
  CHECK(html::number(-INFINITY) == "–");
}

TEST_CASE("tables fill short rows, mark numbers, escape everything") {
  const std::string table = html::table({"a<b", "n"}, {{"x&y", "0.5"}, {"z"}});
  CHECK(contains(table, "<th scope=\"col\">a&lt;b</th>"));
  CHECK(contains(table, "<th scope=\"row\">x&amp;y</th><td class=\"number\">0.5</td>"));
  CHECK(contains(table, "<th scope=\"row\">z</th><td></td>"));
}

TEST_CASE("a page stands alone: complete HTML, a policy that forbids fetching, no addresses") {
  Report report("Title", "Summary");
  report.fact("Accuracy", 0.98765);
  report.paragraph("One", "text");
  report.paragraph("Two", "text");
  report.paragraph("Three", "text");
  for (const bool charts : {true, false}) {
    const std::string html = report.html(charts);
    CHECK(html.starts_with("<!doctype html>"));
    CHECK(html.ends_with("</html>\n"));
    CHECK(contains(html, "<title>Title</title>"));
    CHECK(contains(html, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"));
    CHECK(contains(html, "<dt>Accuracy</dt><dd>0.9877</dd>"));
    CHECK(contains(html, "<a href=\"#part-2\">Two</a>"));
    CHECK(contains(html, "<section id=\"part-2\" aria-labelledby=\"part-2-title\">"));
    CHECK_FALSE(contains(html, "src=\"http"));
    CHECK_FALSE(contains(html, "url(http"));
    CHECK_FALSE(contains(html, "<link"));
    CHECK(contains(html, "<script") == (charts && with_charts()));
    CHECK(contains(html, "Built without charts") != (charts && with_charts()));
  }
}

TEST_CASE("nothing breaks out of its place") {
  const std::string hostile = "</script></title></style><script>alert(1)</script>\"' onload='x' \xff <!--";
  Report report(hostile, hostile);
  report.fact(hostile, hostile);
  report.paragraph(hostile, hostile);
  report.table(hostile, hostile, {hostile}, {{hostile}});
  report.lines(hostile, hostile, {{hostile, {1, 2}, {1, 2}}}, {.x = hostile, .y = hostile});
  report.scatter(hostile, hostile, {{hostile, {1, 2}, {1, 2}}}, {.x = hostile, .y = hostile});
  report.bars(hostile, hostile, {hostile}, {1}, {.x = hostile, .y = hostile});
  report.confusion(Tensor({{1, 2}, {3, 4}}), {hostile, hostile});
  report.pictures(hostile, hostile, {{zeros({2, 2}), hostile}});
  report.planes(hostile, hostile, {{hostile, {.values = zeros({2, 2}), .points = {{hostile, {0}, {0}}}}}});
  nn::History history;
  nn::Logs logs;
  logs.set(hostile, 1);
  history.add(0, logs);
  report.curves({{hostile, history}});
  GradientTape tape;
  report.graph(hostile, hostile, Variable(ones({2}), {.name = hostile}) * 2);

  for (const bool charts : {true, false}) {
    const std::string html = report.html(charts);
    CHECK_FALSE(contains(html, "alert(1)</script>"));
    if (!charts) CHECK_FALSE(contains(html, "onload='x'"));  // the script's data may hold quotes
    CHECK_FALSE(contains(html, "<!--"));
    CHECK(html::valid_utf8(html) == html);
  }
  if (with_charts()) {
    const nlohmann::json data = drawings(report);
    CHECK(data.size() == 6);
    CHECK(data[0]["series"][0]["name"] == html::valid_utf8(hostile));
  }
}

TEST_CASE("charts get null for what is not finite, tables a dash") {
  Report report("", "");
  report.lines("h", "", {{"s", {1, 2, 3}, {0.5, kNaN, INFINITY}}});
  CHECK(contains(report.html(false), "<th scope=\"row\" class=\"number\">2</th><td class=\"number\">–</td>"));
  if (!with_charts()) return;
  const nlohmann::json series = drawings(report)[0]["series"][0];
  CHECK(series["y"][0] == 0.5);
  CHECK(series["y"][1].is_null());
  CHECK(series["y"][2].is_null());
}

TEST_CASE("curves pair training with validation, the loss first; several runs have a colour each") {
  nn::History history;
  for (const int64_t epoch : {0, 1, 2}) {
    nn::Logs logs;
    for (const char* name : {"accuracy", "loss", "val_accuracy", "val_loss"})
      logs.set(name, 1.0 / static_cast<double>(epoch + 1));
    history.add(epoch, logs);
  }
  Report report("", "");
  report.curves(history);
  report.curves({{"one", history}, {"two", history}});
  const std::string html = report.html(false);
  CHECK(html.find("<figcaption>loss</figcaption>") < html.find("<figcaption>accuracy</figcaption>"));
  CHECK(
      contains(html,
               "aria-label=\"Line chart of loss over epoch; training: 3 points, first 1, last 0.3333, lowest 0.3333, highest 1; "
               "validation: 3 points"));
  if (!with_charts()) return;
  const nlohmann::json data = drawings(report);
  REQUIRE(data.size() == 4);
  CHECK(data[0]["series"].size() == 2);
  CHECK(data[0]["series"][0]["x"] == nlohmann::json{1.0, 2.0, 3.0});
  CHECK(data[0]["series"][1]["dashed"] == true);
  CHECK(data[2]["series"].size() == 4);
  CHECK(data[2]["series"][2]["name"] == "two, training");
  CHECK(data[2]["series"][2]["color"] == data[2]["series"][3]["color"]);
  CHECK(data[2]["series"][0]["color"] != data[2]["series"][2]["color"]);

  std::ostringstream out;
  report.print(out, 60);
  CHECK(out.str().starts_with("loss\n"));
  CHECK(contains(out.str(), "\n\naccuracy\n"));
  CHECK(contains(out.str(), "a training   b validation"));
}

TEST_CASE("awkward sizes: no epochs, no series, no pictures, thousands of points") {
  Report report("", "");
  report.curves(nn::History());
  report.epoch_times({});
  report.epoch_times({1.5});
  report.lines("none", "", {});
  report.bars("none", "", {}, {});
  report.pictures("none", "", {});
  report.table("none", "", {}, {});
  report.confusion(zeros({0, 0}, DType::int64));
  report.confusion(zeros({3, 3}, DType::int64));
  report.plane("flat", "", {.values = zeros({1, 1})});
  report.plane("not finite", "", {.values = full({2, 3}, kNaN), .log_values = true});
  Series many{"many", {}, {}};
  for (int i = 0; i < 12345; ++i) many.x.push_back(i), many.y.push_back(i % 7);
  report.scatter("many", "", {many});
  const std::string html = report.html(false);
  CHECK(contains(html, "No epoch was completed."));
  CHECK(contains(html, "1 epoch in 1.5 s, 1.5 s each."));
  CHECK(contains(html, "101 of 12345 rows."));
  CHECK(contains(html, "0 of 0 right (–)."));
  std::ostringstream out;
  report.print(out);
  CHECK(contains(out.str(), "no values to draw"));
}

TEST_CASE("the confusion matrix: rows are true classes, with what was found of each") {
  Report report("", "");
  report.confusion(Tensor({{8, 2}, {1, 9}}), {"cat", "dog"});
  const std::string html = report.html(false);
  CHECK(contains(html, "17 of 20 right (85 %)."));
  CHECK(contains(html,
                 "<th scope=\"row\">cat</th><td class=\"right strong\" style=\"--s:0.8\">8</td><td class=\"wrong strong\" "
                 "style=\"--s:0.89\">2</td><td class=\"recall\">80 %</td>"));
}

TEST_CASE("what does not fit is refused") {
  Report report("", "");
  const auto refused = [](auto&& f) { return message<ShapeError>(f); };
  CHECK(refused([&] {
          report.lines("", "", {{"s", {1, 2}, {1}}});
        }) == "Report::lines: lengths differ; got 1 y of series 's', expected 2");
  CHECK(refused([&] { report.bars("", "", {"a"}, {}); }) == "Report::bars: lengths differ; got 0 values, expected 1");
  CHECK(refused([&] {
          report.confusion(zeros({2, 3}));
        }) == "Report::confusion: not a confusion matrix; got shape [2, 3], expected [classes, classes]");
  CHECK(refused([&] {
          report.confusion(zeros({2, 2}), {"a"});
        }) == "Report::confusion: lengths differ; got 1 class names, expected 2");
  CHECK(refused([&] {
          report.pictures("", "", {{zeros({2, 2, 2}), ""}});
        }) == "Report::pictures: not a picture; got shape [2, 2, 2], expected [rows, columns] or [rows, columns, 3], not empty");
  CHECK(refused([&] {
          report.pictures("", "", {{zeros({0, 2}), ""}});
        }) == "Report::pictures: not a picture; got shape [0, 2], expected [rows, columns] or [rows, columns, 3], not empty");
  CHECK(refused([&] { report.plane("", "", {}); }) ==
        "Report::plane: not a plane; got values of shape (undefined), expected [rows, columns], not empty");
  CHECK(refused([&] { report.plane("", "", {.values = zeros({4})}); }) ==
        "Report::plane: not a plane; got values of shape [4], expected [rows, columns], not empty");
  CHECK(refused([&] {
          report.plane("", "", {.values = zeros({2, 2}), .paths = {{"p", {1}, {}}}});
        }) == "Report::plane: lengths differ; got 0 y of series 'p', expected 1");
  CHECK(contains(message<TapeError>([&] { report.graph("", "", ones({2})); }), "no tape of this thread holds the tensor"));
  CHECK(contains(message<IoError>([&] { report.write("/no/such/folder/report.html"); }), "Report: /no/such/folder/report.html"));
}

TEST_CASE("a page is written at once") {
  const test::Folder folder;
  Report report("Title", "");
  report.write(folder / "report.html");
  CHECK(test::read_file(folder / "report.html") == report.html());
  CHECK(folder.entries() == 1);
}

TEST_CASE("a graph: nodes, arrows, what is left out") {
  GradientTape tape;
  const Variable w(ones({3, 2}), {.name = "w"}), b(ones({2}), {.name = "b"});
  const Tensor y = relu(matmul(ones({4, 3}), w) + b);
  const GraphFigure whole = graph_figure(sum(y));
  const Json& nodes = whole.drawing["nodes"];
  CHECK(whole.drawing["edges"].size() == 5);
  CHECK(nodes.size() == 6);
  CHECK(nodes.back()["kind"] == "target");
  CHECK(nodes.back()["name"] == "sum");
  CHECK(nodes.back()["shape"] == "scalar");
  CHECK(whole.description == "4 operations on 2 variables");
  CHECK(contains(whole.table, "<td>1 matmul, b</td>"));

  Tensor z = y;
  for (int i = 0; i < 50; ++i) z = z * 1.5;
  const GraphFigure cut = graph_figure(z, 10);
  CHECK(cut.description == "53 operations on 2 variables; shown are the 10 nearest to the result");
  CHECK(cut.drawing["nodes"].size() == 11);  // and the stub
  CHECK(cut.drawing["edges"].size() == 10);

  // A variable of several uses stands at each of them.
  const GraphFigure shared = graph_figure(w * w + w);
  CHECK(shared.drawing["nodes"].size() == 5);
  CHECK(shared.drawing["edges"].size() == 4);
}

TEST_CASE("a classifier: counts by class, the worst mistakes first") {
  const Tensor labels({0, 1, 2, 2, 1});
  const Tensor p({{0.7f, 0.2f, 0.1f}, {0.6f, 0.3f, 0.1f}, {0.1f, 0.1f, 0.8f}, {0.05f, 0.94f, 0.01f}, {0.5f, 0.1f, 0.4f}});
  CHECK(confusion_counts(labels, p).to_vector<int64_t>() == std::vector<int64_t>{1, 0, 0, 2, 0, 0, 0, 1, 1});
  CHECK(worst_mistakes(labels, p) == std::vector<int64_t>{3, 4, 1});
  CHECK(worst_mistakes(labels, p, 1) == std::vector<int64_t>{3});
  CHECK(worst_mistakes(labels, p, 0).empty());
  CHECK(worst_mistakes(zeros({0}, DType::int64), zeros({0, 3})).empty());

  Report report("", "");
  add_classifier(report, zeros({5, 4, 4}), labels, p, {"ant", "bee", "cat"});
  CHECK(contains(report.html(false), "<figcaption>cat, taken for bee (94 %)</figcaption>"));

  CHECK(message<ShapeError>([&] {
          confusion_counts(labels, zeros({4, 3}));
        }) == "confusion_counts: labels and probabilities do not fit; got shapes [5] and [4, 3], expected [n] and [n, classes]");
  CHECK(message<ValueError>([&] {
          worst_mistakes(Tensor({0, 3}), zeros({2, 3}));
        }) == "worst_mistakes: label out of range; got 3 at 1, expected 0 to 2");
}

}  // namespace gradus::apps
