/** @file Puts report.html, report.md and report.json into a folder. Each appears whole or not at all (`store/files.ts`), and all
 *  three are rendered before the first is written; report.json comes last, so that its presence says that the report is done. */
import { join } from "node:path";
import { writeFileAtomic } from "../store/files.js";
import type { Facts, Verdict } from "./facts.js";
import type { Language } from "./format.js";
import { renderHtml } from "./html.js";
import { renderJson } from "./json.js";
import { renderMarkdown } from "./markdown.js";

export interface ReportPaths {
  readonly html: string;
  readonly markdown: string;
  readonly json: string;
}

/** Writes the three files and returns their paths. @throws StoreError when the disk refuses; older files stay as they were. */
export function writeReport(directory: string, facts: Facts, verdict: Verdict, language: Language): ReportPaths {
  const paths = {
    html: join(directory, "report.html"),
    markdown: join(directory, "report.md"),
    json: join(directory, "report.json"),
  };
  const files: readonly (readonly [string, string])[] = [
    [paths.html, renderHtml(facts, verdict, language)],
    [paths.markdown, renderMarkdown(facts, verdict, language)],
    [paths.json, renderJson(facts, verdict)],
  ];
  for (const [path, content] of files) writeFileAtomic(path, content);
  return paths;
}
