// Monitor: whether a watched value got better. What EarlyStopping, ModelCheckpoint and ReduceLROnPlateau have in common.
//
// Immutable once made.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gradus::optim {

/// Which direction is better. `automatic` decides by the monitored name: losses and errors fall, accuracies rise.
enum class Mode : uint8_t { automatic, min, max };

class Monitor {
 public:
  /// ValueError naming `op` for a NaN min_delta, or a name whose direction is unknown in automatic mode.
  Monitor(std::string_view op, std::string name, Mode mode, double min_delta);

  const std::string& name() const { return name_; }
  bool rising() const { return rising_; }
  /// True when `value` beats `reference` by more than |min_delta|; the first value (no reference) always does, a NaN never.
  bool improves(double value, std::optional<double> reference) const;

 private:
  std::string name_;
  bool rising_;
  double delta_;
};

}  // namespace gradus::optim
