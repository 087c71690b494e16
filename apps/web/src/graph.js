// The computation graph as SVG. dagre lays the operations out in layers; the variables stand beside the operation they enter, so
// that what happens to the data reads as one column. Wider than its place, the drawing scrolls there.
import dagre from "@dagrejs/dagre";

const padding = 14, lineHeight = 17, gap = 26, longest = 30;

function element(name, attributes, parent) {
  const out = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) out.setAttribute(key, value);
  parent?.append(out);
  return out;
}

const measure = document.createElement("canvas").getContext("2d");

function sized(node, font) {
  const name = node.name.length > longest ? `${node.name.slice(0, longest - 1)}…` : node.name;
  const lines = [name, node.shape].filter((line) => line !== "");
  const widths = lines.map((line, i) => {
    measure.font = `${i ? 400 : 600} 13px ${font}`;
    return measure.measureText(line).width;
  });
  const cut = node.kind === "cut";
  return { ...node, lines, boxWidth: cut ? 28 : Math.ceil(Math.max(...widths)) + 2 * padding, height: cut ? 20 : lineHeight * lines.length + 14 };
}

// Boxes with x and y of their middles, and the paths of the arrows.
function layout(data, font) {
  const nodes = new Map(data.nodes.map((node) => [node.id, sized(node, font)]));
  const sides = new Map();  // of an operation: its variables left and right of it
  for (const [from, to] of data.edges) {
    if (nodes.get(from).kind !== "leaf") continue;
    const [left, right] = sides.get(to) ?? sides.set(to, [[], []]).get(to);
    (left.length <= right.length ? left : right).push(nodes.get(from));
  }
  const taken = (side) => side.reduce((sum, leaf) => sum + gap + leaf.boxWidth, 0);

  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 24, ranksep: 30, marginx: 4, marginy: 4 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes.values()) {
    if (node.kind === "leaf") continue;
    const [left, right] = sides.get(node.id) ?? [[], []];
    graph.setNode(String(node.id), { width: node.boxWidth + 2 * Math.max(taken(left), taken(right)), height: node.height });
  }
  for (const [from, to] of data.edges) if (nodes.get(from).kind !== "leaf") graph.setEdge(String(from), String(to));
  dagre.layout(graph);

  const arrows = graph.edges().map((edge) => {
    const { points } = graph.edge(edge);
    let path = `M${points[0].x} ${points[0].y}`;  // rounded at the given points
    for (let i = 1; i < points.length - 1; ++i) {
      const next = points[i + 1], end = i === points.length - 2 ? next : { x: (points[i].x + next.x) / 2, y: (points[i].y + next.y) / 2 };
      path += ` Q${points[i].x} ${points[i].y} ${end.x} ${end.y}`;
    }
    return path;
  });
  for (const node of nodes.values()) {
    if (node.kind === "leaf") continue;
    Object.assign(node, { x: graph.node(String(node.id)).x, y: graph.node(String(node.id)).y });
    (sides.get(node.id) ?? [[], []]).forEach((side, right) => {
      const sign = right ? 1 : -1;
      let edge = node.x + sign * node.boxWidth / 2;
      for (const leaf of side) {
        leaf.x = edge + sign * (gap + leaf.boxWidth / 2);
        leaf.y = node.y;
        arrows.push(`M${edge + sign * gap} ${node.y} H${edge + sign * 1}`);
        edge = leaf.x + sign * leaf.boxWidth / 2;
      }
    });
  }
  // What dagre reserved on both sides may be empty on all of one.
  const boxes = [...nodes.values()];
  const low = Math.min(...boxes.map((node) => node.x - node.boxWidth / 2)) - 4, high = Math.max(...boxes.map((node) => node.x + node.boxWidth / 2)) + 4;
  return { boxes, arrows, left: low, width: high - low, height: graph.graph().height };
}

export function drawGraph(place, data, palette) {
  const { boxes, arrows, left, width, height } = layout(data, palette.font);
  const shown = Math.min(width, Math.max(place.clientWidth, 0.7 * width));  // a little smaller rather than wider than its place
  const svg = element("svg", { viewBox: `${left} 0 ${width} ${height}`, width: shown, height: (height * shown) / width, class: "graph", "aria-hidden": "true" });
  const arrow = `arrow-${place.dataset.drawing}`;
  const marker = element("marker", { id: arrow, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, element("defs", {}, svg));
  element("path", { d: "M0 0.5 L8 4 L0 7.5 z", fill: palette.soft }, marker);
  for (const path of arrows) element("path", { d: path, fill: "none", stroke: palette.soft, "stroke-width": 1.4, "marker-end": `url(#${arrow})` }, svg);

  for (const node of boxes) {
    const group = element("g", { class: node.kind, transform: `translate(${node.x - node.boxWidth / 2} ${node.y - node.height / 2})` }, svg);
    const title = [node.name, node.shape, node.where].filter((part) => part !== "").join(", ");
    element("title", {}, group).textContent = title;
    if (node.kind !== "cut") element("rect", { width: node.boxWidth, height: node.height, rx: node.kind === "leaf" ? node.height / 2 : 7 }, group);
    node.lines.forEach((line, i) => {
      const label = element("text", { x: node.boxWidth / 2, y: 7 + lineHeight * i + 13, "text-anchor": "middle", class: i ? "shape" : "name" }, group);
      label.textContent = line;
    });
  }

  const frame = document.createElement("div");
  frame.className = "scroll";
  frame.tabIndex = 0;
  frame.append(svg);
  place.replaceChildren(frame);
}
