/*! Contains Apache ECharts and ZRender (Apache License 2.0, BSD-3-Clause) and dagre (MIT). */
// Draws what the page holds as data: charts and computation graphs, again whenever the colours or the width change.
import { drawChart } from "./charts.js";
import { drawGraph } from "./graph.js";
import { setUpToggle, colors } from "./theme.js";

const drawings = JSON.parse(document.getElementById("drawings").textContent);
const places = [...document.querySelectorAll("[data-drawing]")];

function draw() {
  const palette = colors();
  let drawn = 0;
  for (const place of places) {
    const data = drawings[place.dataset.drawing];
    try {
      (data.kind === "graph" ? drawGraph : drawChart)(place, data, palette);
      ++drawn;
    } catch (error) {  // one that fails must not take the others with it; its table is there
      console.error(error);
      place.hidden = true;
    }
  }
  document.documentElement.dataset.drawn = drawn;  // for tests
}

document.documentElement.classList.add("with-script");
setUpToggle(draw);

let width = document.body.clientWidth;
new ResizeObserver(() => {
  if (document.body.clientWidth === width) return;
  width = document.body.clientWidth;
  requestAnimationFrame(draw);
}).observe(document.body);
