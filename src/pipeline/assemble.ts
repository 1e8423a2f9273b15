/** @file Gathers the facts of a run for its report, from what the stages stored. Computes nothing that a stage decided. */
import { availableParallelism, cpus, totalmem } from "node:os";
import { basename, join } from "node:path";
import { moneyOf } from "../cost.js";
import { MOST_SEALED, inputsToSeal } from "../sealing.js";
import type { LabelDataset } from "../dataset/types.js";
import { PRETRAINED_TEACHER, UNCUT } from "../plan/candidates.js";
import { laneSeconds } from "../plan/lanes.js";
import { shareByGroup } from "../evaluate/calls.js";
import { comparePaired, majorityLabel } from "../evaluate/compare.js";
import { measureQuality } from "../evaluate/metrics.js";
import { forecast, FORECAST_AGREEMENTS, neededGroups } from "../evaluate/outlook.js";
import { InvariantError } from "../errors.js";
import { typicalBase } from "../plan/typical-base.js";
import type { CandidateFacts, ComparedFacts, Facts, MeasuredFacts, MoneyFacts, Reason } from "../report/facts.js";
import type { Estimate } from "../stats.js";
import { GRAPH_FILES } from "../student/manifest.js";
import { VERSION } from "../version.js";
import type { Climbed } from "./ladder.js";
import { pathFacts } from "./pretrained/path-facts.js";
import { agreementOf, asked, callsOf, evaluatedCalls, rightOf, type Asked } from "./outcomes.js";
import type { Finished } from "./finished.js";
import { openedBytes, type Published } from "./publish.js";
import { unlabelledFacts } from "./pretrained/transfer.js";

/** Confidence of a two-sided interval whose lower end is a one-sided bound at 95 %. */
const ONE_SIDED_95 = 0.9;

function answersOf(logits: Float32Array, classes: number): number[] {
  return Array.from({ length: logits.length / classes }, (_, r) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if ((logits[r * classes + c] ?? 0) > (logits[r * classes + best] ?? 0)) best = c;
    return best;
  });
}

/** What 1,000 calls would cost behind the candidate's gate: money where the teacher's price is known, else deferrals. */
function outOfFoldReason(input: Finished, expected: number): Reason {
  return input.planned.teacher.per1kUsd === undefined
    ? { code: "out-of-fold-deferrals", facts: { deferrals: expected } }
    : { code: "out-of-fold-cost", facts: { costPer1k: expected } };
}

function candidateFacts(input: Finished): CandidateFacts[] {
  const climbed = new Map<string, Climbed>(input.ladder.climbed.map((rung) => [rung.candidate.name, rung]));
  return input.planned.plan.candidates.map((candidate): CandidateFacts => {
    const rung = climbed.get(candidate.name);
    const { name, kind, parameters, estimate, because } = candidate;
    const status =
      rung === input.ladder.chosen
        ? "chosen"
        : rung !== undefined
          ? "passed-over"
          : candidate.status === "train"
            ? "not-reached"
            : candidate.status;
    const expected = input.ladder.choice.costPer1k[name];
    return {
      name,
      kind,
      parameters,
      estimate: {
        sizeBytes: estimate.sizeBytes,
        latencyMs: estimate.latencyMs,
        trainSeconds: estimate.trainSeconds,
        ...(estimate.savedPer1kUsd === undefined ? {} : { savedPer1kUsd: estimate.savedPer1kUsd }),
      },
      status,
      because: rung !== undefined && expected !== undefined ? [...because, outOfFoldReason(input, expected)] : because,
      ...(rung === undefined ? {} : { outOfFoldAgreement: shareByGroup(rung.calls.right, rung.calls.groups) }),
    };
  });
}

/** Seconds that a part took: linear folds run in lanes before the final fit, the fits of a taught one's control after it; all fits of an
 *  encoder run in lanes, the final one first, after the trial of poolings where its base needed one. */
function partSeconds(input: Finished, part: string): number {
  const { threads } = input.context;
  const seconds = (prefix: string, wanted: RegExp): number[] =>
    Object.entries(input.measured.stageSeconds)
      .filter(([stage]) => stage.startsWith(`${prefix}-`) && wanted.test(stage))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, value]) => value);
  const [folds, finals] = [seconds(part, /-fold\d+$/), seconds(part, /-weights\d*$/)];
  if (part.startsWith("linear")) {
    const [tried, judged] = [seconds(`control-${part}`, /-\d+$/), seconds(`control-${part}`, /-fold\d+$/)];
    return laneSeconds(folds, threads) + laneSeconds(finals, 1) + laneSeconds(tried, threads) + laneSeconds(judged, 1);
  }
  const trials = part === PRETRAINED_TEACHER ? seconds("pooling", /-(mean|cls)$/) : [];
  return laneSeconds(trials, threads) + laneSeconds([...finals, ...folds], threads);
}

/** Seconds that each trained candidate took. */
function trainSecondsOf(input: Finished): Record<string, number> {
  return Object.fromEntries(
    input.ladder.climbed.map(({ candidate }) => [
      candidate.name,
      [...new Set([...candidate.parts, candidate.name])].reduce((total, part) => total + partSeconds(input, part), 0),
    ]),
  );
}

function measuredFacts(input: Finished): MeasuredFacts {
  const int8 = input.measured.students.find(({ name }) => name === "student-int8");
  if (int8 === undefined) throw new InvariantError("the proof measured no int8 student");
  const fp32 = input.measured.students.find(({ name }) => name === "student-fp32");
  return {
    machine: {
      cpu: cpus()[0]?.model ?? "unknown",
      cores: availableParallelism(),
      memoryGb: totalmem() / 1e9,
      gflops: input.planned.plan.machine.gflops,
    },
    latency: int8.latency,
    throughputPerSecond: int8.throughputPerSecond,
    peakMemoryMb: int8.peakMemoryMb,
    ...(input.measured.provedMs === undefined ? {} : { provedMs: input.measured.provedMs }),
    stageSeconds: input.measured.stageSeconds,
    trainSeconds: trainSecondsOf(input),
    ...(fp32 === undefined ? {} : { fp32P50Ms: fp32.latency.p50Ms }),
  };
}

function moneyFacts(input: Finished, alone: boolean, measured: MeasuredFacts): MoneyFacts {
  const { gate } = input.published.proof;
  const calls = input.config.callsPerMonth ?? input.planned.dataset.traffic.callsPerMonth;
  const coverage = alone ? { value: 1, low: 1, high: 1 } : gate.threshold === null ? undefined : gate.coverage;
  return moneyOf({
    teacher: input.planned.teacher,
    throughputPerSecond: measured.throughputPerSecond,
    ...(coverage === undefined ? {} : { coverage }),
    ...(calls === undefined ? {} : { callsPerMonth: calls }),
    trainingSeconds: laneSeconds(Object.values(measured.stageSeconds), input.context.threads),
    machineUsdPerHour: input.config.machineUsdPerHour,
  });
}

/** Out of fold, where nothing is sealed: each rung on the rows that it predicted unseen. */
function comparedOutOfFold({ context, ladder }: Finished): ComparedFacts[] {
  const majority = majorityLabel(context.rows.map((row) => row.label));
  const rungs = ladder.climbed.map(({ candidate, calls }) => ({
    name: candidate.name,
    agreement: shareByGroup(calls.right, calls.groups),
  }));
  const always = agreementOf(
    asked(context.rows),
    context.rows.map(() => majority),
  );
  return [{ name: "majority", agreement: always }, ...rungs];
}

/** What each promise may be expected to keep with as many sealed groups, at usual agreements and the target's. */
function forecastOf({ published, context, planned }: Finished): Facts["forecast"] {
  const { gate, outOfFoldCalls } = published.proof;
  const groups = gate.sealedGroups > 0 ? gate.sealedGroups : undefined;
  if (groups === undefined) return undefined;
  const agreements = [...new Set([...FORECAST_AGREEMENTS, planned.plan.target.agreement])].sort((a, b) => a - b);
  return forecast(outOfFoldCalls, groups, agreements, { delta: gate.delta, seed: context.seed });
}

/** What a guarantee would need if the next calls were like the out-of-fold ones. */
function outlookOf({ published, context }: Finished): Facts["outlook"] {
  const { gate, outOfFoldCalls } = published.proof;
  if (gate.threshold !== null) return undefined;
  const { epsilon, delta, promise } = gate;
  const needed = neededGroups(outOfFoldCalls, MOST_SEALED, { epsilon, delta, promise, seed: context.seed });
  if (needed === undefined) return undefined;
  const inputsPerGroup = context.rows.length / Math.max(1, new Set(callsOf(context.rows).groups).size);
  const rows = inputsToSeal(needed.sealedGroups, inputsPerGroup);
  return rows === undefined
    ? undefined
    : {
        sealedRows: needed.sealedGroups,
        rows,
        coverage: needed.coverage.value,
        keptAgreement: needed.keptAgreement,
      };
}

function comparedFacts(input: Finished, sealed: Asked, money: MoneyFacts): ComparedFacts[] {
  const { context, logits, published } = input;
  const classes = context.dataset.labels.length;
  const majority = majorityLabel(context.rows.map((row) => row.label));
  const share = (answers: readonly number[]): Estimate => agreementOf(sealed, answers);
  const linear = input.ladder.linear;
  const { gate } = published.proof;
  const compared: ComparedFacts[] = [{ name: "majority", agreement: share(sealed.rows.map(() => majority)) }];
  for (const [name, folder, graph] of [
    ["linear", join(context.folder.path, "students", linear?.candidate.name ?? ""), GRAPH_FILES.int8],
    [`${UNCUT}-fp32`, join(context.folder.path, "students", UNCUT), GRAPH_FILES.fp32],
    ["student-fp32", published.folder, GRAPH_FILES.fp32],
    ["student-int8", published.folder, GRAPH_FILES.int8],
  ] as const) {
    const found = logits.get(name);
    if (found === undefined) continue;
    const cost = name === "student-int8" ? { costPer1kUsd: money.studentPer1kUsd } : {};
    const latency = input.measured.students.find((student) => student.name === name)?.latency;
    compared.push({
      name,
      agreement: share(answersOf(found, classes)),
      sizeBytes: openedBytes(folder, graph),
      ...(latency === undefined ? {} : { p50Ms: latency.p50Ms }),
      ...cost,
    });
  }
  if (gate.threshold !== null) {
    compared.push({
      name: "student+fallback",
      agreement: gate.deliveredAgreement,
      sizeBytes: openedBytes(published.folder, GRAPH_FILES.int8),
      coverage: gate.coverage.value,
      ...(money.cascadePer1kUsd === undefined ? {} : { costPer1kUsd: money.cascadePer1kUsd.value }),
    });
  }
  return compared;
}

function pairedFacts(input: Finished, sealed: Asked): Facts["paired"] {
  const chosen = input.ladder.chosen.candidate.name;
  const classes = input.context.dataset.labels.length;
  const rungs = input.ladder.paired.map(({ name, comparison }) => ({
    a: chosen,
    b: name,
    rows: "out-of-fold" as const,
    difference: comparison.difference,
    pValue: comparison.pValue,
  }));
  const int8 = input.logits.get("student-int8") ?? new Float32Array();
  const correct = (logits: Float32Array): Float64Array => rightOf(sealed, answersOf(logits, classes));
  const onSealed = [...input.logits].flatMap(([name, logits]) => {
    if (name === "student-int8" || sealed.rows.length === 0) return [];
    const { difference, pValue } = comparePaired(correct(int8), correct(logits), sealed.calls.groups);
    return [{ a: "student-int8", b: name, rows: "sealed" as const, difference, pValue }];
  });
  return [...rungs, ...onSealed];
}

/** One-sided 95 % lower bound of the sealed agreement; 0 without calls. */
function lowerBoundOf({ sealedCalls: { right, groups } }: Published["proof"]): number {
  return right.length === 0 ? 0 : shareByGroup(right, groups, ONE_SIDED_95).low;
}

function teacherFacts({ traffic }: LabelDataset): Facts["teacher"] {
  const { models, latencyP50Ms, latencyP95Ms } = traffic;
  return {
    models,
    ...(latencyP50Ms === undefined ? {} : { latencyP50Ms }),
    ...(latencyP95Ms === undefined ? {} : { latencyP95Ms }),
  };
}

function withRate(money: MoneyFacts, yenPerUsd: number | undefined): MoneyFacts {
  return yenPerUsd === undefined ? money : { ...money, assumptions: { ...money.assumptions, yenPerUsd } };
}

/** What a person should look at. */
function lookedAt({ found, planned }: Finished): Pick<Facts, "examples" | "mistakes"> {
  const { reviewed } = planned;
  return {
    examples: found.examples,
    mistakes: { ...found.facts, ...(reviewed !== undefined && { reviewed: reviewed.rows }) },
  };
}

/** All facts of a run. */
export function assembleFacts(input: Finished): Facts {
  const { config, planned, context, published } = input;
  const { dataset } = planned;
  const sealed = asked(dataset.rows.filter((row) => row.sealed));
  const answers = answersOf(input.logits.get("student-int8") ?? new Float32Array(), dataset.labels.length);
  const trainCounts = new Uint32Array(dataset.labels.length);
  for (const row of context.rows) if (row.label >= 0) trainCounts[row.label] = (trainCounts[row.label] ?? 0) + 1;
  const seen = new Set(context.rows.map(({ text }) => text));
  const { calls: _, ...quality } = measureQuality(evaluatedCalls(sealed.rows, answers, seen), dataset.labels, {
    trainCounts,
  });
  const measured = measuredFacts(input);
  const alone = sealed.rows.length > 0 && published.proof.gate.threshold === 0;
  const money = moneyFacts(input, alone, measured);
  const { calibration } = published.proof;
  const outlook = outlookOf(input);
  const expected = forecastOf(input);
  const path = pathFacts(input);
  const unlabelled = unlabelledFacts(planned.transfer, planned.plan, input.taughtGain);
  const untriedBase = typicalBase(planned.plan.facts, planned.plan.target);
  return {
    version: VERSION,
    runId: input.runId,
    seed: config.seed,
    target: planned.plan.target,
    dataset: datasetFacts(input),
    teacher: teacherFacts(dataset),
    licences: planned.licences,
    inputs: (config.logs ?? []).map((path) => basename(path)),
    ...(sealed.rows.length === 0 ? {} : lookedAt(input)),
    ...(outlook === undefined ? {} : { outlook }),
    ...(expected === undefined ? {} : { forecast: expected }),
    ...(untriedBase === undefined ? {} : { untriedBase }),
    ...(unlabelled === undefined ? {} : { unlabelled }),
    ...(planned.redaction === undefined ? {} : { redaction: planned.redaction }),
    ...(context.poolingTrial === undefined ? {} : { poolingTrial: context.poolingTrial }),
    candidates: candidateFacts(input),
    ...(path === undefined ? {} : { path }),
    student: {
      name: published.manifest.name,
      kind: published.manifest.kind,
      parameters: published.manifest.parameters,
      sizeBytes: openedBytes(published.folder, GRAPH_FILES.int8),
      modelFolder: published.folder,
      lossFormula: published.manifest.lineage.loss,
    },
    quality: { ...quality, agreementLowerBound: lowerBoundOf(published.proof) },
    calibration: { eceBefore: calibration.eceBefore, eceAfter: calibration.eceAfter, bins: calibration.bins },
    gate: gateFacts(published.proof, sealed.rows.length),
    compared: sealed.rows.length > 0 ? comparedFacts(input, sealed, money) : comparedOutOfFold(input),
    paired: pairedFacts(input, sealed),
    parity: published.manifest.parity,
    ...(published.proof.runtimes !== undefined && { runtimes: published.proof.runtimes }),
    money: withRate(money, config.yenPerUsd),
    measured,
  };
}

function gateFacts({ gate, other }: Published["proof"], sealedRows: number): Facts["gate"] {
  const { kept: _, errors: __, pValue: ___, test, ...facts } = gate;
  return {
    ...facts,
    test: { kind: test.kind, cap: test.cap },
    sealedRows,
    other: {
      promise: other.promise,
      threshold: other.threshold,
      coverage: other.coverage,
      keptAgreement: other.keptAgreement,
    },
  };
}

function datasetFacts(input: Finished): Facts["dataset"] {
  const { dataset } = input.planned;
  const ceiling = dataset.teacherSelfAgreement?.ceilingRatio;
  return {
    hash: dataset.hash,
    workload: dataset.workload,
    others: dataset.others,
    labels: dataset.labels.length,
    rows: dataset.rows.length,
    trainRows: input.context.rows.length,
    sealedRows: dataset.rows.length - input.context.rows.length,
    sealedBy: dataset.sealedBy,
    calls: dataset.traffic.calls,
    duplicates: dataset.counts.duplicates,
    rejected: dataset.counts.rejected,
    nearDuplicates: dataset.nearDuplicates,
    sealOpenings: input.sealOpenings,
    sealedCalls: input.published.proof.sealedCalls.scores.length,
    units: dataset.units,
    ...(ceiling === undefined ? {} : { selfAgreementCeiling: ceiling }),
    hasGold: dataset.rows.some((row) => row.gold !== undefined),
    hasLogprobs: dataset.rows.some((row) => row.softLabels !== undefined),
  };
}
