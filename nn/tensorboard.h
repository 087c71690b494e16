// TensorBoard: the values of a run as event files, for `tensorboard --logdir logs`.
//
// Belongs to one run at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nn/callback.h"

namespace gradus::nn {

struct TensorBoardOptions {
  std::string log_dir = "logs";
  int64_t update_freq = 0;  // batches from one "batch_" value to the next; 0: only at the end of epochs
};

/// Writes "epoch_<name>" for each value of the logs and "epoch_learning_rate" to <log_dir>/train, those of the validation under
/// the same names to <log_dir>/validation. Folders are made; each run begins files of its own. IoError before training when they
/// cannot be written.
class TensorBoard : public Callback {
 public:
  using Options = TensorBoardOptions;
  /// ValueError for a negative update_freq.
  explicit TensorBoard(Options options = {});

  void on_train_begin(Run& run) override;
  void on_batch_end(Run& run) override;
  void on_epoch_end(Run& run) override;

 private:
  Options options_;
  std::string train_, validation_;  // paths of this run's files; of the second: empty without validation
};

namespace detail {
/// CRC-32C (Castagnoli), as RFC 3720 has it.
uint32_t crc32c(std::string_view bytes);
}  // namespace detail

}  // namespace gradus::nn
