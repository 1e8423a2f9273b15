/** @file The path from teacher to student as a table and as sentences: what is cut at each step, what is left, and what distillation gave the
 *  cuts beside their controls. */
import { text } from "./catalogue.js";
import type { ControlFacts, Facts, PathStepFacts } from "./facts.js";
import { formatBytes, formatCount, formatMs, formatPercent, formatPercentRange, type Language } from "./format.js";
import { renderReason } from "./reasons.js";
import type { Table } from "./table.js";
import { controlReason } from "./verdict.js";

/** Name of a step with its precision. */
export function stepName({ name, precision, recovered }: PathStepFacts, language: Language): string {
  const words = [name, precision, ...(recovered ? [] : [text(language, "before-recovery")])];
  return words.join(language === "ja" ? "、" : ", ");
}

/** The steps from the teacher down; undefined where no pretrained encoder was trained. */
export function pathTable({ path }: Facts, language: Language): Table | undefined {
  if (path === undefined) return undefined;
  const column = (key: Parameters<typeof text>[1], numeric = true): Table["columns"][number] => ({
    title: text(language, key),
    numeric,
  });
  return {
    columns: [
      column("step", false),
      column("layers-neurons"),
      column("parameters"),
      column("size"),
      column("p50"),
      column("agreement"),
      column("uncut-agreement"),
    ],
    rows: path.steps.map((step) => [
      `${stepName(step, language)} / ${text(language, `rows-${step.rows}`)}`,
      `${step.layers.join(", ")} / ${formatCount(step.neurons, language)}`,
      formatCount(step.parameters, language),
      step.sizeBytes === undefined ? "–" : formatBytes(step.sizeBytes, language),
      step.p50Ms === undefined ? "–" : formatMs(step.p50Ms, language),
      ...[step.agreement, step.teacherAgreement].map(
        (share) => `${formatPercent(share.value, language)} / ${formatPercentRange(share, language)}`,
      ),
    ]),
  };
}

function linesOf(control: ControlFacts, language: Language): readonly string[] {
  const rates = control.learningRates.map((rate) => rate.toPrecision(2)).join(", ");
  return [
    renderReason(controlReason(control), language),
    text(language, "control-rates", { rate: control.learningRate.toPrecision(2), rates }),
  ];
}

/** Why no cut has a control. */
export function missingControlLines({ path }: Facts, language: Language): readonly string[] {
  const { withoutControl = [] } = path ?? {};
  return withoutControl.map((reason) => text(language, "without-control", { reason: renderReason(reason, language) }));
}

/** Sentences on the controls, the chosen cut's first, and on texts that are read in part; none where there is nothing to say. */
export function pathLines(facts: Facts, language: Language): readonly string[] {
  const { control, otherControls = [], cutTexts } = facts.path ?? {};
  const controls = [...(control === undefined ? [] : [control]), ...otherControls];
  return [
    ...controls.flatMap((one) => linesOf(one, language)),
    ...missingControlLines(facts, language),
    ...(cutTexts === undefined ? [] : [text(language, "cut-texts", { ...cutTexts })]),
  ];
}
