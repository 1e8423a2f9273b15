/** @file A student answers the same in a browser as in Node, and the report draws itself without complaint. Drives Debian's chromium
 *  through playwright-core; where no chromium is installed the test says so and is skipped. Serves on 127.0.0.1 alone. */
import { cpSync, createReadStream, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { extname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStudent } from "../src/index.js";
import {
  EARLIER_FACTS,
  FACTS,
  MONTHLY_FACTS,
  POOR_FACTS,
  UNCONTROLLED_FACTS,
} from "../src/report/facts.test.fixture.js";
import type { Facts } from "../src/report/facts.js";
import { decideVerdict } from "../src/report/verdict.js";
import { writeReport } from "../src/report/write.js";
import type { Prediction, StudentInput } from "../src/web.js";
import { ASKED_TEXTS, EXPORTED, writeExported } from "./exported.js";
import { layoutFaults } from "./layout.js";
import { joryu, lastJson, MACHINE, temporaryFolder, writeSmallLogs } from "./joryu.js";

const BROWSER_PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const BROWSER_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const BUILD = fileURLToPath(new URL("..", import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".html": "text/html; charset=utf-8",
};
const PAGE = `<!doctype html><meta charset="utf-8"><title>student</title><link rel="icon" href="data:,">
<script type="importmap">{ "imports": {
  "zod": "/node_modules/zod/index.js",
  "onnxruntime-web": "/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs",
  "@huggingface/tokenizers": "/node_modules/@huggingface/tokenizers/dist/tokenizers.mjs"
} }</script>
<script type="module">
  import { openStudent } from "/build/src/web.js";
  globalThis.predict = async (folder, inputs) => {
    const student = await openStudent(location.origin + folder);
    const predictions = await student.predict(inputs);
    await student.close();
    return predictions;
  };
</script>`;

/** Amounts in two currencies take the most room. */
const YEN_FACTS: Facts = {
  ...MONTHLY_FACTS,
  money: { ...MONTHLY_FACTS.money, assumptions: { ...MONTHLY_FACTS.money.assumptions, yenPerUsd: 150 } },
};
/** So do very small ones, and large counts. */
const EXTREME_FACTS: Facts = {
  ...FACTS,
  money: { ...FACTS.money, teacherPer1kUsd: 0.000_008_14, studentPer1kUsd: 0.000_000_131_4 },
  quality: {
    ...FACTS.quality,
    confusions: FACTS.quality.confusions.map((pair) => ({ ...pair, count: pair.count * 123_456 })),
  },
};
const PREFIX = "Route the message.\n\nMessage:\n";
const SUFFIX = "\n\nAnswer with the name of the intent.";
const STRANGE_TEXTS = [
  "",
  " ",
  "カードはいつ届きますか？",
  "👩‍👩‍👧 where is my card\nplease",
  "\ud800 half a pair",
  "x".repeat(5000),
];
const executablePath = BROWSER_PATHS.find((path) => existsSync(path));
if (executablePath === undefined) console.log(`browser test skipped: no chromium at ${BROWSER_PATHS.join(", ")}`);

/** A run of seconds, on a machine that may be busy. */
const RUN_TIMEOUT_MS = 600_000;

/** Answers GET from the named folders: /build, /node_modules, /model, those of pretrained students, and the page itself at /. */
function serve(folders: Readonly<Record<string, string>>): Server {
  return createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
    if (pathname === "/") {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(PAGE);
      return;
    }
    const [, name = "", ...rest] = pathname.split("/");
    const root = folders[name];
    const path = root === undefined ? "" : resolve(root, ...rest);
    if (
      root === undefined ||
      !path.startsWith(resolve(root) + sep) ||
      !statSync(path, { throwIfNoEntry: false })?.isFile()
    ) {
      response.statusCode = 404;
      response.end();
      return;
    }
    response.setHeader("content-type", TYPES[extname(path)] ?? "application/octet-stream");
    createReadStream(path).pipe(response);
  });
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

/** One short run of the command line on small logs; exit codes 0 and 3 are both verdicts. */
async function runOnce(
  folder: string,
): Promise<{ readonly model: string; readonly report: string; readonly texts: readonly string[] }> {
  const logs = join(folder, "logs.jsonl");
  writeSmallLogs(logs);
  const args = [
    "run",
    "--logs",
    logs,
    "--out",
    join(folder, "state"),
    "--machine",
    MACHINE,
    "--minutes",
    "2",
    "--json",
  ];
  const { code, stdout, stderr } = await joryu(args);
  const { model, report } = code === 0 || code === 3 ? lastJson(stdout) : {};
  if (typeof model !== "string" || typeof report !== "string")
    throw new Error(`joryu run ended with code ${code}: ${stderr}`);
  const lines = readFileSync(logs, "utf8").trimEnd().split("\n");
  const texts = lines.map(
    (line) => (JSON.parse(line) as { messages: { content: string }[] }).messages[1]?.content ?? "",
  );
  return { model, report, texts };
}

/** A copy of a model folder whose student has learned from prompts with a template. */
function templatedCopy(model: string, folder: string): string {
  cpSync(model, folder, { recursive: true });
  const path = join(folder, "joryu.json");
  const template = { system: "", userPrefix: PREFIX, userSuffix: SUFFIX };
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, "utf8")) as object), template }));
  return folder;
}

/** What the student at a folder of the server answers in a new page, and what the page complains about. */
async function answersIn(browser: Browser, origin: string, folder: string, inputs: readonly StudentInput[]) {
  const page = await browser.newPage();
  const complaints = complaintsOf(page);
  await page.goto(origin);
  await page.waitForFunction("globalThis.predict !== undefined");
  const predictions: Prediction[] = await page.evaluate(`predict("/${folder}/", ${JSON.stringify(inputs)})`);
  await page.close();
  return { predictions, complaints };
}

async function answersInNode(folder: string, inputs: readonly StudentInput[]): Promise<Prediction[]> {
  const student = await openStudent(folder);
  const predictions = await student.predict(inputs);
  await student.close();
  return predictions;
}

function expectSame(came: readonly Prediction[], expected: readonly Prediction[]): void {
  const answers = (predictions: readonly Prediction[]) => predictions.map(({ label, decision }) => [label, decision]);
  expect(answers(came)).toEqual(answers(expected));
  for (const [i, { probability }] of expected.entries()) expect(came[i]?.probability).toBeCloseTo(probability, 3);
}

/** Everything that a page complains about. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("requestfailed", (request) => complaints.push(`request failed: ${request.url()}`));
  return complaints;
}

describe.skipIf(executablePath === undefined)("in a browser", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let browser: Browser;
  let server: Server;
  let origin: string;
  let run: Awaited<ReturnType<typeof runOnce>>;
  const pretrained: Record<string, string> = {};

  beforeAll(async () => {
    folder = temporaryFolder();
    run = await runOnce(folder.path);
    for (const name of EXPORTED) pretrained[name] = writeExported(name, join(folder.path, "pretrained"));
    const templated = templatedCopy(run.model, join(folder.path, "templated"));
    const served = { build: BUILD, node_modules: resolve("node_modules"), model: run.model, templated, ...pretrained };
    server = serve(served);
    origin = await listen(server);
    browser = await chromium.launch({ executablePath: executablePath ?? "", headless: true, args: BROWSER_FLAGS });
  }, RUN_TIMEOUT_MS);

  afterAll(async () => {
    await browser.close();
    server.close();
    folder.remove();
  });

  it("gives the labels, decisions and probabilities that Node gives", async () => {
    const asked = [...run.texts.slice(0, 100), ...STRANGE_TEXTS];
    const { predictions, complaints } = await answersIn(browser, origin, "model", asked);
    expect(complaints).toEqual([]);
    expectSame(predictions, await answersInNode(run.model, asked));
  });

  it("takes the template off whole messages as Node does, and answers the text inside", async () => {
    const texts = run.texts.slice(0, 30);
    const user = (text: string) => ({ role: "user", content: PREFIX + text + SUFFIX });
    const asked: StudentInput[] = [
      ...texts,
      ...texts.map((text) => PREFIX + text + SUFFIX),
      ...texts.map((text) => [{ role: "system", content: "Route." }, user(text)]),
      ...texts.map((text) => ({ messages: [user(text), { role: "assistant", content: "age_limit" }] })),
    ];
    const { predictions, complaints } = await answersIn(browser, origin, "templated", asked);
    expect(complaints).toEqual([]);
    expectSame(predictions, await answersInNode(join(folder.path, "templated"), asked));
    const bare = await answersInNode(run.model, texts);
    expectSame(predictions, [...bare, ...bare, ...bare, ...bare]);
    const states = predictions.map(({ template }) => template);
    expect(states).toEqual(asked.map((_, i) => (i < texts.length ? "absent" : "stripped")));
  });

  it.each(EXPORTED)("gives Node's answers of the pretrained student %s, which reads pieces", async (name) => {
    const asked = [...ASKED_TEXTS, ...STRANGE_TEXTS];
    const { predictions, complaints } = await answersIn(browser, origin, name, asked);
    expect(complaints).toEqual([]);
    expectSame(predictions, await answersInNode(pretrained[name] ?? "", asked));
    expect(new Set(predictions.map(({ label }) => label)).size).toBeGreaterThan(1);
  });

  describe.each([1280, 390])("at %i pixels the report", (width) => {
    const shown = async (language: "en" | "ja", path: string): Promise<readonly string[]> => {
      const page = await browser.newPage({ viewport: { width, height: 900 } });
      await page.goto(`file://${resolve(path)}`);
      await page.locator(`label[for=show-${language}]`).click();
      const faults = await layoutFaults(page);
      expect(await page.locator(`main[lang=${language}] figure svg:visible`).count()).toBeGreaterThanOrEqual(6);
      await page.close();
      return faults;
    };

    it.each(["en", "ja"] as const)(
      "of the run has no text over text and nothing outside of its box in %s",
      async (language) => {
        expect(await shown(language, run.report)).toEqual([]);
      },
    );

    it.each(["en", "ja"] as const)(
      "of other facts has no text over text and nothing outside of its box in %s",
      async (language) => {
        for (const [at, facts] of [
          FACTS,
          MONTHLY_FACTS,
          POOR_FACTS,
          UNCONTROLLED_FACTS,
          EARLIER_FACTS,
          YEN_FACTS,
          EXTREME_FACTS,
        ].entries()) {
          const reportFolder = join(folder.path, `facts-${at}`);
          const { html } = writeReport(reportFolder, facts, decideVerdict(facts), language);
          expect(await shown(language, html)).toEqual([]);
        }
      },
    );
  });

  it("finds the faults of a layout where there are some", async () => {
    const page = await browser.newPage({ viewport: { width: 390, height: 900 } });
    const long = "Wort".repeat(40);
    await page.setContent(`<main><p style="white-space:nowrap">${long}</p><div style="overflow:hidden;width:99px"><i style="display:block;width:200px">cut</i></div>
<p style="height:0;margin:0">one line</p><p style="margin:0">another</p><svg width="90" height="20"><text x="70" y="12">too far right</text></svg></main>`);
    const faults = (await layoutFaults(page)).join("\n");
    for (const fault of [
      "outside of the window",
      "wider than its box: DIV",
      "text over text",
      "outside of its picture",
      "wider than the window",
    ])
      expect(faults).toContain(fault);
    await page.close();
  });

  it("draws the charts of the report and fetches nothing", async () => {
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    const complaints = complaintsOf(page);
    const fetched: string[] = [];
    page.on("request", (request) => fetched.push(request.url()));
    await page.goto(`file://${resolve(run.report)}`);
    const charts = await page.locator("svg:visible").count();
    expect(charts).toBeGreaterThanOrEqual(3);
    expect(await page.locator("body").innerText()).toMatch(/\d/);
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    expect(complaints).toEqual([]);
    expect(fetched.filter((url) => !url.startsWith("file:") && !url.startsWith("data:"))).toEqual([]);
    await page.close();
  });
});
