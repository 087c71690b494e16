#pragma once

namespace consumer {
inline constexpr int kOwnDense = 2;
}
