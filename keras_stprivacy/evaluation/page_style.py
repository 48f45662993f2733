"""The style of the page: light and dark, desk and phone."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c1e22; --faint: #666d78; --paper: #fbfbfa;
  --card: #fff; --line: #dfe2e6; --raw: #b4552d; --system: #2b66c9; --floor: #8a919c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --faint: #9aa2ad; --paper: #15171a;
  --card: #1d2024; --line: #33383f; --raw: #e48a5f; --system: #77a7f5; --floor: #808893; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 28px 18px 60px; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 6px; }
h2 { font-size: 1.08rem; margin: 38px 0 10px; }
p { margin: 6px 0; } .faint { color: var(--faint); font-size: .88rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px;
  margin: 20px 0 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 14px; }
.card b { display: block; font-size: 1.5rem; line-height: 1.25; font-weight: 650; }
.card span { color: var(--faint); font-size: .84rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: .9rem; }
th, td { padding: 8px 12px; text-align: right; vertical-align: top;
  border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; }
th { font-weight: 600; color: var(--faint); font-size: .8rem; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
td small { display: block; color: var(--faint); white-space: nowrap; }
tr.floor td { color: var(--faint); } tr.anonymized td { font-weight: 600; }
tr.anonymized small { font-weight: 400; }
.bars { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 14px 16px 8px; }
.bar { display: grid; grid-template-columns: minmax(90px, 170px) 1fr 3.2em; gap: 12px;
  align-items: center; padding: 5px 0; font-size: .9rem; }
.bar .name { overflow-wrap: anywhere; } .bar .end { text-align: right; }
.bar svg { width: 100%; height: 26px; display: block; }
.key { display: inline-flex; align-items: center; gap: 6px; margin-right: 16px; }
.key i { width: 11px; height: 11px; border-radius: 50%; display: inline-block; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr));
  gap: 10px; }
.pictures img { display: block; width: 100%; height: auto; background: #fff;
  border: 1px solid var(--line); border-radius: 10px; }
ul { padding-left: 1.2em; margin: 6px 0; }
details { margin: 10px 0; } summary { cursor: pointer; }
.key .tick { width: 3px; height: 15px; border-radius: 0; }
@media (max-width: 600px) {
  th, td { padding: 7px 8px; } table { font-size: .84rem; }
  .bar { grid-template-columns: 1fr 3.2em; gap: 0 12px; padding: 6px 0 2px; }
  .bar .name { grid-column: 1 / -1; }
}
pre { overflow-x: auto; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; padding: 12px 14px; font-size: .8rem; line-height: 1.45; }
"""
