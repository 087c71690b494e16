#include "apps/common/page.h"

#include "apps/common/html.h"
#include "autograd/base/error.h"

namespace gradus::apps {
namespace {

using html::escape;

constexpr std::string_view kTable = "<details class=\"data\"><summary>";

/// Nothing from anywhere but this page: what it holds may be drawn, nothing may be fetched or sent.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action "
    "'none'";

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) text.replace(at, what.size(), by);
  return text;
}

}  // namespace

Page::Page(std::string_view title, std::string_view summary) : title_(escape(title)), summary_(escape(summary)) {}

void Page::fact(std::string_view name, std::string_view value) {
  facts_ += text("<div><dt>", escape(name), "</dt><dd>", escape(value), "</dd></div>\n");
}

void Page::section(std::string_view heading, std::string_view text_, std::string_view content) {
  const std::string id = text("part-", ++count_);
  contents_ += text("<li><a href=\"#", id, "\">", escape(heading), "</a></li>");
  sections_ += text("<section id=\"", id, "\" aria-labelledby=\"", id, "-title\">\n<h2 id=\"", id, "-title\">", escape(heading),
                    "</h2>\n");
  if (!text_.empty()) sections_ += text("<p>", escape(text_), "</p>\n");
  sections_ += text(content, "\n</section>\n");
}

std::string Page::figure(std::string_view caption, std::string_view description, const Json& data, std::string_view table) {
  std::string out = "<figure class=\"card\">";
  if (!caption.empty()) out += text("<figcaption>", escape(caption), "</figcaption>");
  out += text("<div class=\"drawing\" role=\"img\" data-drawing=\"", drawings_.size(), "\" aria-label=\"", escape(description),
              "\"></div>");
  drawings_.push_back(data);
  if (!table.empty()) out += text(kTable, "Values as a table</summary>", table, "</details>");
  return out + "</figure>\n";
}

std::string Page::html(bool charts) const {
  charts = charts && !page_script().empty();
  std::string out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  out += text("<meta http-equiv=\"Content-Security-Policy\" content=\"", kPolicy, "\">\n");
  out +=
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
      "dark\">\n";
  out += text("<title>", title_, "</title>\n<style>\n", page_style(),
              "</style>\n<style id=\"dark\" media=\"screen and (prefers-color-scheme: dark)\">\n", page_dark(),
              "</style>\n</head>\n<body>\n<header>\n<h1>", title_, "</h1>\n");
  if (!summary_.empty()) out += text("<p class=\"summary\">", summary_, "</p>\n");
  if (!facts_.empty()) out += text("<dl class=\"facts\">\n", facts_, "</dl>\n");
  if (count_ > 2) out += text("<nav aria-label=\"Sections\"><ul>", contents_, "</ul></nav>\n");
  if (charts) out += "<noscript><p class=\"note\">The charts need JavaScript; the tables hold the same values.</p></noscript>\n";
  else out += "<p class=\"note\">Built without charts, which need npm: the tables hold the values.</p>\n";
  out += text("</header>\n<main>\n", charts ? sections_ : replaced(sections_, kTable, "<details class=\"data\" open><summary>"),
              "</main>\n");
  out += "<footer>Made with Gradus. Charts by Apache ECharts, graphs laid out by dagre. This page fetches nothing.</footer>\n";
  if (charts) {
    const std::string data = drawings_.dump(-1, ' ', false, Json::error_handler_t::replace);
    out += text("<script type=\"application/json\" id=\"drawings\">", html::script_safe(data), "</script>\n<script>",
                page_script(), "</script>\n");
  }
  return out + "</body>\n</html>\n";
}

}  // namespace gradus::apps
