#!/usr/bin/env bash
# check.sh GALLERY WORK: opens the pages that GALLERY writes in a headless browser, at the widths of a desk and of a phone,
# and has probe.js look at them. Exit status 77: no browser here.
set -euo pipefail
gallery=$1 work=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)

browser=
for name in chromium chromium-browser google-chrome; do
  [[ $browser ]] || browser=$(command -v "$name" || true)
done
[[ $browser ]] || { echo "no Chromium found"; exit 77; }

rm -rf "$work"
mkdir -p "$work"
"$gallery" "$work/charts.html"
"$gallery" "$work/tables.html" tables

# probed NAME: a copy with the probe at its end.
probed() {
  sed "s,^<body>,<body data-expect=\"$1\">," "$work/$1.html" | grep -v '^</body>' >"$work/$1-probed.html"
  { echo "<script>"; cat "$here/probe.js"; echo "</script></body></html>"; } >>"$work/$1-probed.html"
}
probed tables
frames='<iframe src="tables-probed.html" width="360" height="800"></iframe>'
expected=("tables at 360: good")
if grep -q 'id="drawings"' "$work/charts.html"; then
  probed charts
  frames+='<iframe src="charts-probed.html" width="1280" height="800"></iframe><iframe src="charts-probed.html" width="360" height="800"></iframe>'
  expected+=("charts at 1280: good, 14 drawings" "charts at 360: good, 14 drawings")
else
  echo "built without npm: charts are not checked"
fi
cat >"$work/frames.html" <<END
<!doctype html><meta charset="utf-8"><title>frames</title><pre></pre>
<script>addEventListener("message", (event) => document.querySelector("pre").append(event.data + "\n"));</script>
$frames
END

"$browser" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$work/profile" --enable-logging=stderr \
  --window-size=1400,900 --virtual-time-budget=20000 --dump-dom "file://$work/frames.html" >"$work/dom.html" 2>"$work/log"
said=$(sed -n '/<pre>/,/<\/pre>/p' "$work/dom.html" | sed 's,.*<pre>,,; s,</pre>.*,,')
printf '%s\n' "$said"

status=0
for line in "${expected[@]}"; do
  grep -qF "$line" <<<"$said" || { echo "missing: $line"; status=1; }
done
if grep -E 'CONSOLE' "$work/log"; then
  echo "the pages wrote to the console, see above"
  status=1
fi
exit $status
