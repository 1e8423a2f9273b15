/** @file The style sheet of report.html: light, dark and print, no font or picture from elsewhere. The language switch is two radio
 *  buttons and a sibling selector, so the page needs no script. */

const LIGHT = `--page:#fbfbf9;--card:#fff;--ink:#1c2126;--soft:#3d464e;--muted:#66717b;--faint:#e3e6e4;
--accent:#1f6f8b;--accent-soft:#e4f0f3;--warn:#b4532a;--good:#2c7a4b;--good-soft:#e6f3ea;--caution:#8a6100;--caution-soft:#fbf1d9;
--stop:#9c3a34;--stop-soft:#f8e9e7`;
const DARK = `--page:#14181b;--card:#1b2125;--ink:#e6eaec;--soft:#c3cbd0;--muted:#94a0a8;--faint:#2d353a;
--accent:#6cb8d2;--accent-soft:#1c313a;--warn:#e58d63;--good:#7fcf9c;--good-soft:#1b3226;--caution:#e3bd62;--caution-soft:#352c17;
--stop:#ec928b;--stop-soft:#3a2220`;

/** The whole style sheet. */
export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Hiragino Sans","Noto Sans JP","Noto Sans CJK JP","Yu Gothic UI",Meiryo,sans-serif;
font-feature-settings:"tnum"}
.switch{position:absolute;opacity:0;width:1px;height:1px}
.bar{max-width:1120px;margin:0 auto;padding:20px 24px 0;display:flex;justify-content:flex-end;gap:2px;font-size:13px}
.bar label{padding:3px 12px;border:1px solid var(--faint);cursor:pointer;color:var(--muted);background:var(--card)}
.bar label:first-of-type{border-radius:6px 0 0 6px}.bar label:last-of-type{border-radius:0 6px 6px 0;margin-left:-3px}
#show-en:checked~.bar [for=show-en],#show-ja:checked~.bar [for=show-ja]{background:var(--ink);color:var(--page);border-color:var(--ink)}
.switch:focus-visible~.bar label{outline:2px solid var(--accent);outline-offset:1px}
main{display:none;max-width:1120px;margin:0 auto;padding:0 24px 56px}
#show-en:checked~main.en,#show-ja:checked~main.ja{display:block}
h1,h2,h3,p{margin:0}
h1{font-size:13px;font-weight:600;color:var(--muted);letter-spacing:.02em}
.run{color:var(--muted);font-size:13px;overflow-wrap:anywhere}
.verdict{margin:16px 0 20px;padding:18px 22px 20px;border-left:5px solid;border-radius:4px;background:var(--card)}
.verdict.deploy{border-color:var(--good);background:var(--good-soft)}
.verdict.deploy-with-fallback{border-color:var(--accent);background:var(--accent-soft)}
.verdict.use-cheaper-model{border-color:var(--caution);background:var(--caution-soft)}
.verdict.keep-teacher{border-color:var(--stop);background:var(--stop-soft)}
.verdict .kicker{font-size:12.5px;color:var(--soft)}
.verdict .name{font-size:28px;line-height:1.25;font-weight:650;letter-spacing:-.01em}
.verdict .meaning{font-size:16px;color:var(--soft);margin-top:2px}
.verdict ul{margin:12px 0 0;padding-left:1.15em}
.verdict li{margin:3px 0;max-width:88ch;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;margin-bottom:14px}
.tile{background:var(--card);border:1px solid var(--faint);border-radius:8px;padding:14px 16px;display:flex;flex-direction:column}
.tile .title{font-size:12.5px;color:var(--muted)}
.tile .student{font-size:27px;font-weight:650;line-height:1.3;letter-spacing:-.01em;overflow-wrap:anywhere}
.tile .interval,.tile .note{font-size:12.5px;color:var(--soft);line-height:1.5}
.tile .teacher{margin-top:auto;padding-top:9px}
.tile .teacher span{display:block;border-top:1px solid var(--faint);padding-top:7px;font-size:13px;color:var(--soft)}
.gateline{font-size:14.5px;color:var(--soft);padding:2px 2px 0;max-width:100ch}
nav{margin:14px 0 0;padding-top:12px;border-top:1px solid var(--faint);font-size:13px;line-height:1.9}
nav a{color:var(--accent);text-decoration:none;margin-right:14px;display:inline-block}nav a:hover{text-decoration:underline}
section{margin-top:38px;break-inside:auto}
h2{font-size:19px;font-weight:650;line-height:1.35;letter-spacing:-.005em}
.lead{color:var(--muted);font-size:13.5px;margin:1px 0 12px;max-width:90ch}
h2+.wide,h2+.split,h2+ul,h2+table{margin-top:12px}
.split{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:16px 28px;align-items:start}
.split.lean{grid-template-columns:minmax(0,2fr) minmax(0,3fr)}
figure{margin:0;background:var(--card);border:1px solid var(--faint);border-radius:8px;padding:12px 14px}
figure svg{display:block;width:100%;height:auto;max-width:600px;margin:0 auto;color:var(--soft);overflow:visible;
font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Hiragino Sans","Noto Sans JP","Noto Sans CJK JP",sans-serif}
figure svg text{white-space:pre}
figure svg.narrow{display:none;max-width:360px}
figure svg [aria-label$="grid"]{stroke:var(--faint);stroke-opacity:1}
.wide{max-width:100%}
pre{margin:0;padding:12px 14px;background:var(--card);border:1px solid var(--faint);border-radius:8px;font-size:12.5px;line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:13.5px;line-height:1.45}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--faint);text-align:left;vertical-align:top}
th{font-weight:600;color:var(--muted);font-size:12.5px;vertical-align:bottom}
td:first-child{overflow-wrap:anywhere;min-width:7em}
td.number,th.number{text-align:right}
td.number{font-variant-numeric:tabular-nums;white-space:nowrap}
td:last-child,th:last-child{padding-right:0}
table.values td.number{white-space:normal;overflow-wrap:anywhere;max-width:34em}
.stacked .part{display:block;white-space:nowrap}.inline .part+.part{margin-left:8px}.part+.part{color:var(--muted);font-size:12.5px}
.stacked td:nth-child(8){min-width:12em;max-width:20em}
.stacked td:nth-child(2),.stacked td:first-child{overflow-wrap:normal}.stacked td:nth-child(2){white-space:nowrap}
:lang(ja) th,:lang(ja) .values td:first-child{word-break:keep-all}
tr.marked td{background:var(--accent-soft)}tr.marked td:first-child{font-weight:600;box-shadow:-8px 0 0 var(--accent-soft)}
.risks{margin:0;padding-left:1.15em}.risks li{margin:5px 0;max-width:96ch;overflow-wrap:anywhere}
footer{margin-top:44px;padding-top:12px;border-top:1px solid var(--faint);color:var(--muted);font-size:12.5px}
:lang(ja) h1,:lang(ja) h2,:lang(ja) .verdict .name{letter-spacing:0;word-break:auto-phrase}
td{overflow-wrap:anywhere}th{overflow-wrap:break-word}.wrapped td:first-child{min-width:12em}
.wrapped td:nth-child(2):not(:last-child),.wrapped td:nth-child(3){min-width:13em}
@media (max-width:1000px){.cards thead{display:none}.cards,.cards tbody,.cards tr,.cards td{display:block;width:auto}
.cards tr{border-bottom:1px solid var(--faint);padding:7px 0}.cards td{border:0;padding:1px 0}
.cards td:first-child{font-weight:600;max-width:none}
.cards td[data-label]{display:flex;justify-content:flex-end;gap:10px;text-align:right;white-space:normal;min-width:0;max-width:none}
.cards td[data-label]::before{content:attr(data-label);color:var(--muted);font-size:12.5px;text-align:left;flex:none;max-width:50%;margin-right:auto}
tr.marked td:first-child{box-shadow:none}tr.marked{background:var(--accent-soft)}}
@media (max-width:860px){.tiles{grid-template-columns:repeat(2,1fr)}.split,.split.lean{grid-template-columns:minmax(0,1fr)}}
@media (max-width:480px){main{padding:0 14px 40px}.bar{padding:14px 14px 0}.tile{padding:11px 12px}.tile .student{font-size:22px}
.verdict .name{font-size:23px}
td:first-child{min-width:6em}.values td:first-child{width:52%}.stacked .part,td.number{white-space:normal}
figure{padding:10px 9px}figure svg.wide{display:none}figure svg.narrow{display:block}}
@media print{:root{color-scheme:light;${LIGHT};--page:#fff;--card:#fff}body{font-size:11.5px}.bar,nav{display:none}main{max-width:none;padding:0}
section{margin-top:22px}.tiles{grid-template-columns:repeat(4,1fr);gap:8px}.tile{padding:9px 10px}.tile .student{font-size:19px}
table{font-size:10.5px}th,.part+.part{font-size:10px}th,td{padding:4px 8px 4px 0}.wide .stacked,.stacked td:nth-child(8){min-width:0}
.stacked td .part,td.number,.stacked td:nth-child(2){white-space:normal}td:first-child,:lang(ja) .values td:first-child{min-width:7em}
.gateline,.lead{font-size:11.5px}figure svg{max-width:120mm}.verdict .meaning{font-size:13px}figure,.tile,tr,.verdict{break-inside:avoid}h2{break-after:avoid}.wide{overflow:visible}
.verdict,tr.marked td{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`;
