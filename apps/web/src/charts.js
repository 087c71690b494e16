// Lines, dots, bars and planes with Apache ECharts.
import * as echarts from "echarts/core";
import { BarChart, CustomChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

echarts.use([BarChart, CustomChart, LineChart, ScatterChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

const symbols = ["circle", "triangle", "rect", "diamond", "roundRect", "pin"];

const finite = (value) => typeof value === "number" && Number.isFinite(value);
const whole = new Intl.NumberFormat("en", { useGrouping: "min2" });
const number = (value) =>
  !finite(value) ? "–" : Number.isInteger(value) && Math.abs(value) < 1e15 ? whole.format(value) : String(Number(value.toPrecision(4)));

const isRound = (value) => Number(value.toPrecision(2)) === value;

// Pairs; what cannot be shown is a gap.
const pairs = (series, log) => series.x.map((x, i) => [x, log && !(series.y[i] > 0) ? null : series.y[i]]);

function axis(name, palette, more) {
  return {
    type: "value",
    scale: true,
    name,
    nameLocation: "middle",
    nameTextStyle: { color: palette.soft, fontSize: 12 },
    axisLine: { show: false, onZero: false },
    axisTick: { show: false },
    axisLabel: { color: palette.soft, fontSize: 12, hideOverlap: true, formatter: (value) => (finite(value) ? number(value) : value) },
    splitLine: { lineStyle: { color: palette.line } },
    ...more,
  };
}
const xAxis = (axes, palette, more) =>
  axis(axes.x, palette, { nameGap: 28, splitLine: { show: false }, axisLine: { show: true, onZero: false, lineStyle: { color: palette.line } }, ...more });
const yAxis = (axes, palette, more) => axis("", palette, { type: axes.log ? "log" : "value", ...more });

const measure = document.createElement("canvas").getContext("2d");

// Lines that the names of a legend take in a given width.
function legendLines(names, width, iconWidth, font) {
  measure.font = `13px ${font}`;
  let lines = 1, used = 0;
  for (const name of names) {
    const needed = iconWidth + 5 + measure.measureText(name).width + legendGap;
    if (used > 0 && used + needed > width + legendGap) [lines, used] = [lines + 1, 0];
    used += needed;
  }
  return lines;
}
const legendGap = 16, legendLine = 16 + legendGap;
const short = (name) => (name.length > 34 ? `${name.slice(0, 33)}…` : name);

// What all charts share. The unit of y stands above the axis, where it costs no width.
function base(data, palette, width, names, iconWidth) {
  const legend = names.length > 1;
  const lines = legend ? legendLines(names.map(short), width, iconWidth, palette.font) : 0;
  return {
    animation: false,
    textStyle: { fontFamily: palette.font },
    color: palette.series,
    grid: { left: 8, right: 16, top: 12 + Math.max(0, legendLine * lines - 6) + (data.axes.y ? 18 : 0), bottom: data.axes.x ? 28 : 8, containLabel: true },
    legend: {
      show: legend,
      data: names,
      top: 0,
      left: 0,
      padding: 0,
      itemWidth: iconWidth,
      itemHeight: 10,
      itemGap: legendGap,
      formatter: short,
      textStyle: { color: palette.ink, fontSize: 13, lineHeight: 16 },
      inactiveColor: palette.soft,
    },
    tooltip: {
      confine: true,
      backgroundColor: palette.card,
      borderColor: palette.line,
      textStyle: { color: palette.ink, fontSize: 13 },
      valueFormatter: number,
    },
  };
}
const unit = (data, palette) => ({
  name: data.axes.y,
  nameLocation: "end",
  nameGap: 10,
  nameTextStyle: { color: palette.soft, fontSize: 12, align: "left", padding: [0, 0, 0, -24] },
});

const builders = {
  lines(data, palette, width) {
    const { log } = data.axes;
    const names = data.series.map((series) => series.name);
    const whole = data.series.every((series) => series.x.every(Number.isInteger));
    const option = base(data, palette, width, names, 28);
    option.tooltip = { ...option.tooltip, trigger: "axis", axisPointer: { lineStyle: { color: palette.soft } } };
    option.xAxis = xAxis(data.axes, palette, { min: "dataMin", max: "dataMax", ...(whole ? { minInterval: 1 } : {}) });
    option.yAxis = yAxis(data.axes, palette, unit(data, palette));
    option.series = data.series.map((series) => {
      if (series.dots) return dots(series, palette, log);
      const color = palette.series[series.color % palette.series.length];
      const points = pairs(series, log);
      return {
        type: "line",
        name: series.name,
        data: points,
        color,
        lineStyle: { width: 2.25, color, type: series.dashed ? [7, 5] : "solid", cap: "round" },
        symbol: symbols[series.color % symbols.length],
        symbolSize: 7,
        showSymbol: points.length <= 24,
        itemStyle: series.dashed ? { color: palette.card, borderColor: color, borderWidth: 2 } : { color },
        emphasis: { disabled: true },
      };
    });
    return option;
  },

  scatter(data, palette, width) {
    const names = data.series.map((series) => series.name);
    const option = base(data, palette, width, names, 11);
    option.tooltip = { ...option.tooltip, trigger: "item" };
    const margin = ({ min, max }) => 0.03 * (max - min || 1);  // no dot on the edge
    option.xAxis = xAxis(data.axes, palette, { min: (range) => range.min - margin(range), max: (range) => range.max + margin(range) });
    option.xAxis.axisLabel = { ...option.xAxis.axisLabel, showMinLabel: false, showMaxLabel: false };
    option.yAxis = yAxis(data.axes, palette, { boundaryGap: data.axes.log ? undefined : ["5%", "5%"], ...unit(data, palette) });
    option.series = data.series.map((series) => dots(series, palette, data.axes.log));
    return option;
  },

  bars(data, palette, width) {
    const option = base(data, palette, width, []);
    const across = data.names.length > 1 && data.names.some((name) => name.length > 10);  // long names read better in rows
    const category = {
      ...xAxis({ x: across ? "" : data.axes.x }, palette),
      type: "category",
      data: data.names,
      inverse: across,
      axisLabel: { color: palette.ink, fontSize: 12, hideOverlap: !across, width: across ? 130 : undefined, overflow: "truncate" },
    };
    const value = across
      ? xAxis({ x: data.axes.y }, palette, { type: data.axes.log ? "log" : "value", scale: data.axes.log, splitLine: { lineStyle: { color: palette.line } } })
      : yAxis(data.axes, palette, { scale: data.axes.log, ...unit(data, palette) });
    option.xAxis = across ? value : category;
    option.yAxis = across ? category : value;
    option.grid.bottom = option.xAxis.name ? 28 : 8;
    if (across) option.grid.top = 8;
    option.tooltip = { ...option.tooltip, trigger: "axis", axisPointer: { type: "shadow" } };
    const few = data.names.length <= 12;
    option.series = [{
      type: "bar",
      data: data.values,
      barMaxWidth: 44,
      itemStyle: { color: palette.series[0], borderRadius: across ? [0, 4, 4, 0] : [4, 4, 0, 0] },
      label: { show: few, position: across ? "right" : "top", color: palette.soft, fontSize: 12, formatter: (point) => number(point.value) },
      emphasis: { disabled: true },
    }];
    if (across) option.grid.right = 56;
    return option;
  },

  plane(data, palette, width) {
    const names = [...data.points, ...data.paths].map((series) => series.name);
    const option = base(data, palette, width, names, data.paths.length ? 28 : 11);
    const [xLow, xHigh, yLow, yHigh] = data.box;
    option.tooltip = { ...option.tooltip, trigger: "item" };
    option.xAxis = xAxis(data.axes, palette, { min: xLow, max: xHigh });
    option.yAxis = yAxis({}, palette, { min: yLow, max: yHigh, splitLine: { show: false }, ...unit(data, palette) });
    for (const [axis, low, high] of [[option.xAxis, xLow, xHigh], [option.yAxis, yLow, yHigh]])
      axis.axisLabel = { ...axis.axisLabel, showMinLabel: isRound(low), showMaxLabel: isRound(high) };
    const image = {
      type: "custom",
      silent: true,
      z: 0,
      tooltip: { show: false },
      data: [[xLow, yLow]],
      renderItem(_, api) {
        const [left, bottom] = api.coord([xLow, yLow]), [right, top] = api.coord([xHigh, yHigh]);
        return {
          type: "image",
          style: { image: data.images[palette.dark ? "dark" : "light"], x: left, y: top, width: right - left, height: bottom - top },
        };
      },
    };
    const edge = palette.dark ? "#10141b" : "#ffffff";
    option.series = [image, ...data.points.map((series) => dots(series, palette, false, edge))];
    data.paths.forEach((series, i) => {
      const color = palette.series[(i + data.points.length + (data.sides ? 0 : 1)) % palette.series.length];
      const points = pairs(series);
      const last = points.length - 1;
      // A wide line under the path keeps it apart from the colours of the ground.
      option.series.push({ type: "line", data: points, clip: true, silent: true, showSymbol: false, symbol: "none", lineStyle: { width: 5, color: edge, opacity: 0.75 }, tooltip: { show: false }, z: 3 });
      option.series.push({
        type: "line",
        name: series.name,
        data: points.map((point, k) => ({ value: point, symbol: k === last ? "circle" : "none", symbolSize: k === last ? 11 : 4 })),
        clip: true,
        color,
        symbol: "circle",
        showAllSymbol: true,
        lineStyle: { width: 2.5, color },
        itemStyle: { color, borderColor: edge, borderWidth: 1.5 },
        emphasis: { disabled: true },
        z: 4,
      });
    });
    return option;
  },
};

function dots(series, palette, log, edge) {
  const many = series.x.length > 400;
  return {
    type: "scatter",
    name: series.name,
    data: pairs(series, log),
    color: palette.series[series.color % palette.series.length],
    symbol: symbols[series.color % symbols.length],
    symbolSize: many ? 4 : 8,
    itemStyle: { opacity: many ? 0.6 : 0.9, borderColor: edge ?? palette.card, borderWidth: many ? 0 : 1 },
    emphasis: { disabled: true },
  };
}

function height(width, data) {
  if (data.kind === "plane") return Math.round(Math.min(width, 620) * 0.9);
  if (data.kind === "bars" && data.names.some((name) => name.length > 10)) return Math.max(120, 34 * data.names.length + 50);
  if (data.kind === "bars") return 220;
  return Math.round(Math.min(400, Math.max(260, width * 0.58)));
}

export function drawChart(place, data, palette) {
  echarts.getInstanceByDom(place)?.dispose();
  if (data.kind === "plane") place.style.maxWidth = "620px";  // about square
  const width = place.clientWidth;
  const option = builders[data.kind](data, palette, width);
  place.style.height = `${height(width, data) + Math.max(0, option.grid.top - 44)}px`;  // long legends add to it
  echarts.init(place, null, { renderer: "svg" }).setOption(option);
  for (const image of place.querySelectorAll("image")) image.setAttribute("preserveAspectRatio", "none");  // fill the axes
}
