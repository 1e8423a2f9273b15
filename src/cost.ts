/** @file Prices, money and machine time: the single formula of the project. It knows no log, no model and no report, only numbers
 *  and named assumptions. Money is in US dollars, per 1,000 calls or per month; what is not known stays absent and is never zero.
 *  Follows the return model of the design: replicas, hosting, break-even and payback are computed with the machine rented whole,
 *  the cost per 1,000 calls with the machine time that the calls really use at a stated utilisation. A month is what is billed:
 *  where its calls are known, its two bills say whether the student pays. */

/** Two cores of a shared cloud machine cost 0.06 to 0.12 USD an hour at list price; the upper part, so that savings are not flattered. */
export const DEFAULT_MACHINE_USD_PER_HOUR = 0.1;
/** Traffic has peaks and nights: a machine that answers all day is busy a third of the time at best. */
export const DEFAULT_UTILISATION_RATIO = 0.3;
/** Peak traffic over mean traffic, for the number of machines. */
export const DEFAULT_PEAK_FACTOR = 3;
/** A machine is not planned beyond this share of its throughput. */
export const DEFAULT_HEADROOM_RATIO = 0.7;
/** One-off costs are spread over a year for the break-even volume. */
export const DEFAULT_HORIZON_MONTHS = 12;
export const HOURS_PER_MONTH = 730;
const SECONDS_PER_HOUR = 3600;
const CALLS_PER_UNIT = 1000;
/** More than the rounding of a few operations: a volume at which a month saves exactly nothing is not called paying. */
const ABOVE_ROUNDING = 1 + 1e-12;
const TOKENS_PER_PRICE = 1_000_000;

/** A value with its interval; the same shape as the report's `Estimate`. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface TeacherPriceInput {
  /** Mean recorded cost of the log, per 1,000 calls. */
  readonly logPer1kUsd?: number;
  /** A price that the user stated, per 1,000 calls; it wins over the log. */
  readonly configPer1kUsd?: number;
  /** Stated token prices, per million tokens. */
  readonly inputUsdPerMillion?: number;
  readonly outputUsdPerMillion?: number;
  readonly meanInputTokens?: number;
  readonly meanOutputTokens?: number;
}

export interface TeacherPrice {
  readonly per1kUsd?: number;
  readonly source: "log" | "config" | "unknown";
}

/** The teacher's price per 1,000 calls: stated, else recorded in the log, else tokens times stated token prices, else unknown. */
export function teacherPrice(input: TeacherPriceInput): TeacherPrice {
  if (input.configPer1kUsd !== undefined) return { per1kUsd: input.configPer1kUsd, source: "config" };
  if (input.logPer1kUsd !== undefined) return { per1kUsd: input.logPer1kUsd, source: "log" };
  const { inputUsdPerMillion, outputUsdPerMillion, meanInputTokens, meanOutputTokens } = input;
  if (inputUsdPerMillion === undefined || outputUsdPerMillion === undefined) return { source: "unknown" };
  if (meanInputTokens === undefined || meanOutputTokens === undefined) return { source: "unknown" };
  const perCallUsd = callUsd(meanInputTokens, meanOutputTokens, { inputUsdPerMillion, outputUsdPerMillion });
  return { per1kUsd: perCallUsd * CALLS_PER_UNIT, source: "config" };
}

/** Stated token prices, US dollars per million tokens. */
export interface TokenPrice {
  readonly inputUsdPerMillion: number;
  readonly outputUsdPerMillion: number;
}

/** What one call costs by its tokens. */
export function callUsd(inputTokens: number, outputTokens: number, price: TokenPrice): number {
  return (inputTokens * price.inputUsdPerMillion + outputTokens * price.outputUsdPerMillion) / TOKENS_PER_PRICE;
}

/** Machine time for 1,000 answers: USD/h / (answers/s x 3,600 x utilisation) x 1,000. */
export function studentPer1kUsd(
  throughputPerSecond: number,
  machineUsdPerHour = DEFAULT_MACHINE_USD_PER_HOUR,
  utilisationRatio = DEFAULT_UTILISATION_RATIO,
): number {
  return (machineUsdPerHour / (throughputPerSecond * SECONDS_PER_HOUR * utilisationRatio)) * CALLS_PER_UNIT;
}

/** Every call pays the student, a deferred one the teacher too; the interval of the coverage is carried through. */
export function cascadePer1kUsd(studentUsd: number, teacherUsd: number, coverage: Interval): Interval {
  const at = (kept: number): number => studentUsd + (1 - kept) * teacherUsd;
  return { value: at(coverage.value), low: at(coverage.high), high: at(coverage.low) };
}

/** 1 - new / old, negative where the new way is dearer; absent for a teacher that costs nothing. */
export function savedRatio(newPer1kUsd: Interval, teacherUsd: number): Interval | undefined {
  if (!(teacherUsd > 0)) return undefined;
  const at = (usd: number): number => 1 - usd / teacherUsd;
  return { value: at(newPer1kUsd.value), low: at(newPer1kUsd.high), high: at(newPer1kUsd.low) };
}

/** Calls a month of one machine whose peak stays within its planned share of the throughput. */
export function callsPerMachine(throughputPerSecond: number, peakFactor: number): number {
  return (throughputPerSecond * DEFAULT_HEADROOM_RATIO * HOURS_PER_MONTH * SECONDS_PER_HOUR) / peakFactor;
}

/** Machines for a monthly volume: at least one, else as many as its peak needs, rounded up. */
export function replicas(callsPerMonth: number, throughputPerSecond: number, peakFactor: number): number {
  return Math.max(1, Math.ceil(callsPerMonth / callsPerMachine(throughputPerSecond, peakFactor)));
}

export interface BreakEvenInput {
  /** Rent of one machine. */
  readonly machineUsdPerMonth: number;
  /** Calls from which on another machine is rented. */
  readonly callsPerMachine: number;
  readonly peopleUsdPerMonth: number;
  readonly oneOffUsd: number;
  readonly horizonMonths: number;
  readonly teacherPer1kUsd: number;
  /** What a call still costs at the margin with machines paid for: deferrals at the teacher's price. */
  readonly marginalPer1kUsd: number;
}

/** The calls from which on every volume saves: above (n rents + people + one-off / horizon) / saving per call, for the last number n of
 *  machines whose first call still loses. Absent ("never") when a call saves nothing or a full machine not its rent. */
export function breakEvenCallsPerMonth(input: BreakEvenInput): number | undefined {
  const savedPerCall = (input.teacherPer1kUsd - input.marginalPer1kUsd) / CALLS_PER_UNIT;
  const rentUsd = input.machineUsdPerMonth;
  const savedPerMachine = savedPerCall * input.callsPerMachine;
  if (!(savedPerCall > 0) || !(savedPerMachine > rentUsd)) return undefined;
  const otherUsd = input.peopleUsdPerMonth + input.oneOffUsd / input.horizonMonths;
  const machines = Math.floor((otherUsd + savedPerMachine) / (savedPerMachine - rentUsd));
  return Math.floor(((machines * rentUsd + otherUsd) / savedPerCall) * ABOVE_ROUNDING) + 1;
}

/** One-off / saving per month; absent ("never") when a month saves nothing. */
export function paybackMonths(oneOffUsd: number, savedUsdPerMonth: number): number | undefined {
  return savedUsdPerMonth > 0 ? oneOffUsd / savedUsdPerMonth : undefined;
}

/** The two bills of a month. */
export interface Month {
  readonly calls: number;
  /** Machines that the peak needs, rented whole. */
  readonly machines: number;
  /** The teacher answers every call. */
  readonly teacherUsd: number;
  /** Rent, people, one-off costs spread over the horizon, and deferred calls at the teacher's price. */
  readonly deployedUsd: Interval;
  /** Teacher's bill less the student's. */
  readonly savedUsd: Interval;
  /** Teacher's price above which the unfavourable end saves at this volume; absent where no call is sure to be kept. */
  readonly payingPer1kUsd?: number;
}

export interface MonthInput {
  readonly calls: number;
  readonly machines: number;
  /** What the month costs whatever is answered: rent, people, one-off costs spread. */
  readonly fixedUsd: number;
  readonly teacherPer1kUsd: number;
  readonly coverage: Interval;
}

/** Both bills, with the interval of the coverage carried through. */
export function monthOf({ calls, machines, fixedUsd, teacherPer1kUsd, coverage }: MonthInput): Month {
  const teacherUsd = (calls * teacherPer1kUsd) / CALLS_PER_UNIT;
  const deployedAt = (kept: number): number => fixedUsd + (1 - kept) * teacherUsd;
  const savedAt = (kept: number): number => kept * teacherUsd - fixedUsd;
  const surelyKept = (calls * coverage.low) / CALLS_PER_UNIT;
  return {
    calls,
    machines,
    teacherUsd,
    deployedUsd: {
      value: deployedAt(coverage.value),
      low: deployedAt(coverage.high),
      high: deployedAt(coverage.low),
    },
    savedUsd: { value: savedAt(coverage.value), low: savedAt(coverage.low), high: savedAt(coverage.high) },
    ...(surelyKept > 0 ? { payingPer1kUsd: fixedUsd / surelyKept } : {}),
  };
}

export interface MoneyInput {
  readonly teacher: TeacherPrice;
  readonly throughputPerSecond: number;
  /** Share of the calls that the student keeps: the gate's coverage, or 1 where it answers alone; absent when no gate passed. */
  readonly coverage?: Interval;
  readonly callsPerMonth?: number;
  /** Seconds of machine time that the run took. */
  readonly trainingSeconds: number;
  readonly machineUsdPerHour?: number;
  readonly utilisationRatio?: number;
  readonly peakFactor?: number;
  readonly horizonMonths?: number;
  /** Stated people's costs; zero means "not counted" and is listed as such. */
  readonly oneOffPeopleUsd?: number;
  readonly peopleUsdPerMonth?: number;
}

/** What the report calls `MoneyFacts`. */
export interface Money {
  readonly teacherPer1kUsd?: number;
  readonly teacherPriceSource: "log" | "config" | "unknown";
  readonly studentPer1kUsd: number;
  readonly cascadePer1kUsd?: Interval;
  readonly savedRatio?: Interval;
  readonly callsPerMonth?: number;
  /** Present where the volume and the teacher's price are known and something is kept. */
  readonly monthly?: Month;
  /** At the measured coverage; absent: never or unknown. */
  readonly breakEvenCallsPerMonth?: number;
  /** At the lower end of the coverage's interval; null: never. */
  readonly breakEvenCallsPerMonthHigh?: number | null;
  readonly paybackMonths?: number;
  readonly assumptions: Readonly<Record<string, number | string>>;
}

interface Assumptions extends Record<string, number> {
  machineUsdPerHour: number;
  utilisationRatio: number;
  peakFactor: number;
  headroomRatio: number;
  horizonMonths: number;
  hoursPerMonth: number;
  trainingUsd: number;
  oneOffPeopleUsd: number;
  peopleUsdPerMonth: number;
}

function assumptionsOf(input: MoneyInput): Assumptions {
  const machineUsdPerHour = input.machineUsdPerHour ?? DEFAULT_MACHINE_USD_PER_HOUR;
  return {
    machineUsdPerHour,
    utilisationRatio: input.utilisationRatio ?? DEFAULT_UTILISATION_RATIO,
    peakFactor: input.peakFactor ?? DEFAULT_PEAK_FACTOR,
    headroomRatio: DEFAULT_HEADROOM_RATIO,
    horizonMonths: input.horizonMonths ?? DEFAULT_HORIZON_MONTHS,
    hoursPerMonth: HOURS_PER_MONTH,
    trainingUsd: (input.trainingSeconds / SECONDS_PER_HOUR) * machineUsdPerHour,
    oneOffPeopleUsd: input.oneOffPeopleUsd ?? 0,
    peopleUsdPerMonth: input.peopleUsdPerMonth ?? 0,
  };
}

/** Calls from which on a share of so many kept calls pays. */
function breakEvenAt(kept: number, input: MoneyInput, assumed: Assumptions, teacherUsd: number): number | undefined {
  return breakEvenCallsPerMonth({
    machineUsdPerMonth: assumed.machineUsdPerHour * HOURS_PER_MONTH,
    callsPerMachine: callsPerMachine(input.throughputPerSecond, assumed.peakFactor),
    peopleUsdPerMonth: assumed.peopleUsdPerMonth,
    oneOffUsd: assumed.trainingUsd + assumed.oneOffPeopleUsd,
    horizonMonths: assumed.horizonMonths,
    teacherPer1kUsd: teacherUsd,
    marginalPer1kUsd: (1 - kept) * teacherUsd,
  });
}

/** The month at the stated volume with as many machines as its peak needs, and when its one-off costs are earned back. */
function monthlyOf(
  input: MoneyInput,
  assumed: Assumptions,
  teacherPer1kUsd: number,
  coverage: Interval,
): Pick<Money, "monthly" | "paybackMonths"> {
  const calls = input.callsPerMonth;
  if (calls === undefined || !(coverage.value > 0)) return {};
  const machines = replicas(calls, input.throughputPerSecond, assumed.peakFactor);
  const oneOffUsd = assumed.trainingUsd + assumed.oneOffPeopleUsd;
  const spreadUsd = oneOffUsd / assumed.horizonMonths;
  const runningUsd = machines * assumed.machineUsdPerHour * HOURS_PER_MONTH + assumed.peopleUsdPerMonth;
  const monthly = monthOf({ calls, machines, fixedUsd: runningUsd + spreadUsd, teacherPer1kUsd, coverage });
  const payback = paybackMonths(oneOffUsd, monthly.savedUsd.value + spreadUsd);
  return { monthly, ...(payback === undefined ? {} : { paybackMonths: payback }) };
}

/** Break-even at the measured coverage and at the lower end of its interval, and the month where its calls are known. */
function returnOf(input: MoneyInput, assumed: Assumptions, teacherUsd: number, coverage: Interval): Partial<Money> {
  const breakEven = breakEvenAt(coverage.value, input, assumed, teacherUsd);
  return {
    ...(breakEven === undefined ? {} : { breakEvenCallsPerMonth: breakEven }),
    breakEvenCallsPerMonthHigh: breakEvenAt(coverage.low, input, assumed, teacherUsd) ?? null,
    ...monthlyOf(input, assumed, teacherUsd, coverage),
  };
}

/** All money of a run from its prices, its measured throughput and its gate; every assumption is listed by name with its value. */
export function moneyOf(input: MoneyInput): Money {
  const assumptions = assumptionsOf(input);
  const student = studentPer1kUsd(
    input.throughputPerSecond,
    assumptions.machineUsdPerHour,
    assumptions.utilisationRatio,
  );
  const base: Money = {
    teacherPriceSource: input.teacher.source,
    studentPer1kUsd: student,
    ...(input.callsPerMonth === undefined ? {} : { callsPerMonth: input.callsPerMonth }),
    assumptions,
  };
  const teacher = input.teacher.per1kUsd;
  if (teacher === undefined) return base;
  const known = { ...base, teacherPer1kUsd: teacher };
  if (input.coverage === undefined) return known;
  const cascade = cascadePer1kUsd(student, teacher, input.coverage);
  const saved = savedRatio(cascade, teacher);
  return {
    ...known,
    cascadePer1kUsd: cascade,
    ...(saved === undefined ? {} : { savedRatio: saved }),
    ...returnOf(input, assumptions, teacher, input.coverage),
  };
}
