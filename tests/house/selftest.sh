#!/usr/bin/env bash
# selftest.sh HOUSE: the checks of this folder find what they are there to find.
set -euo pipefail
house=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{autograd/{base,storage,kernels,tape,ops},optim,data,nn,apps,tests,docs,cmake,.ci}
touch "$tree"/{CMakeLists.txt,CMakePresets.json,README.md,.ci/run}

# check SCRIPT good|bad FILE LINE: adds a file with that line and asks for the verdict.
check() {
  local script=$1 want=$2 file=$3 got=good
  printf '%s\n' "$4" >"$tree/$file"
  "$house/$script" "$tree" >/dev/null || got=bad
  if [[ $got != "$want" ]]; then
    echo "$script says $got, not $want, for '$4' in $file"
    exit 1
  fi
  [[ $want == good ]] || rm "$tree/$file"
}
check includes.sh good autograd/base/error.h '#include <string>'
check includes.sh good nn/dense.h '#include "data/data.h"'
check includes.sh good autograd/ops/matmul.cpp '#include "autograd/ops.h"'
check includes.sh good autograd/kernels/matmul.cpp '#include <cblas.h>'
check includes.sh bad autograd/base/shape.h '#include "autograd/storage/memory.h"'
check includes.sh bad autograd/kernels/copy.h '#include "autograd/tensor.h"'
check includes.sh bad autograd/tape/list.h '#include "autograd/ops.h"'
check includes.sh bad autograd/tensor.h '#include "nn/dense.h"'
check includes.sh bad data/loader.cpp '#include "nn/dense.h"'
check includes.sh bad nn/relu.cpp '#include "dense.h"'
check includes.sh bad nn/sum.cpp '  #  include <cblas.h>'
check includes.sh bad optim/adam.h '#include <nlohmann/json.hpp>'
check includes.sh bad optim/adam.cpp '#include <gradus/autograd.h>'
check files.sh good nn/dense.h '// see ../docs/index.md and /usr/include'
check files.sh bad nn/note.h "// in /ho""me/someone"
check files.sh bad nn/long.h "$(yes '//' | head -n 501)"
