/** @file Reads the configuration file (YAML or JSON), lays flags over it, names what is wrong with both. The only file that reads the
 *  environment. */
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { ConfigError } from "../errors.js";
import { isHubName } from "../hub/model-name.js";
import { configSchema, type Config, type ConfigInput } from "./schema.js";
import { nearest } from "./nearest.js";

/** A configuration file larger than this is none. */
const MAX_CONFIG_BYTES = 1024 * 1024;

function readYaml(path: string): unknown {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_CONFIG_BYTES)
      throw new ConfigError(`${path}: larger than ${MAX_CONFIG_BYTES} bytes, no configuration`);
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`${path}: cannot read the configuration`, {
      hint: "check --config, or write one with `joryu init`",
      cause,
    });
  }
  try {
    return parse(text, { maxAliasCount: 100 }) ?? {};
  } catch (cause) {
    throw new ConfigError(`${path}: ${cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : "not YAML"}`, {
      cause,
    });
  }
}

type Node = { readonly shape?: Readonly<Record<string, unknown>>; readonly unwrap?: () => unknown };

/** Names of the keys that are known at a place of the schema. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let node: unknown = configSchema;
  for (const key of [...path, undefined]) {
    while (
      typeof node === "object" &&
      node !== null &&
      !("shape" in node) &&
      typeof (node as Node).unwrap === "function"
    ) {
      node = (node as Node).unwrap?.();
    }
    const shape = (node as Node | undefined)?.shape;
    if (shape === undefined) return [];
    if (key === undefined) return Object.keys(shape);
    node = shape[String(key)];
  }
  return [];
}

/** Sections whose keys are flags of their own. */
const FLAG_SECTIONS = ["label", "teacher", "columns"] as const;

/** Where a setting stands: its file and key, or its flag. */
function placeOf(where: string | undefined, path: readonly PropertyKey[]): string {
  const [first, ...rest] = path.map(String);
  if (where === undefined && FLAG_SECTIONS.some((section) => section === first)) return placeOf(where, path.slice(1));
  if (where !== undefined) return `${where}: ${first === undefined ? "settings" : [first, ...rest].join(".")}`;
  const flag = `--${(first ?? "").replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`;
  return rest.length === 0 ? flag : `${flag}: ${rest.join(".")}`;
}

/** Checks settings; without `where` they are flags. @throws ConfigError naming the setting and, for an unknown one, the nearest known. */
export function parseConfig(value: unknown, where?: string): Config {
  const result = configSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue?.code === "unrecognized_keys") {
    const unknown = issue.keys[0] ?? "";
    const known = knownKeys(issue.path);
    throw new ConfigError(`${where ?? "flags"}: unknown key ${[...issue.path, unknown].join(".")}`, {
      hint: `did you mean ${nearest(unknown, known)}? known: ${known.join(", ")}`,
    });
  }
  throw new ConfigError(`${placeOf(where, issue?.path ?? [])}: ${issue?.message ?? "unusable"}`);
}

/** Defaults, then the file, then the flags. Files of a configuration are relative to it. @throws ConfigError */
export function loadConfig(path: string | undefined, flags: Partial<ConfigInput>): Config {
  const file = path === undefined ? {} : readYaml(path);
  if (typeof file !== "object" || file === null || Array.isArray(file)) {
    throw new ConfigError(
      `${path ?? "config"}: expected settings, got ${Array.isArray(file) ? "a list" : typeof file}`,
    );
  }
  const fromFile = parseConfig(file, path ?? "configuration");
  const base = path === undefined ? "." : dirname(path);
  const encoder =
    fromFile.base === undefined ? undefined : isHubName(fromFile.base) ? fromFile.base : resolve(base, fromFile.base);
  const redact = fromFile.redact && { ...fromFile.redact, ...resolved(base, fromFile.redact.names) };
  const reviewed = fromFile.reviewed === undefined ? undefined : resolve(base, fromFile.reviewed);
  const files = (["logs", "texts", "unlabelled"] as const).flatMap((key) => {
    const paths = fromFile[key]?.map((file) => resolve(base, file));
    return paths === undefined ? [] : [[key, paths] as const];
  });
  const target = { ...fromFile.target, ...flags.target };
  const sections = FLAG_SECTIONS.map((name) => [name, { ...fromFile[name], ...given(flags[name] ?? {}) }] as const);
  return parseConfig({
    ...fromFile,
    ...Object.fromEntries(files),
    ...(encoder === undefined ? {} : { base: encoder }),
    ...(redact === undefined ? {} : { redact }),
    ...(reviewed === undefined ? {} : { reviewed }),
    ...given({ ...flags, label: undefined, teacher: undefined, columns: undefined }),
    target,
    ...Object.fromEntries(sections.filter(([, section]) => Object.keys(section).length > 0)),
  });
}

function resolved(base: string, names: string | undefined): { readonly names?: string } {
  return names === undefined ? {} : { names: resolve(base, names) };
}

function given(flags: object): object {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
}

/** The secret in an environment variable. @throws ConfigError when there is none that a header can carry; never tells the secret. */
export function secretFromEnvironment(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new ConfigError("--api-key-env: expected the name of an environment variable, not the key itself");
  }
  const secret = (process.env[name] ?? "").trim();
  if (secret === "") throw new ConfigError(`environment variable ${name}: not set`, { hint: "put the key into it" });
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw new ConfigError(
      `environment variable ${name}: expected a key, found spaces, line breaks or other than ASCII`,
    );
  }
  return secret;
}

/** Threads to use inside one operator: JORYU_THREADS, or what the machine has. */
export function threadsFromEnvironment(cores: number): number {
  const wanted = Number(process.env["JORYU_THREADS"] ?? "");
  return Number.isInteger(wanted) && wanted > 0 ? Math.min(wanted, 256) : cores;
}

export interface HubSettings {
  readonly endpoint?: string;
  readonly token?: string;
  readonly isOffline: boolean;
  readonly cacheFolder: string;
}

/** How the model hub is reached, by the variables that its own tools use (HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE), and where its models are
 *  kept: JORYU_CACHE, or `joryu` in the user's cache folder. @throws ConfigError when the token is none that a header can carry */
export function hubFromEnvironment(): HubSettings {
  const { HF_ENDPOINT: endpoint = "", HF_TOKEN: token = "", HF_HUB_OFFLINE: offline = "" } = process.env;
  const caches = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return {
    ...(endpoint !== "" && { endpoint }),
    ...(token !== "" && { token: secretFromEnvironment("HF_TOKEN") }),
    isOffline: !["", "0", "false", "no", "off"].includes(offline.toLowerCase()),
    cacheFolder: process.env["JORYU_CACHE"] ?? join(caches, "joryu"),
  };
}

/** Whether a terminal may be written to in colour: not where NO_COLOR says anything (no-color.org), nor on a terminal that calls itself dumb. */
export function isColourWanted(): boolean {
  return (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb";
}
