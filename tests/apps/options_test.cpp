// Options::show: where a program's pictures go.
#include "apps/common/options.h"

#include <doctest/doctest.h>

#include <iostream>
#include <sstream>

#include "tests/data/files.h"

namespace gradus::apps {
namespace {

/// What is written to a stream while this lives.
class Caught {
 public:
  explicit Caught(std::ostream& stream) : stream_(stream), before_(stream.rdbuf(text_.rdbuf())) {}
  ~Caught() { stream_.rdbuf(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::ostream& stream_;
  std::streambuf* before_;
};

}  // namespace

TEST_CASE("--curves draws them, --report writes the page, --json keeps both off stdout") {
  const test::Folder folder;
  Report report("Title", "");
  report.lines("falling", "", {{"loss", {1, 2}, {2, 1}}});
  for (const bool json : {false, true}) {
    Options options;
    options.curves = true;
    options.json = json;
    options.report = folder / (json ? "a.html" : "b.html");
    const Caught out(std::cout), err(std::cerr);
    options.show(report);
    CHECK(test::contains((json ? err : out).text(), "falling\n"));
    CHECK(test::contains((json ? err : out).text(), "report: " + options.report));
    CHECK((json ? out : err).text().empty());
    CHECK(test::read_file(options.report) == report.html());
  }
  Options options;
  options.json = true;
  const Caught out(std::cout), err(std::cerr);
  options.show(report);
  CHECK(out.text().empty());
  CHECK(err.text().empty());
  CHECK(folder.entries() == 2);
}

TEST_CASE("a page that cannot be written is found out before work begins") {
  Options options;
  options.report = "/no/such/folder/report.html";
  CHECK(test::message<IoError>([&] { options.apply(); }) ==
        "--report: cannot write; got /no/such/folder/report.html, expected a file in a folder that exists and is writable");
}

}  // namespace gradus::apps
