# page_program.awk: a page of the tutorial as one program, and what the program must print.
#
#   awk -v page=docs/tutorial/x.md -v program=x.cpp -v expected=x.txt -f page_program.awk PAGE
#
# The ```cpp blocks follow each other in main(); a block under <!-- top --> stands before it; one under <!-- no compile --> is a
# listing. A ```text block is what the blocks before it, from the last ```text block on, have printed.
function emit(line) { if (where == "top") top = top line "\n"; else if (where == "main") body = body line "\n" }

/^```cpp *$/ && !open {
  open = "cpp"
  where = last ~ /<!-- top -->/ ? "top" : last ~ /<!-- no compile -->/ ? "skip" : "main"
  emit("#line " NR + 1 " \"" page "\"")
  next
}
/^```text *$/ && !open {
  open = "text"
  body = body "std::cout << \"\\n" mark "\\n\" << std::flush;\n"
  next
}
/^```/ && open {
  if (open == "text") print mark > expected
  open = last = ""
  next
}
open == "cpp" { emit($0); next }
open == "text" { print > expected; next }
NF { last = $0 }

BEGIN { mark = "-- end of block --" }
END {
  if (open) { print page ": a block is not closed" > "/dev/stderr"; exit 1 }
  print "#include <gradus/autograd.h>\n#include <gradus/data.h>\n#include <gradus/nn.h>\n#include <gradus/optim.h>\n" > program
  print "#include <iostream>\n#include <vector>\nusing namespace gradus;\n" top "int main() {\n" body "}" > program
  printf "" > expected
}
