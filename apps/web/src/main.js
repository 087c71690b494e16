// Draws what the page holds as data: charts and computation graphs, again whenever the colours or the width change.
import { drawChart } from "./charts.js";
import { drawGraph } from "./graph.js";
import { onColorsChange, setUpToggle, colors } from "./theme.js";

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
setUpToggle();
draw();
onColorsChange(draw);

let width = window.innerWidth, waiting = 0;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return;  // a phone's address bar came or went
  width = window.innerWidth;
  clearTimeout(waiting);
  waiting = setTimeout(draw, 100);
});
