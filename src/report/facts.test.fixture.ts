/** @file Made-up facts for the tests of report/: no figure of it was ever measured. It is excluded from the package by its name. */
import { createRandom } from "../random.js";
import type { ClassFacts, ControlFacts, Estimate, Facts, GateFacts, LicenceFacts, PathStepFacts } from "./facts.js";

const random = createRandom(7, "facts-fixture");

function around(value: number, half: number): Estimate {
  return { value, low: Math.max(0, value - half), high: Math.min(1, value + half) };
}

const LABELS = [
  "<script>alert(1)</script>",
  "__proto__",
  "カードの到着",
  "top_up_failed",
  "beneficiary_not_allowed",
  "balance",
];

const classes: readonly ClassFacts[] = Array.from({ length: 30 }, (_unused, at) => ({
  label: LABELS[at] ?? `intent_${at}`,
  support: 4 + ((at * 7) % 23),
  recall: around(0.55 + at * 0.014, 0.12),
  precision: 0.7 + at * 0.009,
}));

const curve: readonly (readonly [number, number])[] = Array.from({ length: 120 }, (_unused, at) => {
  const coverage = 1 - at / 125;
  return [coverage, 0.068 * coverage ** 4 + 0.003 * random.float()] as const;
});

const gate: GateFacts = {
  promise: "delivered",
  threshold: 0.7123,
  epsilon: 0.02,
  delta: 0.05,
  test: { kind: "one-call", cap: 3 },
  coverage: around(0.7354, 0.022),
  keptAgreement: { value: 0.9889, low: 0.981, high: 0.9942 },
  deliveredAgreement: { value: 0.9918, low: 0.9864, high: 0.9957 },
  unguaranteedCoverage: 0.801,
  minimumDeferralRatio: 0.0521,
  curve,
  sealedRows: 1_502,
  sealedCalls: 1_560,
  sealedGroups: 1_447,
  other: {
    promise: "kept",
    threshold: 0.8342,
    coverage: around(0.6123, 0.025),
    keptAgreement: { value: 0.9931, low: 0.985, high: 0.9975 },
  },
};

/** The share of nothing. */
const NOTHING: Estimate = { value: 0, low: 0, high: 1 };

const samplesMs = Array.from({ length: 1000 }, () => 0.42 * Math.exp(0.35 * random.normal()));

/** Facts of a run whose student passes behind its gate. */
export const FACTS: Facts = {
  version: "0.0.0-test",
  runId: "fixture-run",
  seed: 1,
  target: { promise: "delivered", agreement: 0.98, confidence: 0.95, p95Ms: 5, sizeMb: 10 },
  dataset: {
    hash: "f1f2f3f4f5f6",
    workload: "support <intent>",
    others: [{ name: "summaries", kind: "text", records: 120 }],
    labels: 77,
    rows: 10_003,
    trainRows: 8_501,
    sealedRows: 1_502,
    sealedBy: "group",
    calls: 10_250,
    duplicates: 247,
    rejected: 3,
    nearDuplicates: 61,
    sealOpenings: 2,
    sealedCalls: 1_560,
    units: {
      templatedRows: 40,
      recurringRows: 12,
      recurringCalls: 230,
      repeatedSealedCalls: 31,
      nearLeaks: 4,
      unknownLabelCalls: 39,
    },
    selfAgreementCeiling: 0.991,
    hasGold: false,
    hasLogprobs: false,
  },
  teacher: { models: ["teacher-a"], latencyP50Ms: 820, latencyP95Ms: 1_900 },
  candidates: [
    {
      name: "linear-16k",
      kind: "linear",
      parameters: 1_261_645,
      estimate: { sizeBytes: 1_300_000, latencyMs: 0.2, trainSeconds: 22, savedPer1kUsd: 1.1 },
      status: "passed-over",
      because: [{ code: "out-of-fold-cost", facts: { costPer1k: 0.51 } }],
      outOfFoldAgreement: around(0.905, 0.006),
    },
    {
      name: "joined-192x2",
      kind: "joined",
      parameters: 4_310_000,
      estimate: { sizeBytes: 4_300_000, latencyMs: 0.5, trainSeconds: 240 },
      status: "chosen",
      because: [{ code: "out-of-fold-cost", facts: { costPer1k: 0.402 } }],
      outOfFoldAgreement: around(0.928, 0.005),
    },
    {
      name: "joined-384x4",
      kind: "joined",
      parameters: 14_200_000,
      estimate: { sizeBytes: 14_400_000, latencyMs: 2.1, trainSeconds: 1_900 },
      status: "planned-away",
      because: [{ code: "code-of-another-folder", facts: { minutes: 31.7 } }],
    },
  ],
  student: {
    name: "support-intent",
    kind: "joined",
    parameters: 4_310_000,
    sizeBytes: 4_352_100,
    modelFolder: "models/support-intent@1",
    lossFormula: "CE(y, p; smoothing 0.1) + 1.0 · ½[KL(p₁‖p₂) + KL(p₂‖p₁)]",
  },
  quality: {
    agreement: { value: 0.9321, low: 0.9183, high: 0.9443 },
    mostFrequentAgreement: { value: 0.9402, low: 0.927, high: 0.9516 },
    agreementLowerBound: 0.9205,
    macroF1: 0.9266,
    classes,
    slices: [
      { kind: "unlearned", support: 39, agreement: { value: 0, low: 0, high: 0.09 } },
      { kind: "length", from: 0, to: 20, support: 402, agreement: around(0.902, 0.03) },
      { kind: "length", from: 2001, support: 11, agreement: around(0.909, 0.09) },
      { kind: "frequency", from: 10, to: 49, support: 311, agreement: around(0.921, 0.029) },
      { kind: "frequency", from: 200, support: 640, agreement: around(0.935, 0.02) },
      { kind: "script", script: "latin", support: 1210, agreement: around(0.938, 0.014) },
      { kind: "script", script: "japanese", support: 120, agreement: around(0.941, 0.04) },
      { kind: "script", script: "mixed", support: 60, agreement: around(0.95, 0.04) },
      { kind: "seen", support: 31, agreement: around(0.955, 0.03) },
      { kind: "script", script: "other", support: 20, agreement: around(0.96, 0.03) },
    ],
    confusions: Array.from({ length: 14 }, (_unused, at) => ({
      teacher: at === 1 ? null : (LABELS[at % 6] ?? "a"),
      student: at < 6 ? `intent_${at + 8}` : (LABELS[(at + 2) % 6] ?? "b"),
      count: 15 - at,
    })),
  },
  calibration: {
    eceBefore: 0.081,
    eceAfter: 0.014,
    bins: Array.from({ length: 12 }, (_unused, at) => ({
      meanProbability: 0.2 + at * 0.068,
      agreement: Math.min(1, 0.17 + at * 0.071),
      count: 12 + at * at * 4,
    })),
  },
  gate,
  compared: [
    { name: "majority", agreement: around(0.021, 0.007) },
    { name: "linear", agreement: around(0.907, 0.015), sizeBytes: 1_300_000, costPer1kUsd: 0.00012 },
    { name: "student-fp32", agreement: around(0.9334, 0.0128), sizeBytes: 17_240_000, costPer1kUsd: 0.00041 },
    {
      name: "student-int8",
      agreement: { value: 0.9321, low: 0.9183, high: 0.9443 },
      sizeBytes: 4_352_100,
      costPer1kUsd: 0.00022,
    },
    { name: "student+fallback", agreement: around(0.9918, 0.0045), coverage: 0.7354, costPer1kUsd: 0.398 },
  ],
  paired: [
    {
      a: "joined-192x2",
      b: "linear-16k",
      rows: "out-of-fold",
      difference: { value: 0.023, low: 0.018, high: 0.028 },
      pValue: 1e-12,
    },
    {
      a: "student-int8",
      b: "student-fp32",
      rows: "sealed",
      difference: { value: -0.0013, low: -0.004, high: 0.0014 },
      pValue: 0.41,
    },
  ],
  parity: [
    { artefact: "model.onnx", top1Agreement: 1, maxProbabilityDifference: 2.1e-6, rows: 500 },
    { artefact: "model_int8.onnx", top1Agreement: 0.994, maxProbabilityDifference: 0.031, rows: 500 },
  ],
  money: {
    teacherPer1kUsd: 1.5,
    teacherPriceSource: "config",
    studentPer1kUsd: 0.00022,
    cascadePer1kUsd: { value: 0.39712, low: 0.36412, high: 0.43012 },
    savedRatio: { value: 0.7353, low: 0.7133, high: 0.7573 },
    callsPerMonth: 400_000,
    breakEvenCallsPerMonth: 66_200,
    paybackMonths: 0.00004,
    assumptions: {
      machineUsdPerHour: 0.1,
      utilisationRatio: 0.3,
      trainingUsd: 0.008,
      oneOffPeopleUsd: 0,
      peopleUsdPerMonth: 0,
    },
  },
  measured: {
    machine: { cpu: "Fixture CPU", cores: 2, memoryGb: 16, gflops: 120 },
    latency: { p50Ms: 0.42, p95Ms: 0.75, p99Ms: 0.96, samplesMs },
    throughputPerSecond: 4_210,
    peakMemoryMb: 190,
    trainSeconds: { "linear-16k": 19.4, "joined-192x2": 251 },
    stageSeconds: { import: 1.2, train: 251, prove: 14 },
    fp32P50Ms: 0.71,
  },
};

/** The same as a run of before the two promises wrote them: rows instead of calls, the promise of the kept answers unnamed. */
export const EARLIER_FACTS: Facts = earlier(FACTS);

/** Facts without what came with the two promises. */
export function earlier(now: Facts): Facts {
  const { forecast: _, ...facts } = now;
  const { promise: _promise, ...target } = facts.target;
  const { sealedCalls: _calls, units: _units, ...dataset } = facts.dataset;
  const { mostFrequentAgreement: _frequent, ...quality } = facts.quality;
  const { promise: _gate, test: _test, deliveredAgreement: _delivered, ...counted } = facts.gate;
  const { sealedCalls: _sealed, sealedGroups: _groups, other: _other, ...gateBefore } = counted;
  return {
    ...facts,
    target,
    dataset,
    quality: { ...quality, slices: quality.slices.filter(({ kind }) => kind !== "unlearned" && kind !== "seen") },
    gate: gateBefore,
  };
}

/** The same where the two bills of its month are known; without them they are facts of before. */
export const MONTHLY_FACTS: Facts = {
  ...FACTS,
  money: {
    ...FACTS.money,
    breakEvenCallsPerMonthHigh: 68_300,
    monthly: {
      calls: 400_000,
      machines: 1,
      teacherUsd: 600,
      deployedUsd: { value: 231.76, low: 218.56, high: 244.96 },
      savedUsd: { value: 368.24, low: 355.04, high: 381.44 },
      payingPer1kUsd: 0.2558,
    },
  },
};

/** One licence of each kind; the clauses are made up. */
export const LICENCES: readonly LicenceFacts[] = [
  { subject: "base", models: ["base"], status: "allowed", ...entry("free"), acknowledged: false },
  { subject: "teacher", models: ["teacher-a"], status: "outputs-restricted", ...entry("house"), acknowledged: true },
  { subject: "teacher", models: ["teacher-b"], status: "conditions", ...entry("share"), acknowledged: false },
  { subject: "teacher", models: ["<teacher-c>"], status: "unknown", acknowledged: false },
];

function entry(name: string): Required<Pick<LicenceFacts, "name" | "terms" | "source" | "checked">> {
  return { name, terms: `clause of ${name}`, source: `example.org/${name}`, checked: "2026-01-02" };
}

/** Facts whose teacher has no known price and whose gate found no threshold. */
export const POOR_FACTS: Facts = {
  ...FACTS,
  target: { promise: "delivered", agreement: 0.98, confidence: 0.95 },
  teacher: { models: [] },
  dataset: { ...FACTS.dataset, sealOpenings: 1, sealedBy: "time", hasGold: true },
  quality: { ...FACTS.quality, agreement: { value: 0.761, low: 0.739, high: 0.782 }, agreementLowerBound: 0.742 },
  gate: {
    ...gate,
    threshold: null,
    coverage: { value: 0, low: 0, high: 0 },
    deliveredAgreement: { value: 1, low: 0.998, high: 1 },
    other: { promise: "kept", threshold: null, coverage: { value: 0, low: 0, high: 0 }, keptAgreement: NOTHING },
  },
  forecast: (["delivered", "kept"] as const).flatMap((promise) => [
    { promise, agreement: 0.94, coverage: around(0.41, 0.06), foundRatio: 1 },
    { promise, agreement: 0.96, coverage: around(0.23, 0.08), foundRatio: 0.875 },
    { promise, agreement: 0.98, coverage: around(0.04, 0.04), foundRatio: 0.25 },
  ]),
  money: { teacherPriceSource: "unknown", studentPer1kUsd: 0.00022, assumptions: { machineUsdPerHour: 0.1 } },
};

const { forecast: _forecast, ...unforeseen } = POOR_FACTS;

/** Facts of a log with too few rows to seal any. */
export const UNSEALED_FACTS: Facts = {
  ...unforeseen,
  dataset: { ...POOR_FACTS.dataset, rows: 100, trainRows: 100, sealedRows: 0, sealedCalls: 0, sealedBy: "none" },
  quality: {
    ...POOR_FACTS.quality,
    agreement: { value: 0, low: 0, high: 1 },
    agreementLowerBound: 0,
    macroF1: 0,
    classes: [],
    slices: [],
    confusions: [],
  },
  calibration: { eceBefore: 0, eceAfter: 0, bins: [] },
  gate: {
    ...POOR_FACTS.gate,
    unguaranteedCoverage: 0,
    minimumDeferralRatio: 1,
    curve: [],
    sealedRows: 0,
    sealedCalls: 0,
    sealedGroups: 0,
  },
  compared: [
    { name: "majority", agreement: around(0.21, 0.08) },
    { name: "joined-192x2", agreement: around(0.928, 0.005) },
  ],
  outlook: { sealedRows: 412, rows: 2744, coverage: 0.81, keptAgreement: 0.9925 },
};

const shipped = { recovered: true, rows: "sealed" } as const;
const STEPS: readonly PathStepFacts[] = [
  {
    name: "uncut",
    precision: "fp32",
    layers: [1, 2, 3, 4, 5, 6],
    neurons: 1536,
    parameters: 123e5,
    ...shipped,
    sizeBytes: 493e5,
    p50Ms: 4.1,
    agreement: around(0.941, 0.012),
    teacherAgreement: {
      value: 1,
      low: 0.997,
      high: 1,
    },
  },
  {
    name: "cut-half",
    precision: "fp32",
    layers: [1, 4, 6],
    neurons: 1536,
    parameters: 71e5,
    recovered: false,
    rows: "out-of-fold",
    agreement: around(0.021, 0.008),
    teacherAgreement: around(0.022, 0.008),
  },
  {
    name: "cut-half",
    precision: "int8",
    layers: [1, 4, 6],
    neurons: 1536,
    parameters: 71e5,
    ...shipped,
    sizeBytes: 731e4,
    p50Ms: 1.2,
    agreement: around(0.936, 0.013),
    teacherAgreement: around(0.971, 0.009),
  },
];

const CONTROL: ControlFacts = {
  of: "cut-half",
  learningRate: 3e-4,
  learningRates: [1e-4, 3e-4, 5e-4],
  rows: 1700,
  taughtAgreement: around(0.936, 0.012),
  agreement: around(0.921, 0.013),
  difference: { value: 0.015, low: 0.006, high: 0.024 },
  pValue: 0.0012,
};

/** Facts of a run with a pretrained encoder; its control differs by this. */
export function pathFactsWith(difference: Estimate = CONTROL.difference): Facts {
  return { ...FACTS, path: { steps: STEPS, control: { ...CONTROL, difference } } };
}

/** The same where the plan had no time for a control. */
export const UNCONTROLLED_FACTS: Facts = {
  ...FACTS,
  path: { steps: STEPS, withoutControl: [{ code: "time-planned-away", facts: { seconds: 700, leftSeconds: 30 } }] },
};
