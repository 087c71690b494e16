#!/usr/bin/env bash
# program.sh PROGRAM: Ctrl-C ends a training program with code 130 and a checkpoint; started again, it ends where a run without a
# break does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
train() { "$1" --limit 600 --epochs 60 --threads 1 --json "${@:2}"; }
result() { grep -o '"test_[a-z]*": [^,]*' "$1"; }

train "$1" > "$folder/whole"
[[ $(result "$folder/whole") ]] || { echo "no result to compare"; exit 1; }

# Job control gives the program a SIGINT that it does not ignore.
set -m
train "$1" --checkpoint "$folder/run" > "$folder/first" & child=$!
while ! grep -q '"epoch": 3,' "$folder/first"; do
  kill -0 "$child" 2> /dev/null || break
  sleep 0.01
done
kill -INT -- "-$child" || { echo "ended before it could be interrupted"; exit 1; }
code=0
wait "$child" || code=$?
[[ $code == 130 ]] || { echo "exit code $code, expected 130"; exit 1; }
[[ -s $folder/run ]] || { echo "no checkpoint"; exit 1; }

train "$1" --checkpoint "$folder/run" > "$folder/second"
if grep -q '"epoch": 1,' "$folder/second"; then echo "began anew"; exit 1; fi
diff <(result "$folder/whole") <(result "$folder/second")
