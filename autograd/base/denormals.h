// How the processor treats subnormal numbers, a setting of each thread. Users have FlushDenormals (autograd/flush_denormals.h).
#pragma once

namespace gradus::detail {

/// True when subnormal operands count as zero for this thread and subnormal results become zero.
bool flushes_denormals();
/// Changes that for this thread.
void flush_denormals(bool flush);
/// The same for this thread and the pool behind it, where libraries (BLAS) work, too. Defined beside the pool, in parallel.cpp.
void flush_pool_denormals(bool flush);

}  // namespace gradus::detail
