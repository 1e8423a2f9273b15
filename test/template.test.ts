/** @file A student that learned from prompts with a template answers the text inside them, however it is asked: by the library or the
 *  command line, with bare texts, whole messages or lines of the log. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { JoryuError, openStudent, type Student, type StudentInput } from "../src/index.js";
import { joryu, lastJson, MACHINE, temporaryFolder, writeSmallLogs } from "./joryu.js";

const PREFIX = "Route this message of a customer of our bank to the intent that fits.\n\nMessage:\n<message>";
const SUFFIX = "</message>\n\nAnswer with the name of the intent and nothing else.";
const wrapped = (text: string): string => PREFIX + text + SUFFIX;
/** The same written with other line endings; the text stays. */
const inLines = (ending: string, text: string): string =>
  [PREFIX, SUFFIX].map((affix) => affix.replaceAll("\n", ending)).join(text);
const user = (text: string): { role: string; content: string } => ({ role: "user", content: wrapped(text) });

interface Line {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

const folder = temporaryFolder();
const logs = join(folder.path, "logs.jsonl");
let model: string;
let student: Student;
let lines: readonly Line[];
let texts: readonly string[];

/** The small logs as a program writes them that puts each text into a template. */
function writeTemplatedLogs(): void {
  writeSmallLogs(logs);
  const bare = readFileSync(logs, "utf8").trimEnd().split("\n");
  lines = bare.map((line) => {
    const { messages } = JSON.parse(line) as Line;
    return { messages: messages.map((message) => (message.role === "user" ? user(message.content) : message)) };
  });
  texts = bare.map((line) => (JSON.parse(line) as Line).messages[1]?.content ?? "");
  writeFileSync(logs, `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
}

beforeAll(async () => {
  writeTemplatedLogs();
  const flags = ["--minutes", "0.1", "--machine", MACHINE, "--target", "agreement=0.85", "--json"];
  const { stdout } = await joryu(["run", "--logs", logs, "--out", join(folder.path, "state"), ...flags]);
  model = String(lastJson(stdout)["model"]);
  student = await openStudent(model);
});
afterAll(async () => {
  await student.close();
  folder.remove();
});

/** Predictions with all but what differs between the ways to ask. */
async function answersTo(inputs: readonly StudentInput[]): Promise<readonly unknown[]> {
  return (await student.predict(inputs)).map(({ text, label, probability, decision }) => [
    text,
    label,
    probability,
    decision,
  ]);
}

const WAYS: readonly (readonly [string, (text: string) => StudentInput])[] = [
  ["whole user messages", wrapped],
  ["whole user messages of another system", (text) => inLines("\r\n", text)],
  ["messages", (text) => [{ role: "developer", content: "Route." }, user(text)]],
  ["messages in parts", (text) => [{ role: "user", content: [{ type: "text", text: wrapped(text) }] }]],
  ["objects with messages", (text) => ({ messages: [user(text)] })],
  ["objects with text", (text) => ({ text: wrapped(text) })],
  ["lines of the log", (text) => ({ messages: [user(text), { role: "assistant", content: "age_limit" }] })],
];

describe("a student of templated prompts", () => {
  it("knows the template, and knows most of what it was taught", async () => {
    expect(student.manifest.template).toMatchObject({ userPrefix: PREFIX, userSuffix: SUFFIX });
    const predictions = await student.predict(lines);
    const agreeing = predictions.filter(({ label }, i) => label === lines[i]?.messages.at(-1)?.content);
    expect(agreeing.length / lines.length).toBeGreaterThan(0.9);
    expect(new Set(predictions.map(({ template }) => template))).toEqual(new Set(["stripped"]));
  });

  it.each(WAYS)("gives %s the label, probability and decision of the bare texts", async (_, ask) => {
    const bare = await student.predict(texts);
    const asked = await student.predict(texts.map(ask));
    expect(asked).toEqual(bare.map((prediction) => ({ ...prediction, template: "stripped" })));
    expect(new Set(bare.map(({ template }) => template))).toEqual(new Set(["absent"]));
    expect(new Set(bare.map(({ decision }) => decision)).has("keep")).toBe(true);
  });

  it("reads a dialogue as training does, the last question last", async () => {
    const dialogue = [user("hello"), { role: "assistant", content: "which card?" }, user("the red one")];
    const [asked] = await student.predict([dialogue]);
    expect(asked).toMatchObject({ text: "user: hello\nassistant: which card?\nthe red one", template: "stripped" });
  });

  it("says of each input whether the template stood around it, all of it", async () => {
    const asked = ["my card", PREFIX + "my card", wrapped("my card"), wrapped(wrapped("my card"))];
    expect((await student.predict(asked)).map(({ text, template }) => [text, template])).toEqual([
      ["my card", "absent"],
      ["my card", "absent"],
      ["my card", "stripped"],
      [wrapped("my card"), "stripped"],
    ]);
  });

  it("answers a text of a megabyte, in the template or not", async () => {
    const long = "apple cloud ".repeat(90_000);
    expect(await answersTo([wrapped(long)])).toEqual(await answersTo([long]));
  });

  it.each([
    ["null", null],
    ["a number", 3],
    ["a function", () => "text"],
    ["no messages", []],
    ["messages of an unknown role", [{ role: "customer", content: "x" }]],
    ["one message without a list around it", { role: "user", content: "x" }],
  ])("refuses %s in one line that names the input", async (_, value: unknown) => {
    const asked = student.predict(["a text", value as StudentInput]);
    await expect(asked).rejects.toThrow(JoryuError);
    await expect(asked).rejects.toThrow(/^predict: inputs\[1\]: [^\n]+; give an array whose items are [^\n]+$/);
  });

  it("refuses what is no array, and holes in one", async () => {
    await expect(student.predict("a text" as unknown as string[])).rejects.toThrow(
      "predict: expected an array of inputs, came string",
    );
    const holed = ["a"];
    holed[2] = "c";
    await expect(student.predict(holed)).rejects.toThrow("predict: inputs[1]: ");
  });
});

describe("the command line with a student of templated prompts", () => {
  it("answers as the library does, whatever a line holds", async () => {
    const text = texts[0] ?? "";
    const inputs: StudentInput[] = [text, ...WAYS.map(([, ask]) => ask(text)), lines[0] ?? ""];
    const stdin = `${inputs.map((input) => JSON.stringify(input)).join("\n")}\n`;
    const { stdout, stderr } = await joryu(["predict", "--model", model, "--json"], stdin);
    const answers = stdout.trimEnd().split("\n");
    expect(answers.map((line) => JSON.parse(line) as unknown)).toEqual(await student.predict(inputs));
    expect(stderr).toBe("");
  });

  it("leaves one answer out at the end of messages, not two", async () => {
    const assistant = { role: "assistant", content: "age_limit" };
    const line = JSON.stringify({ messages: [user("hello"), assistant, assistant] });
    const { stdout } = await joryu(["predict", "--model", model, "--json", line]);
    expect(lastJson(stdout)).toMatchObject({ text: "assistant: age_limit\nhello", template: "stripped" });
  });

  it("notes once how many of its inputs lacked the template, and nothing where all had it", async () => {
    const asked = [...texts.slice(0, 100), ...texts.slice(0, 3).map(wrapped)].map((text) => JSON.stringify(text));
    const { stdout, stderr } = await joryu(["predict", "--model", model], `${asked.join("\n")}\n`);
    expect(stdout.trimEnd().split("\n")).toHaveLength(103);
    expect(stderr).toBe("100 of 103 inputs came without the student's prompt template, or without a part of it\n");
    expect((await joryu(["predict", "--model", model, wrapped("my card")])).stderr).toBe("");
  });

  it("evaluates what stands inside the prompts, taking the template off once", async () => {
    const twice = lines.map(({ messages }) => ({
      messages: messages.map((message) => (message.role === "user" ? user(message.content) : message)),
    }));
    for (const records of [lines, twice]) {
      const path = join(folder.path, "records.jsonl");
      writeFileSync(path, records.map((line) => JSON.stringify(line)).join("\n"));
      const predictions = await student.predict(records);
      const agreeing = predictions.filter(({ label }, i) => label === records[i]?.messages.at(-1)?.content);
      const { stdout } = await joryu(["evaluate", "--model", model, "--records", path, "--json"]);
      const agreement = { value: agreeing.length / records.length };
      expect(lastJson(stdout)).toMatchObject({ records: records.length, agreement });
    }
  });
});
