/** @file Profiles survive a round trip; malformed ones are refused by the name of the field. */
import { describe, expect, it } from "vitest";
import { InputError } from "../errors.js";
import {
  describeMachine,
  formatMachineProfile,
  parseMachineProfile,
  readMachineProfile,
  type MachineProfile,
} from "./profile.js";

const profile: MachineProfile = {
  format: "joryu-machine-1",
  cpu: "test",
  cores: 2,
  memoryGb: 8,
  gflops: 130,
  singleThreadGflops: 70,
  sparseMflops: 1200,
  hopMs: 0.02,
};

describe("machine profile", () => {
  it("reads what it wrote", () => {
    expect(parseMachineProfile(formatMachineProfile(profile), "x")).toEqual(profile);
  });

  it.each([
    ["", "not JSON"],
    ["<html>", "not JSON"],
    ["[]", "profile"],
    ["null", "profile"],
    [JSON.stringify({ ...profile, cores: 0 }), "cores"],
    [JSON.stringify({ ...profile, gflops: -1 }), "gflops"],
    [JSON.stringify({ ...profile, gflops: "fast" }), "gflops"],
    [JSON.stringify({ ...profile, format: "joryu-machine-9" }), "format"],
    [JSON.stringify({ ...profile, colour: "red" }), "colour"],
  ])("refuses %s and names what is wrong", (text, named) => {
    expect(() => parseMachineProfile(text, "machine.json")).toThrow(InputError);
    expect(() => parseMachineProfile(text, "machine.json")).toThrow(named);
    expect(() => parseMachineProfile(text, "machine.json")).toThrow("machine.json");
  });

  it("says how to mend a file that is not there", () => {
    expect(() => readMachineProfile("no/such/machine.json")).toThrow("joryu doctor --profile");
  });

  it("describes the machine with units", () => {
    expect(describeMachine(profile)).toContain("130 GFLOP/s");
  });
});
