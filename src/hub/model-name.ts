/** @file The name of a model on a hub, as a user writes it: hf:ORG/NAME[@REVISION]. */
import { UsageError } from "../errors.js";

export interface HubModel {
  /** ORG/NAME, or a NAME alone as the oldest models have. */
  readonly repo: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

const SCHEME = "hf:";
const PART = String.raw`[A-Za-z0-9](?:[\w.-]{0,94}\w)?`;
const NAMED = new RegExp(`^((?:${PART}/)?${PART})(?:@([\\w][\\w./-]{0,120}))?$`);

/** Whether a base is named by a hub rather than by a folder. */
export function isHubName(base: string): boolean {
  return base.startsWith(SCHEME);
}

/** Reads hf:ORG/NAME[@REVISION]; without a revision it is `main`. @throws UsageError */
export function parseHubName(base: string): HubModel {
  const [, repo, revision = "main"] = NAMED.exec(base.slice(SCHEME.length)) ?? [];
  if (!isHubName(base) || repo === undefined || `${repo}/${revision}`.includes("..")) {
    throw new UsageError(`--base: expected hf:ORG/NAME or hf:ORG/NAME@REVISION, came "${base.slice(0, 120)}"`, {
      hint: "a folder is named by its path alone",
    });
  }
  return { repo, revision };
}

/** The name as it is written in errors and reports. */
export function hubName({ repo, revision }: HubModel): string {
  return `${SCHEME}${repo}@${revision}`;
}
