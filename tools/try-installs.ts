/** @file Installs the packed package with every package manager, runs what it must run and bundles it, by hand: `node dist/tools/try-installs.js [--only NAME]`
 *  after `npm run build`. Managers and bundlers come from the package registry, which is all that need be reachable. Prints one line a try; exits
 *  with 1 where one failed. The commands are those of docs/install.md. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const LONGEST_MS = 10 * 60_000;

interface Try {
  readonly name: string;
  /** Packages of the tool itself, installed beside the project. */
  readonly tools: readonly string[];
  /** Shell lines in the project's folder; $TOOLS holds the tools' programs, $PACKAGE the packed file, $MODEL a model folder. */
  readonly lines: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
}

const ASK = `import { openStudent } from "joryu";
const student = await openStudent(process.env.MODEL);
const [{ label }] = await student.predict(["Where is my card?"]);
console.log("label", label);
await student.close();
`;
const CHECKS = ["node ask.mjs | grep -q '^label '"] as const;
const ASKING = { "ask.mjs": ASK };

const TRIES: readonly Try[] = [
  {
    name: "npm 10",
    tools: ["npm@10"],
    lines: ["$TOOLS/npm install --ignore-scripts $PACKAGE", "npx joryu doctor", ...CHECKS],
    files: ASKING,
  },
  {
    name: "npm 11",
    tools: ["npm@11"],
    lines: ["$TOOLS/npm install --ignore-scripts $PACKAGE", ...CHECKS],
    files: ASKING,
  },
  { name: "pnpm 9", tools: ["pnpm@9"], lines: ["$TOOLS/pnpm add --ignore-scripts $PACKAGE", ...CHECKS], files: ASKING },
  { name: "pnpm 10", tools: ["pnpm@10"], lines: ["$TOOLS/pnpm add $PACKAGE", ...CHECKS], files: ASKING },
  {
    name: "yarn 4",
    tools: ["@yarnpkg/cli-dist@4"],
    lines: [
      "export YARN_NODE_LINKER=node-modules YARN_ENABLE_SCRIPTS=false",
      "$TOOLS/yarn add joryu@file:$PACKAGE",
      ...CHECKS,
    ],
    files: { ...ASKING, "yarn.lock": "" },
  },
  {
    name: "without the native runtime",
    tools: [],
    lines: [
      "npm install --ignore-scripts --omit=optional $PACKAGE",
      "npx joryu --version",
      "(npx joryu doctor 2>&1 || true) | grep -q 'npm install onnxruntime-node'",
    ],
  },
  {
    name: "esbuild",
    tools: [],
    lines: [
      "npm install --ignore-scripts $PACKAGE esbuild",
      "npx esbuild ask.mjs --bundle --platform=node --format=esm --external:onnxruntime-node --outfile=out/ask.mjs",
      "node out/ask.mjs | grep -q '^label '",
    ],
    files: ASKING,
  },
  {
    name: "types of CommonJS under node16",
    tools: [],
    lines: [
      "npm install --ignore-scripts $PACKAGE typescript @types/node@20",
      "npx tsc -p .",
      "node ask.cjs | grep -q '^label '",
    ],
    files: {
      "tsconfig.json":
        '{"compilerOptions":{"module":"node16","target":"es2022","strict":true,"types":["node"]},"files":["ask.cts"]}',
      "ask.cts": `async function ask(): Promise<void> {
  const { openStudent } = await import("joryu");
  const student = await openStudent(process.env["MODEL"] ?? "");
  const [answer] = await student.predict(["Where is my card?"]);
  console.log("label", answer?.label);
  await student.close();
}
void ask();
`,
    },
  },
  {
    name: "vite dev and build",
    tools: [],
    lines: [
      "npm install --ignore-scripts $PACKAGE vite onnxruntime-web@1.30.0",
      "(npx vite --port 5199 & server=$!; sleep 5; curl -sf localhost:5199/main.js | grep -q joryu; found=$?; kill $server; exit $found)",
      "npx vite build",
      "ls dist/assets/*.js",
    ],
    files: {
      "index.html": '<!doctype html><script type="module" src="/main.js"></script>',
      "main.js":
        'import { openStudent } from "joryu/web";\nopenStudent("/model").then((student) => student.predict(["Where is my card?"])).then(console.log);\n',
    },
  },
  {
    name: "Next.js",
    tools: [],
    lines: ["npm install --ignore-scripts $PACKAGE next react react-dom", "npx next build"],
    files: {
      "next.config.mjs": 'export default { serverExternalPackages: ["joryu", "onnxruntime-node"] };\n',
      "app/layout.jsx":
        "export default function Layout({ children }) {\n  return (\n    <html>\n      <body>{children}</body>\n    </html>\n  );\n}\n",
      "app/page.jsx": "export default function Page() {\n  return <p>ask</p>;\n}\n",
      "app/ask/route.js": `import { openStudent } from "joryu";
export async function GET() {
  const student = await openStudent(process.env.MODEL);
  return Response.json(await student.predict(["Where is my card?"]));
}
`,
    },
  },
];

function shell(folder: string, line: string, env: Readonly<Record<string, string>>): { ok: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync("bash", ["-c", `set -eo pipefail\n${line}`], {
    cwd: folder,
    env: { ...process.env, ...env, CI: "1" },
    timeout: LONGEST_MS,
    encoding: "utf8",
  });
  return { ok: status === 0, output: `${stdout}${stderr}` };
}

/** The reason of a failure, or undefined. */
function tryOne(
  { name, tools, lines, files = {} }: Try,
  root: string,
  env: Readonly<Record<string, string>>,
): string | undefined {
  const folder = join(root, name.replace(/\W+/g, "-"));
  const project = join(folder, "project");
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, "package.json"), '{"name":"a-project","version":"1.0.0","private":true}\n');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(project, path, ".."), { recursive: true });
    writeFileSync(join(project, path), text);
  }
  const installed =
    tools.length === 0 ? undefined : shell(folder, `npm install --prefix . --no-save ${tools.join(" ")}`, env);
  if (installed?.ok === false) return `the tool: ${installed.output.slice(-300)}`;
  const { ok, output } = shell(project, lines.join("\n"), { ...env, TOOLS: join(folder, "node_modules", ".bin") });
  return ok ? undefined : output.slice(-800);
}

/** A student of 700 rows of the example, run once. */
function makeModel(root: string): string {
  const log = join(root, "log.jsonl");
  writeFileSync(log, readFileSync("examples/banking77/logs.jsonl", "utf8").split("\n").slice(0, 1500).join("\n"));
  const out = join(root, "joryu");
  const { output } = shell(
    resolve("."),
    `node dist/src/cli/main.js run --logs "$LOG" --minutes 0.5 --out "$OUT" || true`,
    { LOG: log, OUT: out },
  );
  const [model] = readdirSync(join(out, "models"));
  if (model === undefined) throw new Error(`no model was made: ${output.slice(-500)}`);
  cpSync(join(out, "models", model), join(root, "model"), { recursive: true, dereference: true });
  return join(root, "model");
}

const { values: flags } = parseArgs({ options: { only: { type: "string", multiple: true } } });
const root = mkdtempSync(join(tmpdir(), "try-installs-"));
let failures = 0;
try {
  const model = makeModel(root);
  const packed = shell(resolve("."), `npm pack --ignore-scripts --silent --pack-destination "$ROOT"`, { ROOT: root });
  const env = { PACKAGE: join(root, packed.output.trim().split("\n").at(-1) ?? ""), MODEL: model };
  for (const each of TRIES.filter(({ name }) => flags.only?.some((part) => name.includes(part)) ?? true)) {
    const failure = tryOne(each, root, env);
    failures += Number(failure !== undefined);
    console.log(failure === undefined ? `works   ${each.name}` : `FAILED  ${each.name}\n${failure}`);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;
