/** @file The table of planted faults: each is a mistake that someone might make in a source file, and the tests that must notice it. Knows not how
 *  a fault is planted or a test run; `planted-faults.ts` does. */

/** One mistake. */
export interface Fault {
  readonly name: string;
  /** Source file, from the project's root. */
  readonly file: string;
  /** What stands there exactly once, and what stands there by mistake. */
  readonly text: string;
  readonly mistake: string;
  /** Test files of which at least one must fail. */
  readonly tests: readonly string[];
}

/** Faults of one file by name: what stands there, and the mistake. */
function faultsOf(
  file: string,
  tests: readonly string[],
  faults: Readonly<Record<string, readonly [text: string, mistake: string]>>,
): readonly Fault[] {
  return Object.entries(faults).map(([name, [text, mistake]]) => ({ name, file, text, mistake, tests }));
}

const GATE = "src/evaluate/gate.test.ts";
const PROVE = "src/pipeline/prove.test.ts";
const PROMISE = "test/promise.test.ts";
const BUILD = "src/dataset/build.test.ts";
const SPLIT = "src/dataset/split.test.ts";

const GATE_FAULTS: readonly Fault[] = [
  ...faultsOf("src/evaluate/gate.ts", [GATE, "src/evaluate/gate-kept.test.ts"], {
    "gate: epsilon doubled": [
      "const risk: Risk = { promise, epsilon };",
      "const risk: Risk = { promise, epsilon: 2 * epsilon };",
    ],
    "gate: delta tenfold": [
      "const decided = { risk, delta, seed, test };",
      "const decided = { risk, delta: 10 * delta, seed, test };",
    ],
    "gate: figures with a strict threshold": [
      "threshold !== null && (scores[call] ?? 0) >= threshold",
      "threshold !== null && (scores[call] ?? 0) > threshold",
    ],
    "gate: test chosen on sealed outcomes": [
      "chooseTest(outOfFold, sealed, risk, { delta, seed })",
      'chooseTest("right" in sealed ? (sealed as CallOutcomes) : outOfFold, sealed, risk, { delta, seed })',
    ],
    "gate: candidates from sealed outcomes": [
      "candidatesOf(rank(outOfFold), sealed.groups.length, epsilon)",
      'candidatesOf(rank("right" in sealed ? (sealed as CallOutcomes) : outOfFold), sealed.groups.length, epsilon)',
    ],
    "gate: calls beyond the cap forgotten": [
      "const isCut = sample.scores.length < sealed.scores.length;",
      "const isCut = false;",
    ],
    "gate: a failed candidate keeps its level": ["else level = 0;", "else continue;"],
    "gate: level handed on twice": ["if (pValueAt(i) <= level) best = i;", "if (pValueAt(i) <= 2 * level) best = i;"],
    "gate: errors off by one": ["errors: kept.length - keptRight", "errors: kept.length - 1 - keptRight"],
  }),
  ...faultsOf("src/evaluate/risk-test.ts", ["src/evaluate/risk-test.test.ts", GATE], {
    "risk test: strict threshold": [
      "if ((scores[middle] ?? 0) >= threshold)",
      "if ((scores[middle] ?? 0) > threshold)",
    ],
    "risk test: binomial of the kept calls for both promises": [
      'const calls = promise === "delivered" ? sample.scores.length : kept;',
      "const calls = kept;",
    ],
    "risk test: binomial of all calls for both promises": [
      'const calls = promise === "delivered" ? sample.scores.length : kept;',
      "const calls = sample.scores.length;",
    ],
    "risk test: sizes of the kept groups for both promises": [
      'const sizes = promise === "delivered" ? sample.sizes : found.calls.filter((size) => size > 0);',
      "const sizes = found.calls.filter((size) => size > 0);",
    ],
    "risk test: sizes of all groups for both promises": [
      'const sizes = promise === "delivered" ? sample.sizes : found.calls.filter((size) => size > 0);',
      "const sizes = sample.sizes;",
    ],
    "risk test: any cap among few groups": ["Math.min(cap, bearableCap(", "Math.max(cap, bearableCap("],
    "risk test: stake too large": [
      "(test.stakeRatio ?? 0.5) / (test.cap * (1 - epsilon))",
      "(test.stakeRatio ?? 0.5) * 3",
    ],
    "risk test: stake of unlimited groups": ["/ (test.cap * (1 - epsilon))", "/ (1 - epsilon)"],
    "risk test: largest wealth in an order that sums decide": [
      "for (const sum of sums) {",
      "for (const sum of sums.toSorted()) {",
    ],
    "risk test: walk goes past the first failure": ["return ends[low] ?? 0;", "return ends[high] ?? ends[low] ?? 0;"],
    "risk test: groups ignored": [
      "const drawn = drawnGroups(calls.groups, test.cap, seed);",
      "const drawn = drawnGroups(Int32Array.from({ length: calls.scores.length }, (_, i) => i), test.cap, seed);",
    ],
    "risk test: shares of right answers rounded up": [
      "wrong: keys.map((key) => 1 - (right[callAt(key)] ?? 0)),",
      "wrong: keys.map((key) => Math.floor(1 - (right[callAt(key)] ?? 0))),",
    ],
  }),
  ...faultsOf("src/evaluate/few-groups.ts", ["src/evaluate/few-groups.test.ts"], {
    "few groups: taken for as many single calls": ["if (most.length === 0) return", "if (most.length >= 0) return"],
    "few groups: as often wrong as single calls": [
      "let left = (expected * split) / RISK_SPLITS;",
      "let left = (0.1 * expected * split) / RISK_SPLITS;",
    ],
    "few groups: a wrong group weighs as its calls": ["const GROUPED_WEIGHT = 2;", "const GROUPED_WEIGHT = 1;"],
    "few groups: observed rate for the largest": [
      "rate: clopperPearsonUpper(wrong, sizes.length, confidence)",
      "rate: wrong / sizes.length",
    ],
  }),
  ...faultsOf("src/evaluate/calls.ts", ["src/evaluate/calls.test.ts", GATE], {
    "calls: cap ignored": ["(calls.length > cap ? pick(calls, cap, random) : calls)", "calls"],
    "calls: interval ignores groups": [
      "const members = callsByGroup(groups);",
      "const members = callsByGroup(Int32Array.from({ length: calls }, (_, i) => i));",
    ],
    "calls: equal outcomes of few groups are certain": ["/ variance) : most;", "/ variance) : calls;"],
  }),
  ...faultsOf("src/stats.ts", ["src/stats.test.ts"], {
    "bootstrap: groups ignored": ["groupSums(values, options.groups ?? Array.from(", "groupSums(values, Array.from("],
    "bootstrap: a 90 % interval called one of 95 %": [
      "const { seed, resamples = 2000, confidence = DEFAULT_CONFIDENCE } = options;",
      "const { seed, resamples = 2000, confidence = 0.9 } = options;",
    ],
    "stats: confidence of 90 % called 95 %": ["DEFAULT_CONFIDENCE = 0.95", "DEFAULT_CONFIDENCE = 0.9"],
    "sign flips: groups ignored": [
      "const sums = groupSums(values, groups).sums.filter(",
      "const sums = Float64Array.from(values).filter(",
    ],
    "interval: two-sided tail not halved": [
      "const tail = (1 - confidence) / 2;\n  return {\n    value: successes",
      "const tail = 1 - confidence;\n  return {\n    value: successes",
    ],
  }),
  ...faultsOf("src/evaluate/compare.ts", ["src/evaluate/compare.test.ts"], {
    "paired test: interval ignores groups": [
      "const effect = isSimple ? 1 : designEffect(differences, groups);",
      "const effect = 1;",
    ],
    "paired test: p-value ignores groups": ["pValue: isSimple ? mcnemarExact", "pValue: size > 0 ? mcnemarExact"],
    "choice by cost: bootstrap ignores groups": [
      "{ seed: options.seed, ...(options.groups === undefined ? {} : { groups: options.groups }) }",
      "{ seed: options.seed }",
    ],
  }),
];

const WIRE_FAULTS: readonly Fault[] = [
  ...faultsOf("src/student/student.ts", [PROVE], {
    "student: keeps every answer": ['score >= threshold ? "keep" : "defer"', 'score >= 0 ? "keep" : "defer"'],
    "student: strict threshold": ['score >= threshold ? "keep" : "defer"', 'score > threshold ? "keep" : "defer"'],
    "student: compares what is shown": [
      'score >= threshold ? "keep" : "defer"',
      'probability >= threshold ? "keep" : "defer"',
    ],
    "student: keeps without a threshold": ["manifest.gate.threshold ?? Infinity", "manifest.gate.threshold ?? 0"],
  }),
  ...faultsOf("src/student/open.ts", ["src/student/open.test.ts"], {
    "student: a precision without proof keeps": ['precision === "int8" ? manifest : withoutGate(manifest)', "manifest"],
    "student: calibrator of other weights opened": [
      "assertCalibratorFits(manifest.calibrator, manifest.sha256.weights);",
      "",
    ],
  }),
  ...faultsOf("src/student/calibrator.ts", ["src/student/calibrator.test.ts"], {
    "calibrator: fits all weights": [
      "if (calibrator.modelHash === modelHash) return;",
      "if (calibrator.modelHash !== undefined) return;",
    ],
  }),
  ...faultsOf("src/pipeline/prove.ts", [PROVE], {
    "openings: always one": ["const looks = others.length + 1;", "const looks = 1;"],
    "gate: epsilon of the default": [
      "const options = { promise: promised, epsilon, delta",
      "const options = { promise: promised, epsilon: 0.02, delta",
    ],
    "gate: chosen on out-of-fold calls twice": [
      "planGate(outOfFoldCalls, sealedCalls, options), sealedCalls)",
      "planGate(outOfFoldCalls, sealedCalls, options), outOfFoldCalls)",
    ],
    "gate: the other promise is the same": [
      'gateOf(promise === "delivered" ? "kept" : "delivered")',
      "gateOf(promise)",
    ],
  }),
  ...faultsOf("src/pipeline/ship.ts", ["src/pipeline/ship.test.ts"], {
    "parity: a graph compared with itself": ["expected, logits, classes));", "logits, logits, classes));"],
  }),
  ...faultsOf("src/pipeline/run.ts", [PROMISE], {
    "promise of the configuration does not reach the gate": [
      "promise: planned.plan.target.promise,\n",
      'promise: "delivered",\n',
    ],
    "agreement of the configuration does not reach the gate": [
      "epsilon: riskOf(planned.plan.target.agreement),",
      "epsilon: 0.02,",
    ],
  }),
  ...faultsOf("src/pipeline/publish.ts", ["src/pipeline/publish.test.ts"], {
    "promise does not reach the manifest": ["promise: gate.promise,", 'promise: "delivered",'],
    "threshold does not reach the manifest": ["threshold: gate.threshold,", "threshold: 0.5,"],
    "agreement of the manifest ignores groups": [
      "shareByGroup(sealedCalls.right, sealedCalls.groups)",
      "shareByGroup(sealedCalls.right, Int32Array.from({ length: sealedCalls.scores.length }, (_, i) => i))",
    ],
  }),
  ...faultsOf("src/pipeline/assemble.ts", [PROMISE], {
    "promise does not reach the report": [
      "    ...facts,\n    test: {",
      '    ...facts,\n    promise: "delivered",\n    test: {',
    ],
    "openings do not reach the report": ["sealOpenings: input.sealOpenings,", "sealOpenings: 1,"],
  }),
  ...faultsOf("src/cli/run-options.ts", ["src/cli/run-options.test.ts"], {
    "promise of the configuration does not reach the target": [
      "fromFlags ?? fromFile ?? DEFAULT_TARGET",
      "fromFlags ?? DEFAULT_TARGET",
    ],
    "promise of the flags does not reach the target": [
      "fromFlags ?? fromFile ?? DEFAULT_TARGET",
      "fromFile ?? DEFAULT_TARGET",
    ],
  }),
  ...faultsOf("src/report/metrics.ts", [PROMISE], {
    "openings do not reach the metrics": ["sealOpenings: dataset.sealOpenings,", "sealOpenings: 1,"],
  }),
  ...faultsOf("src/pipeline/outcomes.ts", ["src/pipeline/outcomes.test.ts"], {
    "outcomes: the majority answer is right in all calls": [
      "return right / Math.max(1, total);",
      "return Number(row.label === answer);",
    ],
    "outcomes: calls of an input counted once": [
      "for (let place = 0; place < row.weight; place++, at++)",
      "for (let place = 0; place < 1; place++, at++)",
    ],
    "outcomes: calls of a recurring input are one group": ["row.recurring === true ? -1 - at : row.group", "row.group"],
    "outcomes: an unknown answer is right": ["if (answer < 0) return 0;", ""],
    "outcomes: a call gets its input's majority answer": [
      "label: answers[r]?.[calls.places[at] ?? 0] ?? row?.label ?? -1,",
      "label: row?.label ?? -1,",
    ],
  }),
];

const CALIBRATION_FAULTS: readonly Fault[] = faultsOf(
  "src/evaluate/calibration.ts",
  ["src/evaluate/calibration.test.ts"],
  {
    "calibration: cross-fitting sees its own part": ["=> row % CROSS_FITS !== part;", "=> row >= 0;"],
    "calibration: gaps cancel out": [
      "Math.abs(bin.meanProbability - bin.agreement)",
      "(bin.meanProbability - bin.agreement)",
    ],
    "calibration: bins count alike, whatever they hold": ["sum + bin.count * Math.abs", "sum + Math.abs"],
    "calibration: ties are in order": ["const rank = (from + 1 + to) / 2;", "const rank = to;"],
    "calibration: a more complex form without a significant gain": [
      "return mean > 2 * Math.sqrt(variance / outcomes.length);",
      "return mean > 0;",
    ],
    "calibration: calls not counted": [
      "(_, row) => calls?.[row] ?? 1);",
      "(_, row) => (calls?.[row] === undefined ? 1 : 1));",
    ],
  },
);

const TRAINING_FAULTS: readonly Fault[] = [
  ...faultsOf("src/distill/trainer.ts", ["src/distill/trainer.test.ts", "src/distill/step.test.ts"], {
    "training: stops early at the worst epoch": [
      "found.loss < (state.best?.loss ?? Infinity)",
      "found.loss > (state.best?.loss ?? -Infinity)",
    ],
    "training: weight decay of biases and norms": ["weightDecay: decayed ? weightDecay : 0,", "weightDecay,"],
    "training: weight decay of the table": [
      "{ ...at, weightDecay: 0, learningRate: tableRate }",
      "{ ...at, learningRate: tableRate }",
    ],
    "training: table outside of the clip norm": [" + gradientSquares(state.table, starts, width);", ";"],
    "training: not clipped": ["Math.min(1, gradientClip / Math.sqrt(squares))", "1"],
    "training: held-out rows are learned": [
      "!held.has(row) && (spec.weights[row] ?? 0) > 0",
      "(spec.weights[row] ?? 0) > 0 || held.has(row)",
    ],
  }),
  ...faultsOf("src/pipeline/ladder.ts", ["src/pipeline/ladder.test.ts"], {
    "training: worst weight of a joined student": ["(b.loss < a.loss ? b : a)", "(b.loss > a.loss ? b : a)"],
  }),
  ...faultsOf("src/compress/importance.ts", ["src/compress/cut.test.ts"], {
    "importance: padding counted": ["graph.mul(graph.square(x), graph.reshape(mask, [0, 0, 1]))", "graph.square(x)"],
    "importance: padding counted in the influence of layers": ["graph.mul(cosines, mask)", "cosines"],
    "importance: most influential layer goes first": ["score < (layers[best] ?? 0)", "score > (layers[best] ?? 0)"],
  }),
];

const DATASET_FAULTS: readonly Fault[] = [
  ...faultsOf("src/dataset/split.ts", [SPLIT], {
    "split: a rare label's group never sealed": [
      "const whole = all.filter(({ rows }) => recurring[rows[0] ?? 0] !== true);",
      "const seen = new Set<number>();\nconst whole = all.filter(({ rows, label }) => recurring[rows[0] ?? 0] !== true && (seen.has(label) || !seen.add(label)));",
    ],
    "split: recurring inputs sealed whole": [
      "const whole = all.filter(({ rows }) => recurring[rows[0] ?? 0] !== true);",
      "const whole = all;",
    ],
    "split: large groups likelier to be sealed": [
      "Math.floor(start + (i + 1) * ratio) > Math.floor(start + i * ratio)",
      "Math.floor(start + (i + 1) * ratio) > Math.floor(start + i * ratio) || groups[i]?.rows.length === 10",
    ],
    "split: one row of a group sealed": [
      "for (const row of group.rows) sealed[row] = true;",
      "for (const row of group.rows.slice(0, 1)) sealed[row] = true;",
    ],
    "split: rows of a group in several folds": [
      "for (const row of rows) folds[row] = best;",
      "for (const row of rows) folds[row] = row % FOLDS;",
    ],
    "split: leaks by conversation not seen": [
      "[`text ${draft.folded}`, ...tyingConversations(draft)]",
      "[`text ${draft.folded}`]",
    ],
  }),
  ...faultsOf("src/dataset/groups.ts", [SPLIT], {
    "groups: families beyond the cap kept whole": [
      "if (rows < 2 || calls <= LARGEST_GROUP_CALLS)",
      "if (rows < 2 || calls > 0)",
    ],
    "groups: a storm of alike inputs is a template": ["(quarters === 0b1111 && calls >=", "(calls >="],
    "groups: conversations ignored": ["joinEqual(drafts, members, namesOf, sets);", ""],
    "groups: near-duplicates ignored": [
      "families.join(i, templates.has(root) ? exact.find(i) : root);",
      "families.join(i, exact.find(i));",
    ],
    "groups: calls of a conversation are units of their own": [
      "weight <= LARGEST_GROUP_CALLS || tyingConversations(draft).length > 0",
      "weight <= LARGEST_GROUP_CALLS",
    ],
    "groups: a storm's calls are units of their own": ["(quarters === 0b1111 && weight >=", "(weight >="],
    "groups: copies are recurring inputs": [
      "if (rows > MOST_RECURRING_RATIO * drafts.length) {",
      "if (rows > drafts.length) {",
    ],
    "groups: one default name unties all conversations": [
      "new Set([...rows].flatMap(([name, count]) => (count > most ? [name] : [])))",
      "new Set([...rows.values()].some((count) => count > most) ? rows.keys() : [])",
    ],
    "groups: sides tied": ["const sided = `${draft.side}:${key}`;", "const sided = key;"],
  }),
  ...faultsOf("src/dataset/conversations.ts", ["src/dataset/conversations.test.ts"], {
    "conversations: first call not tied": [
      "(common + 2 === keys.length && !this.continuations.has(root))",
      "common + 2 === keys.length",
    ],
    "conversations: greetings tie": ["?.size ?? 0) > most);", "?.size ?? 0) > Infinity);"],
    "conversations: the log's own name dropped": [
      "return isAlone ? named : [...named, `t${root}`];",
      "return isAlone ? named : [`t${root}`];",
    ],
  }),
  ...faultsOf("src/dataset/frozen-rows.ts", [BUILD], {
    "rows: labels of sealed rows kept": ["made.filter(({ sealed }) => !sealed).flatMap", "made.flatMap"],
    "rows: recurring inputs on one side": [
      'const isSplit = groups.recurring[at] === true && split.sealedBy === "group";',
      "const isSplit = false;",
    ],
    "rows: the most frequent answers of a recurring input sealed": [
      "const j = i + random.int(all.length - i);",
      "const j = i;",
    ],
  }),
  ...faultsOf("src/dataset/build.ts", [BUILD], {
    "calls: users' names stored": ["subjectOf(`subject ${user}`)", "user"],
    "calls: conversations' names stored": ["subjectOf(`conversation ${conversation}`)", "conversation"],
  }),
  ...faultsOf("src/dataset/subjects.ts", [BUILD], {
    "calls: names hashed without the project's key": ['createHmac("sha256", key)', 'createHmac("sha256", "")'],
  }),
  ...faultsOf("src/dataset/periods.ts", [BUILD], {
    "periods: a conversation straddles the cut": [
      "return this.begunMs(record.timestampMs ?? -Infinity, names) >= this.cutMs",
      "return (record.timestampMs ?? -Infinity) >= this.cutMs && names.length >= 0",
    ],
    "periods: the oldest sealed": ['>= this.cutMs ? "test" : "train"', '< this.cutMs ? "test" : "train"'],
  }),
  ...faultsOf("src/dataset/rows.ts", [BUILD], {
    "periods: calls of both in one row": [
      "hashTexts(side, normalised), () =>",
      'hashTexts("train", normalised), () =>',
    ],
    "rows: counted once however often they occur": ["draft.weight += calls;", "draft.weight = 1;"],
  }),
];

const REPORT_FAULTS: readonly Fault[] = [
  ...faultsOf("src/report/verdict.ts", ["src/report/verdict.test.ts"], {
    "verdict: cost limit at its favourable end": ["cascade.high, limit)", "cascade.low, limit)"],
    "verdict: ceiling ignored": [
      "(dataset.selfAgreementCeiling ?? 1) >= target.agreement",
      "dataset !== undefined && target !== undefined",
    ],
    "verdict: months ignored": [
      "if (monthly === undefined) return savingPerCall",
      "if (monthly !== null) return savingPerCall",
    ],
    "verdict: a month's saving at its favourable end": [
      "if (low > 0) return { met: true,",
      "if (high > 0) return { met: true,",
    ],
    "verdict: a call's saving at its favourable end": ["const met = saved.low > 0;", "const met = saved.high > 0;"],
    "verdict: deploys without a guarantee": [
      "const guaranteePossible = (gate.sealedGroups ?? dataset.sealedRows) >= needed;",
      "const guaranteePossible = needed > 0;",
    ],
    "verdict: rows counted for groups": [
      "(gate.sealedGroups ?? dataset.sealedRows) >= needed",
      "dataset.sealedRows >= needed",
    ],
    "verdict: deploys alone behind a threshold": [
      "gate.threshold === 0 && ceilingAllows(facts)",
      "gate.threshold !== null && ceilingAllows(facts)",
    ],
    "verdict: an unknown cost is met": [
      '[{ met: false, reason: reason("cost-not-verifiable"',
      '[{ met: true, reason: reason("cost-not-verifiable"',
    ],
    "verdict: one check is enough": [
      "checks.every(({ met }) => met)",
      "checks.length === 0 || checks.some(({ met }) => met)",
    ],
  }),
  ...faultsOf("src/report/html.ts", ["src/report/report.test.ts"], {
    "report: cells of the page unescaped": ["cellHtml(cell) : escapeHtml(cell);", "cellHtml(cell) : cell;"],
    "report: parts of cells of the page unescaped": [
      "if (parts.length !== 2) return escapeHtml(cell);",
      "if (parts.length !== 2) return cell;",
    ],
  }),
  ...faultsOf("src/report/markdown.ts", ["src/report/report.test.ts"], {
    "report: cells of the Markdown unescaped": ['cell.split("\\n").map(escapeMarkdown).join', 'cell.split("\\n").join'],
    "report: column separators unescaped": ["_[\\]|#~]", "_[\\]#~]"],
  }),
  ...faultsOf("src/report/risks.ts", ["src/report/risks.test.ts"], {
    "risks: openings of the seal not told": ["if (openings > 1) {", "if (openings > 1e9) {"],
  }),
];

const TEACHER_FAULTS: readonly Fault[] = [
  ...faultsOf("src/teacher/ask.ts", ["src/teacher/label-money.test.ts", "src/teacher/label.test.ts"], {
    "teacher: a paid request sent before it is written down": [
      'await asking.history.add({ kind: "sent",',
      'void asking.history.add({ kind: "sent",',
    ],
    "teacher: the budget not asked": [
      "!(await asking.budget.reserve(worst ?? 0))",
      "!(await asking.budget.reserve(0))",
    ],
    "teacher: a failure that may have cost is free": [
      "const usd = error.mayHaveCost ? (sent.worstUsd ?? 0) : 0;",
      "const usd = 0 * (sent.worstUsd ?? 0);",
    ],
  }),
  ...faultsOf("src/teacher/history.ts", ["src/teacher/label-money.test.ts"], {
    "teacher: requests of a killed run are free": ["    this.possiblySpentUsd += usdOpen;\n", ""],
  }),
];

export const FAULTS: readonly Fault[] = [
  ...GATE_FAULTS,
  ...WIRE_FAULTS,
  ...CALIBRATION_FAULTS,
  ...TRAINING_FAULTS,
  ...DATASET_FAULTS,
  ...REPORT_FAULTS,
  ...TEACHER_FAULTS,
];
