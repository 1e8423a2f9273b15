/** @file The facts of the path from teacher to student: each step in both precisions, on the sealed rows, or on the judging fold where none are. */
import { join } from "node:path";
import { shareByGroup } from "../../evaluate/calls.js";
import { UNCUT } from "../../plan/candidates.js";
import type { PathFacts, PathStepFacts } from "../../report/facts.js";
import { GRAPH_FILES } from "../../student/manifest.js";
import type { Finished } from "../finished.js";
import { PRECISIONS, proofName, type PathStep } from "./path.js";
import { bestLabels } from "./spec.js";
import { agreementOf, asked, perCall, type Asked } from "../outcomes.js";
import { openedBytes } from "../publish.js";

type Judged = Pick<PathStepFacts, "rows" | "agreement" | "teacherAgreement">;

/** Agreement with the teacher of the log, and with the uncut one. */
function judged({ name, given }: Court, answers: readonly number[], uncut: readonly number[]): Judged {
  const asUncut = given.rows.map((_, r) => Number(answers[r] === uncut[r]));
  return {
    rows: name,
    agreement: agreementOf(given, answers),
    teacherAgreement: shareByGroup(perCall(given.calls, asUncut), given.calls.groups),
  };
}

/** The rows that judge the path, as they are answered by a step. */
interface Court {
  readonly name: PathStepFacts["rows"];
  readonly given: Asked;
  readonly answersOf: (step: PathStep, precision: (typeof PRECISIONS)[number]) => readonly number[];
}

function outOfFoldCourt({ context }: Finished, [first]: readonly PathStep[]): Court {
  const rows = Array.from(first?.trained.outOfFold.rows ?? [], (row) => context.rows[row]);
  return {
    name: "out-of-fold",
    given: asked(rows.flatMap((row) => row ?? [])),
    answersOf: ({ answers }, precision) => answers[precision] ?? [],
  };
}

function sealedCourt({ context, ladder, logits }: Finished): Court {
  const classes = context.dataset.labels.length;
  return {
    name: "sealed",
    given: asked(context.dataset.rows.filter((row) => row.sealed)),
    answersOf: ({ trained }, precision) => {
      const name = proofName(trained.candidate.name, ladder.chosen.candidate.name, precision);
      return bestLabels(logits.get(name) ?? new Float32Array(), classes);
    },
  };
}

/** Facts of the path; absent where nothing of a pretrained encoder was trained. */
export function pathFacts(input: Finished): PathFacts | undefined {
  const { context, ladder, measured, path, controls, planned } = input;
  if (path.length === 0) return undefined;
  const early = outOfFoldCourt(input, path);
  const court = context.rows.length < context.dataset.rows.length ? sealedCourt(input) : early;
  const uncut = path.find(({ trained }) => trained.candidate.name === UNCUT);
  const uncutAnswers = (of: Court): readonly number[] => (uncut === undefined ? [] : of.answersOf(uncut, "fp32"));
  const steps = path.flatMap((step): PathStepFacts[] => {
    const { name, parameters, pretrained } = step.trained.candidate;
    const counted = (layers: readonly number[]): number[] => layers.map((layer) => layer + 1);
    const shape = { name, layers: counted(step.layers), neurons: pretrained?.feedForward ?? 0, parameters };
    const raw = (before: NonNullable<PathStep["before"]>): PathStepFacts => ({
      ...shape,
      layers: counted(before.layers),
      precision: "fp32",
      recovered: false,
      ...judged(early, before.answers, uncutAnswers(early)),
    });
    const folder = join(context.folder.path, "students", name);
    const shipped = PRECISIONS.map((precision): PathStepFacts => {
      const proof = proofName(name, ladder.chosen.candidate.name, precision);
      const latency = measured.students.find((student) => student.name === proof)?.latency;
      return {
        ...shape,
        precision,
        recovered: true,
        sizeBytes: openedBytes(folder, GRAPH_FILES[precision]),
        ...(latency !== undefined && { p50Ms: latency.p50Ms }),
        ...judged(court, court.answersOf(step, precision), uncutAnswers(court)),
      };
    });
    return step.before === undefined ? shipped : [raw(step.before), ...shipped];
  });
  const plannedAway = planned.plan.control?.status === "planned-away" ? planned.plan.control.because : [];
  const { name: chosen } = ladder.chosen.candidate;
  const hasCut = path.some(({ trained }) => trained.candidate.pretrained?.recovery !== undefined);
  const control = controls.find(({ of }) => of === chosen);
  const otherControls = controls.filter(({ of }) => of !== chosen);
  const { cutTexts: texts = 0 } = planned.plan.facts.base ?? {};
  const cutTexts = { texts, rows: context.rows.length, pieces: context.base?.maxTokens ?? 0 };
  return {
    steps,
    ...(texts > 0 && { cutTexts }),
    ...(control !== undefined && { control }),
    ...(otherControls.length > 0 && { otherControls }),
    ...(hasCut && plannedAway.length > 0 && { withoutControl: plannedAway }),
  };
}
