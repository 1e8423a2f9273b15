/** @file A log too small to seal any row still gives a student, an honest report and the number of labels that would allow a guarantee. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { joryu, lastJson, MACHINE, temporaryFolder, writeSmallLogs, type Finished } from "./joryu.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const logs = join(folder.path, "logs.jsonl");
let run: Finished;

beforeAll(async () => {
  writeSmallLogs(logs, 100, 4);
  const flags = ["--minutes", "0.1", "--machine", MACHINE, "--target", "agreement=0.9", "--lang", "ja", "--json"];
  run = await joryu(["run", "--logs", logs, "--out", join(folder.path, "state"), ...flags]);
});

interface Result {
  readonly verdict: string;
  readonly reasons: readonly { readonly code: string; readonly facts: Readonly<Record<string, number>> }[];
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly report: string;
}

describe("100 labelled inputs", () => {
  it("give a student and the verdict that nothing is proved yet", () => {
    expect(run.code).toBe(3);
    const { verdict, reasons, metrics } = lastJson(run.stdout) as unknown as Result;
    expect(verdict).toBe("keep-teacher");
    expect(reasons[0]).toMatchObject({ code: "no-guarantee-possible", facts: { sealedRows: 0 } });
    expect(metrics).toMatchObject({ sealedRows: 0, agreement: null, coverage: null, eceAfter: null });
    expect(metrics["outOfFoldAgreement"]).toBeGreaterThan(0.8);
  });

  it("say how many labels would allow a guarantee", () => {
    const { reasons, metrics } = lastJson(run.stdout) as unknown as Result;
    expect(reasons[1]?.code).toBe("outlook-rows");
    expect(metrics["rowsForGuarantee"]).toBeGreaterThanOrEqual(300);
    expect(metrics["rowsForGuarantee"]).toBe(reasons[1]?.facts["rows"]);
  });

  it("give a report in which no figure of unsealed rows passes for a proof", () => {
    const { report } = lastJson(run.stdout) as unknown as Result;
    const markdown = readFileSync(report.replace(/html$/, "md"), "utf8");
    expect(markdown).toContain("交差検証の値で、証明されていません");
    expect(markdown).not.toMatch(/ 0\.0%/);
  });
});
