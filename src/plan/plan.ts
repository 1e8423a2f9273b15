/** @file Target, machine and data in; a fixed plan out: which candidates are trained, in which order, for how many steps, and why not
 *  the others. Minutes become steps here and nowhere else, so training never reads the clock. JSON, deterministic, no I/O. */
import {
  DEFAULT_LINEAR,
  ENCODER_RUNGS,
  encoderRecipes,
  haveSameTeacher,
  isTeachingWorthwhile,
  LARGE_LINEAR_MIN_ROWS,
  LINEAR_RUNGS,
  linearRecipes,
  PRETRAINED_RUNGS,
  PRETRAINED_TEACHER,
  controlRates,
  pretrainedRecipes,
  TAUGHT_LINEAR,
  taughtLinearRecipes,
  type EncoderRecipe,
  type LinearRecipe,
  type PretrainedRecipe,
  type PretrainedStep,
  type StudentKind,
} from "./candidates.js";
import { BUDGET_COSTS, LARGE_ENCODER_MIN_ROWS, LOCAL_TEACHER_CEILING_RATIO } from "./costs-table.js";
import { estimateOf, latencyMsOf, parametersOf, proofSecondsOf, type CandidateEstimate } from "./estimate.js";
import { kindOf, type StudentParts } from "./parts/index.js";
import { encoderSecondsOf, stepsOf } from "./parts/encoder.js";
import { linearSecondsOf } from "./parts/linear.js";
import { controlSecondsOf, pretrainedSecondsOf } from "./parts/pretrained.js";
import type { PlanFacts } from "./facts.js";
import type { MachineProfile } from "./profile.js";
import { InvariantError } from "../errors.js";
import { toTarget, type Target, type TargetSettings } from "./target.js";
import { limitsBroken, nearestTarget, type BrokenLimit } from "./limits.js";

/** Why a candidate is not trained: a code and the numbers behind it, for the report's catalogue. */
export interface PlanReason {
  readonly code:
    | BrokenLimit
    | "memory-of-machine"
    | "time-planned-away"
    | "over-minutes"
    | "larger-fits"
    | "more-rows-needed";
  readonly facts: Readonly<Record<string, number | string>>;
}

export interface PlannedCandidate {
  readonly name: string;
  readonly kind: StudentKind;
  readonly parameters: number;
  readonly linear?: LinearRecipe;
  /** `steps` are those of the final fit over all unsealed rows. */
  readonly encoder?: EncoderRecipe & { readonly steps: number };
  readonly pretrained?: PretrainedRecipe;
  /** Names of the trainings it is made of; parts with one name are trained once. */
  readonly parts: readonly string[];
  readonly estimate: CandidateEstimate;
  readonly status: "train" | "infeasible" | "planned-away" | "passed-over";
  readonly because: readonly PlanReason[];
}

/** Cuts without their teacher: the same cut of the untaught base on labels alone, after the choice, for comparison. */
export interface PlannedControl {
  /** Every cut where the time is there, else the one that will be chosen. */
  readonly of: "every-cut" | "chosen-cut";
  /** Tried on rows that do not judge. */
  readonly learningRates: readonly number[];
  /** Of all cuts, or of the one that takes longest. */
  readonly seconds: number;
  readonly status: "train" | "planned-away";
  readonly because: readonly PlanReason[];
}

export interface Plan {
  readonly format: "joryu-plan-1";
  readonly minutes: number;
  readonly target: Target;
  readonly machine: MachineProfile;
  readonly facts: PlanFacts;
  /** Seconds that may be spent on training. */
  readonly budgetSeconds: number;
  /** Estimated seconds of everything with status "train", shared parts once. */
  readonly trainSeconds: number;
  /** The ladder, cheapest first. */
  readonly candidates: readonly PlannedCandidate[];
  /** Present where a cut of a pretrained encoder is trained. */
  readonly control?: PlannedControl;
  /** Agreement that the teacher does not reach with itself. */
  readonly unreachable?: { readonly agreement: number; readonly ceilingRatio: number };
  /** Where no candidate fits: the nearest target that one would fit. */
  readonly nearestTarget?: Target;
}

export interface PlanInput {
  readonly profile: MachineProfile;
  readonly facts: PlanFacts;
  readonly target: Partial<TargetSettings>;
  readonly minutes: number;
  readonly teacherPer1kUsd?: number;
  readonly machineUsdPerHour?: number;
}

type ResolvedInput = PlanInput & { readonly target: Target };

/** Share of the time that encoders from scratch may take where the user named a base. */
const SCRATCH_RATIO = 0.25;

/** A control takes no more of that than leaves this part of it: a student from scratch is worth comparing only if it was trained well. */
const LEAST_SCRATCH_RATIO = 1 / 3;

/** The control needs a fold that judges, one that chooses its rate, and one to learn from. */
const CONTROL_FOLDS = 3;

interface Draft {
  readonly name: string;
  readonly parts: StudentParts;
  readonly partNames: readonly string[];
  readonly status: PlannedCandidate["status"];
  readonly because: readonly PlanReason[];
}

/** Seconds of the user's minutes that are left for training. */
export function budgetSecondsOf(minutes: number, facts: PlanFacts): number {
  const rows = facts.trainRows + facts.sealedRows;
  const fixed = BUDGET_COSTS.proveSeconds + (facts.sealedRows / 1000) * BUDGET_COSTS.proveSecondsPer1kSealedRows;
  return Math.max(
    0,
    minutes * 60 * BUDGET_COSTS.fillRatio - fixed - (rows / 1000) * BUDGET_COSTS.importSecondsPer1kRows,
  );
}

/** The first (best) recipe whose seconds fit. */
function richest<R>(recipes: readonly R[], seconds: (recipe: R) => number, budget: number): R | undefined {
  return recipes.find((recipe) => seconds(recipe) <= budget);
}

function brokenReasons(input: ResolvedInput, parts: StudentParts): PlanReason[] {
  const estimate = estimateOf(parts, input.facts, input.profile, input);
  const broken = limitsBroken(estimate, input.target).map(({ limit, wanted, estimated }) => ({
    code: limit,
    facts: { wanted, estimated },
  }));
  const [estimated, wanted] = [estimate.trainMemoryMb, 1000 * input.profile.memoryGb];
  return estimated > wanted ? [...broken, { code: "memory-of-machine", facts: { wanted, estimated } }] : broken;
}

/** The linear rungs, one of them to be trained: the default size or the largest that fits the target. */
function draftLinear(input: ResolvedInput, budget: number): Draft[] {
  const wanted = input.facts.trainRows >= LARGE_LINEAR_MIN_ROWS ? "linear-large" : DEFAULT_LINEAR;
  const drafts = LINEAR_RUNGS.map((rung): Draft => {
    const recipes = linearRecipes(rung);
    const fitting = richest(recipes, (recipe) => linearSecondsOf(recipe, input.facts, input.profile), budget);
    const recipe = fitting ?? recipes[recipes.length - 1];
    const parts: StudentParts = recipe === undefined ? {} : { linear: recipe };
    const broken = brokenReasons(input, parts);
    const over: PlanReason[] =
      fitting === undefined ? [{ code: "over-minutes", facts: { budgetSeconds: budget } }] : [];
    const status = broken.length > 0 ? "infeasible" : "train";
    return { name: rung.name, parts, partNames: [rung.name], status, because: status === "train" ? over : broken };
  });
  const upTo = LINEAR_RUNGS.findIndex(({ name }) => name === wanted);
  const chosen = drafts.findLast((draft, index) => index <= upTo && draft.status === "train");
  return drafts.map((draft, index) => {
    if (draft === chosen || draft.status === "infeasible") return draft;
    const reason: PlanReason =
      index > upTo
        ? { code: "more-rows-needed", facts: { rows: input.facts.trainRows, needed: LARGE_LINEAR_MIN_ROWS } }
        : { code: "larger-fits", facts: { larger: chosen?.name ?? "" } };
    return { ...draft, status: "passed-over", because: [reason] };
  });
}

interface EncoderChoice {
  readonly recipe: EncoderRecipe;
  readonly status: "train" | "planned-away" | "passed-over";
  readonly because: readonly PlanReason[];
}

/** For each encoder size the recipe that fits the time left; the largest useful one is trained, smaller ones are passed over. */
function chooseEncoders(
  input: ResolvedInput,
  left: number,
  localTeacher: LinearRecipe | undefined,
  usable: (recipe: EncoderRecipe) => boolean,
): EncoderChoice[] {
  const { facts, profile } = input;
  const seconds = (recipe: EncoderRecipe): number => encoderSecondsOf(recipe, facts, profile);
  let chosen: string | undefined;
  const choices: EncoderChoice[] = [];
  for (const size of [...ENCODER_RUNGS].reverse()) {
    const recipes = encoderRecipes(size, localTeacher);
    const fitting = richest(recipes, seconds, left);
    const least = recipes[recipes.length - 1];
    const recipe = fitting ?? least;
    if (recipe === undefined) continue;
    if (fitting === undefined) {
      choices.push({
        recipe,
        status: "planned-away",
        because: [{ code: "time-planned-away", facts: { seconds: seconds(recipe), leftSeconds: Math.max(0, left) } }],
      });
    } else if (size === "large" && facts.trainRows < LARGE_ENCODER_MIN_ROWS) {
      choices.push({
        recipe,
        status: "passed-over",
        because: [{ code: "more-rows-needed", facts: { rows: facts.trainRows, needed: LARGE_ENCODER_MIN_ROWS } }],
      });
    } else if (chosen !== undefined) {
      choices.push({ recipe, status: "passed-over", because: [{ code: "larger-fits", facts: { larger: chosen } }] });
    } else {
      if (usable(recipe)) chosen = `encoder-${size}`;
      choices.push({ recipe, status: "train", because: [] });
    }
  }
  return choices.reverse();
}

function draftEncoders(input: ResolvedInput, left: number, linear: Draft | undefined): Draft[] {
  const joinedParts = (recipe: EncoderRecipe): StudentParts => ({ ...linear?.parts, encoder: recipe });
  const fits = (parts: StudentParts): boolean => brokenReasons(input, parts).length === 0;
  const usable = (recipe: EncoderRecipe): boolean => fits({ encoder: recipe }) || fits(joinedParts(recipe));
  const { ceilingRatio = 1 } = input.facts;
  const localTeacher = ceilingRatio < LOCAL_TEACHER_CEILING_RATIO ? linear?.parts.linear : undefined;
  return chooseEncoders(input, left, localTeacher, usable).flatMap(({ recipe, status, because }) => {
    const name = `encoder-${recipe.size}`;
    const draft = (of: string, parts: StudentParts, partNames: readonly string[]): Draft => {
      const broken = brokenReasons(input, parts);
      return broken.length > 0
        ? { name: of, parts, partNames, status: "infeasible", because: broken }
        : { name: of, parts, partNames, status, because };
    };
    const alone = draft(name, { encoder: recipe }, [name]);
    if (linear === undefined) return [alone];
    return [alone, draft(`joined-${recipe.size}`, joinedParts(recipe), [linear.name, name])];
  });
}

/** Whether a recipe goes with the teacher, the epochs and the texts of another. */
function isOfSchedule(recipe: PretrainedRecipe, schedule: PretrainedRecipe): boolean {
  const { recovery } = recipe;
  if (!haveSameTeacher(recipe, schedule)) return false;
  if (recovery === undefined || schedule.recovery === undefined) return true;
  const { epochs, transferRows } = schedule.recovery;
  return recovery.epochs === epochs && recovery.transferRows === transferRows;
}

/** The path of one schedule, from the whole encoder down: each cut is cut from the last one above it that is trained, and takes
 *  what time is left. The teacher's time is spent once, by the first step. */
function draftPath(input: ResolvedInput, budget: number, schedule: PretrainedRecipe): Draft[] {
  const { facts, profile } = input;
  if (facts.base === undefined) return [];
  const { layers, feedForward } = facts.base.config;
  let left = budget;
  let above: PretrainedStep | undefined;
  let hasTeacher = false;
  return PRETRAINED_RUNGS.toReversed().map((rung): Draft => {
    const recipes = pretrainedRecipes(rung, { layers: layers.length, feedForward }, facts);
    const own = recipes.find((recipe) => isOfSchedule(recipe, schedule));
    if (own === undefined) throw new InvariantError(`plan: no recipe for ${rung.name}`);
    const isCut = own.recovery !== undefined;
    const recipe = { ...own, ...(isCut && above !== undefined && { from: above }) };
    const parts: StudentParts = { pretrained: recipe };
    const shared = [PRETRAINED_TEACHER, ...(recipe.from === undefined ? [] : [recipe.from.name])];
    const draft = { name: rung.name, parts, partNames: [...shared, ...(isCut ? [rung.name] : [])] };
    const broken = brokenReasons(input, parts);
    if (broken.length > 0) return { ...draft, status: "infeasible", because: broken };
    const { teacher, recovery } = pretrainedSecondsOf(recipe, facts, profile);
    const seconds = recovery + (hasTeacher ? 0 : teacher) + proofSecondsOf(latencyMsOf(parts, facts, profile));
    if (seconds > left) {
      const because: PlanReason = { code: "time-planned-away", facts: { seconds, leftSeconds: Math.max(0, left) } };
      return { ...draft, status: "planned-away", because: [because] };
    }
    left -= seconds;
    hasTeacher = true;
    if (isCut) above = { name: rung.name, recipe };
    return { ...draft, status: "train", because: [] };
  });
}

/** Seconds for encoders from scratch beside a base: a share, at most what is left by the longest schedule whose whole path fits, and by the
 *  control of a cut where that fits too. */
function scratchSeconds(input: ResolvedInput, left: number): number {
  const schedules = pathSchedules(input);
  if (schedules.length === 0) return left;
  const share = SCRATCH_RATIO * left;
  const rests = schedules.map((schedule) => {
    const path = draftPath(input, Infinity, schedule);
    const candidates = path.map((draft) => toCandidate(input, draft));
    const rest = left - trainSecondsOf(input, candidates) - proofSeconds(input, path);
    return { rest, withControl: rest - Math.max(0, ...controlSeconds(input, path)) };
  });
  const longest = rests.find(({ rest }) => rest >= 0);
  if (longest === undefined) return share;
  const { rest, withControl } = longest;
  return Math.min(share, withControl >= LEAST_SCRATCH_RATIO * share ? withControl : rest);
}

/** Schedules of the path, best first; none without a base. */
function pathSchedules({ facts }: ResolvedInput): PretrainedRecipe[] {
  const [smallest] = PRETRAINED_RUNGS;
  if (facts.base === undefined || smallest === undefined) return [];
  const { layers, feedForward } = facts.base.config;
  return pretrainedRecipes(smallest, { layers: layers.length, feedForward }, facts);
}

/** What is left of the pretrained encoder that the user named, small to whole: the longest schedule whose whole path fits the time, else
 *  the shortest as far down as it goes. */
function draftPretrained(input: ResolvedInput, budget: number): Draft[] {
  const paths = pathSchedules(input).map((schedule) => draftPath(input, budget, schedule));
  const whole = paths.find((path) => path.every(({ status }) => status !== "planned-away"));
  return (whole ?? paths.at(-1) ?? []).toReversed();
}

function trainedCuts(drafts: readonly Draft[]): PretrainedRecipe[] {
  return drafts.flatMap(({ status, parts: { pretrained } }) =>
    status === "train" && pretrained?.recovery !== undefined ? [pretrained] : [],
  );
}

/** Seconds of the control of each cut; none where there are too few folds for one. */
function controlSeconds({ facts, profile }: ResolvedInput, drafts: readonly Draft[]): number[] {
  if (facts.folds < CONTROL_FOLDS) return [];
  return trainedCuts(drafts).map((recipe) => controlSecondsOf(recipe, facts, profile));
}

/** The controls of all cuts, or of the one that will be chosen, as the time that is left allows. */
function planControl(input: ResolvedInput, drafts: readonly Draft[], left: number): PlannedControl | undefined {
  const each = controlSeconds(input, drafts);
  const [first] = trainedCuts(drafts);
  if (first === undefined || each.length === 0) return undefined;
  const leftSeconds = Math.max(0, left);
  const all = each.reduce((sum, seconds) => sum + seconds, 0);
  const of = all <= leftSeconds ? "every-cut" : "chosen-cut";
  const seconds = of === "every-cut" ? all : Math.max(...each);
  const fits = seconds <= leftSeconds;
  return {
    of,
    learningRates: controlRates(first),
    seconds,
    status: fits ? "train" : "planned-away",
    because: fits ? [] : [{ code: "time-planned-away", facts: { seconds, leftSeconds } }],
  };
}

/** Share of the time left that the answers for a taught linear student may take from the cuts. */
const TAUGHT_LINEAR_RATIO = 0.25;

/** The linear student that the base teaches, then what is left of the base itself. Both have the same teacher. */
function draftFromBase(input: ResolvedInput, left: number, linear: LinearRecipe | undefined): Draft[] {
  const { facts, profile } = input;
  if (facts.base === undefined || linear === undefined || !isTeachingWorthwhile(facts))
    return draftPretrained(input, left);
  const { layers, feedForward } = facts.base.config;
  const recipes = taughtLinearRecipes(linear, { layers: layers.length, feedForward }, facts);
  const own = (recipe: LinearRecipe): number => linearSecondsOf(recipe, facts, profile);
  const first = richest(recipes, own, left * TAUGHT_LINEAR_RATIO);
  const cuts = draftPretrained(input, left - (first === undefined ? 0 : own(first)));
  const trained = cuts.filter(({ status }) => status === "train").flatMap(({ parts }) => parts.pretrained ?? []);
  const [taught] = trained;
  const cutSeconds = trained.map((recipe) => pretrainedSecondsOf(recipe, facts, profile));
  const spent = cutSeconds.reduce(
    (sum, { recovery }) => sum + recovery,
    (cutSeconds[0]?.teacher ?? 0) + proofSeconds(input, cuts),
  );
  const secondsOf = (recipe: (typeof recipes)[number]): number =>
    own(recipe) + (taught === undefined ? pretrainedSecondsOf(recipe.taughtBy.pretrained, facts, profile).teacher : 0);
  const fitting = richest(
    recipes.filter(({ taughtBy }) => taught === undefined || haveSameTeacher(taughtBy.pretrained, taught)),
    secondsOf,
    left - spent,
  );
  const recipe = fitting ?? recipes[recipes.length - 1];
  if (recipe === undefined) throw new InvariantError("plan: no recipe for a taught linear student");
  const leftSeconds = Math.max(0, left - spent);
  const draft = { name: TAUGHT_LINEAR, parts: { linear: recipe }, partNames: [PRETRAINED_TEACHER, TAUGHT_LINEAR] };
  const broken = brokenReasons(input, draft.parts);
  const late: PlanReason = { code: "time-planned-away", facts: { seconds: secondsOf(recipe), leftSeconds } };
  if (broken.length > 0) return [{ ...draft, status: "infeasible", because: broken }, ...cuts];
  if (fitting === undefined) return [{ ...draft, status: "planned-away", because: [late] }, ...cuts];
  return [{ ...draft, status: "train", because: [] }, ...cuts];
}

function toCandidate(input: ResolvedInput, draft: Draft): PlannedCandidate {
  const { linear, encoder, pretrained } = draft.parts;
  return {
    name: draft.name,
    kind: kindOf(draft.parts),
    parameters: parametersOf(draft.parts, input.facts),
    ...(linear === undefined ? {} : { linear }),
    ...(encoder === undefined ? {} : { encoder: { ...encoder, steps: stepsOf(encoder, input.facts.trainRows) } }),
    ...(pretrained === undefined ? {} : { pretrained }),
    parts: draft.partNames,
    estimate: estimateOf(draft.parts, input.facts, input.profile, input),
    status: draft.status,
    because: draft.because,
  };
}

/** Seconds of everything that is trained, parts that candidates share counted once. */
function trainSecondsOf(input: ResolvedInput, candidates: readonly PlannedCandidate[]): number {
  const { facts, profile } = input;
  const seconds = new Map<string, number>();
  for (const { name, status, parts, linear, encoder, pretrained } of candidates) {
    if (status !== "train") continue;
    const recipe = pretrained ?? linear?.taughtBy?.pretrained;
    if (recipe !== undefined) {
      const { teacher, recovery } = pretrainedSecondsOf(recipe, facts, profile);
      seconds.set(PRETRAINED_TEACHER, teacher).set(name, recovery);
    }
    for (const part of parts) {
      if (part.startsWith("linear") && linear !== undefined) seconds.set(part, linearSecondsOf(linear, facts, profile));
      if (part.startsWith("encoder") && encoder !== undefined)
        seconds.set(part, encoderSecondsOf(encoder, facts, profile));
    }
  }
  return [...seconds.values()].reduce((sum, value) => sum + value, 0);
}

/** Seconds that the proof of the path takes beyond what is set aside for every run. */
function proofSeconds({ facts, profile }: ResolvedInput, path: readonly Draft[]): number {
  return path
    .filter(({ status }) => status === "train")
    .reduce((sum, { parts }) => sum + proofSecondsOf(latencyMsOf(parts, facts, profile)), 0);
}

/** Plans a run: the ladder with estimates and reasons. When nothing fits the target every candidate is "infeasible" and
 *  `nearestTarget` says what would; when the teacher disagrees with itself too often `unreachable` says so. */
export function planRun(settings: PlanInput): Plan {
  const input: ResolvedInput = { ...settings, target: toTarget(settings.target) };
  const { profile, facts, target, minutes } = input;
  const budgetSeconds = budgetSecondsOf(minutes, facts);
  const linearDrafts = draftLinear(input, budgetSeconds);
  const linear = linearDrafts.find(({ status }) => status === "train");
  const spent = linear?.parts.linear === undefined ? 0 : linearSecondsOf(linear.parts.linear, facts, profile);
  const forEncoders = scratchSeconds(input, budgetSeconds - spent);
  const scratch = [...linearDrafts, ...draftEncoders(input, forEncoders, linear)].map((draft) =>
    toCandidate(input, draft),
  );
  const left = budgetSeconds - trainSecondsOf(input, scratch);
  const path = draftFromBase(input, left, linear?.parts.linear);
  const candidates = [...scratch, ...path.map((draft) => toCandidate(input, draft))];
  const candidateSeconds = trainSecondsOf(input, candidates);
  const control = planControl(input, path, budgetSeconds - candidateSeconds - proofSeconds(input, path));
  const ceilingRatio = facts.ceilingRatio;
  const nearest = candidates.some(({ status }) => status !== "infeasible")
    ? undefined
    : nearestTarget(
        candidates.map(({ estimate }) => estimate),
        target,
      );
  return {
    format: "joryu-plan-1",
    minutes,
    target,
    machine: profile,
    facts,
    budgetSeconds,
    trainSeconds: candidateSeconds + (control?.status === "train" ? control.seconds : 0),
    candidates,
    ...(control !== undefined && { control }),
    ...(ceilingRatio !== undefined && target.agreement > ceilingRatio
      ? { unreachable: { agreement: target.agreement, ceilingRatio } }
      : {}),
    ...(nearest === undefined ? {} : { nearestTarget: nearest }),
  };
}
