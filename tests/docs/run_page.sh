#!/usr/bin/env bash
# run_page.sh PROGRAM EXPECTED: runs the program of a tutorial page in an empty folder; it must print what the page shows.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
program=$(realpath "$1") expected=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
if ! "$program" >output 2>errors; then
  tail -n 20 output errors
  exit 1
fi
awk -f "$here/same_output.awk" "$expected" output || { cat output; exit 1; }
