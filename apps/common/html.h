// Pieces of a web page: text that cannot break out of its place, numbers, tables. Internal to the reports.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gradus::apps::html {

/// `text` as content of an element or of a quoted attribute. Bytes that are not UTF-8 become U+FFFD.
std::string escape(std::string_view text);
/// Bytes that are not UTF-8 become U+FFFD.
std::string valid_utf8(std::string_view text);
/// JSON as content of a script element: no "<" in it.
std::string script_safe(std::string json);
/// 0.9123, 1.5e-05, 60,000: four significant digits, whole numbers whole; a dash for what is not finite.
std::string number(double value);

using Row = std::vector<std::string>;
/// The first cell of a row is its heading. Short rows are filled up with empty cells.
std::string table(const Row& columns, const std::vector<Row>& rows);

}  // namespace gradus::apps::html
