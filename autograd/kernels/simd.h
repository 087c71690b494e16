// Which instruction sets the vector kernels are compiled for. Include this before any Highway header.
//
// Each source file of kernels is compiled once per target and picks one at run time: the portable baseline, AVX2 and AVX-512 on
// x86, the baseline and NEON on ARM. The rest would cost compile time and bring little; scalable vectors cannot be members of a
// class.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
