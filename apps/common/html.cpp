#include "apps/common/html.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "autograd/base/error.h"

namespace gradus::apps::html {

std::string valid_utf8(std::string_view text) {
  using Json = nlohmann::json;
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : valid_utf8(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      case '\0': out += "\uFFFD"; break;  // not allowed in a page
      default: out += c;
    }
  }
  return out;
}

std::string script_safe(std::string json) {
  for (size_t at = 0; (at = json.find('<', at)) != std::string::npos;) json.replace(at, 1, "\\u003c");
  return json;
}

std::string number(double value) {
  if (!std::isfinite(value)) return "–";
  char digits[32];
  const double size = std::abs(value);
  const bool whole = value == std::round(value) && size < 1e15;
  snprintf(digits, sizeof digits, whole ? "%.0f" : "%.4g", value);
  std::string out = digits;
  if (whole && size >= 1e4)
    for (size_t at = out.size() - 3; at > (value < 0); at -= std::min<size_t>(at, 3)) out.insert(at, ",");
  return out;
}

std::string table(const Row& columns, const std::vector<Row>& rows) {
  const auto is_number = [](const std::string& cell) {
    return !cell.empty() && cell.find_first_not_of("0123456789.,+-e%– ") == std::string::npos;
  };
  std::string out = "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>";
  for (const std::string& column : columns) out += text("<th scope=\"col\">", escape(column), "</th>");
  out += "</tr></thead><tbody>";
  for (const Row& row : rows) {
    out += "<tr>";
    for (size_t i = 0; i < std::max(row.size(), columns.size()); ++i) {
      const std::string cell = i < row.size() ? row[i] : "";
      const std::string_view mark = is_number(cell) ? " class=\"number\"" : "";
      out += i == 0 ? text("<th scope=\"row\"", mark, ">", escape(cell), "</th>") : text("<td", mark, ">", escape(cell), "</td>");
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>";
}

}  // namespace gradus::apps::html
