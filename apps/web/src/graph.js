// The computation graph as SVG, laid out in layers by dagre. Wider than its place, it scrolls there.
import dagre from "@dagrejs/dagre";

const padding = 14, lineHeight = 17;

function element(name, attributes, parent) {
  const out = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) out.setAttribute(key, value);
  parent?.append(out);
  return out;
}

const measure = document.createElement("canvas").getContext("2d");
function textWidth(text, font) {
  measure.font = font;
  return measure.measureText(text).width;
}

export function drawGraph(place, data, palette) {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 22, ranksep: 30, marginx: 4, marginy: 4 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of data.nodes) {
    const name = node.name.length > 30 ? `${node.name.slice(0, 29)}…` : node.name;
    const lines = [name, node.shape].filter((line) => line !== "");
    const width = Math.max(...lines.map((line, i) => textWidth(line, `${i ? 400 : 600} 13px ${palette.font}`)));
    const cut = node.kind === "cut";
    graph.setNode(String(node.id), { ...node, lines, width: cut ? 28 : Math.ceil(width) + 2 * padding, height: cut ? 20 : lineHeight * lines.length + 14 });
  }
  const leaves = new Set(data.nodes.filter((node) => node.kind === "leaf").map((node) => node.id));
  for (const [from, to] of data.edges) graph.setEdge(String(from), String(to), { weight: leaves.has(from) ? 1 : 8 });  // straight chains
  dagre.layout(graph);

  const { width, height } = graph.graph();
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height, class: "graph", "aria-hidden": "true" })) svg.setAttribute(key, value);
  const marker = element("marker", { id: `arrow-${place.dataset.drawing}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" }, element("defs", {}, svg));
  element("path", { d: "M0 0.5 L8 4 L0 7.5 z", fill: palette.soft }, marker);

  for (const edge of graph.edges()) {
    const { points } = graph.edge(edge);
    // Through the middles of the segments, rounded at the given points.
    let path = `M${points[0].x} ${points[0].y}`;
    for (let i = 1; i < points.length - 1; ++i) {
      const next = points[i + 1], end = i === points.length - 2 ? next : { x: (points[i].x + next.x) / 2, y: (points[i].y + next.y) / 2 };
      path += ` Q${points[i].x} ${points[i].y} ${end.x} ${end.y}`;
    }
    element("path", { d: path, fill: "none", stroke: palette.soft, "stroke-width": 1.4, "marker-end": `url(#arrow-${place.dataset.drawing})` }, svg);
  }
  for (const id of graph.nodes()) {
    const node = graph.node(id);
    const group = element("g", { class: node.kind, transform: `translate(${node.x - node.width / 2} ${node.y - node.height / 2})` }, svg);
    if (node.where) element("title", {}, group).textContent = node.where;
    const leaf = node.kind === "leaf";
    if (node.kind !== "cut")
      element("rect", { width: node.width, height: node.height, rx: leaf ? node.height / 2 : 7 }, group);
    node.lines.forEach((line, i) => {
      const label = element("text", { x: node.width / 2, y: 7 + lineHeight * i + 13, "text-anchor": "middle", class: i ? "shape" : "name" }, group);
      label.textContent = line;
    });
  }

  const frame = document.createElement("div");
  frame.className = "scroll";
  frame.tabIndex = 0;
  frame.append(svg);
  place.replaceChildren(frame);
}
