#include "apps/common/report.h"

#include "data/file.h"

namespace gradus::apps {

struct Report::State {
  std::string title, summary;
};

Report::Report(std::string title, std::string summary)
    : state_(std::make_unique<State>(State{std::move(title), std::move(summary)})) {}
Report::~Report() = default;

void Report::paragraph(std::string_view, std::string_view) {}
void Report::table(std::string_view, std::string_view, const std::vector<std::string>&,
                   const std::vector<std::vector<std::string>>&) {}
void Report::lines(std::string_view, std::string_view, const std::vector<Series>&, const Axes&) {}
void Report::scatter(std::string_view, std::string_view, const std::vector<Series>&, const Axes&) {}
void Report::bars(std::string_view, std::string_view, const std::vector<std::string>&, const std::vector<double>&, const Axes&) {}
void Report::curves(const nn::History&) {}
void Report::curves(const std::vector<std::pair<std::string, nn::History>>&) {}
void Report::epoch_times(const std::vector<double>&) {}
void Report::confusion(const Tensor&, const std::vector<std::string>&) {}
void Report::pictures(std::string_view, std::string_view, const std::vector<Picture>&) {}
void Report::plane(std::string_view, std::string_view, const Plane&) {}
void Report::planes(std::string_view, std::string_view, const std::vector<std::pair<std::string, Plane>>&) {}
void Report::graph(std::string_view, std::string_view, const Tensor&) {}

void Report::write(const std::string& path) const {
  data::io::AtomicFile file({"Report", path});
  file.write("<!doctype html><title>" + state_->title + "</title>");
  file.commit();
}
void Report::print(std::ostream&, int) const {}

}  // namespace gradus::apps
