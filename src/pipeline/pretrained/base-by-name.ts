/** @file A base that is named by a hub (hf:ORG/NAME) becomes a folder on this machine before anything reads it. Its sizes and its licence
 *  are judged before its weights come. */
import { hubFromEnvironment } from "../../config/load.js";
import type { Config } from "../../config/schema.js";
import { downloadModel } from "../../hub/download.js";
import { isHubName, parseHubName } from "../../hub/model-name.js";
import { licencesOf, stopAtBlocked } from "../licence-gate.js";
import type { Progress } from "../progress.js";
import { checkBaseConfig } from "./base.js";

interface Told {
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

const STAGE = "download of the base";

/** The configuration with a base that is a folder. @throws JoryuError when the hub has no such model, or it cannot be used */
export async function withLocalBase(config: Config, { progress, signal }: Told): Promise<Config> {
  if (config.base === undefined || !isHubName(config.base)) return config;
  const model = parseHubName(config.base);
  const base = await downloadModel(model, {
    ...hubFromEnvironment(),
    ...(signal !== undefined && { signal }),
    onProgress: (receivedBytes, totalBytes) => progress.update(STAGE, receivedBytes / totalBytes),
    note: (text) => progress.note(text),
    check: (folder) => {
      stopAtBlocked(licencesOf({ base: folder, acknowledged: config.acknowledged }, []));
      checkBaseConfig(folder);
    },
  });
  return { ...config, base };
}
