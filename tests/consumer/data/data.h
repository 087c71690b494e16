#pragma once

namespace consumer {
inline constexpr int kOwnData = 1;
}
