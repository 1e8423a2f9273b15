/** @file `joryu init`: writes a commented configuration. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { UsageError } from "../errors.js";
import { writeFileAtomic } from "../store/files.js";
import { printLine } from "./output.js";

const TEMPLATE = `# Joryu: settings of this project. Every key is optional; \`joryu run --config joryu.yaml\` uses them.

# logs: [logs/chat.jsonl]        # OpenAI chat JSONL, Batch input and results, OpenPipe reports, JSONL, CSV
# workload: support-routing      # the largest label workload when absent
promise: delivered               # of all answers that leave the cascade; kept: of those that the student keeps
target:
  agreement: 0.98                # with the teacher, proved with 95 % confidence
  # p95Ms: 5                     # milliseconds of one query
  # sizeMb: 10                   # files that predict opens
  # memoryMb: 300
  # costPer1kUsd: 0.1            # deferrals included
minutes: 20                      # time to plan for
seed: 1
lang: en                         # en or ja
# name: support-routing          # of the model; made of its labels when absent
# yenPerUsd: 150                 # amounts stand in yen too, with this rate beside them
# reviewed: mistakes.csv         # table of \`joryu mistakes\` with right answers in its column gold
# teacher:
#   pricePer1kUsd: 3.2           # used where the log has no cost
#   inputUsdPerMillion: 0.4      # token prices, for \`joryu label\`
#   outputUsdPerMillion: 1.6
# label:                         # texts without answers: \`joryu label FILE --config joryu.yaml\` asks a teacher
#   teacher: http://127.0.0.1:8000/v1
#   model: qwen3-8b
#   apiKeyEnv: TEACHER_KEY       # name of the environment variable that holds the key
#   labels: [refund, delivery, other]
#   prompts: [Name the topic of this message of a customer.]
#   budgetUsd: 5
# acknowledged: [anthropic]      # licences whose terms you have read: they stop a run no more
# callsPerMonth: 100000
machineUsdPerHour: 0.1           # what the student's machine costs: an assumption, change it to yours
`;

export function addInit(program: Command): void {
  program
    .command("init")
    .description("writes a commented joryu.yaml")
    .argument("[file]", "where to write it", "joryu.yaml")
    .action((file: string) => {
      if (existsSync(file)) throw new UsageError(`${file}: exists already`, { hint: "name another file" });
      writeFileAtomic(file, TEMPLATE);
      printLine(`wrote ${file}; next: joryu run --config ${file} --logs FILE`);
    });
}
