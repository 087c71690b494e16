# same_output.awk EXPECTED GOT: the words must be equal, numbers nearly so (2 %, or 0.02), for processors round differently. A line
# "..." stands for any lines up to the end of its block. Line breaks and spaces do not count.
function number(word) { return word ~ /^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?$/ }
function near(a, b,  d) { d = a - b; if (d < 0) d = -d; s = a < 0 ? -a : a; return d <= 0.02 || d <= 0.02 * s }
function words(line,  n) {
  gsub(/[][(){},:=%]/, " & ", line)
  n = split(line, part, " ")
  for (i = 1; i <= n; ++i) if (file == 1) want[++wanted] = part[i]; else have[++had] = part[i]
}
FNR == 1 { ++file }
/^-- end of block --$/ { if (file == 1) want[++wanted] = "\001"; else have[++had] = "\001"; next }
file == 1 && /^\.\.\.$/ { want[++wanted] = "\002"; next }
{ words($0) }
END {
  j = 1
  for (i = 1; i <= wanted; ++i) {
    if (want[i] == "\002") {
      while (j <= had && have[j] != "\001") ++j
      continue
    }
    if (j > had) { print "the program ends before: " want[i]; exit 1 }
    if (want[i] != have[j] && !(number(want[i]) && number(have[j]) && near(want[i], have[j]))) {
      print "block " block + 1 ": got " have[j] ", expected " want[i]
      exit 1
    }
    if (want[i] == "\001") ++block
    ++j
  }
  print block + 0 " blocks print what the page says"
}
