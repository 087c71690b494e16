// Put into a page by check.sh: looks at what the reader would see and tells the frame around it what is wrong.
addEventListener("load", () => setTimeout(() => {
  const wrong = [];
  const check = (right, what) => right || wrong.push(what);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const color = (k) => getComputedStyle(document.documentElement).getPropertyValue(`--series-${k}`).trim();
  const hostile = `<\/script><img src=x onerror="document.title='broken'">'&"\uFFFD`;

  check(document.title === `Every section ${hostile}`, `title: ${document.title}`);
  check(all("img").length === 9, `${all("img").length} pictures`);
  for (const img of all("img")) check(img.src.startsWith("data:image/png;") && img.naturalWidth === 28, `picture ${img.src.slice(0, 40)}`);
  check(document.documentElement.scrollWidth <= innerWidth, `${document.documentElement.scrollWidth} wide in ${innerWidth}`);
  check(performance.getEntriesByType("resource").every((entry) => entry.name.startsWith("data:")), "fetched something");
  check(all("table.confusion td.right").length === 11, "confusion matrices");
  const headings = all("h2").map((h) => h.textContent);
  check(headings.length === 16, `${headings.length} sections`);
  check(all("nav a").every((a) => document.querySelector(a.getAttribute("href"))), "links to sections");

  const source = document.getElementById("drawings");
  const places = all("[data-drawing]");
  check(places.every((place) => place.getAttribute("aria-label").length > 20), "descriptions");
  if (document.body.dataset.expect === "tables") {
    check(!source && all("script").length === 1, "a script in a page without charts");  // this one
    check(all("details").length === 14 && all("details").every((d) => d.open), `${all("details").length} tables to open`);
    check(places.every((place) => place.clientHeight === 0), "room for charts in a page without them");
    check(all(".note").length === 1, "no word about the charts");
  } else {
    check(all("details").every((d) => !d.open), "tables open beside charts");
    const button = document.querySelector(".toggle");
    const ground = () => getComputedStyle(document.body).backgroundColor;
    const light = ground();
    look("light");
    button.click();
    check(ground() !== light, "the button changed nothing");
    look("dark");
    button.click();
    check(ground() === light, "the button did not change it back");
  }

  function look(mode) {
    const drawings = JSON.parse(source.textContent);
    check(drawings.length === places.length && Number(document.documentElement.dataset.drawn) === places.length, `${mode}: not all drawn`);
    places.forEach((place, i) => {
      const data = drawings[i], where = `${mode}: drawing ${i} (${data.kind})`;
      const svg = place.querySelector("svg");
      check(svg && !place.hidden && svg.clientWidth > 200 && place.clientHeight > 100, `${where} has no size`);
      if (!svg) return;
      check(place.querySelector(".scroll") || svg.clientWidth <= place.clientWidth, `${where} is wider than its place`);
      const lines = (k) => all("path", svg).filter((p) => p.getAttribute("stroke") === color(k) && p.getAttribute("fill") === "none" && p.getTotalLength() > 10);
      const dots = (k) => all("path, circle, rect", svg).filter((p) => p.getAttribute("fill") === color(k) && p.getBoundingClientRect().width > 0.5);
      const finite = (series, log) => series.y.filter((y) => y !== null && (!log || y > 0)).length;
      const count = (got, least, what) => check(got >= least, `${where}: ${got} ${what}, expected ${least}`);
      switch (data.kind) {
        case "lines":
          for (const series of data.series) count(lines(series.color).length, data.series.filter((s) => s.color === series.color).length, `lines of ${series.name}`);
          break;
        case "scatter":
          for (const series of data.series) {
            count(dots(series.color).length, finite(series), `dots of ${series.name}`);
            check(lines(series.color).length === 0, `${where}: lines between dots`);
          }
          break;
        case "bars":
          count(dots(0).length, data.values.filter((v) => v !== null && v !== 0).length, "bars");
          break;
        case "plane": {
          const [image] = all("image", svg);
          check(image && image.getBBox().width > 200 && image.getBBox().height > 150, `${where} has no ground`);
          check(image?.getAttribute("href")?.startsWith("data:image/png") || image?.getAttributeNS("http://www.w3.org/1999/xlink", "href")?.startsWith("data:image/png"), `${where}: ground`);
          for (const series of data.points) count(dots(series.color).length, finite(series), `dots of ${series.name}`);
          data.paths.forEach((series, k) => count(lines(k + data.points.length + 1).length, 1, `paths of ${series.name}`));
          break;
        }
        case "graph":
          count(all("rect", svg).length, data.nodes.filter((node) => node.kind !== "cut").length, "boxes");
          count(all("path[marker-end]", svg).filter((p) => p.getTotalLength() > 5).length, data.edges.length, "arrows");
      }
      count(all("text", svg).filter((t) => t.textContent.trim() !== "").length, 3, "labels");
    });
  }

  parent.postMessage(`${document.body.dataset.expect} at ${innerWidth}: ${wrong.length ? wrong.join("; ") : `good, ${places.length} drawings`}`, "*");
}, 500));
