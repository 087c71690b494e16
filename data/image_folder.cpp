#include "data/image_folder.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "data/file.h"
#include "data/readers.h"

namespace gradus::data {
namespace {

namespace fs = std::filesystem;

// Entries of a folder that pass, by name and sorted: the file system's own order differs from machine to machine.
template <class Accept>
std::vector<std::string> entries(const io::Origin& origin, const Accept& accept) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(origin.path, error), end; !error && at != end; at.increment(error))
    if (accept(*at)) names.push_back(at->path().filename().string());
  if (error) origin.fail("cannot read the folder; got ", error.message(), ", expected a folder of pictures");
  std::ranges::sort(names);
  return names;
}

bool is_picture(const fs::directory_entry& entry) {
  std::string ending = entry.path().extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  std::error_code ignored;
  return (ending == ".png" || ending == ".jpg" || ending == ".jpeg") && entry.is_regular_file(ignored);
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_directory(ignored) && !entry.is_symlink(ignored) && !entry.path().filename().string().starts_with('.');
}

}  // namespace

ImageFolder::ImageFolder(const std::string& root, const ImageOptions& options) : options_(options) {
  const io::Origin origin{"ImageFolder", root};
  class_names_ = entries(origin, is_folder);
  for (int32_t label = 0; const std::string& name : class_names_) {
    for (const std::string& file : entries({"ImageFolder", root + "/" + name}, is_picture)) {
      paths_.push_back(root + "/" + name + "/" + file);
      labels_.push_back(label);
    }
    ++label;
  }
  if (paths_.empty())
    origin.fail("no pictures; got ", class_names_.size(),
                " sub-folders without any, expected one sub-folder per class with .png or .jpg files");
  shape_ = get(0).x.shape();
}

Example ImageFolder::get(int64_t i) const {
  const std::string& path = paths_[static_cast<size_t>(i)];
  Tensor image = io::read_image(io::FileSource({"ImageFolder", path}), options_);
  if (shape_.ndim() > 0 && image.shape() != shape_)
    fail<IoError>("ImageFolder", path, ": another size than the first picture; got ", image.shape(), ", expected ", shape_,
                  "; set height and width to resize");
  return {std::move(image), Tensor(labels_[static_cast<size_t>(i)])};
}

}  // namespace gradus::data
