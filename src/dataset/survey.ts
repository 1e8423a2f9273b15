/** @file What a log holds, before anything is learned: every workload with its labels, template and samples, and the traffic. Keeps nothing: records
 *  stand in a temporary folder between the passes. */
import { stripTemplate, withoutExamples, type PromptTemplate } from "../template/template.js";
import { answerPathOf } from "./choose-workload.js";
import { hashTexts } from "./hashes.js";
import { importLogs, type ImportOptions, type ImportResult } from "./import.js";
import { LabelReader, PossibleNames } from "./label-reader.js";
import { buildLabelSet } from "./labels.js";
import { namedLabels } from "./prompt-labels.js";
import { MAXIMUM_ROWS, normaliseText } from "./rows.js";
import { Spool } from "./spool.js";
import { TemplateSample } from "./template-sample.js";
import { Traffic } from "./traffic.js";
import type { AnswerFacts, LlmRecord, TrafficFacts, WorkloadKind } from "./types.js";
import { answerNotes, fieldNotes, severalNotes } from "./workload-notes.js";
import { WorkloadKeys, WorkloadTable, type WorkloadFacts } from "./workload.js";

/** Workloads that are looked at one by one. */
const SURVEYED_WORKLOADS = 20;

export interface SurveyOptions extends ImportOptions {
  /** A folder of its own, made anew and removed. */
  readonly folder: string;
  readonly answerPath?: string;
  readonly merge?: readonly (readonly string[])[];
}

export interface SurveyedWorkload {
  readonly name: string;
  readonly kind: WorkloadKind;
  readonly records: number;
  /** Distinct inputs, counted up to `MAXIMUM_ROWS`. */
  readonly inputs: number;
  readonly template: PromptTemplate;
  /** Labels of a label workload, what was done to answers, samples. */
  readonly answers: AnswerFacts;
  readonly notes: readonly string[];
}

export interface LogSurvey {
  readonly imported: ImportResult;
  /** Most records first, at most `SURVEYED_WORKLOADS`. */
  readonly workloads: readonly SurveyedWorkload[];
  /** Workloads beyond those. */
  readonly others: number;
  readonly traffic: TrafficFacts;
  /** What was made of prompts that differ in little. */
  readonly notes: readonly string[];
}

/** Reads logs and says what they hold. @throws as `importLogs` */
export async function surveyLogs(files: readonly string[], options: SurveyOptions): Promise<LogSurvey> {
  const spool = new Spool(options.folder);
  try {
    const keys = new WorkloadKeys();
    const imported = await importLogs(files, {
      ...options,
      onRecord: (record) => {
        keys.observe(record);
        spool.write(record);
      },
    });
    const table = new WorkloadTable(answerPathOf(options.answerPath));
    const traffic = new Traffic();
    await spool.each((record) => {
      table.observe(keys.keyOf(record), record);
      traffic.add(record);
    }, options.signal);
    const facts = table.facts(imported.files[0]?.source ?? "", options.merge);
    const surveys = facts.slice(0, SURVEYED_WORKLOADS).map((each) => new Survey(each));
    const byKey = new Map(surveys.flatMap((survey) => [...survey.facts.keys].map((key) => [key, survey] as const)));
    const each = (visit: (survey: Survey, record: LlmRecord, key: string) => void): Promise<void> =>
      spool.each((record) => {
        const key = keys.keyOf(record);
        const survey = byKey.get(key);
        if (survey !== undefined) visit(survey, record, key);
      }, options.signal);
    await each((survey, record, key) => survey.sample(record, key));
    await each((survey, record) => survey.read(record));
    return {
      imported,
      workloads: surveys.map((survey) => survey.found()),
      others: facts.length - surveys.length,
      traffic: traffic.facts(),
      notes: keys.notes(),
    };
  } finally {
    spool.close();
  }
}

/** One workload: a pass for its template, then one for its inputs and answers. */
class Survey {
  private readonly templates: TemplateSample;
  private readonly reader: LabelReader;
  private readonly inputs = new Set<string>();
  private template: PromptTemplate | undefined;

  constructor(readonly facts: WorkloadFacts) {
    const { summary, answers, lists, field } = facts;
    this.templates = new TemplateSample(summary.records);
    this.reader = new LabelReader({
      labelSet: buildLabelSet(summary.kind === "label" ? answers : new Map(), namedLabels(lists, answers)),
      ...(field === undefined ? {} : { path: field.path, leftOut: field.leftOut }),
      names: new PossibleNames(lists),
    });
  }

  sample(record: LlmRecord, key: string): void {
    this.templates.observe(this.plain(record), key);
  }

  read(record: LlmRecord): void {
    const text = normaliseText(stripTemplate(this.plain(record).messages, this.templateOf()));
    if (this.inputs.size < MAXIMUM_ROWS) this.inputs.add(hashTexts(text));
    this.reader.count(record, text, record.occurrences ?? 1);
  }

  found(): SurveyedWorkload {
    const { summary } = this.facts;
    const isLabel = summary.kind === "label";
    return {
      ...summary,
      inputs: this.inputs.size,
      template: this.templateOf(),
      answers: this.reader.facts(),
      notes: isLabel ? [...fieldNotes(this.facts), ...answerNotes(this.reader)] : severalNotes(this.facts),
    };
  }

  private plain(record: LlmRecord): Pick<LlmRecord, "messages"> {
    return { messages: withoutExamples(record.messages, this.facts.examples.examples) };
  }

  private templateOf(): PromptTemplate {
    return (this.template ??= this.templates.template(this.facts.examples.examples));
  }
}
