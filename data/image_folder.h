// Folders of pictures as a dataset: root/CLASS/*.png or *.jpg, one sub-folder per class, as Keras' image_dataset_from_directory.
#pragma once

#include <string>
#include <vector>

#include "data/image.h"
#include "data/pipeline.h"

namespace gradus::data {

/// Example i is x = uint8 [height, width, channels] and y = int32, the number of its class. The list of files is made at once, in
/// alphabetical order; a picture is read when it is asked for, so use cache() or workers where that takes long. The files must
/// not change meanwhile; reading from several threads is safe.
class ImageFolder final : public Chain<ImageFolder> {
 public:
  /// Sub-folders without a picture count as classes; other files (by their ending: .png, .jpg, .jpeg in any case) and links to
  /// folders are passed over. IoError for a root that is missing or holds no picture.
  explicit ImageFolder(const std::string& root, const ImageOptions& options = {});

  int64_t size() const override { return static_cast<int64_t>(paths_.size()); }
  /// IoError for a picture that cannot be read, or of another size than the first where options have no height and width.
  Example get(int64_t i) const override;

  /// Names of the sub-folders, sorted.
  const std::vector<std::string>& class_names() const { return class_names_; }
  const std::vector<std::string>& paths() const { return paths_; }
  /// int32 [size()]; no picture is read for it.
  Tensor labels() const { return Tensor(labels_); }

 private:
  ImageOptions options_;
  std::vector<std::string> class_names_, paths_;
  std::vector<int32_t> labels_;
  Shape shape_;  // of the first picture
};

}  // namespace gradus::data
