/** @file The stages of a run in order; the only place where the steps meet. Every stage is content-addressed by the run's id, so a run
 *  that was killed goes on, and a run that was done is read back. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/schema.js";
import { teacherPrice } from "../cost.js";
import type { LabelDataset } from "../dataset/types.js";
import { planFacts } from "../plan/facts.js";
import { forecastNotes, type PlanForecast } from "../plan/forecast.js";
import { describeUnreachable } from "../plan/format.js";
import { planRun } from "../plan/plan.js";
import { readMachineProfile } from "../plan/profile.js";
import { decideVerdict } from "../report/verdict.js";
import type { Facts, Verdict } from "../report/facts.js";
import { InputError, UsageError } from "../errors.js";
import { isBelowChance } from "../stats.js";
import { writeFileAtomic, writeJsonAtomic } from "../store/files.js";
import { redactValue } from "../secrets.js";
import { takeLock } from "../store/lock.js";
import { VERSION } from "../version.js";
import { assembleFacts } from "./assemble.js";
import { type Base, baseFacts, openBase } from "./pretrained/base.js";
import { withLocalBase } from "./pretrained/base-by-name.js";
import { forecastRun } from "./forecast.js";
import { climb, type Climbed, type Ladder } from "./ladder.js";
import { checkAcknowledged, licencesOf, noteLicences, stopAtBlocked } from "./licence-gate.js";
import { machineFor } from "./machine.js";
import { findMistakes, mistakesCsv, MISTAKES_FILE, withReviewed, type FoundMistakes } from "./mistakes.js";
import { nameOfLabels } from "./model-name.js";
import { prepareDataset } from "./prepare.js";
import type { Progress } from "./progress.js";
import { describePath, pathSteps, plannedControls, PRECISIONS, proofName } from "./pretrained/path.js";
import { taughtLinearGain } from "./pretrained/linear-control.js";
import { withPooling } from "./pretrained/pooling.js";
import { publishStudent, type Published } from "./publish.js";
import type { ProvedStudent } from "./prove-job.js";
import type { Planned } from "./planned.js";
import { countOpening, openSealed, proveStudent, riskOf } from "./prove.js";
import { hasWebRuntime, WASM_STUDENT } from "./runtimes.js";
import { openRunFolder, type RunFolder } from "./run-folder.js";
import type { TrainContext } from "./train-context.js";
import { shipStudent, type Trained } from "./ship.js";
import { withTeacher } from "./teach.js";
import { noteTransfer, transferOf, unlabelledTexts } from "./pretrained/transfer.js";

export interface RunOptions {
  /** A machine profile to plan for. */
  readonly machine?: string;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  readonly facts: Facts;
  readonly verdict: Verdict;
  readonly modelFolder: string;
  readonly reportFolder: string;
}

/** What is planned and what it may be expected to give. */
export interface Foreseen extends Planned {
  readonly forecast?: PlanForecast;
}

/** Imports, plans and looks ahead, without training any student that stays. @throws InputError, ConfigError, StoreError */
export async function planOnly(given: Config, options: RunOptions): Promise<Foreseen> {
  if (given.texts !== undefined) {
    throw new UsageError("a plan of texts without answers would have to ask the teacher", {
      hint: "run `joryu label` first and plan with its records",
    });
  }
  const unlock = takeLock(given.out);
  try {
    const config = await withLocalBase(given, options);
    const planned = await importAndPlan(config, options, await openGiven(config, options));
    noteLicences(planned.licences, options.progress);
    const forecast = await foresee(config, planned, options);
    return { ...planned, ...(forecast !== undefined && { forecast }) };
  } finally {
    unlock();
  }
}

function foresee(config: Config, planned: Planned, options: RunOptions): Promise<PlanForecast | undefined> {
  const { dataset, plan, teacher } = planned;
  const { callsPerMonth } = plan.facts;
  return forecastRun({
    dataset,
    plan,
    teacher,
    machineUsdPerHour: config.machineUsdPerHour,
    seed: config.seed,
    cacheFolder: join(config.out, "datasets", "forecasts"),
    threads: options.threads,
    progress: options.progress,
    ...(callsPerMonth === undefined ? {} : { callsPerMonth }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

/** The base that the user named, whole and checked. */
function baseOf({ base }: Config): Base | undefined {
  return base === undefined ? undefined : openBase(base);
}

/** A teacher would be sent the texts as they are. @throws UsageError */
function checkNotSent({ texts, redact }: Config): void {
  if (texts === undefined || redact === undefined) return;
  throw new UsageError("--redact: the texts of --texts would go to the teacher as they are", {
    hint: "write them without personal data first (`joryu redact FILE --out FOLDER`), then label what came out",
  });
}

interface Given {
  readonly base: Base | undefined;
  /** Texts of the files that nobody answers. */
  readonly unlabelled: readonly string[];
  /** Texts that a budget did not reach. */
  readonly notAsked?: readonly string[];
}

/** Opens what the user named besides logs and texts. @throws InputError, before anything is paid */
async function openGiven(config: Config, options: RunOptions): Promise<Given> {
  if (options.machine !== undefined) readMachineProfile(options.machine);
  return { base: baseOf(config), unlabelled: await unlabelledTexts(config, options) };
}

/** A logged teacher that does worse than chance where the right answer is known would teach errors. @throws InputError */
function checkLogged({ rows, labels }: LabelDataset): void {
  const known = rows.filter(({ gold = -1, sealed }) => gold >= 0 && !sealed);
  const right = known.filter(({ gold, label }) => gold === label).length;
  if (!isBelowChance(right, known.length, labels.length)) return;
  throw new InputError(
    `the logged teacher gives the right answer to ${right} of ${known.length} texts of which it is known, worse than chance among ${labels.length} labels`,
    {
      hint: "see whether answers and right answers belong to their texts and are spelled alike; nothing is taught by such a teacher",
    },
  );
}

async function importAndPlan(
  config: Config,
  options: RunOptions,
  { base, unlabelled, notAsked = [] }: Given,
): Promise<Planned> {
  checkAcknowledged(config.acknowledged);
  const prepared = await prepareDataset(config, options.progress, options.signal);
  const { folder, unanswered, redaction } = prepared;
  checkLogged(prepared.dataset);
  const reviewed = config.reviewed === undefined ? undefined : await withReviewed(prepared.dataset, config.reviewed);
  const dataset = reviewed?.dataset ?? prepared.dataset;
  if (reviewed !== undefined)
    options.progress.note(`${reviewed.rows} inputs have a right answer from ${config.reviewed}`);
  const transfer = transferOf(
    config,
    dataset,
    { named: unlabelled, unanswered: [...unanswered, ...notAsked] },
    options,
  );
  const licences = licencesOf(config, dataset.traffic.models);
  const profile = await machineFor(config.out, options.machine, options.progress);
  const { traffic } = dataset;
  const teacher = teacherPrice({
    ...(traffic.costPer1kUsd === undefined ? {} : { logPer1kUsd: traffic.costPer1kUsd }),
    ...(config.teacher.pricePer1kUsd === undefined ? {} : { configPer1kUsd: config.teacher.pricePer1kUsd }),
    ...(traffic.meanInputTokens === undefined ? {} : { meanInputTokens: traffic.meanInputTokens }),
    ...(traffic.meanOutputTokens === undefined ? {} : { meanOutputTokens: traffic.meanOutputTokens }),
    ...(config.teacher.inputUsdPerMillion === undefined
      ? {}
      : { inputUsdPerMillion: config.teacher.inputUsdPerMillion }),
    ...(config.teacher.outputUsdPerMillion === undefined
      ? {}
      : { outputUsdPerMillion: config.teacher.outputUsdPerMillion }),
  });
  const facts = {
    ...planFacts(dataset),
    ...(base !== undefined && { base: baseFacts(base, dataset, transfer?.texts) }),
    ...(transfer !== undefined && { transferRows: transfer.texts.length }),
  };
  const plan = planRun({
    profile,
    facts: config.callsPerMonth === undefined ? facts : { ...facts, callsPerMonth: config.callsPerMonth },
    target: { ...config.target, confidence: 0.95 },
    minutes: config.minutes,
    ...(teacher.per1kUsd === undefined ? {} : { teacherPer1kUsd: teacher.per1kUsd }),
    machineUsdPerHour: config.machineUsdPerHour,
  });
  if (transfer !== undefined) noteTransfer(transfer, plan, options.progress);
  return {
    plan,
    dataset,
    datasetFolder: folder,
    teacher,
    licences,
    ...(reviewed !== undefined && { reviewed }),
    ...(base !== undefined && { base }),
    ...(transfer !== undefined && { transfer }),
    ...(redaction !== undefined && { redaction }),
  };
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}

/** Says before training what the plan already knows. */
function announce(planned: Planned, progress: Progress): void {
  const { plan } = planned;
  const unreachable = describeUnreachable(plan);
  if (unreachable !== undefined) progress.note(unreachable);
  const { cutTexts = 0 } = plan.facts.base ?? {};
  if (cutTexts > 0)
    progress.note(
      `${cutTexts} of ${plan.facts.trainRows} texts are longer than the base reads (${planned.base?.maxTokens} pieces); it sees their beginning`,
    );
  if (plan.nearestTarget !== undefined) {
    progress.note(
      `no candidate can meet the target; the nearest feasible one: --target ${Object.entries(plan.nearestTarget)
        .filter(([key]) => key !== "confidence")
        .map(([key, value]) => `${key}=${value}`)
        .join(",")}`,
    );
  }
}

/** Says what an earlier attempt at the same run has left. */
function noteResumed(folder: RunFolder, runId: string, progress: Progress): void {
  if (existsSync(folder.file("report.json"))) {
    progress.note(`run ${runId} was finished before: its result is read back`);
    return;
  }
  const done = folder.stages();
  if (done.length === 0) return;
  progress.note(`run ${runId} goes on: ${done.length} stages are done already (${done.join(", ")})`);
}

interface Shipping {
  readonly context: TrainContext;
  readonly planHash: string;
  readonly runId: string;
  readonly workload: string;
}

async function ship(shipping: Shipping, trained: Trained): Promise<string> {
  const { context, planHash, workload } = shipping;
  context.signal?.throwIfAborted();
  const folder = join(context.folder.path, "students", trained.candidate.name);
  await shipStudent(context, trained, {
    folder,
    name: `${workload}-${trained.candidate.name}`,
    planHash,
  });
  return folder;
}

/** Finds what a person should look at and writes its table. */
function keepMistakes(
  context: TrainContext,
  { outOfFold }: Climbed,
  { proof, manifest }: Published,
  logits: Float32Array = new Float32Array(),
): FoundMistakes {
  const open = Array.from(outOfFold.rows, (r) => context.rows[r]).flatMap((row) => row ?? []);
  const found = findMistakes(
    { rows: context.dataset.rows.filter((row) => row.sealed), logits, scores: proof.calibration.scores },
    { rows: open, logits: outOfFold.logits, scores: proof.outOfFold.scores },
    { labels: manifest.labels, threshold: proof.gate.threshold },
  );
  writeFileAtomic(context.folder.file(MISTAKES_FILE), mistakesCsv(found.mistakes));
  return found;
}

/** Every form that answers the sealed rows: the chosen student in its precisions and runtimes, the linear one, the steps of the path. */
async function provedStudents(
  shipping: Shipping,
  { chosen, linear }: Ladder,
  folder: string,
  steps: readonly Trained[],
): Promise<ProvedStudent[]> {
  const students: ProvedStudent[] = [
    { name: "student-int8", folder, precision: "int8", runtime: "node" },
    { name: "student-fp32", folder, precision: "fp32", runtime: "node" },
  ];
  if (hasWebRuntime()) students.push({ name: WASM_STUDENT, folder, precision: "int8", runtime: "wasm" });
  if (linear !== undefined && linear.candidate.name !== chosen.candidate.name) {
    students.push({ name: "linear", folder: await ship(shipping, linear), precision: "int8", runtime: "node" });
  }
  for (const step of steps) {
    const { name } = step.candidate;
    if (name === chosen.candidate.name) continue;
    const stepFolder = await ship(shipping, step);
    for (const precision of PRECISIONS)
      students.push({
        name: proofName(name, chosen.candidate.name, precision),
        folder: stepFolder,
        precision,
        runtime: "node",
      });
  }
  return students;
}

async function prove(config: Config, planned: Planned, shipping: Shipping, ladder: Ladder): Promise<RunResult> {
  const { context, runId } = shipping;
  const { chosen } = ladder;
  const folder = await ship(shipping, chosen);
  const steps = await pathSteps(context, ladder, planned.plan.candidates);
  const students = await provedStudents(shipping, ladder, folder, steps);
  const path = await describePath(context, steps);
  const controls = await plannedControls(context, ladder, planned.plan);
  const taughtGain = await taughtLinearGain(context, ladder.climbed);
  context.signal?.throwIfAborted();
  const sealed = planned.dataset.rows.filter((row) => row.sealed);
  const sealOpenings = countOpening(config.out, sealed, runId);
  const { [WASM_STUDENT]: wasm, ...inNode } = Object.fromEntries(
    await openSealed(context, planned.datasetFolder, students),
  );
  const logits = new Map(Object.entries(inNode));
  context.signal?.throwIfAborted();
  const name = config.name ?? nameOfLabels(planned.dataset);
  const published = publishStudent({
    from: folder,
    to: join(config.out, "models", `${name}@${runId}`),
    name: config.name ?? `${name}-${chosen.candidate.name}`,
    prove: (manifest) =>
      proveStudent(
        context,
        manifest,
        chosen.outOfFold,
        { node: logits.get("student-int8") ?? new Float32Array(), ...(wasm !== undefined && { wasm }) },
        { promise: planned.plan.target.promise, epsilon: riskOf(planned.plan.target.agreement) },
      ),
  });
  const found = keepMistakes(context, chosen, published, logits.get("student-int8"));
  const facts = assembleFacts({
    found,
    config,
    planned,
    context,
    ladder,
    runId,
    sealOpenings,
    logits,
    published,
    path,
    controls,
    taughtGain,
    measured: context.folder.measured(),
  });
  const verdict = decideVerdict(facts);
  // Loaded here, because the charts take longer to load than all else together.
  const { writeReport } = await import("../report/write.js");
  writeReport(context.folder.path, facts, verdict, config.lang);
  return { facts, verdict, modelFolder: published.folder, reportFolder: context.folder.path };
}

function contextOf(planned: Planned, folder: RunFolder, config: Config, options: RunOptions): TrainContext {
  return {
    dataset: planned.dataset,
    rows: planned.dataset.rows.filter((row) => !row.sealed),
    folder,
    progress: options.progress,
    threads: options.threads,
    seed: config.seed,
    ...(planned.base === undefined ? {} : { base: planned.base }),
    ...(planned.transfer === undefined ? {} : { transfer: planned.transfer.texts }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
}

/** From logs, or texts and a teacher, to a proven student. Resumes a run that was killed. @throws JoryuError; an abort rejects with the signal's reason. */
export async function runPipeline(asked: Config, options: RunOptions): Promise<RunResult> {
  const unlock = takeLock(asked.out);
  try {
    const given = await withLocalBase(asked, options);
    stopAtBlocked(licencesOf(given, given.texts === undefined ? [] : [given.label.model ?? ""]));
    checkAcknowledged(given.acknowledged);
    checkNotSent(given);
    const named = await openGiven(given, options);
    const { config, notAsked } = await withTeacher(given, options);
    const planned = await importAndPlan(config, options, { ...named, notAsked });
    stopAtBlocked(planned.licences);
    noteLicences(planned.licences, options.progress);
    announce(planned, options.progress);
    const forecast = await foresee(config, planned, options);
    for (const line of forecast === undefined ? [] : forecastNotes(forecast)) options.progress.note(line);
    const planHash = hashOf(planned.plan);
    const runId = hashOf([
      VERSION,
      planned.dataset.hash,
      planHash,
      config.seed,
      options.threads,
      config.teacher,
      config.machineUsdPerHour,
      ...(planned.transfer === undefined ? [] : [planned.transfer.hash]),
      ...(planned.reviewed === undefined ? [] : [hashOf(planned.dataset.rows.map(({ gold }) => gold ?? null))]),
    ]).slice(0, 12);
    const folder = openRunFolder(join(config.out, "runs", runId));
    const planPath = folder.file("plan.json");
    noteResumed(folder, runId, options.progress);
    if (!existsSync(planPath)) writeJsonAtomic(planPath, planned.plan);
    writeJsonAtomic(folder.file("config.json"), redactValue(config));
    const opened = contextOf(planned, folder, config, options);
    const tunesBase = planned.plan.candidates.some(
      ({ status, pretrained, linear }) => status === "train" && (pretrained ?? linear?.taughtBy) !== undefined,
    );
    const context = tunesBase ? await withPooling(opened) : opened;
    const ladder = await climb(context, planned.plan, planned.teacher, config.machineUsdPerHour);
    return await prove(config, planned, { context, planHash, runId, workload: planned.dataset.workload }, ladder);
  } finally {
    unlock();
  }
}
