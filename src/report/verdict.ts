/** @file The verdict, decided from stored facts alone: no file, no model, no clock, no language. Quality is a constraint, cost is
 *  what is optimised; what is not known never counts as met. `use-cheaper-model` needs measured answers of a cheaper model, which
 *  no facts hold yet, so it is never given. */
import { leastSealedCalls, rowsToSeal, SEALED_RATIO } from "../sealing.js";
import type { ControlFacts, Facts, MonthFacts, Reason, Verdict } from "./facts.js";
import { MEGABYTE } from "./format.js";
import type { DistillationReasonCode, VerdictReasonCode } from "./reasons.js";

/** A gate below this coverage is not worth a lower target. */
const LEAST_USEFUL_COVERAGE_RATIO = 0.1;
/** From this deferral on, the 95th percentile of the cascade is the teacher's. */
const TAIL_DEFERRAL_RATIO = 0.05;

function reason(code: VerdictReasonCode | DistillationReasonCode, facts: Reason["facts"] = {}): Reason {
  return { code, facts };
}

interface Check {
  readonly met: boolean;
  readonly reason: Reason;
}

function limitCheck(
  name: "latency" | "size" | "memory" | "cost",
  measured: number,
  limit: number | undefined,
): readonly Check[] {
  if (limit === undefined) return [];
  const met = measured <= limit;
  return [{ met, reason: reason(met ? `${name}-met` : `${name}-exceeded`, { measured, limit }) }];
}

/** The limits that hold for the student however it is deployed. */
function deviceChecks(facts: Facts): readonly Check[] {
  const { target, measured, student } = facts;
  return [
    ...limitCheck("latency", measured.latency.p95Ms, target.p95Ms),
    ...limitCheck("size", student.sizeBytes / MEGABYTE, target.sizeMb),
    ...limitCheck("memory", measured.peakMemoryMb, target.memoryMb),
  ];
}

function cascadeCostCheck(facts: Facts): readonly Check[] {
  const limit = facts.target.costPer1kUsd;
  if (limit === undefined) return [];
  const cascade = facts.money.cascadePer1kUsd;
  if (cascade === undefined) return [{ met: false, reason: reason("cost-not-verifiable", { limit }) }];
  return limitCheck("cost", cascade.high, limit);
}

/** Where the volume is unknown: the saving of a call decides, and from which volume on a machine of its own pays is said beside it. */
function savingPerCall({ money }: Facts, teacherUsd: number, studentAlone: boolean): readonly Check[] {
  const { studentPer1kUsd, savedRatio, breakEvenCallsPerMonthHigh: from } = money;
  const alone = teacherUsd > 0 ? 1 - studentPer1kUsd / teacherUsd : -1;
  const saved = studentAlone || !(teacherUsd > 0) ? { value: alone, low: alone, high: alone } : savedRatio;
  if (saved === undefined) return [];
  const met = saved.low > 0;
  const numbers = { saved: saved.value, low: saved.low, high: saved.high };
  const check = { met, reason: reason(met ? "saves-money" : "saves-nothing", numbers) };
  if (!met || from === undefined || money.callsPerMonth !== undefined) return [check];
  return [check, { met, reason: from === null ? reason("pays-never") : reason("pays-from", { calls: from }) }];
}

/** Where the volume is known: the bills of a month decide, at the unfavourable end of the coverage's interval. */
function savingPerMonth({ calls, machines, ...month }: MonthFacts, breakEven: number | undefined): Check {
  const bills = { calls, machines, teacher: month.teacherUsd, deployed: month.deployedUsd.value };
  const { value: saved, low, high } = month.savedUsd;
  if (low > 0) return { met: true, reason: reason("month-saves", { ...bills, saved, low, high }) };
  const spread = { ...bills, deployedLow: month.deployedUsd.low, deployedHigh: month.deployedUsd.high };
  if (breakEven === undefined) return { met: false, reason: reason("month-loses-never", spread) };
  return { met: false, reason: reason("month-loses", { ...spread, breakEven }) };
}

function saving(facts: Facts, studentAlone: boolean): readonly Check[] {
  const { teacherPer1kUsd, monthly, breakEvenCallsPerMonth } = facts.money;
  if (teacherPer1kUsd === undefined) return [{ met: true, reason: reason("price-unknown") }];
  if (monthly === undefined) return savingPerCall(facts, teacherPer1kUsd, studentAlone);
  return [savingPerMonth(monthly, breakEvenCallsPerMonth)];
}

/** The volume and the price from which on a month would save, at the unfavourable end of the interval. */
function moneyChanges({ money }: Facts): readonly Reason[] {
  const { monthly, breakEvenCallsPerMonth: measured, breakEvenCallsPerMonthHigh: from, teacherPer1kUsd: now } = money;
  if (monthly === undefined || monthly.savedUsd.low > 0) return [];
  const price = monthly.payingPer1kUsd;
  const isSurelyNever = from === null && measured !== undefined;
  return [
    ...(typeof from === "number" ? [reason("change-volume", { calls: from })] : []),
    ...(isSurelyNever ? [reason("change-volume-none")] : []),
    ...(price === undefined || now === undefined ? [] : [reason("change-price", { price, now })]),
  ];
}

/** Sealed calls; in reports of before they were counted, sealed rows. */
function sealedCallsOf({ dataset }: Facts): number {
  return dataset.sealedCalls ?? dataset.sealedRows;
}

function agreementNumbers(facts: Facts): Reason["facts"] {
  const { agreement, agreementLowerBound } = facts.quality;
  return {
    agreement: agreement.value,
    low: agreementLowerBound,
    target: facts.target.agreement,
    rows: sealedCallsOf(facts),
  };
}

function gateReasons(facts: Facts): readonly Reason[] {
  const { gate, target } = facts;
  const deferral = 1 - gate.coverage.value;
  const numbers = {
    coverage: gate.coverage.value,
    epsilon: gate.epsilon,
    confidence: 1 - gate.delta,
    risk: 1 - gate.keptAgreement.value,
    target: target.agreement,
  };
  const proved =
    gate.promise === "delivered"
      ? reason("gate-proved-delivered", { ...numbers, delivered: gate.deliveredAgreement?.value ?? 1 })
      : reason("gate-proved", numbers);
  return deferral > TAIL_DEFERRAL_RATIO ? [proved, reason("fallback-latency", { deferral })] : [proved];
}

/** A threshold is expected when so many draws find one. */
const EXPECTED_RATIO = 0.8;

/** The nearest lower target, or the other promise at this one, that may be expected to keep something worth it. */
function lowerTargets({ forecast = [], target, gate }: Facts): readonly Reason[] {
  const useful = forecast.filter(
    ({ foundRatio, coverage }) => foundRatio >= EXPECTED_RATIO && coverage.value >= LEAST_USEFUL_COVERAGE_RATIO,
  );
  const promise = gate.promise ?? "kept";
  const found: Reason[] = [];
  const other = useful.find((each) => each.promise !== promise && each.agreement === target.agreement);
  if (other !== undefined && other.promise === "delivered")
    found.push(reason("change-promise", { target: target.agreement, coverage: other.coverage.value }));
  const lower = useful
    .filter((each) => each.promise === promise && each.agreement < target.agreement)
    .toSorted((a, b) => b.agreement - a.agreement)[0];
  if (lower !== undefined)
    found.push(reason("change-lower-target", { target: lower.agreement, coverage: lower.coverage.value }));
  return found;
}

/** Whether the teacher agrees with itself as often as the target asks of the student. */
function ceilingAllows({ dataset, target }: Facts): boolean {
  return (dataset.selfAgreementCeiling ?? 1) >= target.agreement;
}

/** What would change a verdict to keep the teacher, from the facts: nothing that was shown not to help. */
function changes(facts: Facts, guaranteePossible: boolean): readonly Reason[] {
  const { dataset, target, candidates } = facts;
  const noise = ceilingAllows(facts)
    ? []
    : [reason("change-noisy-labels", { ceiling: dataset.selfAgreementCeiling ?? 1, target: target.agreement })];
  if (!guaranteePossible) return [...noise, ...lowerTargets(facts)];
  const untrained = candidates.filter(({ status }) => status === "planned-away" || status === "not-reached").length;
  const better = ceilingAllows(facts)
    ? [
        ...(untrained > 0 ? [reason("change-bigger-student", { count: untrained })] : []),
        reason("change-more-data", { rows: dataset.trainRows, labels: dataset.labels }),
      ]
    : [];
  return [...noise, ...outlook(facts), ...lowerTargets(facts), ...better];
}

/** Why no guarantee can be given yet, and how many rows would allow one. */
function noGuarantee(facts: Facts, needed: number): Reason {
  const { gate, dataset, target } = facts;
  if (!Number.isFinite(needed)) return reason("target-not-provable", { target: target.agreement });
  return reason("no-guarantee-possible", {
    sealedRows: gate.sealedGroups ?? dataset.sealedRows,
    neededSealedRows: needed,
    neededRows: rowsToSeal(needed) ?? Math.ceil(needed / SEALED_RATIO),
    epsilon: gate.epsilon,
    confidence: 1 - gate.delta,
  });
}

/** How many inputs would allow a guarantee at what was seen out of fold. */
function outlook({ outlook: needed, candidates, dataset }: Facts): readonly Reason[] {
  if (needed !== undefined) return needed.rows > dataset.rows ? [reason("outlook-rows", { ...needed })] : [];
  const seen = candidates.find(({ status }) => status === "chosen")?.outOfFoldAgreement;
  return seen === undefined ? [] : [reason("outlook-none", { agreement: seen.value, low: seen.low })];
}

function gateFailure(facts: Facts): readonly Reason[] {
  const { threshold, coverage, epsilon, promise } = facts.gate;
  if (threshold === null)
    return [reason(promise === "delivered" ? "gate-has-no-threshold-delivered" : "gate-has-no-threshold", { epsilon })];
  return coverage.value > 0 ? [] : [reason("gate-keeps-nothing")];
}

function said(checks: readonly Check[]): readonly Reason[] {
  return checks.map((check) => check.reason);
}

function allMet(checks: readonly Check[]): boolean {
  return checks.every(({ met }) => met);
}

/** What distillation gave the chosen cut: it helped, is not shown to have helped, or did harm. */
export function controlReason(control: ControlFacts): Reason {
  const { of, rows, taughtAgreement, agreement, difference, pValue } = control;
  const code = difference.low > 0 ? "helped" : difference.high < 0 ? "harmed" : "not-shown";
  return reason(`distillation-${code}`, {
    of,
    rows,
    taught: taughtAgreement.value,
    control: agreement.value,
    difference: difference.value,
    low: difference.low,
    high: difference.high,
    pValue,
  });
}

/** Below this a difference counts as proved. */
const SIGNIFICANT_P_VALUE = 0.05;

/** What the base's teaching and the texts without answers were good for, where it was measured. */
function taughtReasons({ unlabelled }: Facts): readonly Reason[] {
  if (unlabelled?.gain === undefined) return [];
  const { taught, untaught, difference, pValue, rows, texts } = unlabelled.gain;
  const isBetter = difference.value > 0 && pValue < SIGNIFICANT_P_VALUE;
  const values = { taught: taught.value, untaught: untaught.value, low: difference.low, high: difference.high };
  const what = texts > 0 ? "taught" : "taught-rows";
  return [reason(isBetter ? `${what}-better` : `${what}-not-better`, { ...values, pValue, rows, texts })];
}

/** Deploy only what is proved on sealed rows and within every limit; else behind the gate; else keep the teacher and say why. The last reasons
 *  are what distillation gave, where it was measured. */
export function decideVerdict(facts: Facts): Verdict {
  const { verdict, reasons } = decideDeployment(facts);
  const control = facts.path?.control;
  return {
    verdict,
    reasons: [...reasons, ...taughtReasons(facts), ...(control === undefined ? [] : [controlReason(control)])],
  };
}

function decideDeployment(facts: Facts): Verdict {
  const { target, gate, dataset, money } = facts;
  const needed = leastSealedCalls(gate.epsilon, gate.delta);
  const guaranteePossible = (gate.sealedGroups ?? dataset.sealedRows) >= needed;
  const device = deviceChecks(facts);
  const aloneCost = [...limitCheck("cost", money.studentPer1kUsd, target.costPer1kUsd), ...saving(facts, true)];
  // Keeping everything is the last step of the gate's walk, so that one delta covers both; a teacher that differs from itself more often than
  // the target allows cannot be agreed with so often, whatever a sample shows.
  const alone = guaranteePossible && gate.threshold === 0 && ceilingAllows(facts);
  if (alone && allMet([...device, ...aloneCost])) {
    const proved = reason("agreement-proved", agreementNumbers(facts));
    return { verdict: "deploy", reasons: [proved, ...said(device), ...said(aloneCost)] };
  }
  const below = alone ? [] : [reason("agreement-below-target", agreementNumbers(facts))];
  const behindGate = [...cascadeCostCheck(facts), ...saving(facts, false)];
  const keeps = gate.threshold !== null && gate.coverage.value > 0 && guaranteePossible;
  if (keeps && allMet([...device, ...behindGate])) {
    const reasons = [...gateReasons(facts), ...said(behindGate), ...below, ...said(device)];
    return { verdict: "deploy-with-fallback", reasons };
  }
  const costs = alone ? aloneCost : keeps ? behindGate : [];
  const failed = [...device, ...costs].filter(({ met }) => !met);
  const why = guaranteePossible
    ? [...below, ...(alone ? [] : gateFailure(facts))]
    : [noGuarantee(facts, needed), ...outlook(facts)];
  return {
    verdict: "keep-teacher",
    reasons: [
      ...why,
      ...said(failed),
      ...(allMet(device) ? [] : [reason("change-constraint")]),
      ...(alone || keeps ? moneyChanges(facts) : changes(facts, guaranteePossible)),
    ],
  };
}
