#!/usr/bin/env bash
# includes.sh TREE: checks which way the includes point. Fails, naming file and line, for every include that points upwards.
#
#   autograd -> itself; optim, data -> autograd; nn -> autograd, optim, data; apps and tests -> everything
#   inside autograd: base < storage < kernels < values (tensor.h slice.h variable.h random.h parallel.h, and the headers that ops.h
# gathers) < tape < ops < api
#
# api are the remaining headers directly in autograd/. Some of them declare what lower layers implement, and the implementers may
# name them: ops.h (everything in ops/, .cpp files of values and tape), tape.h, functional.h, custom_gradient.h, checkpoint.h, graph.h and anomaly.h
# (.cpp files of values, tape, ops). <cblas.h> belongs to kernels/matmul.cpp alone, and Highway, BLAS, json and the like to no public header.
set -euo pipefail
cd "$1"

find autograd optim data nn apps tests \( -name '*.h' -o -name '*.cpp' \) -not -path 'tests/consumer/*' -print0 |
  sort -z | xargs -0 grep -nHE '^[[:space:]]*#[[:space:]]*include' | awk '
  function folder(path) { return substr(path, 1, index(path, "/") - 1) }
  function layer(path) {  # inside autograd/
    if (path ~ /^autograd\/base\//) return 1
    if (path ~ /^autograd\/storage\//) return 2
    if (path ~ /^autograd\/kernels\//) return 3
    if (path ~ /^autograd\/(tensor|slice|variable|random|draw_log|parallel|convolution|linalg|normalization|ordering|rearrange)\.(h|cpp)$/) return 4
    if (path ~ /^autograd\/tape\//) return 5
    if (path ~ /^autograd\/ops\//) return 6
    return 7
  }
  function complain(why) { print where ": " why ": " text; bad = 1 }
  BEGIN {
    allowed["autograd"] = " autograd "
    allowed["optim"] = " autograd optim "
    allowed["data"] = " autograd data "
    allowed["nn"] = " autograd optim data nn "
    allowed["apps"] = " autograd optim data nn apps "
    allowed["tests"] = " autograd optim data nn apps tests "
  }
  {
    split($0, part, ":")
    file = part[1]; where = file ":" part[2]
    text = substr($0, length(where) + 2)
    from = folder(file)
    count += 1
    if (text ~ /cblas\.h/ && file != "autograd/kernels/matmul.cpp" && from != "tests") complain("BLAS outside kernels/matmul.cpp")
    if (text ~ /[<"](hwy|spdlog|fmt|nlohmann|cblas|zlib|omp)[\/.]/ && file ~ /^(autograd|optim|data|nn)\/[a-z_0-9]+\.h$/)
      complain("third-party header in a public header")
    if (text ~ /<gradus\//) { if (file !~ /^tests\/contract\//) complain("<gradus/...> is for consumers, the tree includes from its root") ; next }
    if (text !~ /"/) next
    split(text, quoted, "\"")
    to = folder(quoted[2])
    if (to == "hwy") next
    if (!(to in allowed)) { complain("does not start at the root of the tree"); next }
    if (index(allowed[from], " " to " ") == 0) { complain(from " may not include " to); next }
    if (from != "autograd" || to != "autograd") next
    lf = layer(file); lt = layer(quoted[2])
    # The sources of values, tape and ops implement what the public headers declare.
    if (file ~ /\.cpp$/ && lf >= 4 && quoted[2] ~ /^autograd\/(ops|tape|functional|custom_gradient|checkpoint|graph|anomaly|op_table)\.h$/) next
    if (lf == 6 && quoted[2] == "autograd/ops.h") next
    if (lt > lf) complain("includes point downwards only")
  }
  END { if (count == 0) { print "no includes found: wrong folder?"; bad = 1 } exit bad }'
