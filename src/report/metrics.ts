/** @file The flat `metrics` object of the command line's last JSON line. Its keys are a contract with users' scripts and are
 *  documented in docs/metrics.md; what is not known is null, never zero. */
import type { Estimate, Facts } from "./facts.js";

function orNull(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}

function estimate<Name extends string>(name: Name, value: Estimate | undefined): Record<string, number | null> {
  return { [name]: orNull(value?.value), [`${name}Low`]: orNull(value?.low), [`${name}High`]: orNull(value?.high) };
}

function qualityMetrics(facts: Facts): Record<string, number | null> {
  const { quality, dataset, calibration } = facts;
  const sealed = dataset.sealedRows > 0;
  const chosen = facts.candidates.find(({ status }) => status === "chosen");
  return {
    ...estimate("agreement", sealed ? quality.agreement : undefined),
    mostFrequentAgreement: sealed ? orNull(quality.mostFrequentAgreement?.value) : null,
    ...estimate("outOfFoldAgreement", chosen?.outOfFoldAgreement),
    ...estimate("goldAccuracy", quality.goldAccuracy),
    ...estimate("teacherGoldAccuracy", quality.teacherGoldAccuracy),
    macroF1: sealed ? orNull(quality.macroF1) : null,
    eceBefore: sealed ? orNull(calibration.eceBefore) : null,
    eceAfter: sealed ? orNull(calibration.eceAfter) : null,
    targetAgreement: facts.target.agreement,
  };
}

function gateMetrics(facts: Facts): Record<string, number | null> {
  const { gate, outlook } = facts;
  const sealed = facts.dataset.sealedRows > 0;
  return {
    threshold: gate.threshold,
    epsilon: gate.epsilon,
    delta: gate.delta,
    ...estimate("coverage", sealed ? gate.coverage : undefined),
    ...estimate("keptAgreement", gate.threshold === null ? undefined : gate.keptAgreement),
    ...estimate("deliveredAgreement", gate.threshold === null ? undefined : gate.deliveredAgreement),
    otherPromiseCoverage: sealed ? orNull(gate.other?.coverage.value) : null,
    unguaranteedCoverage: sealed ? orNull(gate.unguaranteedCoverage) : null,
    minimumDeferralRatio: sealed ? orNull(gate.minimumDeferralRatio) : null,
    rowsForGuarantee: orNull(outlook?.rows),
  };
}

function moneyMetrics(facts: Facts): Record<string, number | null> {
  const { money } = facts;
  return {
    costPer1kUsd: orNull(money.studentPer1kUsd),
    ...estimate("cascadePer1kUsd", money.cascadePer1kUsd),
    teacherPer1kUsd: orNull(money.teacherPer1kUsd),
    ...estimate("savedRatio", money.savedRatio),
    callsPerMonth: orNull(money.callsPerMonth),
    monthlyTeacherUsd: orNull(money.monthly?.teacherUsd),
    ...estimate("monthlyDeployedUsd", money.monthly?.deployedUsd),
    ...estimate("monthlySavedUsd", money.monthly?.savedUsd),
    monthlyMachines: orNull(money.monthly?.machines),
    breakEvenCallsPerMonth: orNull(money.breakEvenCallsPerMonth),
    breakEvenCallsPerMonthHigh: orNull(money.breakEvenCallsPerMonthHigh ?? undefined),
    paybackMonths: orNull(money.paybackMonths),
  };
}

/** The documented metrics of a run, flat; unknown values are null. */
export function metricsOf(facts: Facts): Record<string, number | null> {
  const { measured, dataset, student, teacher } = facts;
  return {
    ...qualityMetrics(facts),
    ...gateMetrics(facts),
    ...moneyMetrics(facts),
    sizeBytes: student.sizeBytes,
    parameters: student.parameters,
    p50Ms: orNull(measured.latency.p50Ms),
    p95Ms: orNull(measured.latency.p95Ms),
    p99Ms: orNull(measured.latency.p99Ms),
    teacherP50Ms: orNull(teacher.latencyP50Ms),
    teacherP95Ms: orNull(teacher.latencyP95Ms),
    throughputPerSecond: orNull(measured.throughputPerSecond),
    peakMemoryMb: orNull(measured.peakMemoryMb),
    rows: dataset.rows,
    trainRows: dataset.trainRows,
    sealedRows: dataset.sealedRows,
    sealedCalls: orNull(dataset.sealedCalls),
    sealedGroups: orNull(facts.gate.sealedGroups),
    sealOpenings: dataset.sealOpenings,
    labels: dataset.labels,
    selfAgreementCeiling: orNull(dataset.selfAgreementCeiling),
  };
}
