/** @file A labelling to test: a teacher on the loopback, 40 texts and their settings, a folder that goes. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";
import { createChatClient } from "../wire/client.js";
import type { LabelOptions } from "./label.js";
import { defaultMaxTokens, type TeacherSettings } from "./question.js";
import { labels, startTeacher, unseenTexts, type ServerOptions, type TeacherServer } from "./server.test.fixture.js";

export const root = mkdtempSync(join(tmpdir(), "joryu-label-"));
const servers: TeacherServer[] = [];
let folders = 0;
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

export const PRICE = { inputUsdPerMillion: 1, outputUsdPerMillion: 4 };
export const texts = unseenTexts.slice(0, 40).map((text) => ({ text, occurrences: 1, meta: {} }));

export async function serve(options: ServerOptions = {}): Promise<TeacherServer> {
  const server = await startTeacher(options);
  servers.push(server);
  return server;
}

export const newFolder = (): string => join(root, String(folders++));

export function optionsOf(
  server: TeacherServer,
  changes: Partial<LabelOptions> = {},
  settings: Partial<TeacherSettings> = {},
): LabelOptions {
  return {
    texts,
    settings: {
      model: "linear-teacher",
      labels,
      prompts: ["Name the intent of the message."],
      samples: 1,
      temperature: 0,
      maxTokens: defaultMaxTokens(labels),
      topLogprobs: 20,
      seed: 1,
      price: PRICE,
      ...settings,
    },
    client: createChatClient({ baseUrl: server.baseUrl, timeoutMs: 60_000 }),
    folder: newFolder(),
    concurrency: 4,
    firstDelayMs: 1,
    ...changes,
  };
}

export const linesOf = (path: string): Record<string, unknown>[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
