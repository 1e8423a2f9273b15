/** @file The charts of the report as inline SVG text, drawn by Observable Plot on linkedom: the only file that imports the two.
 *  Colours are CSS variables of the page, so light, dark and print share one drawing; no script and no address is in the output. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { text } from "./catalogue.js";
import type { ComparedFacts, Estimate, Facts } from "./facts.js";
import { formatBytes, formatMs, formatPercent, formatShare, type Language } from "./format.js";
import { formatUsd } from "./headline.js";
import { stepName } from "./path.js";

const ACCENT = "var(--accent)";
const MUTED = "var(--muted)";
const WARN = "var(--warn)";
const FAINT = "var(--faint)";
const WIDTH = 520;
const HEIGHT = 300;
/** Confusions drawn as bars. */
const MAX_CONFUSIONS = 12;
/** Labels longer than this are cut in a chart; the tables hold them whole. */
const MAX_LABEL_LENGTH = 28;
/** The slowest half per cent would stretch the axis until nothing else is seen. */
const SHOWN_LATENCY_RATIO = 0.995;
const LATENCY_BINS = 40;
const GRAPHEMES = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Draws and removes what a page does not need: the namespace is implied inside html. */
function draw(title: string, options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const figure = Plot.plot({ width: WIDTH, height: HEIGHT, ...options, document });
  figure.setAttribute("role", "img");
  figure.setAttribute("aria-label", title);
  return figure.outerHTML
    .replaceAll(/ xmlns(:\w+)?="[^"]*"/g, "")
    .replaceAll(/ xlink:href="[^"]*"/g, "")
    .replaceAll(/<style>[\s\S]*?<\/style>/g, "");
}

function shorten(label: string): string {
  const characters = Array.from(GRAPHEMES.segment(label.replace(/\p{Cc}/gu, " ")), ({ segment }) => segment);
  return characters.length <= MAX_LABEL_LENGTH
    ? characters.join("")
    : `${characters.slice(0, MAX_LABEL_LENGTH - 1).join("")}…`;
}

function percentTicks(language: Language): (value: number) => string {
  return (value) => formatShare(value, language);
}

/** Stated probability against measured agreement. */
export function reliabilityChart(facts: Facts, language: Language): string {
  const bins = facts.calibration.bins.filter(({ count }) => count > 0);
  const start = Math.floor(10 * Math.min(0.9, ...bins.flatMap((bin) => [bin.meanProbability, bin.agreement]))) / 10;
  const tickFormat = percentTicks(language);
  return draw(text(language, "calibration"), {
    marginLeft: 52,
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
  });
}

/** Coverage against the risk that the promise bounds (of the kept answers, or of all), with the promise and the chosen point. */
export function coverageRiskChart(facts: Facts, language: Language): string {
  const { gate } = facts;
  const isDelivered = gate.promise === "delivered";
  const points = gate.curve.map(([coverage, risk]) => ({ coverage, risk: isDelivered ? coverage * risk : risk }));
  const top = Math.max(gate.epsilon * 1.5, ...points.map(({ risk }) => risk));
  const chosenRisk = isDelivered ? 1 - (gate.deliveredAgreement?.value ?? 1) : 1 - gate.keptAgreement.value;
  const chosen = gate.threshold === null ? [] : [{ coverage: gate.coverage.value, risk: chosenRisk }];
  const promise = `${text(language, "promise")} ${formatShare(gate.epsilon, language)}`;
  return draw(text(language, "gate"), {
    marginLeft: 52,
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
      Plot.text([promise], { x: 0.005, y: gate.epsilon, dy: -8, textAnchor: "start", fill: WARN }),
      Plot.line(points, { x: "coverage", y: "risk", stroke: ACCENT, strokeWidth: 2 }),
      Plot.dot(chosen, { x: "coverage", y: "risk", r: 6, fill: ACCENT, stroke: "var(--page)", strokeWidth: 2 }),
      Plot.text(chosen, {
        x: "coverage",
        y: "risk",
        text: () => `${text(language, "chosen")} ${formatPercent(gate.coverage.value, language)}`,
        dy: 20,
        fill: "currentColor",
        fontWeight: 600,
      }),
    ],
  });
}

/** The most frequent confusions as bars, teacher's answer → student's answer. */
export function confusionChart(facts: Facts, language: Language): string {
  const nameOf = (label: string | null): string => shorten(label ?? text(language, "another-label"));
  const bars = facts.quality.confusions.slice(0, MAX_CONFUSIONS).map((confusion, at) => ({
    key: String(at),
    name: `${nameOf(confusion.teacher)} → ${nameOf(confusion.student)}`,
    count: confusion.count,
  }));
  const names = new Map(bars.map(({ key, name }) => [key, name]));
  const top = Math.max(1, ...bars.map(({ count }) => count));
  return draw(text(language, "confusions"), {
    height: 26 * bars.length + 8,
    marginLeft: 350,
    marginTop: 4,
    marginBottom: 4,
    marginRight: 36,
    x: { axis: null, domain: [0, top] },
    y: {
      type: "band",
      domain: bars.map(({ key }) => key),
      label: null,
      tickSize: 0,
      tickFormat: (key: string) => names.get(key) ?? "",
      padding: 0.35,
    },
    marks: [
      Plot.barX(bars, { x: "count", y: "key", fill: WARN, fillOpacity: 0.75 }),
      Plot.text(bars, {
        x: "count",
        y: "key",
        text: (bar: { count: number }) => String(bar.count),
        dx: 6,
        textAnchor: "start",
      }),
    ],
  });
}

interface CostBar {
  readonly name: string;
  readonly usd: number | undefined;
  readonly fill: string;
}

/** Cost per 1,000 calls of teacher, student with fallback and student alone; what is unknown says so. */
export function costChart(facts: Facts, language: Language): string {
  const { money } = facts;
  const bars: readonly CostBar[] = [
    { name: text(language, "teacher"), usd: money.teacherPer1kUsd, fill: MUTED },
    { name: text(language, "cascade"), usd: money.cascadePer1kUsd?.value, fill: ACCENT },
    { name: text(language, "student"), usd: money.studentPer1kUsd, fill: ACCENT },
  ];
  const known = bars.filter((bar) => bar.usd !== undefined);
  const cascade = money.cascadePer1kUsd;
  const range =
    cascade === undefined ? [] : [{ name: text(language, "cascade"), low: cascade.low, high: cascade.high }];
  const end = (bar: CostBar): number => (bar.usd === cascade?.value ? (cascade?.high ?? 0) : (bar.usd ?? 0));
  return draw(text(language, "tile-cost"), {
    height: 150,
    marginLeft: 150,
    marginTop: 4,
    marginBottom: 4,
    marginRight: 90,
    x: { axis: null, domain: [0, Math.max(1e-9, ...known.map(end))] },
    y: { domain: bars.map(({ name }) => name), label: null, tickSize: 0, padding: 0.35 },
    marks: [
      Plot.barX(known, { x: "usd", y: "name", fill: "fill" }),
      Plot.ruleY(range, { x1: "low", x2: "high", y: "name", stroke: "currentColor", strokeWidth: 1.5 }),
      Plot.text(bars, {
        x: end,
        y: "name",
        text: (bar: CostBar) =>
          bar.usd === undefined ? text(language, "unknown") : formatUsd(bar.usd, facts, language),
        dx: 8,
        textAnchor: "start",
        fontWeight: 600,
      }),
    ],
  });
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
  return draw(text(language, "latency"), {
    marginLeft: 52,
    marginTop: 44,
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
      Plot.text(marks, {
        x: "ms",
        frameAnchor: "top",
        text: (mark: { name: string; ms: number }) => `${mark.name}\n${formatMs(mark.ms, language)}`,
        dy: -34,
        lineAnchor: "top",
      }),
      Plot.ruleY([0]),
    ],
  });
}

/** Agreement of what was compared, with intervals and the target. */
export function comparedChart(facts: Facts, language: Language): string {
  const { compared, target } = facts;
  const lows = compared.map(({ agreement }) => agreement.low).filter((low) => low > 0.5);
  const start = Math.floor(20 * Math.min(0.9, ...lows)) / 20;
  const inside = compared.filter(({ agreement }) => agreement.value >= start);
  const below = compared.filter(({ agreement }) => agreement.value < start);
  return draw(text(language, "compared"), {
    height: 34 * compared.length + 44,
    marginLeft: 150,
    marginBottom: 36,
    marginTop: 8,
    marginRight: 24,
    x: { domain: [start, 1], label: null, tickFormat: percentTicks(language), grid: true, ticks: 6 },
    y: { domain: compared.map(({ name }) => name), label: null, tickSize: 0 },
    marks: [
      Plot.ruleX([target.agreement], { stroke: WARN, strokeDasharray: "5 4", strokeWidth: 1.5 }),
      Plot.ruleY(inside, {
        y: "name",
        x1: (found: ComparedFacts) => Math.max(start, found.agreement.low),
        x2: (found: ComparedFacts) => found.agreement.high,
        stroke: ACCENT,
        strokeWidth: 2.5,
      }),
      Plot.dot(inside, { y: "name", x: (found: ComparedFacts) => found.agreement.value, r: 5, fill: ACCENT }),
      Plot.text(below, {
        y: "name",
        x: start,
        text: (found: ComparedFacts) => `← ${formatPercent(found.agreement.value, language)}`,
        textAnchor: "start",
        dx: 6,
        fill: MUTED,
      }),
      Plot.ruleX([start], { stroke: FAINT }),
    ],
  });
}

interface StepShare {
  readonly name: string;
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
      y: "name",
      x1: ({ share }: StepShare) => Math.max(start, share.low),
      x2: ({ share }: StepShare) => share.high,
      dy,
      stroke: "stroke",
      strokeWidth: 2,
    }),
    Plot.dot(own, {
      y: "name",
      x: ({ share }: StepShare) => share.value,
      dy,
      r: 4,
      fill: "fill",
      stroke: "stroke",
    }),
    Plot.text(below, {
      y: "name",
      x: start,
      text: ({ share }: StepShare) => `← ${formatPercent(share.value, language)}`,
      textAnchor: "start",
      dx: 6,
      dy,
      fill: MUTED,
    }),
  ];
}

/** Agreement of each step with the teacher of the log and with the uncut encoder, its size and latency beside it. */
export function pathChart({ path, target }: Facts, language: Language): string {
  const steps = path?.steps ?? [];
  const shares = steps.flatMap((step): StepShare[] => {
    const name = stepName(step, language);
    return [
      { name, share: step.agreement, offset: -5, fill: ACCENT, stroke: ACCENT },
      { name, share: step.teacherAgreement, offset: 5, fill: "var(--page)", stroke: MUTED },
    ];
  });
  const lows = shares.map(({ share }) => share.low).filter((low) => low > 0.5);
  const start = Math.floor(20 * Math.min(0.9, ...lows)) / 20;
  const sizes = steps.flatMap(({ sizeBytes, p50Ms, ...step }) =>
    sizeBytes === undefined
      ? []
      : [
          {
            name: stepName(step, language),
            size: [formatBytes(sizeBytes, language), ...(p50Ms === undefined ? [] : [formatMs(p50Ms, language)])],
          },
        ],
  );
  return draw(text(language, "path"), {
    height: 36 * steps.length + 44,
    marginLeft: 170,
    marginRight: 110,
    marginTop: 8,
    marginBottom: 36,
    x: { domain: [start, 1], label: null, tickFormat: percentTicks(language), grid: true, ticks: 5 },
    y: { type: "point", domain: steps.map((step) => stepName(step, language)), label: null, tickSize: 0 },
    marks: [
      Plot.ruleX([target.agreement], { stroke: WARN, strokeDasharray: "5 4", strokeWidth: 1.5 }),
      ...[-5, 5].flatMap((offset) =>
        shareMarks(
          shares.filter((found) => found.offset === offset),
          start,
          language,
        ),
      ),
      Plot.text(sizes, {
        y: "name",
        frameAnchor: "right",
        text: ({ size }: { size: readonly string[] }) => size.join(", "),
        textAnchor: "start",
        dx: 8,
      }),
      Plot.ruleX([start], { stroke: FAINT }),
    ],
  });
}
