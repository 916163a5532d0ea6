/**
 * The look of the page, light and dark. Text has a contrast of at least 4.5 : 1 against its ground, marks of 3 : 1;
 * lines differ in form as well as in colour.
 */
export const style: string = `
:root { color-scheme: light dark;
  --ground: #fcfcfb; --card: #ffffff; --text: #1b1f24; --soft: #57606a; --edge: #d8dde3; --grid: #e6e9ed;
  --ours: #0b63c5; --ceiling: #84898f; --s0: #0b63c5; --s1: #b34700; --s2: #0a7a5c; --s3: #8b3fa8;
  --s4: #7a6a00; --s5: #b0246b; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #14171a; --card: #1b1f24; --text: #e8eaed; --soft: #a3acb6; --edge: #363d45; --grid: #2c3239;
  --ours: #5aa9f8; --ceiling: #868e97; --s0: #5aa9f8; --s1: #f29a4a; --s2: #43c59e; --s3: #cf9be6;
  --s4: #d8c445; --s5: #f28bbd; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -0.015em; margin: 0 0 4px; }
h3 { font-size: 16px; margin: 28px 0 4px; }
h2 { font-size: 20px; line-height: 1.3; letter-spacing: -0.01em; margin: 44px 0 4px; }
p { margin: 0 0 12px; max-width: 74ch; }
.soft { color: var(--soft); }
.note { border-left: 4px solid var(--ours); padding: 2px 0 2px 14px; margin: 20px 0 0; }
code, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { font-size: 0.92em; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 20px; margin: 20px 0 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.pictures { display: grid; gap: 20px;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 350px), 1fr)); }
.pictures.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 520px), 1fr)); }
figure { margin: 0; padding: 14px 16px 10px; background: var(--card); border: 1px solid var(--edge);
  border-radius: 8px; }
figcaption { font-weight: 600; font-size: 15px; margin-bottom: 8px; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; overflow: visible; font-size: 11px; }
svg text { fill: var(--text); font-variant-numeric: tabular-nums; }
svg .axis, svg .tick { fill: var(--soft); }
svg .ratio { font-weight: 700; font-size: 13px; }
svg .value { font-size: 10px; paint-order: stroke; }
.grid { stroke: var(--grid); }
.par { stroke: var(--soft); stroke-dasharray: 4 4; }
.ours { fill: var(--ours); stroke: var(--ours); } .ceiling { fill: var(--ceiling); stroke: var(--ceiling); }
rect.ours, rect.ceiling, g.ours rect, g.ceiling rect { stroke: none; }
g.ours text, g.ceiling text { stroke: var(--card); stroke-width: 3px; }
.stroke { stroke-width: 2; } .stroke.thin { stroke-width: 1; stroke-dasharray: 2 2; }
.trace { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
.lead { fill: none; stroke: currentColor; opacity: 0.45; } .mark { fill: currentColor; stroke: var(--card); }
svg .series { fill: currentColor; font-weight: 600; }
${[0, 1, 2, 3, 4, 5].map((i) => `.s${i} { color: var(--s${i}); }`).join(' ')}
.legend { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 8px 0 14px; padding: 0; list-style: none;
  color: var(--soft); }
.legend i { display: inline-block; width: 14px; height: 14px; border-radius: 3px; vertical-align: -2px;
  margin-right: 7px; }
.legend i.ours { background: var(--ours); } .legend i.ceiling { background: var(--ceiling); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; margin: 8px 0;
  width: 100%; }
th, td { padding: 5px 10px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--grid); }
th { font-weight: 600; color: var(--soft); border-bottom-color: var(--edge); white-space: normal;
  vertical-align: bottom; }
th.span { text-align: left; color: var(--text); border-bottom: 0; padding-bottom: 0; }
.text { text-align: left; } td.first, th.first { border-left: 1px solid var(--edge); }
details { border-top: 1px solid var(--edge); padding: 8px 0; } summary { cursor: pointer; }
`
