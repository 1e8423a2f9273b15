/** @file The charts of the report as inline SVG text, drawn by Observable Plot on linkedom: the only file that imports the two.
 *  Colours are CSS variables of the page, so light, dark and print share one drawing; no script and no address is in the output. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import stringWidth from "string-width";
import { comparedName, text } from "./catalogue.js";
import type { ComparedFacts, Estimate, Facts } from "./facts.js";
import { formatBytes, formatMoney, formatMs, formatPercent, formatShare, type Language } from "./format.js";
import { stepName } from "./path.js";

const ACCENT = "var(--accent)";
const MUTED = "var(--muted)";
const WARN = "var(--warn)";
const FAINT = "var(--faint)";
/** Drawn for half a page, and once more for a telephone: shrunken letters cannot be read. */
const WIDTHS = { wide: 520, narrow: 330 } as const;
const HEIGHT = 300;
/** Rows of names: the name above, its marks below. */
const ROW_HEIGHT = 42;
const NAME_RISE = -13;
/** Confusions drawn as bars. */
const MAX_CONFUSIONS = 12;
/** Labels longer than this are cut in a chart; the tables hold them whole. */
const MAX_LABEL_LENGTH = 32;
const MAX_LABEL_LENGTH_NARROW = 20;
/** The slowest half per cent would stretch the axis until nothing else is seen. */
const SHOWN_LATENCY_RATIO = 0.995;
const LATENCY_BINS = 40;
const GRAPHEMES = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Both drawings of a chart, of which the page shows the one that fits. */
function draw(title: string, options: (width: number) => Plot.PlotOptions): string {
  return Object.entries(WIDTHS)
    .map(([name, width]) => drawn(title, name, { width, height: HEIGHT, ...options(width) }))
    .join("\n");
}

/** Draws and removes what a page does not need: the namespace is implied inside html. */
function drawn(title: string, look: string, options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const figure = Plot.plot({ ...options, document });
  figure.setAttribute("role", "img");
  figure.setAttribute("aria-label", title);
  figure.setAttribute("class", look);
  return figure.outerHTML
    .replaceAll(/ xmlns(:\w+)?="[^"]*"/g, "")
    .replaceAll(/ xlink:href="[^"]*"/g, "")
    .replaceAll(/<style>[\s\S]*?<\/style>/g, "");
}

function shorten(label: string, width: number): string {
  const longest = width < WIDTHS.wide ? MAX_LABEL_LENGTH_NARROW : MAX_LABEL_LENGTH;
  const characters = Array.from(GRAPHEMES.segment(label.replace(/\p{Cc}/gu, " ")), ({ segment }) => segment);
  return characters.length <= longest ? characters.join("") : `${characters.slice(0, longest - 1).join("")}…`;
}

function percentTicks(language: Language): (value: number) => string {
  return (value) => formatShare(value, language);
}

/** Stated probability against measured agreement. */
export function reliabilityChart(facts: Facts, language: Language): string {
  const bins = facts.calibration.bins.filter(({ count }) => count > 0);
  const start = Math.floor(10 * Math.min(0.9, ...bins.flatMap((bin) => [bin.meanProbability, bin.agreement]))) / 10;
  const tickFormat = percentTicks(language);
  return draw(text(language, "calibration"), () => ({
    marginLeft: 52,
    marginRight: 26,
    marginBottom: 44,
    x: {
      domain: [start, 1],
      label: text(language, "mean-probability"),
      labelAnchor: "center",
      labelArrow: "none",
      tickFormat,
      ticks: 6,
    },
    y: { domain: [start, 1], label: text(language, "agreement"), labelArrow: "none", tickFormat, grid: true, ticks: 6 },
    r: { range: [2, 9] },
    marks: [
      Plot.link([0], { x1: start, y1: start, x2: 1, y2: 1, stroke: MUTED, strokeDasharray: "4 4" }),
      Plot.line(bins, { x: "meanProbability", y: "agreement", stroke: ACCENT, strokeOpacity: 0.4 }),
      Plot.dot(bins, {
        x: "meanProbability",
        y: "agreement",
        r: "count",
        fill: ACCENT,
        fillOpacity: 0.8,
        stroke: "var(--page)",
      }),
    ],
  }));
}

/** A point higher than this share of the axis has room below it. */
const LEAST_ROOM_RATIO = 0.1;

/** Coverage against the risk that the promise bounds (of the kept answers, or of all), with the promise and the chosen point. */
export function coverageRiskChart(facts: Facts, language: Language): string {
  const { gate } = facts;
  const isDelivered = gate.promise === "delivered";
  const points = gate.curve.map(([coverage, risk]) => ({ coverage, risk: isDelivered ? coverage * risk : risk }));
  const top = Math.max(gate.epsilon * 1.5, ...points.map(({ risk }) => risk));
  const chosenRisk = isDelivered ? 1 - (gate.deliveredAgreement?.value ?? 1) : 1 - gate.keptAgreement.value;
  const chosen = gate.threshold === null ? [] : [{ coverage: gate.coverage.value, risk: chosenRisk }];
  const isRight = gate.threshold === null || gate.coverage.value > 0.5;
  const promise = `${text(language, "promise")} ${formatShare(gate.epsilon, language)}`;
  return draw(text(language, "gate"), () => ({
    marginLeft: 52,
    marginRight: 26,
    marginBottom: 44,
    x: {
      domain: [0, 1],
      label: text(language, "coverage"),
      labelAnchor: "center",
      labelArrow: "none",
      tickFormat: percentTicks(language),
    },
    y: {
      domain: [0, top * 1.08],
      label: text(language, isDelivered ? "risk-of-all" : "risk"),
      labelArrow: "none",
      tickFormat: percentTicks(language),
      grid: true,
      ticks: 5,
    },
    marks: [
      Plot.ruleY([gate.epsilon], { stroke: WARN, strokeDasharray: "5 4", strokeWidth: 1.5 }),
      Plot.text([promise], {
        // At the side where the chosen point is not.
        x: isRight ? 0.005 : 0.995,
        y: gate.epsilon,
        dy: -8,
        textAnchor: isRight ? "start" : "end",
        fill: WARN,
      }),
      Plot.line(points, { x: "coverage", y: "risk", stroke: ACCENT, strokeWidth: 2 }),
      Plot.dot(chosen, { x: "coverage", y: "risk", r: 6, fill: ACCENT, stroke: "var(--page)", strokeWidth: 2 }),
      Plot.text(chosen, {
        x: "coverage",
        y: "risk",
        text: () => `${text(language, "chosen")} ${formatPercent(gate.coverage.value, language)}`,
        dy: chosenRisk > top * LEAST_ROOM_RATIO ? 17 : -14,
        textAnchor: isRight ? "end" : "start",
        fill: "currentColor",
        fontWeight: 600,
      }),
    ],
  }));
}

/** Names above the rows of a band or point scale, so that none is cut at the left. */
function rowNames(rows: readonly { readonly key: string; readonly name: string }[]): Plot.Markish {
  return Plot.text(rows, {
    y: "key",
    frameAnchor: "left",
    text: "name",
    textAnchor: "start",
    dy: NAME_RISE,
    fill: "currentColor",
  });
}

/** The frame of a chart whose rows have their names above. */
function rowFrame(rows: number, axisHeight: number): Plot.PlotOptions {
  return {
    height: ROW_HEIGHT * rows + axisHeight + 8,
    marginTop: 8,
    marginBottom: axisHeight,
    marginLeft: 14,
    marginRight: 26,
  };
}

/** A band is a name's line and a bar below it. */
const BAND = { insetTop: 22, insetBottom: 6 } as const;
const VALUE_DROP = 8;
const DIGIT_WIDTH = 8;
/** What a value at the end of the longest bar takes. */
const roomFor = (values: readonly string[]): number =>
  16 + DIGIT_WIDTH * Math.max(0, ...values.map((value) => stringWidth(value)));

/** The most frequent confusions as bars, teacher's answer → student's answer. */
export function confusionChart(facts: Facts, language: Language): string {
  const shown = facts.quality.confusions.slice(0, MAX_CONFUSIONS);
  const top = Math.max(1, ...shown.map(({ count }) => count));
  return draw(text(language, "confusions"), (width) => {
    const nameOf = (label: string | null): string => shorten(label ?? text(language, "another-label"), width);
    const bars = shown.map(({ teacher, student, count }, at) => ({
      key: String(at),
      name: `${nameOf(teacher)} → ${nameOf(student)}`,
      count,
    }));
    return {
      ...rowFrame(bars.length, 0),
      marginRight: roomFor(bars.map(({ count }) => String(count))),
      x: { axis: null, domain: [0, top] },
      y: { type: "band", axis: null, domain: bars.map(({ key }) => key), padding: 0 },
      marks: [
        Plot.barX(bars, { x: "count", y: "key", fill: WARN, fillOpacity: 0.75, ...BAND }),
        rowNames(bars),
        Plot.text(bars, {
          x: "count",
          y: "key",
          text: (bar: { count: number }) => String(bar.count),
          dx: 6,
          dy: VALUE_DROP,
          textAnchor: "start",
        }),
      ],
    };
  });
}

interface CostBar {
  readonly key: string;
  readonly name: string;
  readonly usd: number | undefined;
  readonly fill: string;
}

/** Cost per 1,000 calls of teacher, student with fallback and student alone; what is unknown says so. */
export function costChart(facts: Facts, language: Language): string {
  const { money } = facts;
  const bars: readonly CostBar[] = [
    { key: "teacher", name: text(language, "teacher"), usd: money.teacherPer1kUsd, fill: MUTED },
    { key: "cascade", name: text(language, "cascade"), usd: money.cascadePer1kUsd?.value, fill: ACCENT },
    { key: "student", name: text(language, "student-alone"), usd: money.studentPer1kUsd, fill: ACCENT },
  ];
  const known = bars.filter((bar) => bar.usd !== undefined);
  const cascade = money.cascadePer1kUsd;
  const range = cascade === undefined ? [] : [{ key: "cascade", low: cascade.low, high: cascade.high }];
  const end = (bar: CostBar): number => (bar.usd === cascade?.value ? (cascade?.high ?? 0) : (bar.usd ?? 0));
  const amount = ({ usd }: CostBar): string =>
    usd === undefined ? text(language, "unknown") : formatMoney(usd, "USD", language);
  return draw(text(language, "tile-cost"), () => ({
    ...rowFrame(bars.length, 0),
    marginRight: roomFor(bars.map(amount)),
    x: { axis: null, domain: [0, Math.max(1e-9, ...known.map(end))] },
    y: { type: "band", axis: null, domain: bars.map(({ key }) => key), padding: 0 },
    marks: [
      Plot.barX(known, { x: "usd", y: "key", fill: "fill", ...BAND }),
      rowNames(bars),
      Plot.ruleY(range, { x1: "low", x2: "high", y: "key", dy: VALUE_DROP, stroke: "currentColor", strokeWidth: 1.5 }),
      Plot.text(bars, {
        x: end,
        y: "key",
        dy: VALUE_DROP,
        text: amount,
        dx: 8,
        textAnchor: "start",
        fontWeight: 600,
      }),
    ],
  }));
}

/** How one query's time spreads, with its percentiles. */
export function latencyChart(facts: Facts, language: Language): string {
  const { latency } = facts.measured;
  const sorted = latency.samplesMs.toSorted((a, b) => a - b);
  const last = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * SHOWN_LATENCY_RATIO))] ?? latency.p99Ms;
  const end = Math.max(last, latency.p99Ms);
  const shown = sorted.filter((ms) => ms <= end);
  const marks = [
    { name: "p50", ms: latency.p50Ms },
    { name: "p95", ms: latency.p95Ms },
    { name: "p99", ms: latency.p99Ms },
  ];
  return draw(text(language, "latency"), () => ({
    marginLeft: 52,
    marginRight: 26,
    marginTop: 50,
    marginBottom: 44,
    x: { domain: [0, end * 1.05], label: text(language, "milliseconds"), labelAnchor: "center", labelArrow: "none" },
    y: { label: null, grid: true, ticks: 4, ...(shown.length === 0 ? { domain: [0, 1] } : {}) },
    marks: [
      Plot.rectY(shown, {
        ...Plot.binX({ y: "count" }, { x: (ms: number) => ms, thresholds: LATENCY_BINS }),
        fill: ACCENT,
        fillOpacity: 0.55,
        inset: 0.5,
      }),
      Plot.ruleX(marks, { x: "ms", stroke: WARN, strokeWidth: 1.5 }),
      // Each on a line of its own: percentiles may lie close together.
      ...marks.map((mark, line) =>
        Plot.text([mark], {
          x: "ms",
          frameAnchor: "top",
          text: () => `${mark.name} ${formatMs(mark.ms, language)}`,
          textAnchor: mark.ms > end / 2 ? "end" : "start",
          dx: mark.ms > end / 2 ? 3 : -3,
          dy: -40 + 15 * line,
        }),
      ),
      Plot.ruleY([0]),
    ],
  }));
}

/** Agreement of what was compared, with intervals and the target. */
export function comparedChart(facts: Facts, language: Language): string {
  const { target } = facts;
  const compared = facts.compared.map((each, at) => ({
    ...each,
    key: String(at),
    name: comparedName(each.name, language),
  }));
  const lows = compared.map(({ agreement }) => agreement.low).filter((low) => low > 0.5);
  const start = Math.floor(20 * Math.min(0.9, ...lows)) / 20;
  const inside = compared.filter(({ agreement }) => agreement.value >= start);
  const below = compared.filter(({ agreement }) => agreement.value < start);
  return draw(text(language, "compared"), () => ({
    ...rowFrame(compared.length, 30),
    x: { domain: [start, 1], label: null, tickFormat: percentTicks(language), grid: true, ticks: 4 },
    y: { type: "band", axis: null, domain: compared.map(({ key }) => key), padding: 0 },
    marks: [
      Plot.ruleX([target.agreement], { stroke: WARN, strokeDasharray: "5 4", strokeWidth: 1.5 }),
      rowNames(compared),
      Plot.ruleY(inside, {
        y: "key",
        x1: (found: ComparedFacts) => Math.max(start, found.agreement.low),
        x2: (found: ComparedFacts) => found.agreement.high,
        dy: VALUE_DROP,
        stroke: ACCENT,
        strokeWidth: 2.5,
      }),
      Plot.dot(inside, {
        y: "key",
        x: (found: ComparedFacts) => found.agreement.value,
        dy: VALUE_DROP,
        r: 5,
        fill: ACCENT,
      }),
      Plot.text(below, {
        y: "key",
        x: start,
        text: (found: ComparedFacts) => `← ${formatPercent(found.agreement.value, language)}`,
        textAnchor: "start",
        dx: 6,
        dy: VALUE_DROP,
        fill: MUTED,
      }),
      Plot.ruleX([start], { stroke: FAINT }),
    ],
  }));
}

/** Below the name two rows of dots, far enough apart that what is said of them does not touch. */
const PATH_ROW_HEIGHT = 52;
const [UPPER, LOWER] = [4, 19] as const;

interface StepShare {
  readonly key: string;
  readonly share: Estimate;
  readonly offset: number;
  readonly fill: string;
  readonly stroke: string;
}

/** One row of dots with intervals; what lies below the axis stands at its start in words. */
function shareMarks(shares: readonly StepShare[], start: number, language: Language): Plot.Markish[] {
  const own = shares.filter(({ share }) => share.value >= start);
  const below = shares.filter(({ share }) => share.value < start);
  const dy = shares[0]?.offset ?? 0;
  return [
    Plot.ruleY(own, {
      y: "key",
      x1: ({ share }: StepShare) => Math.max(start, share.low),
      x2: ({ share }: StepShare) => share.high,
      dy,
      stroke: "stroke",
      strokeWidth: 2,
    }),
    Plot.dot(own, {
      y: "key",
      x: ({ share }: StepShare) => share.value,
      dy,
      r: 4,
      fill: "fill",
      stroke: "stroke",
    }),
    Plot.text(below, {
      y: "key",
      x: start,
      text: ({ share }: StepShare) => `← ${formatPercent(share.value, language)}`,
      textAnchor: "start",
      dx: 6,
      dy,
      fill: MUTED,
    }),
  ];
}

/** Agreement of each step with the teacher of the log and with the uncut encoder, its size and latency beside its name. */
export function pathChart({ path, target }: Facts, language: Language): string {
  const steps = (path?.steps ?? []).map((step, at) => {
    const { sizeBytes, p50Ms } = step;
    const size = [
      ...(sizeBytes === undefined ? [] : [formatBytes(sizeBytes, language)]),
      ...(p50Ms === undefined ? [] : [formatMs(p50Ms, language)]),
    ];
    const name = [stepName(step, language), ...size].join(text(language, "comma"));
    return { ...step, key: String(at), name };
  });
  const shares = steps.flatMap(({ key, agreement, teacherAgreement }): StepShare[] => [
    { key, share: agreement, offset: UPPER, fill: ACCENT, stroke: ACCENT },
    { key, share: teacherAgreement, offset: LOWER, fill: "var(--page)", stroke: MUTED },
  ]);
  const lows = shares.map(({ share }) => share.low).filter((low) => low > 0.5);
  const start = Math.floor(20 * Math.min(0.9, ...lows)) / 20;
  return draw(text(language, "path"), () => ({
    ...rowFrame(steps.length, 30),
    height: PATH_ROW_HEIGHT * steps.length + 38,
    x: { domain: [start, 1], label: null, tickFormat: percentTicks(language), grid: true, ticks: 4 },
    y: { type: "band", axis: null, domain: steps.map(({ key }) => key), padding: 0 },
    marks: [
      Plot.ruleX([target.agreement], { stroke: WARN, strokeDasharray: "5 4", strokeWidth: 1.5 }),
      rowNames(steps),
      ...[UPPER, LOWER].flatMap((offset) =>
        shareMarks(
          shares.filter((found) => found.offset === offset),
          start,
          language,
        ),
      ),
      Plot.ruleX([start], { stroke: FAINT }),
    ],
  }));
}
