import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, InputError, UpstreamError, UsageError } from "../errors.js";
import { createRandom } from "../random.js";
import { downloadModel, type DownloadOptions } from "./download.js";
import { COMMIT, startTestHub, type TestHub } from "./hub.test.fixture.js";
import { parseHubName } from "./model-name.js";

const random = createRandom(1, "hub test");
const WEIGHTS = Uint8Array.from({ length: 300_000 }, () => Math.floor(random.float() * 256));
const FILES = new Map([
  ["model.safetensors", WEIGHTS],
  ["config.json", Buffer.from('{"model_type": "bert"}')],
  ["tokenizer.json", Buffer.from('{"説明": "日本語"}')],
  ["1_Pooling/config.json", Buffer.from("{}")],
  ["README.md", Buffer.from("---\nlicense: mit\n---\n")],
  ["empty.json", new Uint8Array()],
  ["pytorch_model.bin", Buffer.from("never asked for")],
  ["onnx/model.onnx", Buffer.from("never asked for")],
]);
const MODEL = parseHubName("hf:acme/mini");

let root: string;
let hub: TestHub;
const notes: string[] = [];
const options = (more: Partial<DownloadOptions> = {}): DownloadOptions => ({
  endpoint: hub.endpoint,
  cacheFolder: root,
  isOffline: false,
  onProgress: () => undefined,
  note: (text) => notes.push(text),
  check: () => undefined,
  firstDelayMs: 1,
  ...more,
});

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "joryu-hub-"));
  hub = await startTestHub("acme/mini", FILES);
  notes.length = 0;
});
afterEach(async () => {
  await hub.close();
  rmSync(root, { recursive: true, force: true });
});

const weightsAsked = (): string[] => hub.asked.filter((asked) => asked.startsWith("model.safetensors"));

describe("a model of a hub", () => {
  it("becomes a folder with what an encoder needs, under a name that tells its commit", async () => {
    const progress: number[] = [];
    const folder = await downloadModel(MODEL, options({ onProgress: (got, total) => progress.push(got / total) }));
    expect(folder).toBe(join(root, "hub", "acme", "mini@c0ffee012345"));
    expect(readdirSync(folder).sort()).toEqual(
      ["1_Pooling", "README.md", "config.json", "empty.json", "model.safetensors", "tokenizer.json"].sort(),
    );
    for (const [path, bytes] of FILES) {
      if (existsSync(join(folder, path))) expect(Buffer.compare(readFileSync(join(folder, path)), bytes)).toBe(0);
    }
    expect(progress.at(0)).toBe(0);
    expect(progress.at(-1)).toBe(1);
  });

  it("is asked for its commit alone the second time, and not at all when the commit is named or the network forbidden", async () => {
    const first = await downloadModel(MODEL, options());
    hub.asked.length = 0;
    expect(await downloadModel(MODEL, options())).toBe(first);
    expect(hub.asked).toEqual([]);
    const calls = hub.tokens.length;
    expect(await downloadModel(parseHubName(`hf:acme/mini@${COMMIT}`), options())).toBe(first);
    expect(await downloadModel(MODEL, options({ isOffline: true }))).toBe(first);
    expect(hub.tokens.length).toBe(calls);
  });

  it("is the kept copy, with a note, when the hub cannot be reached", async () => {
    const first = await downloadModel(MODEL, options());
    await hub.close();
    expect(await downloadModel(MODEL, options())).toBe(first);
    expect(notes).toEqual([`hf:acme/mini@main: no answer from ${hub.endpoint}; the copy of an earlier run is used`]);
    hub = await startTestHub("acme/mini", FILES);
  });

  it("is judged before its weights come", async () => {
    const seen: string[][] = [];
    const check = (folder: string): void => {
      seen.push(readdirSync(folder));
      throw new InputError("not this one");
    };
    await expect(downloadModel(MODEL, options({ check }))).rejects.toThrow("not this one");
    expect(seen).toHaveLength(1);
    expect(seen[0]).toContain("config.json");
    expect(weightsAsked()).toEqual([]);
  });
});

describe("a connection that breaks", () => {
  it("is taken up where it ended, as often as bytes come", async () => {
    hub.treat = (path, start) =>
      path === "model.safetensors" && start < 250_000 ? { cutAfterBytes: 30_000 } : undefined;
    const folder = await downloadModel(MODEL, options());
    expect(Buffer.compare(readFileSync(join(folder, "model.safetensors")), WEIGHTS)).toBe(0);
    const starts = weightsAsked().map((asked) => Number(asked.split(" ")[1]));
    expect(starts.length).toBeGreaterThan(6);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  });

  it("ends the download when attempts bring nothing; the next one goes on from there", async () => {
    let isDown = true;
    hub.treat = (path, start) => {
      if (path !== "model.safetensors" || !isDown) return undefined;
      return start === 0 ? { cutAfterBytes: 100_000 } : { status: 503 };
    };
    const failed = downloadModel(MODEL, options());
    await expect(failed).rejects.toThrow(UpstreamError);
    await expect(failed).rejects.toThrow(/run again/);
    expect(existsSync(join(root, "hub", "acme", "mini@c0ffee012345"))).toBe(false);
    const { size } = statSync(
      join(root, "hub", "acme", ".incomplete", "mini@c0ffee012345", "model.safetensors.incomplete"),
    );
    expect(size).toBeGreaterThan(0);
    isDown = false;
    hub.asked.length = 0;
    await downloadModel(MODEL, options());
    expect(hub.asked).toEqual([`model.safetensors ${size}`]);
  });

  it("may be given up by the user, and nothing half stands under the model's name", async () => {
    const controller = new AbortController();
    hub.treat = (path) => (path === "model.safetensors" ? { stallAfterBytes: 50_000 } : undefined);
    const onProgress = (got: number): void => {
      if (got > 20_000) controller.abort(new Error("stopped by the user"));
    };
    await expect(downloadModel(MODEL, options({ signal: controller.signal, onProgress }))).rejects.toThrow(
      "stopped by the user",
    );
    expect(existsSync(join(root, "hub", "acme", "mini@c0ffee012345"))).toBe(false);
  });
});

describe("a file that is not what the listing says", () => {
  it("is removed and named", async () => {
    const folder = join(root, "hub", "acme", ".incomplete", "mini@c0ffee012345");
    hub.treat = (path) => (path === "model.safetensors" ? { cutAfterBytes: 1000 } : undefined);
    await downloadModel(MODEL, options({ signal: AbortSignal.timeout(300), firstDelayMs: 1000 })).catch(
      () => undefined,
    );
    const part = join(folder, "model.safetensors.incomplete");
    writeFileSync(part, new Uint8Array(500));
    hub.treat = () => undefined;
    await expect(downloadModel(MODEL, options())).rejects.toThrow(/model\.safetensors: its checksum is not that/);
    expect(existsSync(part)).toBe(false);
    await downloadModel(MODEL, options());
  });

  it.each(["../outside.json", "/etc/outside.json", "a/../../outside.json", "a\\b.json"])(
    "is refused for its path %s",
    async (path) => {
      hub.extraFiles = [{ path, size: 1, oid: "0".repeat(40) }];
      await expect(downloadModel(MODEL, options())).rejects.toThrow(/without a usable name/);
    },
  );

  it("is refused without size or checksum", async () => {
    hub.extraFiles = [{ path: "x.json", size: -1, oid: "0".repeat(40) }];
    await expect(downloadModel(MODEL, options())).rejects.toThrow(/size or checksum/);
    hub.extraFiles = [{ path: "x.json", size: 1, oid: "no" }];
    await expect(downloadModel(MODEL, options())).rejects.toThrow(/size or checksum/);
  });
});

describe("a model that cannot be had", () => {
  it("is told by one line that says what to do", async () => {
    await expect(downloadModel(parseHubName("hf:acme/none"), options())).rejects.toThrow(
      `hf:acme/none@main: not found (HTTP 404 of ${hub.endpoint}); check the name and the revision`,
    );
    await expect(downloadModel(parseHubName("hf:acme/mini@v9"), options())).rejects.toThrow(
      "hf:acme/mini@v9: not found",
    );
    await expect(downloadModel(MODEL, options({ isOffline: true }))).rejects.toThrow(/HF_HUB_OFFLINE/);
    await expect(downloadModel(MODEL, options({ endpoint: "ftp://x" }))).rejects.toThrow(ConfigError);
    await expect(downloadModel(MODEL, options({ endpoint: "http://user:secret@127.0.0.1" }))).rejects.toThrow(
      /^HF_ENDPOINT: expected the address of a hub without a password or a query$/,
    );
  });

  it("is asked for with the token where there is one, which no error shows", async () => {
    hub.isPrivate = true;
    await expect(downloadModel(MODEL, options())).rejects.toThrow(/not found, or private.*HF_TOKEN/);
    hub.tokens.length = 0;
    await downloadModel(MODEL, options({ token: "any-mirror-token" }));
    expect(new Set(hub.tokens)).toEqual(new Set(["Bearer any-mirror-token"]));
    const failed = downloadModel(parseHubName("hf:acme/none"), options({ token: "any-mirror-token" }));
    await expect(failed).rejects.not.toThrow(/any-mirror-token/);
  });

  it("has no weights that are safe to read", async () => {
    await hub.close();
    hub = await startTestHub("acme/mini", new Map([...FILES].filter(([path]) => path !== "model.safetensors")));
    await expect(downloadModel(MODEL, options())).rejects.toThrow(
      /has no model\.safetensors; pytorch_model\.bin can run code/,
    );
    expect(hub.asked).toEqual([]);
  });
});

describe("a model in shards", () => {
  it("comes with all of them, beside a dense layer of its own", async () => {
    await hub.close();
    const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    const more = [...shards, "2_Dense/model.safetensors"].map((path) => [path, Buffer.from(path)] as const);
    const rest = [...FILES].filter(([path]) => path !== "model.safetensors");
    hub = await startTestHub(
      "acme/mini",
      new Map([...rest, ...more, ["model.safetensors.index.json", Buffer.from("{}")]]),
    );
    const folder = await downloadModel(MODEL, options());
    for (const [path] of more) expect(readFileSync(join(folder, path), "utf8")).toBe(path);
    expect(existsSync(join(folder, "model.safetensors.index.json"))).toBe(true);
  });
});

describe("the name of a model", () => {
  it("has an owner, a name and, where wanted, a revision", () => {
    expect(parseHubName("hf:intfloat/multilingual-e5-small")).toEqual({
      repo: "intfloat/multilingual-e5-small",
      revision: "main",
    });
    expect(parseHubName("hf:bert-base-uncased@refs/pr/1")).toEqual({
      repo: "bert-base-uncased",
      revision: "refs/pr/1",
    });
  });

  it.each(["hf:", "hf:a/b/c", "hf:../x", "hf:a/..", "hf:a/b@", "hf:a/b@../c", "hf:a b/c", "hf:/a"])(
    "is refused: %s",
    (name) => {
      expect(() => parseHubName(name)).toThrow(UsageError);
    },
  );
});
