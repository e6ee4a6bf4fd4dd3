"""The looks of a page: one style sheet, light and dark, wide and narrow."""

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --faint: #666; --rule: #d8d8d8; --page: #fff;
  --soft: #f4f4f4; --good: #1a7f37; --warn: #9a6700; --bad: #c62828;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b0619a; --c4: #b47c00; --c5: #2f9fd8;
  --c6: #7f7f7f; --c7: #8c6d31 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --faint: #a0a0a0; --rule: #404040; --page: #161616; --soft: #222;
    --good: #4ac26b; --warn: #d9a53a; --bad: #ff7b72;
    --c0: #56b4e9; --c1: #f08a3c; --c2: #3cc79a; --c3: #dd9ac4; --c4: #e6b13a; --c5: #8ecdf2;
    --c6: #a8a8a8; --c7: #c4a265 }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 75rem; background: var(--page); color: var(--ink);
  font: 1rem/1.45 system-ui, sans-serif }
h1 { font-size: 1.3rem; margin: 0 0 .3rem; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 1.8rem 0 .2rem; overflow-wrap: anywhere }
h3 { font-size: 1rem; margin: 0 0 .1rem; overflow-wrap: anywhere }
p { margin: .2rem 0; overflow-wrap: anywhere }
.faint { color: var(--faint); font-size: .9rem }
.verdict { margin: .9rem 0; font-size: 1.1rem }
.mark { display: inline-block; padding: 0 .45em; border: 1px solid currentColor;
  border-radius: .3em; font-size: .85em; font-weight: 600; white-space: nowrap }
.good { color: var(--good) } .warn { color: var(--warn) } .bad { color: var(--bad) }
.quiet { color: var(--faint) }
.cards { display: grid; gap: 1.5rem; margin-top: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)) }
article { min-width: 0 }
svg { display: block; width: 100%; height: auto }
svg text { fill: var(--faint); font: 11px system-ui, sans-serif }
svg.wide { min-width: 38rem; max-width: 60rem }
.drawing svg { min-width: 34rem; max-width: 46rem }
svg.spark { display: inline-block; width: 5.5rem; height: 1.3rem; vertical-align: middle }
svg.squares { display: inline-block; width: auto; height: 20px; vertical-align: middle }
.tgood { fill: var(--good); opacity: .45 } .twarn { fill: var(--warn) } .tbad { fill: var(--bad) }
.tquiet { fill: var(--rule) }
.grid { stroke: var(--rule); stroke-width: 1; vector-effect: non-scaling-stroke }
.curve { fill: none; stroke-width: 1.75; stroke-linejoin: round; vector-effect: non-scaling-stroke }
.dashed { stroke-dasharray: 5 3 }
svg .faint { font-size: 12px }
.band { stroke: none; opacity: .18 }
.area { stroke: none; opacity: .28 }
.bound { stroke: var(--faint); stroke-width: 1; stroke-dasharray: 4 3 }
.event { stroke: var(--bad); stroke-width: 1.25 }
ul { margin: .4rem 0; padding-left: 1.1rem; font-size: .9rem } li { overflow-wrap: anywhere }
.key { list-style: none; margin: .2rem 0 0; padding: 0; font-size: .85rem }
.row li { display: inline-block; margin-right: 1rem }
.key svg { display: inline-block; width: 1.6em; height: .7em; margin-right: .4em }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .85rem }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--rule);
  white-space: nowrap }
th { color: var(--faint); font-weight: 500 }
td.number { text-align: right; font-variant-numeric: tabular-nums }
dl { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; margin: .6rem 0 }
dt { color: var(--faint); font-size: .8rem } dd { margin: 0; overflow-wrap: anywhere }
details { margin: .6rem 0 } summary { cursor: pointer; padding: .2rem 0 }
@media (max-width: 40rem) {
  td:first-child { white-space: normal; overflow-wrap: break-word; max-width: 9.5rem }
}
""" + "".join(f".s{n} {{ stroke: var(--c{n}) }} .f{n} {{ fill: var(--c{n}) }}\n" for n in range(8))
