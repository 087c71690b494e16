#!/usr/bin/env bash
# compile_time.sh INCLUDE COMPILER: prints what each umbrella header costs a translation unit. Seconds on a shared machine decide
# nothing, so that only a header that does not compile fails.
set -euo pipefail
TIMEFORMAT='%U s'
for header in autograd optim data nn; do
  printf '<gradus/%s.h>: ' "$header"
  time "$2" -std=c++20 -I "$1" -include "gradus/$header.h" -x c++ -c -o /dev/null /dev/null
done 2>&1
