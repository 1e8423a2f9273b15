/** @file `joryu quantize`: adds the 4-bit graph to the folder of a pretrained student. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { addFourBitGraph } from "../export/four-bit.js";
import { INT4_FILE } from "../student/manifest.js";
import { printJson, printLine } from "./output.js";

export function addQuantize(program: Command): void {
  program
    .command("quantize")
    .description("adds a 4-bit graph to the folder of a pretrained student")
    .requiredOption("--model <dir>", "model folder that a run printed, or one under runs/ID/students")
    .option("--json", "print a JSON line")
    .action(async ({ model, json }: { model: string; json?: boolean }) => {
      const { files } = await addFourBitGraph(model);
      const bytes = (file: string): number => statSync(join(model, file)).size;
      const [int4Bytes, int8Bytes] = [bytes(INT4_FILE), bytes(files.int8)];
      if (json === true) return printJson({ model, file: join(model, INT4_FILE), int4Bytes, int8Bytes });
      const megabytes = (size: number): string => `${(size / 1e6).toFixed(2)} MB`;
      printLine(
        `${join(model, INT4_FILE)}: ${megabytes(int4Bytes)} instead of ${megabytes(int8Bytes)} in int8; the gate was proved for int8, so in int4 every decision is defer`,
      );
    });
}
