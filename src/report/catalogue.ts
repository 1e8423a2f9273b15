/** @file Headings, labels and short texts of the reports in both languages, side by side: a key without one of the languages does
 *  not compile, an unknown key neither. Sentences of reasons and risks are in `reasons.ts`, numbers in `format.ts`. */
import type { SliceFacts, VerdictName } from "./facts.js";
import { fill, type Language } from "./format.js";
import { LOOK_TEXTS } from "./look-texts.js";
import type { Bilingual } from "./reasons.js";

const TEXTS = {
  ...LOOK_TEXTS,
  title: { en: "Distillation report", ja: "蒸留レポート" },
  "run-line": {
    en: "Run {runId} · model “{name}” · workload “{workload}”",
    ja: "実行{runId}・モデル「{name}」・対象業務「{workload}」",
  },
  "run-date": { en: "proved on {date}", ja: "{date}に検証" },
  "run-inputs": { en: "input: {inputs}", ja: "入力ファイル：{inputs}" },
  "yen-rate": {
    en: "Yen at {rate:number} to the US dollar, as stated.",
    ja: "円換算は指定の1米ドル={rate:number}円によります。",
  },
  "term-gate": { en: "Gate", ja: "ゲート" },
  "term-sealed": { en: "Sealed inputs", ja: "未使用の評価データ" },
  "term-out-of-fold": { en: "Out of fold", ja: "交差検証" },
  "term-agreement": { en: "Agreement", ja: "一致率" },
  "compared-majority": { en: "most frequent label", ja: "最多ラベル" },
  "compared-linear": { en: "linear student", ja: "線形の生徒モデル" },
  "compared-uncut-fp32": { en: "uncut encoder (fp32)", ja: "切り詰め前のエンコーダー（fp32）" },
  "compared-student-fp32": { en: "student (fp32)", ja: "生徒モデル（fp32）" },
  "compared-student-int8": { en: "student (int8)", ja: "生徒モデル（int8）" },
  "compared-student+fallback": { en: "student + fallback", ja: "教師モデル併用" },
  "stage-fold": { en: "{name}, fold {fold}", ja: "{name}、分割{fold}" },
  "stage-final": { en: "{name}, final fit", ja: "{name}、最終学習" },
  "stage-prove": { en: "proof", ja: "検証" },
  "slices-lead": { en: "Least agreement first.", ja: "一致率の低い順です。" },
  language: { en: "Language", ja: "表示言語" },
  verdict: { en: "Verdict", ja: "判定" },
  reasons: { en: "Reasons", ja: "理由" },
  contents: { en: "Contents", ja: "目次" },
  unknown: { en: "unknown", ja: "不明" },
  never: { en: "never", ja: "回収の見込みなし" },
  none: { en: "none", ja: "なし" },
  teacher: { en: "Teacher", ja: "教師モデル" },
  student: { en: "Student", ja: "生徒モデル" },
  "student-alone": { en: "Student alone", ja: "生徒モデル単独" },
  "alone-value": { en: "Student alone: {value}", ja: "生徒モデル単独：{value}" },
  "tile-target": { en: "target {target:share}", ja: "目標{target:share}" },
  comma: { en: ", ", ja: "、" },
  "tile-saved": { en: "Saved of the teacher's cost", ja: "教師モデルの費用に対する削減率" },
  "tile-calls-saved": { en: "Calls that the teacher no longer gets", ja: "教師モデルへの呼び出しの削減率" },
  "tile-price-unknown": {
    en: "the teacher's price is unknown; the student costs {value} per 1,000 calls",
    ja: "教師モデルの価格は不明。生徒モデルの費用は1,000回あたり{value}",
  },
  "cost-instead": {
    en: "{cost} instead of {teacher} per 1,000 calls",
    ja: "1,000回あたり{teacher}から{cost}へ",
  },
  "latency-deferred": {
    en: "deferred calls ({deferral:percent}) take the teacher's time on top",
    ja: "教師モデルに回す{deferral:percent}には、その応答時間が加わる",
  },
  "latency-where-kept": { en: "where the student answers", ja: "生徒モデルの回答分" },
  "answered-by-student": { en: "Answered by the student", ja: "生徒モデルが回答する割合" },
  "teacher-elsewhere": { en: "unknown", ja: "不明" },
  "month-bill": { en: "Bill of a month", ja: "1か月の費用" },
  "verdict-line": { en: "Verdict: {name} ({code})", ja: "判定：{name}（{code}）" },
  "candidate-line": { en: "{name}: {reason}", ja: "{name}：{reason}" },
  colon: { en: ": ", ja: "：" },
  "candidates-trained": {
    en: "Candidates that were trained (agreement, and cost of 1,000 calls: out of fold)",
    ja: "学習した候補モデル（一致率と1,000回の費用は交差検証の値）",
  },
  "candidates-untrained": { en: "Not trained", ja: "学習しなかった候補" },
  "terminal-size": { en: "Size", ja: "サイズ" },
  "terminal-latency": { en: "Latency", ja: "応答時間" },
  "terminal-training": { en: "Training", ja: "学習時間" },
  "terminal-agreement": { en: "Agreement", ja: "一致率" },
  "terminal-cost": { en: "Cost", ja: "費用" },
  cascade: { en: "Student + fallback", ja: "生徒モデル＋教師モデル" },
  "teacher-value": { en: "Teacher: {value}", ja: "教師モデル：{value}" },
  "tile-size": { en: "Size", ja: "サイズ" },
  "tile-cost": { en: "Cost per 1,000 calls", ja: "1,000回あたりの費用" },
  "tile-latency": { en: "Latency (p50)", ja: "応答時間（p50）" },
  "tile-agreement": { en: "Agreement with the teacher", ja: "教師モデルとの一致率" },
  "interval-exact": { en: "exact: sum of the files that are opened", ja: "実測値（推論時に開くファイルの合計）" },
  "interval-95": { en: "95% interval {range}", ja: "95%信頼区間 {range}" },
  "cost-month": {
    en: "{calls:count} calls a month: {deployed}, the teacher {teacher}",
    ja: "月間{calls:count}回の場合{deployed}（教師モデルは{teacher}）",
  },
  "cost-alone": { en: "machine time at the stated utilisation", ja: "想定稼働率でのサーバー費用" },
  "not-proved": { en: "out of fold, not proved", ja: "交差検証の値で、証明されていません" },
  "latency-note": { en: "p95 {p95:ms}, p99 {p99:ms}", ja: "p95 {p95:ms}、p99 {p99:ms}" },
  "teacher-agreement": { en: "100% by definition", ja: "定義上100%" },
  "teacher-ceiling": { en: "{ceiling:percent} with itself", ja: "自身との一致率 {ceiling:percent}" },
  "gate-line": {
    en: "Gate (promise “kept”): answers with probability of at least {threshold:number} are kept, {coverage:percent} of the traffic; at {confidence:share} confidence at most {epsilon:share} of them disagree with the teacher.",
    ja: "ゲート（約束「kept」）：確率{threshold:number}以上の回答だけを採用（全体の{coverage:percent}）。そのうち教師モデルと異なるものは、信頼度{confidence:share}で{epsilon:share}以下です。",
  },
  "gate-line-delivered": {
    en: "Gate (promise “delivered”): answers with probability of at least {threshold:number} are kept, {coverage:percent} of the traffic; at {confidence:share} confidence at most {epsilon:share} of all answers that leave the cascade differ from the teacher's.",
    ja: "ゲート（約束「delivered」）：確率{threshold:number}以上の回答だけを採用（全体の{coverage:percent}）。利用者に届く回答全体のうち教師モデルと異なるものは、信頼度{confidence:share}で{epsilon:share}以下です。",
  },
  "gate-none-delivered": {
    en: "Gate (promise “delivered”): no threshold keeps the promise that at most {epsilon:share} of all answers differ from the teacher's, at {confidence:share} confidence.",
    ja: "ゲート（約束「delivered」）：利用者に届く回答全体の不一致{epsilon:share}以下を信頼度{confidence:share}で守れるしきい値はありません。",
  },
  "gate-none": {
    en: "Gate (promise “kept”): no threshold keeps the promise of at most {epsilon:share} disagreement at {confidence:share} confidence.",
    ja: "ゲート（約束「kept」）：不一致{epsilon:share}以下を信頼度{confidence:share}で守れるしきい値はありません。",
  },
  candidates: { en: "Candidates", ja: "候補モデル" },
  "candidates-lead": {
    en: "Cheapest first; estimates from the plan beside what was measured.",
    ja: "低コスト順です。計画時の推定値と実測値を並べています。",
  },
  candidate: { en: "Candidate", ja: "候補" },
  status: { en: "Status", ja: "状態" },
  "status-chosen": { en: "chosen", ja: "採用" },
  "status-passed-over": { en: "passed over", ja: "不採用" },
  "status-not-reached": { en: "not reached", ja: "未着手" },
  "status-infeasible": { en: "infeasible", ja: "条件外" },
  "status-planned-away": { en: "no time planned", ja: "時間外" },
  because: { en: "Why", ja: "理由" },
  parameters: { en: "Parameters", ja: "パラメータ数" },
  "estimated-size": { en: "Size (est.)", ja: "サイズ（推定）" },
  "estimated-latency": { en: "Latency (est.)", ja: "応答時間（推定）" },
  "estimated-training": { en: "Training (est.)", ja: "学習時間（推定）" },
  "estimated-saving": { en: "Saving per 1,000 (est.)", ja: "1,000回の削減額（推定）" },
  measured: { en: "Measured", ja: "実測" },
  "measured-value": { en: "measured {value}", ja: "実測 {value}" },
  "out-of-fold": { en: "Agreement, out of fold", ja: "一致率（交差検証）" },
  path: { en: "From teacher to student", ja: "教師モデルから生徒モデルへ" },
  "path-lead": {
    en: "Each step down from the fine-tuned encoder (uncut). Filled dot: agreement with the teacher of the log; ring: agreement with the uncut encoder in fp32; lines are 95% intervals.",
    ja: "調整済みエンコーダー（uncut）から順に小さくした各段階です。塗りつぶしの点はログの教師モデルとの一致率、輪は切り詰め前のエンコーダー（fp32）との一致率、線は95%信頼区間を示します。",
  },
  step: { en: "Step / rows", ja: "段階 / 対象データ" },
  "layers-neurons": { en: "Teacher's layers / neurons", ja: "教師モデルの層 / ニューロン数" },
  "uncut-agreement": { en: "Agreement with uncut", ja: "切り詰め前との一致率" },
  "before-recovery": { en: "before recovery", ja: "回復前" },
  "control-rates": {
    en: "Learning rate of the control: {rate}, chosen among {rates} on rows that judge neither.",
    ja: "対照の学習率は{rate}です（{rates}の中から、どちらの判定にも使わないデータで選択）。",
  },
  "cut-texts": {
    en: "{texts:count} of {rows:count} texts to learn from are longer than the base reads ({pieces:count} pieces): it sees their beginning.",
    ja: "学習用の{rows:count}件のうち{texts:count}件はベースが読める長さ（{pieces:count}トークン）を超えるため、先頭部分だけを読んでいます。",
  },
  "without-control": {
    en: "What distillation gave was not measured, no control was trained: {reason}.",
    ja: "対照を学習していないため、蒸留の効果は測定していません：{reason}。",
  },
  quality: { en: "Quality on sealed rows", ja: "品質（未使用の評価データ）" },
  "quality-lead": {
    en: "{rows:count} sealed rows that nothing was fitted, chosen or tuned on, answered by the exported model in a fresh process.",
    ja: "学習、選択、調整のいずれにも使っていない評価データ（封印データ）{rows:count}件に、書き出し済みのモデルが新しいプロセスで回答した結果です。",
  },
  "gold-accuracy": { en: "Accuracy on gold labels", ja: "正解ラベルでの正解率" },
  "teacher-gold-accuracy": { en: "Teacher's accuracy on gold labels", ja: "教師モデルの正解率（正解ラベル）" },
  "macro-f1": { en: "Macro F1", ja: "マクロF1" },
  agreement: { en: "Agreement", ja: "一致率" },
  interval: { en: "95% interval", ja: "95%信頼区間" },
  compared: { en: "Compared", ja: "比較" },
  "compared-lead": {
    en: "The same sealed rows for all; the line is the target.",
    ja: "すべて同じ評価データでの値です。縦線は目標を示します。",
  },
  "compared-out-of-fold": {
    en: "Nothing is sealed: these figures are out of fold and prove nothing; the line is the target.",
    ja: "未使用の評価データがないため、交差検証での値です。証明にはなりません。縦線は目標を示します。",
  },
  "quality-none": {
    en: "Nothing is sealed, so there is nothing to measure here; out-of-fold figures stand with the candidates.",
    ja: "未使用の評価データがないため、ここで測れる値はありません。交差検証の値は候補モデルの表にあります。",
  },
  model: { en: "Model", ja: "モデル" },
  size: { en: "Size", ja: "サイズ" },
  p50: { en: "Latency, p50", ja: "応答時間（p50）" },
  coverage: { en: "Coverage", ja: "ゲート通過率" },
  cost: { en: "Cost per 1,000", ja: "1,000回の費用" },
  gate: { en: "Gate: how far the student may answer", ja: "ゲート：生徒モデルに任せられる範囲" },
  "gate-lead": {
    en: "From right to left the threshold grows stricter. The dashed line is the promise, the dot the chosen threshold.",
    ja: "左へ行くほどしきい値が厳しくなります。破線は約束した上限、点は採用したしきい値です。",
  },
  threshold: { en: "Threshold", ja: "しきい値" },
  promise: { en: "promise", ja: "約束した上限" },
  chosen: { en: "chosen", ja: "採用点" },
  "kept-agreement": { en: "Agreement of kept answers", ja: "ゲートを通過した回答の一致率" },
  "delivered-agreement": { en: "Agreement of all answers that leave the cascade", ja: "利用者に届く回答全体の一致率" },
  "other-promise": {
    en: "Coverage under the promise “{promise}” (information)",
    ja: "約束「{promise}」の場合のゲート通過率（参考）",
  },
  "most-frequent-agreement": {
    en: "Agreement with the teacher's most frequent answer",
    ja: "教師モデルの最頻回答との一致率",
  },
  "worst-slice": { en: "Worst slice: {slice}", ja: "最も低い区分：{slice}" },
  "gate-test-binomial": {
    en: "Calls of the exact binomial test (at most {cap:count} of a group count)",
    ja: "正確な二項検定の呼び出し数（1グループにつき最大{cap:count}件を計上）",
  },
  "gate-test-one-call": {
    en: "Calls of the exact binomial test on one drawn call a group (at most {cap:count} of a group count)",
    ja: "各グループから1件ずつ抽出した正確な二項検定の呼び出し数（1グループにつき最大{cap:count}件を計上）",
  },
  "gate-test-betting": {
    en: "Calls of the betting test on the sums of groups (at most {cap:count} of a group count)",
    ja: "グループの合計値に対する賭けマルチンゲール検定の呼び出し数（1グループにつき最大{cap:count}件を計上）",
  },
  "gate-groups": { en: "{groups:count} groups", ja: "{groups:count}グループ" },
  "gate-beyond-cap": {
    en: "{groups:count} groups, {beyond:percent} left out",
    ja: "{groups:count}グループ、{beyond:percent}は対象外",
  },
  "risk-of-all": { en: "Wrong answers of the student among all answers", ja: "回答全体に占める生徒モデルの不一致率" },
  "unguaranteed-coverage": { en: "Coverage without a guarantee", ja: "保証なしの場合のゲート通過率" },
  "minimum-deferral": { en: "Least deferral, even with a perfect score", ja: "理想的な確信度でも必要な引き継ぎ率" },
  risk: { en: "Disagreement of kept answers", ja: "ゲートを通過した回答の不一致率" },
  calibration: { en: "Calibration", ja: "確率の較正" },
  "calibration-lead": {
    en: "Stated probability against measured agreement; on the diagonal both are equal. Bigger dots hold more rows.",
    ja: "モデルが示す確率と実際の一致率の関係です。対角線上なら両者が等しく、点が大きいほど件数が多いことを示します。",
  },
  "mean-probability": { en: "Stated probability", ja: "モデルが示す確率" },
  "ece-before": { en: "Calibration error before", ja: "較正誤差（補正前）" },
  "ece-after": { en: "Calibration error after", ja: "較正誤差（補正後）" },
  money: { en: "Money", ja: "費用と投資対効果" },
  "money-lead": {
    en: "US dollars per 1,000 calls, or per month where it says so.",
    ja: "1,000回あたりの費用（米ドル）です。「月額」とある項目は1か月分です。",
  },
  "saved-ratio": { en: "Saving against the teacher", ja: "教師モデルに対する削減率" },
  "teacher-price-source": { en: "Source of the teacher's price", ja: "教師モデルの価格の出所" },
  "price-log": { en: "recorded in the log", ja: "ログの記録" },
  "price-config": { en: "stated assumption", ja: "指定された想定値" },
  "price-unknown": { en: "unknown", ja: "不明" },
  "calls-per-month": { en: "Calls per month", ja: "月間呼び出し数" },
  "month-teacher": { en: "Teacher's bill per month", ja: "教師モデルの費用（月額）" },
  "month-deployed": {
    en: "Student's bill per month, deferred calls included",
    ja: "生徒モデルを導入した場合の費用（月額、引き継ぎ込み）",
  },
  "month-saved": { en: "Saving per month", ja: "削減額（月額）" },
  machines: { en: "Machines rented whole", ja: "専用のサーバーの台数" },
  "break-even": {
    en: "Break-even, calls per month, at the measured coverage",
    ja: "損益分岐点（月間呼び出し数、実測の通過率）",
  },
  "break-even-high": {
    en: "Break-even at the unfavourable end of the coverage's interval",
    ja: "損益分岐点（月間呼び出し数、通過率の信頼区間の下限）",
  },
  payback: { en: "Payback", ja: "回収期間" },
  "not-computed": { en: "not computed", ja: "算出不可" },
  latency: { en: "Latency and machine", ja: "応答時間とサーバー" },
  "latency-lead": {
    en: "One query at a time, featurising included. The axis ends at the 99.5th percentile.",
    ja: "1件ずつ処理した時間で、前処理を含みます。横軸は99.5パーセンタイルまでです。",
  },
  milliseconds: { en: "Milliseconds", ja: "ミリ秒" },
  queries: { en: "Queries", ja: "件数" },
  throughput: { en: "Throughput of batches", ja: "一括処理の速度" },
  "per-second": { en: "{value:count} per second", ja: "毎秒{value:count}件" },
  "peak-memory": { en: "Peak memory", ja: "最大メモリ" },
  machine: { en: "Machine", ja: "サーバー" },
  "machine-line": {
    en: "{cpu}, {cores:count} cores, {memoryGb:number} GB, {gflops:number} GFLOP/s",
    ja: "{cpu}、{cores:count}コア、{memoryGb:number} GB、{gflops:number} GFLOP/s",
  },
  "stage-seconds": { en: "Time of each stage", ja: "各工程の所要時間" },
  classes: { en: "Weakest labels", ja: "精度の低いラベル" },
  "classes-lead": {
    en: "Worst recall first, at most {count:count} of {labels:count}.",
    ja: "再現率の低い順に最大{count:count}件（全{labels:count}ラベル）。",
  },
  label: { en: "Label", ja: "ラベル" },
  support: { en: "Rows", ja: "件数" },
  calls: { en: "Calls", ja: "呼び出し数" },
  recall: { en: "Recall", ja: "再現率" },
  precision: { en: "Precision", ja: "適合率" },
  confusions: { en: "Most frequent confusions", ja: "誤分類の多い組み合わせ" },
  "confusions-lead": {
    en: "Teacher's answer → student's answer, in sealed calls.",
    ja: "教師モデルの回答 → 生徒モデルの回答（評価データの呼び出しの件数）。",
  },
  slices: { en: "Slices", ja: "データ区分別" },
  slice: { en: "Slice", ja: "データ区分" },
  "slice-unlearned": { en: "answers that no training row has", ja: "学習データにない回答" },
  "slice-seen": { en: "inputs that stand in the training rows too", ja: "学習データにもある入力" },
  "slice-length": { en: "{from:count} to {to:count} characters", ja: "{from:count}～{to:count}文字" },
  "slice-length-open": { en: "{from:count} characters or more", ja: "{from:count}文字以上" },
  "slice-frequency": {
    en: "labels with {from:count} to {to:count} training rows",
    ja: "学習データが{from:count}～{to:count}件のラベル",
  },
  "slice-frequency-open": {
    en: "labels with {from:count} or more training rows",
    ja: "学習データが{from:count}件以上のラベル",
  },
  "script-latin": { en: "Latin script", ja: "ラテン文字" },
  "script-japanese": { en: "Japanese script", ja: "日本語の文字" },
  "script-mixed": { en: "several scripts", ja: "複数の文字体系" },
  "script-other": { en: "another script, or no letters", ja: "その他の文字体系、または文字なし" },
  "another-label": { en: "(another label)", ja: "（その他のラベル）" },
  paired: { en: "Paired tests", ja: "対応のある検定" },
  "paired-lead": {
    en: "Difference of agreement, first minus second, on the same rows.",
    ja: "同じデータでの一致率の差（前者-後者）です。",
  },
  pair: { en: "Pair", ja: "組" },
  rows: { en: "Rows", ja: "対象データ" },
  "rows-out-of-fold": { en: "out of fold", ja: "交差検証" },
  "rows-sealed": { en: "sealed", ja: "未使用の評価データ" },
  difference: { en: "Difference", ja: "差" },
  "p-value": { en: "p", ja: "p値" },
  "runtime-wasm": { en: "int8 in a browser (WebAssembly)", ja: "int8、ブラウザー（WebAssembly）" },
  parity: { en: "Parity of the exports", ja: "書き出し前後の一致" },
  artefact: { en: "Artefact", ja: "成果物" },
  "top1-agreement": { en: "Same first answer", ja: "第一候補の一致" },
  "max-difference": { en: "Largest difference of probability", ja: "確率差の最大値" },
  data: { en: "Data", ja: "データ" },
  "data-calls": { en: "Calls in the log", ja: "ログの呼び出し数" },
  "data-rows": { en: "Distinct inputs", ja: "重複を除いた入力" },
  "data-train": { en: "Rows for training", ja: "学習データ" },
  "data-sealed": { en: "Sealed rows", ja: "未使用の評価データ" },
  "data-labels": { en: "Labels", ja: "ラベル数" },
  "data-duplicates": { en: "Duplicates", ja: "重複" },
  "data-near-duplicates": { en: "Near-duplicates", ja: "類似重複" },
  "data-unlabelled": { en: "Texts without answers", ja: "回答のないテキスト" },
  "data-unlabelled-line": {
    en: "{texts:count} distinct, {used:count} teach; left out as sealed or nearly so {sealed:count}, as labelled or nearly so {labelled:count}",
    ja: "重複を除き{texts:count}件、うち学習に使用{used:count}件（未使用の評価データまたはその類似重複として除外{sealed:count}件、ラベル付きデータまたはその類似重複として除外{labelled:count}件）",
  },
  "data-rejected": { en: "Rejected records", ja: "取り込めなかった記録" },
  "data-openings": { en: "Openings of the seal, this one included", ja: "評価データの使用回数（今回を含む）" },
  "data-sealed-by": { en: "Sealed by", ja: "評価データの選び方" },
  "sealed-time": { en: "time (the newest rows)", ja: "時刻（最新の分）" },
  "sealed-group": { en: "groups (conversations, duplicates)", ja: "グループ（会話、重複）" },
  "sealed-user": { en: "the split of the data", ja: "データに指定された分割" },
  "sealed-none": { en: "nothing is sealed", ja: "評価データなし" },
  "data-others": { en: "Other workloads in the log", ja: "ログ内のその他の業務" },
  "data-ceiling": { en: "Teacher's agreement with itself", ja: "教師モデル自身の一致率" },
  assumptions: { en: "Assumptions", ja: "前提条件" },
  name: { en: "Name", ja: "項目" },
  value: { en: "Value", ja: "値" },
  risks: { en: "Risks", ja: "リスク" },
  reproduction: { en: "Reproduction", ja: "再現情報" },
  "reproduction-run": { en: "Run", ja: "実行ID" },
  "reproduction-dataset": { en: "Dataset hash", ja: "データセットのハッシュ" },
  "reproduction-seed": { en: "Seed", ja: "シード" },
  "reproduction-version": { en: "Joryu version", ja: "Joryuのバージョン" },
  "reproduction-model": { en: "Model folder", ja: "モデルフォルダー" },
  "reproduction-loss": { en: "Loss", ja: "損失関数" },
  "teacher-models": { en: "Teacher in the log", ja: "ログ内の教師モデル" },
  licences: { en: "Licences", ja: "ライセンス" },
  "licence-allowed": { en: "allowed", ja: "利用可" },
  "licence-conditions": { en: "under conditions", ja: "条件付き" },
  "licence-outputs-restricted": { en: "use of outputs restricted", ja: "出力の利用に制限あり" },
  "licence-non-commercial": { en: "non-commercial", ja: "非商用" },
  "licence-no-derivatives": { en: "no derivatives", ja: "改変物の共有不可" },
  "licence-unknown": { en: "not in the registry", ja: "登録簿になし" },
  "licence-acknowledged": { en: "acknowledged by name", ja: "名前を指定して確認済み" },
  target: { en: "Target", ja: "目標" },
  "target-line": {
    en: "promise “kept”: at least {agreement:share} of the kept answers are the teacher's, at {confidence:share} confidence",
    ja: "約束「kept」：生徒モデルが回答した分の一致率{agreement:share}以上（信頼度{confidence:share}）",
  },
  "target-line-delivered": {
    en: "promise “delivered”: at least {agreement:share} of all answers that leave the cascade are the teacher's, at {confidence:share} confidence",
    ja: "約束「delivered」：利用者に届く回答全体の一致率{agreement:share}以上（信頼度{confidence:share}）",
  },
  next: { en: "Next", ja: "次の手順" },
  "next-predict": { en: "Ask the model", ja: "モデルに問い合わせる" },
  "next-base": {
    en: "A pretrained encoder has not been tried (--base DIR): one of MiniLM's size would add rungs of about {smallest} to {largest}. Worth trying when labels are few or one meaning is worded in many ways; what it gains is not known before it is measured.",
    ja: "事前学習済みエンコーダー（--base DIR）は未試行です。MiniLM程度の大きさなら約{smallest}～{largest}の候補が加わります。ラベルが少ない場合や、同じ意味が様々な言い回しで書かれる場合は試す価値があります。効果は実測するまで分かりません。",
  },
  "next-report": { en: "Read the report", ja: "レポートを読む" },
  footer: {
    en: "Written from stored facts by Joryu {version}. Every figure of this page is in report.json.",
    ja: "Joryu {version}が保存済みの事実から作成しました。このページの数値はすべてreport.jsonにあります。",
  },
} as const satisfies Readonly<Record<string, Bilingual>>;

export type TextKey = keyof typeof TEXTS;
export const TEXT_KEYS = Object.keys(TEXTS) as readonly TextKey[];

/** A text in a language, its placeholders filled. */
export function text(language: Language, key: TextKey, facts: Readonly<Record<string, number | string>> = {}): string {
  return fill(TEXTS[key][language], facts, language);
}

/** What the rows of a slice share, in words. */
export function sliceText(slice: SliceFacts, language: Language): string {
  if (slice.kind === "script") return text(language, `script-${slice.script}`);
  return "from" in slice ? rangeText(slice, language) : text(language, `slice-${slice.kind}`);
}

type RangeSlice = Extract<SliceFacts, { readonly from: number }>;

function rangeText({ kind, from, to }: RangeSlice, language: Language): string {
  return to === undefined
    ? text(language, `slice-${kind}-open`, { from })
    : text(language, `slice-${kind}`, { from, to });
}

/** The name of what was compared, or of a stage's candidate; names of other folders stay as they are. */
export function comparedName(name: string, language: Language): string {
  const key = `compared-${name}`;
  return isTextKey(key) ? text(language, key) : name;
}

/** The name of a stage of work. */
export function stageText(stage: string, language: Language): string {
  const [, name = "", part = "", number] = /^(.*)-(fold|weights)(\d*)$/.exec(stage) ?? [];
  if (part === "fold") return text(language, "stage-fold", { name, fold: Number(number) + 1 });
  if (part === "weights") return text(language, "stage-final", { name });
  return stage === "prove" ? text(language, "stage-prove") : stage;
}

function isTextKey(key: string): key is TextKey {
  return Object.hasOwn(TEXTS, key);
}

const VERDICTS: Readonly<Record<VerdictName, { readonly name: Bilingual; readonly meaning: Bilingual }>> = {
  deploy: {
    name: { en: "Deploy", ja: "導入を推奨" },
    meaning: { en: "The student may answer on its own.", ja: "生徒モデルが単独で回答できます。" },
  },
  "deploy-with-fallback": {
    name: { en: "Deploy with fallback", ja: "教師モデル併用での導入を推奨" },
    meaning: {
      en: "The student answers what its gate lets through; the teacher answers the rest.",
      ja: "ゲートを通った入力には生徒モデルが回答し、残りは教師モデルが回答します。",
    },
  },
  "use-cheaper-model": {
    name: { en: "Use a cheaper model", ja: "より安価なモデルを推奨" },
    meaning: {
      en: "A cheaper model passes the same gate at less cost.",
      ja: "より安価なモデルが同じ基準をより低い費用で満たします。",
    },
  },
  "keep-teacher": {
    name: { en: "Keep the teacher", ja: "教師モデルの継続を推奨" },
    meaning: {
      en: "What was measured does not justify deploying the student, for these reasons.",
      ja: "測定結果からは生徒モデルの導入を勧められません。理由は次のとおりです。",
    },
  },
};

/** The verdict in words. */
export function verdictName(verdict: VerdictName, language: Language): string {
  return VERDICTS[verdict].name[language];
}

/** What the verdict means, one sentence. */
export function verdictMeaning(verdict: VerdictName, language: Language): string {
  return VERDICTS[verdict].meaning[language];
}

const ASSUMPTIONS: ReadonlyMap<string, Bilingual> = new Map(
  Object.entries({
    machineUsdPerHour: { en: "Machine, USD per hour: {value:usd}", ja: "サーバーの費用（1時間あたり）：{value:usd}" },
    utilisationRatio: { en: "Utilisation of the machine: {value:percent}", ja: "サーバーの稼働率：{value:percent}" },
    peakFactor: { en: "Peak over mean traffic: {value:number}", ja: "平均に対するピークの倍率：{value:number}" },
    headroomRatio: { en: "Machines planned up to: {value:percent}", ja: "サーバーの計画上の負荷上限：{value:percent}" },
    horizonMonths: { en: "One-off costs spread over: {value:months}", ja: "初期費用の按分期間：{value:months}" },
    hoursPerMonth: { en: "Hours per month: {value:count}", ja: "1か月の時間数：{value:count}" },
    trainingUsd: { en: "Training, once: {value:usd}", ja: "学習費用（1回）：{value:usd}" },
    oneOffPeopleUsd: { en: "People, once: {value:usd}", ja: "人件費（初期）：{value:usd}" },
    peopleUsdPerMonth: { en: "People, per month: {value:usd}", ja: "人件費（月額）：{value:usd}" },
    yenPerUsd: { en: "Yen per US dollar: {value:number}", ja: "為替（1米ドル）：{value:yen}" },
  } satisfies Readonly<Record<string, Bilingual>>),
);

/** An assumption as [name, value]; one without an entry keeps its own name. */
export function assumptionText(name: string, value: number | string, language: Language): readonly [string, string] {
  const template = ASSUMPTIONS.get(name)?.[language] ?? `${name}: {value}`;
  const at = template.lastIndexOf("{value");
  return [template.slice(0, at).replace(/[:：] ?$/u, ""), fill(template.slice(at), { value }, language)];
}
