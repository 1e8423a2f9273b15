/** @file A short register of risks, drawn from stored facts alone: what the numbers themselves warn of, worst for the reader first.
 *  It knows no sentence (`reasons.ts`). */
import type { Facts, LicenceFacts, Reason } from "./facts.js";
import type { RiskCode } from "./reasons.js";

/** Below this many sealed rows a recall says little. */
const RARE_SUPPORT = 5;
/** A correct calibration error on a few hundred rows stays below this. */
const HIGH_ECE_RATIO = 0.05;
/** An export that changes more first answers than this is worth a line. */
const PARITY_RATIO = 0.995;

function risk(code: RiskCode, facts: Reason["facts"] = {}): Reason {
  return { code, facts };
}

function qualityRisks(facts: Facts): readonly Reason[] {
  const { dataset, quality, calibration } = facts;
  const found: Reason[] = [];
  if (dataset.selfAgreementCeiling !== undefined)
    found.push(risk("risk-label-noise", { ceiling: dataset.selfAgreementCeiling }));
  const weakest = quality.classes.find(({ support }) => support >= RARE_SUPPORT);
  if (weakest !== undefined) {
    found.push(
      risk("risk-weak-class", { label: weakest.label, recall: weakest.recall.value, support: weakest.support }),
    );
  }
  const rare = quality.classes.filter(({ support }) => support < RARE_SUPPORT).length;
  if (rare > 0) found.push(risk("risk-rare-classes", { count: rare, labels: dataset.labels, minimum: RARE_SUPPORT }));
  if (!dataset.hasGold) found.push(risk("risk-no-gold"));
  const { reviewed } = facts.mistakes ?? {};
  if (reviewed !== undefined) found.push(risk("risk-reviewed", { rows: reviewed }));
  if (calibration.eceAfter > HIGH_ECE_RATIO) found.push(risk("risk-calibration", { ece: calibration.eceAfter }));
  for (const check of facts.parity) {
    if (check.top1Agreement >= PARITY_RATIO) continue;
    found.push(risk("risk-parity", { artefact: check.artefact, top1: check.top1Agreement, rows: check.rows }));
  }
  for (const { runtime: _, isProved, ...answers } of facts.runtimes ?? [])
    if (!isProved && facts.gate.threshold !== null) found.push(risk("risk-runtime", answers));
  return found;
}

function moneyRisks(facts: Facts): readonly Reason[] {
  const { money, gate } = facts;
  const found: Reason[] = [];
  const deferral = 1 - gate.coverage.value;
  if (gate.threshold !== null && deferral > 0) found.push(risk("risk-fallback-tail", { deferral }));
  if (money.teacherPriceSource === "unknown") found.push(risk("risk-price-unknown"));
  if (money.teacherPriceSource === "config") found.push(risk("risk-price-assumed"));
  const people = [money.assumptions["oneOffPeopleUsd"] ?? 0, money.assumptions["peopleUsdPerMonth"] ?? 0];
  if (people.every((usd) => usd === 0)) found.push(risk("risk-people-not-counted"));
  return found;
}

function licenceRisk({ models, name, status, terms, source, checked, acknowledged }: LicenceFacts): readonly Reason[] {
  if (status === "allowed") return [];
  const who = { models: models.join(", ") };
  if (name === undefined || terms === undefined || source === undefined || checked === undefined)
    return [risk("risk-licence-unknown", who)];
  const code = acknowledged ? "risk-licence-acknowledged" : "risk-licence-conditions";
  return [risk(code, { ...who, name, terms, source, checked })];
}

function licenceRisks({ licences = [], teacher }: Facts): readonly Reason[] {
  const found = licences.flatMap(licenceRisk);
  if (licences.some(({ subject }) => subject === "teacher")) return found;
  const models = teacher.models.join(", ");
  return [...found, risk("risk-licence", models === "" ? {} : { models })];
}

/** What the sealed calls themselves warn of. */
function sealRisks({ dataset, gate }: Facts): readonly Reason[] {
  const { sealOpenings: openings, units, sealedCalls = 0 } = dataset;
  const found: Reason[] = [];
  if (openings > 1) {
    const chance = Math.min(1, openings * gate.delta);
    found.push(risk("risk-seal-opened", { openings, chance, delta: gate.delta }));
  }
  if (units === undefined) return found;
  if (units.nearLeaks > 0) found.push(risk("risk-near-leaks", { rows: units.nearLeaks }));
  if (units.unknownLabelCalls > 0 && sealedCalls > 0)
    found.push(risk("risk-unlearned", { share: units.unknownLabelCalls / sealedCalls }));
  return found;
}

/** The risks that these facts show. */
export function risksOf(facts: Facts): readonly Reason[] {
  const { dataset } = facts;
  return [
    ...sealRisks(facts),
    ...qualityRisks(facts),
    ...(dataset.sealedBy === "time" || dataset.sealedBy === "none" ? [] : [risk("risk-not-newest")]),
    ...moneyRisks(facts),
    ...licenceRisks(facts),
  ];
}
