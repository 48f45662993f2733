"""The style of the page: light and dark, desk and phone."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c1e22; --faint: #5f6671; --paper: #fbfbfa;
  --card: #fff; --line: #dfe2e6; --raw: #b4552d; --own: #2b66c9; --floor: #7c838e;
  --track: #eef0f2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --faint: #9aa2ad; --paper: #15171a;
  --card: #1d2024; --line: #33383f; --raw: #e48a5f; --own: #77a7f5; --floor: #9098a3;
  --track: #282c31; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 18px 60px; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 6px; }
h2 { font-size: 1.08rem; margin: 38px 0 10px; }
h3 { font-size: .92rem; margin: 0 0 6px; overflow-wrap: anywhere; }
p { margin: 6px 0; } .faint { color: var(--faint); font-size: .88rem; }
.plot, .wide, .bars { background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; }
.plot { padding: 8px; margin-top: 18px; } .wide { overflow-x: auto; margin: 8px 0; }
.tradeoff { width: 100%; height: auto; display: block; max-height: 640px; }
.gridline { stroke: var(--line); stroke-width: 1; }
.floorline { stroke: var(--floor); stroke-width: 1.5; stroke-dasharray: 5 4; }
.small { fill: var(--faint); font-size: 12px; } .axis { fill: var(--faint); font-size: 13px; }
.name { fill: var(--ink); font-size: 12.5px; paint-order: stroke; stroke: var(--card);
  stroke-width: 3.5px; stroke-linejoin: round; } .bar .name { stroke: none; }
.lead { stroke: var(--floor); stroke-width: .8; }
.curve { fill: none; stroke: var(--floor); stroke-width: 1.5; stroke-opacity: .8; }
.dot { fill: currentColor; stroke: var(--card); stroke-width: 1.2; }
.error { stroke: currentColor; stroke-width: 2.2; stroke-opacity: .4; }
.c0 { color: #b4552d; } .c1 { color: #2b66c9; } .c2 { color: #2f8f5b; } .c3 { color: #8a55b8; }
.c4 { color: #b08a1e; } .c5 { color: #1e93a8; } .c6 { color: #c2497f; } .c7 { color: #6a7a3a; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: .9rem; }
th, td { padding: 7px 11px; text-align: right; vertical-align: top;
  border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; }
th { font-weight: 600; color: var(--faint); font-size: .8rem; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0;
  background: var(--card); }
td:first-child { min-width: 8.5em; }
td small { display: block; color: var(--faint); white-space: nowrap; }
tr.floor td { color: var(--faint); } .quoted td { font-style: italic; color: var(--faint); }
.quoted { border-style: dashed; }
.barblocks { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr));
  gap: 10px; }
.bars { padding: 12px 14px; }
.bar { display: grid; grid-template-columns: minmax(84px, 150px) 1fr 2.8em; gap: 8px;
  align-items: center; font-size: .84rem; }
.bar .name { font-size: .84rem; overflow-wrap: anywhere; line-height: 1.25; }
.bar .end { text-align: right; font-variant-numeric: tabular-nums; }
.bar svg { width: 100%; height: 20px; display: block; overflow: visible; }
.track { fill: var(--track); } .ownbar { fill: var(--own); } .rawbar { fill: var(--raw); }
.whisker { stroke: var(--ink); stroke-width: 2; stroke-opacity: .65; }
.tick { stroke: var(--floor); stroke-width: 2.5; }
.key { display: inline-flex; align-items: center; gap: 6px; margin-right: 14px; }
.key i { width: 12px; height: 12px; border-radius: 2px; display: inline-block; }
.ownkey { background: var(--own); } .rawkey { background: var(--raw); }
.key .floorkey { width: 3px; height: 15px; border-radius: 0; background: var(--floor); }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr));
  gap: 10px; }
.pictures img { display: block; width: 100%; height: auto; background: #fff;
  border: 1px solid var(--line); border-radius: 10px; }
ul { padding-left: 1.2em; margin: 6px 0; } li { overflow-wrap: anywhere; }
details { margin: 10px 0; } summary { cursor: pointer; }
pre { overflow: auto; max-height: 480px; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; padding: 12px 14px; font-size: .8rem; line-height: 1.45; }
@media (max-width: 600px) {
  main { padding: 20px 12px 40px; } th, td { padding: 6px 8px; } table { font-size: .82rem; }
  .plot { padding: 4px; } .small, .axis { font-size: 19px; } .name { font-size: 19px; }
}
"""
