// Page: a web page under construction: sections as HTML, charts as data for the script. Internal to the reports.
//
// The page is complete without its script: texts, pictures and tables stand in it as they are. The script, which is there when
// npm was at build time, draws the charts and the computation graphs above their tables.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus::apps {

using Json = nlohmann::ordered_json;

/// What web/ was made into when the program was built: the style, its dark colours, the script. The script is empty without npm.
std::string_view page_style();
std::string_view page_dark();
std::string_view page_script();

class Page {
 public:
  Page(std::string_view title, std::string_view summary);

  void fact(std::string_view name, std::string_view value);
  /// `content` is HTML.
  void section(std::string_view heading, std::string_view text, std::string_view content);
  /// A place for a drawing of `data` and what stands in for it: a description, and a table for those who open it. Returns HTML.
  std::string figure(std::string_view caption, std::string_view description, const Json& data, std::string_view table);

  std::string html(bool charts) const;

 private:
  std::string title_, summary_, facts_, contents_, sections_;
  Json drawings_ = Json::array();
  int count_ = 0;
};

}  // namespace gradus::apps
