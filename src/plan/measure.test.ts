/** @file A measured profile is one that the parser takes: every number is there and above zero. */
import { describe, expect, it } from "vitest";
import { measureMachine } from "./measure.js";
import { formatMachineProfile, parseMachineProfile } from "./profile.js";

describe("measuring this machine", () => {
  it("gives a profile that can be written and read", async () => {
    const profile = await measureMachine(1);
    expect(parseMachineProfile(formatMachineProfile(profile), "measured")).toEqual(profile);
    expect(profile.cores).toBe(1);
    expect(profile.gflops).toBe(profile.singleThreadGflops);
  });
});
