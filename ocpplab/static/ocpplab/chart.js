// Charts: a figure with data-chart="URL" shows what is there as JSON,
// {"gap": s, "span": [from, to] or null,
//  "series": [{kind, label, unit, points: [[unix time, value], …]}]},
// in the place of the drawing that it has without this script. It follows live.js.
"use strict";
(() => {
  const PERIOD = 2000; // ms, at least, between two looks; or data-period
  const SHORTEST = 300; // s, from the left edge to the right one, at least
  // light-dark() is resolved by the browser only where it is used: on an element.
  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);
  const resolved = (name, alpha = 1) => {
    probe.style.color = `var(${name})`;
    const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g);
    return `rgba(${r}, ${g}, ${b}, ${alpha})`;
  };

  const LOOK = {
    power: (n) => ({
      stroke: resolved(n ? "--line-second" : "--line-power"),
      fill: resolved(n ? "--line-second" : "--line-power", 0.14),
      width: 2,
    }),
    limit: () => LOOK.power(0),
    offered: () => ({ stroke: resolved("--line-offered"), width: 1.5, dash: [5, 4] }),
    soc: () => ({ stroke: resolved("--line-soc"), width: 1.5 }),
    energy: () => ({ stroke: resolved("--line-energy"), width: 1.5, dash: [2, 3] }),
  };

  const STEPPED = ["offered", "limit"]; // which hold until they change

  const RANGES = {
    kW: (_, most) => [0, Math.max(1, most * 1.1)],
    kWh: (least, most) => [least, Math.max(most, least + 0.1)],
    "%": () => [0, 100],
  };

  // As the rest of the page writes times: UTC, 24 hours, ISO dates. By the distance of
  // ticks, s: what each says, and what the first of a year, a day, … says below it.
  const DATE = "\n{YYYY}-{MM}-{DD}";
  const TIMES = [
    [86400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
    [60, "{HH}:{mm}", DATE, null, DATE, null, null, null, 1],
    [1, "{HH}:{mm}:{ss}", DATE, null, DATE, null, null, null, 1],
  ];
  const inUTC = (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC");
  const clock = uPlot.fmtDate("{HH}:{mm}:{ss}");

  // 12.5 MW rather than 12500 kW
  const scaled = (value, unit) =>
    Math.abs(value) >= 1000 ? [value / 1000, unit.replace("k", "M")] : [value, unit];
  const format = (given, unit) => {
    if (given == null) return "–";
    const [value, shown] = scaled(given, unit);
    return `${value.toFixed(unit === "%" ? 0 : 2)} ${shown}`;
  };

  // Times of all series in one column; where a series has a gap, its line is broken.
  const columns = (series, gap) => {
    const tables = series.map(({ points }) => {
      const times = [], values = [];
      for (const [at, value] of points) {
        const last = times[times.length - 1];
        if (last !== undefined && at - last > gap) {
          times.push((at + last) / 2);
          values.push(null);
        }
        if (at === last) values[values.length - 1] = value; // a step
        else {
          times.push(at);
          values.push(value);
        }
      }
      return [times, values];
    });
    return uPlot.join(tables, tables.map((t) => t.slice(1).map(() => 1)));
  };

  // Where no pointer is, the legend tells the last values.
  const tellLast = (plot) => {
    if (plot.cursor.idx == null) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
  };

  const options = (figure, series, span) => {
    const axis = {
      stroke: resolved("--body-quiet-color"),
      grid: { stroke: resolved("--hairline-color"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    // Of a single point uPlot makes years.
    const range = (plot, least, most) => {
      const end = Math.min(most, plot.data[0].at(-1));
      return span() ?? [Math.min(least, end - SHORTEST), end];
    };
    const scales = { x: { time: true, range } };
    const axes = [{ ...axis, grid: { show: false }, values: TIMES, space: 76 }];
    const counts = {};
    for (const unit of new Set(series.map((one) => one.unit))) {
      scales[unit] = { range: (_, least, most) => RANGES[unit](least, most) };
      if (unit !== "kWh")
        axes.push({
          ...axis,
          scale: unit,
          side: unit === "kW" ? 3 : 1,
          size: unit === "kW" ? 56 : 44,
          grid: unit === "kW" ? axis.grid : { show: false },
          values: (_, ticks) =>
            ticks.map((tick) => scaled(tick, unit)).map(([tick, shown]) => `${+tick.toFixed(2)} ${shown}`),
        });
    }
    return {
      width: figure.clientWidth,
      height: Number(figure.dataset.height || 220),
      padding: [null, axes.length > 2 ? null : 34, null, null], // for the last time
      scales,
      axes,
      cursor: { y: false, points: { size: 7 } },
      legend: { live: true },
      tzDate: inUTC,
      hooks: { ready: [tellLast], setData: [tellLast], setCursor: [tellLast] },
      series: [
        { value: (_, at) => (at == null ? "–" : clock(inUTC(at))) },
        ...series.map(({ kind, label, unit }) => {
          const n = (counts[kind] = (counts[kind] ?? -1) + 1);
          return {
            label,
            scale: unit,
            spanGaps: false,
            points: { show: (plot) => plot.data[0].length < 3, size: 6 },
            value: (_, value) => format(value, unit),
            paths: STEPPED.includes(kind) ? uPlot.paths.stepped({ align: 1 }) : undefined,
            ...LOOK[kind](n),
          };
        }),
      ],
    };
  };

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.plot = null;
      this.tag = "";
      this.shape = "";
      this.lookedAt = 0;
      this.data = null;
      new ResizeObserver(() => this.resize()).observe(figure);
      this.look();
    }

    async look() {
      const period = Number(this.figure.dataset.period || PERIOD);
      if (Date.now() - this.lookedAt < period) {
        this.later ??= setTimeout(() => {
          this.later = undefined;
          this.look();
        }, period);
        return;
      }
      this.lookedAt = Date.now();
      try {
        const response = await fetch(this.figure.dataset.chart, {
          headers: { "X-Live": "1", "If-None-Match": this.tag },
          cache: "no-store",
        });
        if (!response.ok || response.redirected) return;
        this.tag = response.headers.get("ETag") ?? "";
        this.data = await response.json();
        this.draw();
      } catch {
        // The next change brings another look.
      }
    }

    draw() {
      const series = this.data.series.filter((one) => one.points.length);
      if (!series.length) return;
      const shape = series.map((one) => one.kind + one.label).join();
      const table = columns(series, this.data.gap);
      if (this.plot && shape === this.shape) {
        this.plot.setData(table);
        return;
      }
      this.shape = shape;
      this.plot?.destroy();
      this.figure.replaceChildren();
      const span = () => this.data.span;
      this.plot = new uPlot(options(this.figure, series, span), table, this.figure);
    }

    redraw() {
      this.shape = "";
      if (this.data) this.draw();
    }

    resize() {
      const width = this.figure.clientWidth;
      if (this.plot && width && width !== this.plot.width) {
        this.plot.setSize({ width, height: this.plot.height });
      }
    }
  }

  const charts = [...document.querySelectorAll("figure[data-chart]")].map((f) => new Chart(f));
  document.addEventListener("portal:changed", () => charts.forEach((chart) => chart.look()));
  const redraw = () => charts.forEach((chart) => chart.redraw());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, {
    attributeFilter: ["data-theme"],
  });
})();
