# Shared by apps/run, tests/run and .ci/run: packages, configuring, building. Sourced, with $root set to the top of the tree.
# Everything here speaks on stderr; stdout belongs to the program that is run.

say() { printf '%s\n' "gradus: $*" >&2; }

# Prints the rows "package|alternative command" of the given groups of cmake/packages.txt.
package_rows() {
  local group name command wanted
  while read -r group name command; do
    for wanted in "$@"; do
      [[ $group == "$wanted" ]] && printf '%s %s\n' "$name" "${command:--}"
    done
  done <"$root/cmake/packages.txt"
  return 0
}

# Of the alternatives a|b|c, the first that apt knows, or else the first.
first_known() {
  local name
  for name in ${1//|/ }; do
    if apt-cache show "$name" >/dev/null 2>&1; then
      printf '%s' "$name"
      return
    fi
  done
  printf '%s' "${1%%|*}"
}

# apt_install PACKAGE|ALTERNATIVE...: as root or through sudo; otherwise prints the line to type and exits.
apt_install() {
  local root_can=1 sudo=() line=(apt-get install -y --no-install-recommends) log name
  if [[ $(id -u) != 0 ]]; then
    if sudo -n true 2>/dev/null; then sudo=(sudo -n); else root_can=; fi
  fi
  log=$(mktemp)
  if [[ $root_can ]]; then
    say "installing" "${@%%|*}"
    "${sudo[@]}" apt-get update >"$log" 2>&1 || true  # an unreachable source may be one that is not needed
  fi
  for name; do line+=("$(first_known "$name")"); done
  if [[ ! $root_can ]]; then
    say "these packages are missing and installing them needs root; run this line, then try again:"
    printf '  sudo %s\n' "${line[*]}" >&2
    exit 3
  fi
  if ! "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive "${line[@]}" >>"$log" 2>&1; then
    cat "$log" >&2
    say "installing failed; the line was: ${line[*]}"
    exit 3
  fi
  rm -f "$log"
}

# install_packages GROUP...: installs what is missing, or prints the line that would and exits with status 3.
install_packages() {
  command -v dpkg-query >/dev/null || return 0  # not Debian or Ubuntu: CMake names what it misses
  local rows present missing=() welcome=() name command
  rows=$(package_rows "$@")
  # One query for all candidates; names it does not know make it fail, which is no news.
  present=" $(awk '{ sub(/\?$/, "", $1); gsub(/\|/, " ", $1); print $1 }' <<<"$rows" |
    xargs dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | awk '$1 == "installed" { printf "%s ", $2 }' || true)"
  while read -r name command; do
    [[ $command != - ]] && command -v "$command" >/dev/null && continue
    local candidate found=
    for candidate in ${name//[|?]/ }; do
      [[ $present == *" $candidate "* ]] && found=1
    done
    [[ $found ]] && continue
    if [[ $name == *'?' ]]; then welcome+=("${name%'?'}"); else missing+=("$name"); fi
  done <<<"$rows"
  if ((${#missing[@]})); then apt_install "${missing[@]}" "${welcome[@]}"; fi

  local version
  version=$(cmake --version | awk 'NR == 1 { print $3 }')
  if [[ $(printf '%s\n' 3.25 "$version" | sort -V | head -n 1) != 3.25 ]]; then
    say "CMake 3.25 or newer is needed, and the system's is $version; a newer one: sudo snap install cmake --classic"
    exit 3
  fi
}

# cached DIR NAME: value of a CMake cache variable, empty where there is none.
cached() { sed -n "s/^$2:[A-Z]*=//p" "$1/CMakeCache.txt" 2>/dev/null || true; }

# configure PRESET DIR [NAME=VALUE...]: runs CMake unless DIR is configured for this tree with these values. An option that
# is not named keeps its cached value.
configure() {
  local preset=$1 dir=$2 option stale= args=() fresh=()
  shift 2
  [[ -f $dir/build.ninja ]] || stale=1
  for option in "$@"; do
    args+=("-D$option")
    [[ $(cached "$dir" "${option%%=*}") == "${option#*=}" ]] || stale=1
  done
  if [[ -f $dir/CMakeCache.txt && $(cached "$dir" CMAKE_HOME_DIRECTORY) != "$root" ]]; then
    stale=1 fresh=(--fresh)  # the tree was moved or copied together with its build folder
  fi
  [[ $stale ]] || return 0
  mkdir -p "$dir"
  say "configuring $preset in ${dir#"$root"/}"
  if ! (cd "$root" && cmake "${fresh[@]}" --preset "$preset" "${args[@]}") >"$dir/configure.log" 2>&1; then
    cat "$dir/configure.log" >&2
    exit 4
  fi
}

# build DIR TARGET...: silent when there is nothing to do; one moving line of progress on a terminal, a line now and then
# elsewhere; the compiler's messages when it fails.
build() {
  local dir=$1 log=$1/build.log pid ticks=0 status=0 period=10 shown=
  shift
  [[ -t 2 ]] || period=300
  ninja -C "$dir" "$@" >"$log" 2>&1 &
  pid=$!
  trap 'kill $pid 2>/dev/null; exit 130' INT TERM
  while kill -0 $pid 2>/dev/null; do
    sleep 0.1
    if ((++ticks % period == 0)); then
      if [[ -t 2 ]]; then
        printf '\r\033[K%.*s' "$((${COLUMNS:-80} - 1))" "$(tail -n 1 "$log")" >&2 && shown=1
      else
        say "$(tail -n 1 "$log")"
      fi
    fi
  done
  wait $pid || status=$?
  trap - INT TERM
  [[ $shown ]] && printf '\r\033[K' >&2
  ((status == 0)) && return 0
  if grep -q '^FAILED:' "$log"; then sed -n '/^FAILED:/,$p' "$log" >&2; else tail -n 50 "$log" >&2; fi
  say "the build failed; all of its output is in ${log#"$root"/}"
  exit 4
}
