/** @file Every reason of a verdict and every risk, in both languages side by side: a code without one of the languages does not
 *  compile. Numbers come through placeholders (`format.ts`), never from the sentences. Reasons of other folders that are not
 *  listed here are written as code and numbers, so that nothing is hidden. */
import type { Reason } from "./facts.js";
import { fill, formatNumber, type Language } from "./format.js";

/** A text in every language. */
export type Bilingual = Readonly<Record<Language, string>>;

/** Why the verdict is what it is. */
const VERDICT_REASONS = {
  "agreement-proved": {
    en: "The student agrees with the teacher on {agreement:percent} of {rows:count} sealed calls; the lower bound {low:floor} reaches the target {target:share}.",
    ja: "評価データの呼び出し{rows:count}件での教師モデルとの一致率は{agreement:percent}で、信頼下限{low:floor}が目標{target:share}に達しています。",
  },
  "agreement-below-target": {
    en: "On its own the student is not proved to reach the target: agreement {agreement:percent} on {rows:count} sealed calls, lower bound {low:floor}, target {target:share}.",
    ja: "生徒モデル単独では目標達成を証明できません。評価データの呼び出し{rows:count}件での一致率は{agreement:percent}、信頼下限は{low:floor}、目標は{target:share}です。",
  },
  "gate-proved": {
    en: "Behind its gate the student keeps {coverage:percent} of the traffic and hands the rest to the teacher; at {confidence:share} confidence at most {epsilon:share} of what it keeps disagrees with the teacher (measured: {risk:percent}).",
    ja: "ゲートを通すと、生徒モデルが全体の{coverage:percent}に回答し、残りは教師モデルに委ねます。生徒モデルが回答した分の不一致は、信頼度{confidence:share}で{epsilon:share}以下です（実測{risk:percent}）。",
  },
  "gate-proved-delivered": {
    en: "Behind its gate the student answers {coverage:percent} of the calls and hands the rest to the teacher; at {confidence:share} confidence at least {target:share} of all answers that leave the cascade are the teacher's (measured: {delivered:percent}). Of the answers that the student keeps, {risk:percent} differ.",
    ja: "ゲートを通すと、生徒モデルが全体の{coverage:percent}に回答し、残りは教師モデルに委ねます。利用者に届く回答全体のうち、信頼度{confidence:share}で{target:share}以上が教師モデルの回答と一致します（実測{delivered:percent}）。生徒モデルが回答した分の不一致は{risk:percent}です。",
  },
  "gate-has-no-threshold-delivered": {
    en: "No threshold of the gate keeps the promise that at most {epsilon:share} of all answers that leave the cascade differ from the teacher's.",
    ja: "利用者に届く回答全体の不一致を{epsilon:share}以下に保てるゲートのしきい値が見つかりません。",
  },
  "gate-has-no-threshold": {
    en: "No threshold of the gate keeps the promise that at most {epsilon:share} of the kept answers disagree.",
    ja: "生徒モデルが回答した分の不一致を{epsilon:share}以下に保てるゲートのしきい値が見つかりません。",
  },
  "gate-keeps-nothing": {
    en: "The gate keeps none of the traffic, so the teacher would still answer everything.",
    ja: "ゲートを通過する入力がなく、結局すべて教師モデルが回答することになります。",
  },
  "no-guarantee-possible": {
    en: "No guarantee is possible yet: {sealedRows:count} independent sealed calls, and even without a single error {neededSealedRows:count} are needed for {epsilon:share} at {confidence:share} confidence (about {neededRows:count} distinct inputs in the log).",
    ja: "まだ保証を出せません。独立した評価データの呼び出しは{sealedRows:count}件ですが、誤りが1件もない場合でも、不一致{epsilon:share}以下を信頼度{confidence:share}で示すには{neededSealedRows:count}件（ログ全体で重複を除き約{neededRows:count}件）が必要です。",
  },
  "outlook-rows": {
    en: "At the agreement seen out of fold about {rows:count} distinct inputs would allow a guarantee: {sealedRows:count} of them sealed, {coverage:percent} kept by the gate at an agreement of {keptAgreement:percent}. An outlook from few rows, not a promise.",
    ja: "交差検証での一致率が続けば、重複を除き約{rows:count}件の入力で保証を出せる見込みです（うち評価用{sealedRows:count}件、ゲート通過率{coverage:percent}、通過した回答の一致率{keptAgreement:percent}）。少ない件数からの見通しであり、約束ではありません。",
  },
  "outlook-none": {
    en: "At the agreement seen out of fold ({agreement:percent}, lower bound {low:floor}) more sealed rows alone would not allow a guarantee: the student must get better first, with more labels to learn from or a lower target.",
    ja: "交差検証での一致率（{agreement:percent}、下限{low:floor}）のままでは、評価データを増やすだけでは保証を出せません。学習用のラベルを増やすか、目標を下げる必要があります。",
  },
  "target-not-provable": {
    en: "A target of {target:share} can be proved by no number of rows: one unseen error would break it. Set a target below 100%.",
    ja: "目標{target:share}は、何件のデータがあっても証明できません（未知の誤りが1件でもあれば崩れるため）。100%未満の目標を指定してください。",
  },
  "latency-met": {
    en: "Latency: p95 {measured:ms}, limit {limit:ms}.",
    ja: "応答時間：p95は{measured:ms}で、上限{limit:ms}以内です。",
  },
  "latency-exceeded": {
    en: "Latency: p95 {measured:ms} exceeds the limit {limit:ms}.",
    ja: "応答時間：p95が{measured:ms}で、上限{limit:ms}を超えています。",
  },
  "size-met": { en: "Size: {measured:mb}, limit {limit:mb}.", ja: "サイズ：{measured:mb}で、上限{limit:mb}以内です。" },
  "size-exceeded": {
    en: "Size: {measured:mb} exceeds the limit {limit:mb}.",
    ja: "サイズ：{measured:mb}で、上限{limit:mb}を超えています。",
  },
  "memory-met": {
    en: "Peak memory: {measured:mb}, limit {limit:mb}.",
    ja: "最大メモリ：{measured:mb}で、上限{limit:mb}以内です。",
  },
  "memory-exceeded": {
    en: "Peak memory: {measured:mb} exceeds the limit {limit:mb}.",
    ja: "最大メモリ：{measured:mb}で、上限{limit:mb}を超えています。",
  },
  "cost-met": {
    en: "Cost per 1,000 calls: {measured:usd}, limit {limit:usd}.",
    ja: "1,000回あたりの費用：{measured:usd}で、上限{limit:usd}以内です。",
  },
  "cost-exceeded": {
    en: "Cost per 1,000 calls: {measured:usd} exceeds the limit {limit:usd}.",
    ja: "1,000回あたりの費用：{measured:usd}で、上限{limit:usd}を超えています。",
  },
  "cost-not-verifiable": {
    en: "The cost limit {limit:usd} per 1,000 calls cannot be checked behind the gate, because the teacher's price is unknown.",
    ja: "教師モデルの価格が不明なため、ゲート運用時の1,000回あたりの費用が上限{limit:usd}に収まるか確認できません。",
  },
  "saves-money": {
    en: "It saves {saved:percent} of the teacher's cost (interval {low:floor} to {high:ceil}).",
    ja: "教師モデルの費用を{saved:percent}削減できます（95%信頼区間{low:floor}～{high:ceil}）。",
  },
  "saves-nothing": {
    en: "It does not save money with confidence: saving {saved:percent}, lower bound {low:floor}.",
    ja: "費用の削減が確かではありません。削減率は{saved:percent}、下限は{low:floor}です。",
  },
  "pays-from": {
    en: "With machines rented whole it pays from {calls:count} calls a month on, at the unfavourable end of the coverage's interval; how many calls there are is not known (--calls-per-month).",
    ja: "専用のサーバーを借りる場合、月間{calls:count}回以上の呼び出しで採算が取れます（ゲート通過率を信頼区間の下限とした場合）。実際の月間呼び出し数は不明です（--calls-per-monthで指定できます）。",
  },
  "pays-never": {
    en: "With machines rented whole it never pays, however many calls there are in a month (at the unfavourable end of the coverage's interval); the saving holds only for machines that have other work too.",
    ja: "専用のサーバーを借りる場合、月間の呼び出しが何回あっても採算が取れません（ゲート通過率を信頼区間の下限とした場合）。削減になるのは、サーバーを他の用途と共用する場合に限られます。",
  },
  "month-saves": {
    en: "At {calls:count} calls a month it saves {saved:usd} a month (95% interval {low:usd} to {high:usd}): the teacher's bill is {teacher:usd}, the student's {deployed:usd}, with {machines:count} machine(s) rented whole, deferred calls at the teacher's price and one-off costs spread.",
    ja: "月間{calls:count}回の呼び出しで、月額{saved:usd}を削減できます（95%信頼区間{low:usd}～{high:usd}）。教師モデルの費用は月額{teacher:usd}、生徒モデルを導入した場合の費用は月額{deployed:usd}です（専用のサーバー{machines:count}台、教師モデルに委ねる呼び出し、按分した初期費用を含む）。",
  },
  "month-loses": {
    en: "At {calls:count} calls a month it does not save money with confidence: the teacher's bill is {teacher:usd} a month, the student's {deployed:usd} (95% interval {deployedLow:usd} to {deployedHigh:usd}), with {machines:count} machine(s) rented whole, deferred calls at the teacher's price and one-off costs spread. Break-even at the measured coverage: {breakEven:count} calls a month.",
    ja: "月間{calls:count}回の呼び出しでは、費用の削減が確かではありません。教師モデルの費用は月額{teacher:usd}、生徒モデルを導入した場合の費用は月額{deployed:usd}です（95%信頼区間{deployedLow:usd}～{deployedHigh:usd}。専用のサーバー{machines:count}台、教師モデルに委ねる呼び出し、按分した初期費用を含む）。損益分岐点は月間{breakEven:count}回です（実測のゲート通過率の場合）。",
  },
  "month-loses-never": {
    en: "At {calls:count} calls a month it does not save money with confidence: the teacher's bill is {teacher:usd} a month, the student's {deployed:usd} (95% interval {deployedLow:usd} to {deployedHigh:usd}), with {machines:count} machine(s) rented whole, deferred calls at the teacher's price and one-off costs spread. At this price it never breaks even, however many calls there are.",
    ja: "月間{calls:count}回の呼び出しでは、費用の削減が確かではありません。教師モデルの費用は月額{teacher:usd}、生徒モデルを導入した場合の費用は月額{deployed:usd}です（95%信頼区間{deployedLow:usd}～{deployedHigh:usd}。専用のサーバー{machines:count}台、教師モデルに委ねる呼び出し、按分した初期費用を含む）。この価格では、呼び出しが何回あっても採算が取れません。",
  },
  "price-unknown": {
    en: "The teacher's price is unknown, so no saving in money can be stated; every call that the student keeps is one less for the teacher.",
    ja: "教師モデルの価格が不明なため、金額での削減効果は示せません。生徒モデルが回答した分だけ、教師モデルの呼び出しが減ります。",
  },
  "fallback-latency": {
    en: "Deferred calls ({deferral:percent}) take the teacher's time on top, so the tail of the latency stays the teacher's.",
    ja: "教師モデルに委ねる呼び出し（{deferral:percent}）には教師モデルの応答時間が加わるため、遅い側の応答時間は教師モデル並みのままです。",
  },
  "taught-better": {
    en: "{texts:count} texts without answers: the linear student that the fine-tuned base teaches by them agrees with the teacher on {taught:percent} of {rows:count} rows that neither had seen, the same one on labels alone, its passes and rate chosen on another fold, on {untaught:percent} (difference between {low:points} and {high:points} points, p = {pValue:p}).",
    ja: "回答のないテキスト{texts:count}件の効果：どちらも未見の{rows:count}件での教師モデルとの一致率は、これを使って微調整済みのベースから学んだ線形の生徒モデルが{taught:percent}、ラベルだけで学んだ同じ生徒モデル（学習回数と学習率は別の分割で選択）が{untaught:percent}です（差の95%信頼区間{low:points}～{high:points}ポイント、p = {pValue:p}）。",
  },
  "taught-not-better": {
    en: "{texts:count} texts without answers: the linear student that the fine-tuned base teaches by them is not proved better than the same one on labels alone, its passes and rate chosen on another fold ({taught:percent} and {untaught:percent} of {rows:count} rows that neither had seen, difference between {low:points} and {high:points} points, p = {pValue:p}).",
    ja: "回答のないテキスト{texts:count}件の効果：これを使って微調整済みのベースから学んだ線形の生徒モデルが、ラベルだけで学んだ同じ生徒モデル（学習回数と学習率は別の分割で選択）より優れているとは証明されていません（どちらも未見の{rows:count}件での一致率は{taught:percent}と{untaught:percent}、差の95%信頼区間{low:points}～{high:points}ポイント、p = {pValue:p}）。",
  },
  "taught-rows-better": {
    en: "The base as a teacher: the linear student that it teaches, once fine-tuned, on the labelled rows agrees with the teacher on {taught:percent} of {rows:count} rows that neither had seen, the same one on labels alone, its passes and rate chosen on another fold, on {untaught:percent} (difference between {low:points} and {high:points} points, p = {pValue:p}).",
    ja: "ベースを教師モデルとする効果：どちらも未見の{rows:count}件での教師モデルとの一致率は、ラベル付きデータ上で微調整済みのベースから学んだ線形の生徒モデルが{taught:percent}、ラベルだけで学んだ同じ生徒モデル（学習回数と学習率は別の分割で選択）が{untaught:percent}です（差の95%信頼区間{low:points}～{high:points}ポイント、p = {pValue:p}）。",
  },
  "taught-rows-not-better": {
    en: "The base as a teacher: the linear student that it teaches, once fine-tuned, on the labelled rows is not proved better than the same one on labels alone, its passes and rate chosen on another fold ({taught:percent} and {untaught:percent} of {rows:count} rows that neither had seen, difference between {low:points} and {high:points} points, p = {pValue:p}).",
    ja: "ベースを教師モデルとする効果：ラベル付きデータ上で微調整済みのベースから学んだ線形の生徒モデルが、ラベルだけで学んだ同じ生徒モデル（学習回数と学習率は別の分割で選択）より優れているとは証明されていません（どちらも未見の{rows:count}件での一致率は{taught:percent}と{untaught:percent}、差の95%信頼区間{low:points}～{high:points}ポイント、p = {pValue:p}）。",
  },
} as const satisfies Readonly<Record<string, Bilingual>>;

/** What distillation gave the chosen cut: the difference to its control, in points of agreement. */
const DISTILLATION_REASONS = {
  "distillation-helped": {
    en: "Distillation helped: the taught “{of}” agrees on {taught:percent} of {rows:count} rows out of fold, the same cut of the untaught base on labels alone on {control:percent}: {difference:points} points (95% interval {low:points} to {high:points}, p {pValue:p}).",
    ja: "蒸留は有効でした。交差検証の{rows:count}件で、蒸留した「{of}」の一致率は{taught:percent}、蒸留なし（同じ切り詰めをした元のモデルをラベルだけで学習）は{control:percent}で、差は{difference:points}ポイントです（95%信頼区間{low:points}～{high:points}、p値{pValue:p}）。",
  },
  "distillation-not-shown": {
    en: "Distillation is not shown to have helped: the taught “{of}” agrees on {taught:percent} of {rows:count} rows out of fold, the same cut of the untaught base on labels alone on {control:percent}: {difference:points} points (95% interval {low:points} to {high:points}, p {pValue:p}), which does not exclude zero.",
    ja: "蒸留の効果は確認できません。交差検証の{rows:count}件で、蒸留した「{of}」の一致率は{taught:percent}、蒸留なし（同じ切り詰めをした元のモデルをラベルだけで学習）は{control:percent}で、差は{difference:points}ポイントです（95%信頼区間{low:points}～{high:points}、p値{pValue:p}）。区間が0を含みます。",
  },
  "distillation-harmed": {
    en: "Distillation did harm: the taught “{of}” agrees on {taught:percent} of {rows:count} rows out of fold, the same cut of the untaught base on labels alone on {control:percent}: {difference:points} points (95% interval {low:points} to {high:points}, p {pValue:p}).",
    ja: "蒸留は逆効果でした。交差検証の{rows:count}件で、蒸留した「{of}」の一致率は{taught:percent}、蒸留なし（同じ切り詰めをした元のモデルをラベルだけで学習）は{control:percent}で、差は{difference:points}ポイントです（95%信頼区間{low:points}～{high:points}、p値{pValue:p}）。",
  },
} as const satisfies Readonly<Record<string, Bilingual>>;

/** What would change a verdict to keep the teacher. */
const CHANGE_REASONS = {
  "change-promise": {
    en: "What would change it: the promise “delivered” (--promise delivered) at the same {target:share}, which counts all answers that leave the cascade instead of the kept ones; about {coverage:percent} of the calls would be kept, by out-of-fold calls (to be proved by a new run).",
    ja: "判定を変える方法：約束を「delivered」（--promise delivered、生徒モデルが回答した分ではなく利用者に届く回答全体を数える）にすること。同じ{target:share}で通過率は約{coverage:percent}になる見込みです（交差検証。再実行での証明が必要）。",
  },
  "change-lower-target": {
    en: "What would change it: a target of {target:share}; about {coverage:percent} of the calls would be kept, by out-of-fold calls (to be proved by a new run).",
    ja: "判定を変える方法：目標を{target:share}に下げること。通過率は約{coverage:percent}になる見込みです（交差検証。再実行での証明が必要）。",
  },
  "change-bigger-student": {
    en: "What would change it: {count:count} bigger candidate(s) were not trained in the planned time; plan more minutes.",
    ja: "判定を変える方法：計画時間内に学習しなかった、より大きな候補が{count:count}件あります。時間（--minutes）を増やしてください。",
  },
  "change-more-data": {
    en: "What would change it: more logged traffic; the student learned from {rows:count} distinct inputs of {labels:count} labels.",
    ja: "判定を変える方法：ログを増やすこと。今回の学習データは重複を除き{rows:count}件、ラベルは{labels:count}種類です。",
  },
  "change-noisy-labels": {
    en: "The teacher agrees with itself on only {ceiling:percent} of repeated inputs, below the target {target:share}: no student can do better. Cleaner labels or a lower target would change it.",
    ja: "同じ入力に対する教師モデル自身の一致率が{ceiling:percent}しかなく、目標{target:share}を下回っています。どの生徒モデルもこれを超えられません。ラベルの整理か目標の見直しが必要です。",
  },
  "change-volume": {
    en: "What would change it: {calls:count} calls a month or more; from there on it saves even at the unfavourable end of the coverage's interval.",
    ja: "判定を変える方法：月間{calls:count}回以上の呼び出しがあること。この回数からは、ゲート通過率が信頼区間の下限でも費用を削減できます。",
  },
  "change-volume-none": {
    en: "More calls would not change it: at the unfavourable end of the coverage's interval no volume pays at the teacher's present price.",
    ja: "呼び出しが増えても判定は変わりません。ゲート通過率が信頼区間の下限の場合、教師モデルの現在の価格では何回でも採算が取れません。",
  },
  "change-price": {
    en: "What would change it: at this volume, a teacher's price of {price:usdabove} per 1,000 calls or more (now {now:usd}).",
    ja: "判定を変える方法：いまの呼び出し数なら、教師モデルの価格が1,000回あたり{price:usdabove}以上であること（現在は{now:usd}）。",
  },
  "change-constraint": {
    en: "What would change it: relaxing the limits that were exceeded, or a smaller candidate.",
    ja: "判定を変える方法：超過した上限を緩めるか、より小さな候補を使うこと。",
  },
} as const satisfies Readonly<Record<string, Bilingual>>;

/** Why a candidate was trained or not; the plan and the pipeline write these codes. */
const CANDIDATE_REASONS = {
  "size-above-target": {
    en: "estimated size {estimated:mb} above the limit {wanted:mb}",
    ja: "推定サイズ{estimated:mb}が上限{wanted:mb}を超過",
  },
  "latency-above-target": {
    en: "estimated p95 {estimated:ms} above the limit {wanted:ms}",
    ja: "推定応答時間（p95）{estimated:ms}が上限{wanted:ms}を超過",
  },
  "memory-above-target": {
    en: "estimated memory {estimated:mb} above the limit {wanted:mb}",
    ja: "推定メモリ{estimated:mb}が上限{wanted:mb}を超過",
  },
  "cost-above-target": {
    en: "estimated cost {estimated:usd} per 1,000 calls above the limit {wanted:usd}",
    ja: "1,000回あたりの推定費用{estimated:usd}が上限{wanted:usd}を超過",
  },
  "memory-of-machine": {
    en: "training takes about {estimated:mb} of memory, the machine has {wanted:mb}",
    ja: "学習に約{estimated:mb}のメモリが必要で、このサーバーの{wanted:mb}を超過",
  },
  "time-planned-away": {
    en: "training takes about {seconds:seconds}, {leftSeconds:seconds} are left in the plan",
    ja: "学習に約{seconds:seconds}かかり、計画の残り時間{leftSeconds:seconds}に収まらない",
  },
  "over-minutes": {
    en: "trained although it exceeds the planned {budgetSeconds:seconds}: the cheapest rung always is",
    ja: "計画時間{budgetSeconds:seconds}を超えるが、最も低コストの候補のため学習",
  },
  "larger-fits": { en: "a larger one fits the plan: {larger}", ja: "より大きな{larger}が計画に収まる" },
  "more-rows-needed": {
    en: "pays off from {needed:count} rows up; there are {rows:count}",
    ja: "効果が見込めるのは{needed:count}件以上（今回は{rows:count}件）",
  },
  "out-of-fold-cost": {
    en: "expected cost of 1,000 calls behind its gate, out of fold: {costPer1k:usd}",
    ja: "ゲート込みの1,000回の期待費用（交差検証）：{costPer1k:usd}",
  },
  "out-of-fold-deferrals": {
    en: "expected to defer {deferrals:count} of 1,000 calls behind its gate, out of fold",
    ja: "1,000回のうち教師モデルに引き継ぐ見込み（交差検証）：{deferrals:count}回",
  },
} as const satisfies Readonly<Record<string, Bilingual>>;

/** The short register of risks that the facts themselves show. */
const RISKS = {
  "risk-seal-opened": {
    en: "{openings:count} runs have opened some of these sealed rows, this one included: the chance that one of their promises is broken is up to {chance:percent}, not {delta:percent}. Runs in other state folders are not counted. Import newer traffic before relying on small differences.",
    ja: "この評価データの一部は、今回を含め{openings:count}回の実行で使用されています。そのいずれかの約束が破られる確率は{delta:percent}ではなく、最大{chance:percent}です。別の状態フォルダーでの実行は数えていません。僅差の判断には新しいログを取り込んでください。",
  },
  "risk-no-gold": {
    en: "Agreement is measured against the teacher, not against the truth: where the teacher is wrong, the student learns it. Check a sample by hand.",
    ja: "一致率は教師モデルに対する値で、正解に対する値ではありません。教師モデルの誤りは生徒モデルにも引き継がれます。一部を人手で確認してください。",
  },
  "risk-reviewed": {
    en: "The right answers to {rows:count} inputs come from a reviewed table of doubtful answers: accuracy on gold labels describes such inputs, not the traffic.",
    ja: "{rows:count}件の入力の正解は、疑わしい回答を確認した表によるものです。正解ラベルでの正解率はこうした入力についての値で、実際の利用全体の値ではありません。",
  },
  "risk-not-newest": {
    en: "The sealed rows are not the newest traffic (the log has no complete times), so change over time has not been tested. Start in shadow.",
    ja: "評価データが最新の通信ではない（ログの時刻が揃っていない）ため、時間による傾向の変化は検証されていません。まずシャドー運用から始めてください。",
  },
  "risk-near-leaks": {
    en: "{rows:count} training rows of your own split are near-duplicates of its test rows: the figures on the test rows may be too good.",
    ja: "利用者指定の分割で、学習側の{rows:count}件がテスト側の類似重複です。テスト側の数値が実態より良く見えている可能性があります。",
  },
  "risk-unlearned": {
    en: "{share:percent} of the sealed calls have an answer that no training row has; they count as wrong.",
    ja: "評価データの呼び出しの{share:percent}は、学習データにない回答です（誤りとして数えています）。",
  },
  "risk-rare-classes": {
    en: "{count:count} of {labels:count} labels have fewer than {minimum:count} sealed calls: their recall is not known well enough to rely on.",
    ja: "{labels:count}ラベル中{count:count}ラベルは評価データの呼び出しが{minimum:count}件未満で、再現率を信頼できるほどの件数がありません。",
  },
  "risk-weak-class": {
    en: "The weakest label with enough rows, “{label}”, has a recall of {recall:percent} on {support:count} sealed calls.",
    ja: "件数が十分なラベルのうち最も精度の低い「{label}」の再現率は{recall:percent}です（評価データの呼び出し{support:count}件）。",
  },
  "risk-label-noise": {
    en: "The teacher agrees with itself on {ceiling:percent} of repeated inputs; no student can agree more.",
    ja: "同じ入力に対する教師モデル自身の一致率は{ceiling:percent}です。どの生徒モデルもこれを超えられません。",
  },
  "risk-calibration": {
    en: "Calibration error after correction is {ece:percent}: read the probabilities with care; the gate's guarantee does not rest on them.",
    ja: "補正後の較正誤差が{ece:percent}あります。確率値の解釈には注意してください。ゲートの保証はこの値に依存しません。",
  },
  "risk-price-unknown": {
    en: "The teacher's price is unknown: no return can be stated. Give the price to see it.",
    ja: "教師モデルの価格が不明なため、投資対効果を示せません。価格を指定すると算出されます。",
  },
  "risk-price-assumed": {
    en: "The teacher's price is a stated assumption, not a bill. List prices fall and discounts apply; compare with the cheapest model that passes the same gate too.",
    ja: "教師モデルの価格は想定値で、請求実績ではありません。価格改定や割引があり得ます。同じゲートを通る最も安価なモデルとも比較してください。",
  },
  "risk-people-not-counted": {
    en: "People's time (integration, on-call, review) is not counted in the money.",
    ja: "人件費（組み込み、当番、レビュー）は費用に含まれていません。",
  },
  "risk-fallback-tail": {
    en: "{deferral:percent} of the calls still go to the teacher: its outages, price and tail latency stay yours.",
    ja: "呼び出しの{deferral:percent}は引き続き教師モデルに送られます。教師モデルの障害、価格、遅延の影響は残ります。",
  },
  "risk-parity": {
    en: "An exported artefact differs from the trained weights: “{artefact}” gives the same first answer on {top1:percent} of {rows:count} rows.",
    ja: "書き出した「{artefact}」は、学習時の重みと第一候補が一致する割合が{top1:percent}です（{rows:count}件）。",
  },
  "risk-runtime": {
    en: "In a browser (WebAssembly) the gate is not proved: {sameAnswers:count} of {rows:count} sealed answers are those of Node, so every answer there goes to the teacher.",
    ja: "ブラウザー（WebAssembly）ではゲートが証明されていません。未使用の評価データ{rows:count}件のうちNodeと同じ回答は{sameAnswers:count}件で、ブラウザーではすべての回答を教師モデルに送ります。",
  },
  "risk-licence": {
    en: "Not checked here: whether the terms of the teacher's provider allow training on its answers ({models}).",
    ja: "未確認事項：教師モデルの提供元の規約が、その回答を使った学習を認めているか（{models}）。",
  },
  "risk-licence-acknowledged": {
    en: "{models}: the terms of “{name}” would have stopped the run and were acknowledged by name. They say: “{terms}” ({source}, read {checked}). Whether your use is within them is yours to judge.",
    ja: "{models}：「{name}」の規約は本来この実行を止めるものですが、名前を指定して確認済みとされました。原文：“{terms}”（{source}、{checked}時点）。ご自身の用途が規約の範囲内かどうかは、利用者の判断となります。",
  },
  "risk-licence-conditions": {
    en: "{models}: “{name}” sets conditions: “{terms}” ({source}, read {checked}).",
    ja: "{models}：「{name}」には条件があります。原文：“{terms}”（{source}、{checked}時点）。",
  },
  "risk-licence-unknown": {
    en: "{models}: the terms are not in the registry of licences. Read them before you rely on the student.",
    ja: "{models}：規約がライセンス登録簿にありません。生徒モデルを利用する前に規約を確認してください。",
  },
} as const satisfies Readonly<Record<string, Bilingual>>;

const ALL = { ...VERDICT_REASONS, ...DISTILLATION_REASONS, ...CHANGE_REASONS, ...CANDIDATE_REASONS, ...RISKS } as const;

export type DistillationReasonCode = keyof typeof DISTILLATION_REASONS;
export type VerdictReasonCode = keyof typeof VERDICT_REASONS | keyof typeof CHANGE_REASONS;
export type CandidateReasonCode = keyof typeof CANDIDATE_REASONS;
export type RiskCode = keyof typeof RISKS;

/** Every code that has a sentence. */
export const REASON_CODES: readonly string[] = Object.keys(ALL);

const CATALOGUE: ReadonlyMap<string, Bilingual> = new Map(Object.entries(ALL));

/** The sentence template of a code, absent for codes of other folders without one. */
export function reasonTemplate(code: string, language: Language): string | undefined {
  return CATALOGUE.get(code)?.[language];
}

/** A reason as a sentence; an unknown code is written as it is, with its numbers. */
export function renderReason(reason: Reason, language: Language, yenPerUsd?: number): string {
  const template = reasonTemplate(reason.code, language);
  if (template !== undefined) return fill(template, reason.facts, language, yenPerUsd);
  const facts = Object.entries(reason.facts).map(
    ([name, value]) => `${name} ${typeof value === "number" ? formatNumber(value, language) : value}`,
  );
  return facts.length === 0 ? reason.code : `${reason.code} (${facts.join(", ")})`;
}
