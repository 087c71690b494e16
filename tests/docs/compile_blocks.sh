#!/usr/bin/env bash
# compile_blocks.sh TREE INCLUDE WORK COMPILER: every ```cpp block of README.md and docs/*.md compiles against the exported headers.
#
# A block is a whole program, unless the line above it is <!-- fragment -->: then it is the body of a main with all of gradus
# included. A block under <!-- no compile --> is a listing and is left alone.
set -euo pipefail
tree=$1 include=$2 work=$3 compiler=$4
rm -rf "$work"
mkdir -p "$work"

for page in "$tree"/README.md "$tree"/docs/*.md; do
  awk -v stem="$work/$(basename "$page" .md)" -v page="${page#"$tree"/}" '
    /^```cpp *$/ && !open {
      open = 1
      mode = last ~ /<!-- fragment -->/ ? "fragment" : last ~ /<!-- no compile -->/ ? "skip" : "whole"
      file = mode == "skip" ? "/dev/null" : stem "_" NR ".cpp"
      if (mode == "fragment") {
        split("autograd data nn optim", folders, " ")
        for (i = 1; i <= 4; ++i) print "#include <gradus/" folders[i] ".h>" > file
        print "#include <iostream>\n#include <vector>\nusing namespace gradus;\nint main() {" > file
      }
      print "#line " NR + 1 " \"" page "\"" > file
      next
    }
    /^```/ && open {
      if (mode == "fragment") print "}" > file
      close(file)
      open = 0
      next
    }
    open { print > file; next }
    NF { last = $0 }
    END { if (open) { print page ": a ```cpp block is not closed"; exit 1 } }' "$page"
done

count=$(find "$work" -name '*.cpp' | wc -l)
if ((count == 0)); then
  echo "no \`\`\`cpp block found"
  exit 1
fi
find "$work" -name '*.cpp' -print0 | xargs -0 -n 1 -P 2 "$compiler" -std=c++20 -fsyntax-only -I "$include"
echo "$count blocks compile"
