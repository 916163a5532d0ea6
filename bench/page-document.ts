/** The whole page: what was measured where, how to read it, the pictures, the tables. */
import { throughputPictures } from './page-bars.ts'
import { commitWords, dateWords, groupBy, groupsOf } from './page-groups.ts'
import { historyPictures } from './page-history.ts'
import { latencyPictures } from './page-latency.ts'
import { markup, type Content, type Markup } from './page-markup.ts'
import type { Run, RunsRead } from './page-runs.ts'
import { style } from './page-style.ts'
import { figuresTable, storesTable } from './page-table.ts'
import { troublesPart } from './page-troubles.ts'
import type { TroubleRun } from './trouble/kept.ts'

/** The page as HTML that needs nothing else. Without runs it says so. */
export function pageOf(
  { runs: all, problems }: RunsRead,
  troubles: readonly TroubleRun[] = [],
): string {
  const runs = all.filter(({ beside }) => beside === 'ceiling')
  const newest = runs.at(-1)
  const body =
    newest === undefined ? emptyNote : [aboutRun(newest), pictures(newest, runs), tables(runs)]
  const newestOfStores = all.findLast(({ beside }) => beside === 'stores')
  const { source } = markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>coterie: benchmark</title><style>${{ source: style }}</style></head>
<body><main><h1>coterie: benchmark</h1>
${body}
${newestOfStores === undefined ? undefined : storesPart(newestOfStores)}
${troublesPart(troubles)}
${problemList(problems)}
</main></body></html>
`
  return source
}

const emptyNote: Markup = markup`<p>There are no results yet. <code>npm run bench</code> measures and keeps them;
then <code>npm run bench:report</code> draws this page anew.</p>`

function aboutRun(run: Run): Markup {
  return markup`<p class="soft">The newest run, of ${dateWords(run.at)}.</p>
<dl><dt>Machine</dt><dd>${run.machine}</dd><dt>Node.js</dt><dd>${run.node}</dd>
<dt>Commit</dt><dd><code>${run.commit}</code>${run.changed ? ', with changes that are not committed' : undefined}</dd>
<dt>Options</dt><dd>${run.options.join(' · ') || 'unknown'}</dd>
<dt>Cases</dt><dd>${axesWords(run)}</dd></dl>
<p class="note">A ratio of 60 % means: in the time in which the ceiling, a bare program that sends the same requests
between the same processes and does little else, finishes 100 operations, coterie finishes 60, measured in turn on the
same machine. Ratios can be compared between machines and days far better than operations/s can. Layouts with LMDB have
another yardstick, <b>raw lmdb</b>: the package lmdb alone, without nodes and network, in as many processes at the same
time as there are nodes, of which the mean is told.</p>`
}

/** What the cases of a run are made of. */
function axesWords({ results }: Run): string {
  const of = (read: (result: Run['results'][number]) => string): string =>
    [...new Set(results.map(read))].join(', ')
  const bytes = of(({ valueBytes }) => (valueBytes === undefined ? 'unknown' : String(valueBytes)))
  const loads = [...groupBy(results, ({ load }) => load.kind)].map(
    ([kind, members]) =>
      `${[...new Set(members.map(({ load }) => load.amount))].join(', ')} ${kind}`,
  )
  const axes = [of(({ layout }) => layout), of(({ mix }) => mix), `values of ${bytes} B`, ...loads]
  return axes.join(' · ')
}

const sidesLegend: Markup = markup`<ul class="legend"><li><i class="ours"></i>coterie</li>
<li><i class="ceiling"></i>the ceiling, or raw lmdb where the title says so</li></ul>`

function pictures(newest: Run, runs: readonly Run[]): Content {
  const groups = groupsOf(newest.results)
  const history = historyPictures(runs)
  return markup`<h2>Throughput</h2>
<p class="soft">Medians of the newest run. The percentage above two bars is their ratio, the median over the pairs of
measurements, so that it may differ a little from the quotient of the two medians. Pictures of one layout share
their scale.</p>
${sidesLegend}<div class="pictures">${throughputPictures(groups)}</div>
<h2>Latency</h2>
<p class="soft">A stroke goes from the median (p50, the point) to the 99th percentile (p99, the bar), and dotted on to
the 99.9th where it was measured. The axis is logarithmic.</p>
${sidesLegend}<div class="pictures">${latencyPictures(groups)}</div>
<h2>History of the ratio</h2>
<p class="soft">Every run that compared with a yardstick, the newest on the right; the dashed line is the yardstick.
A <code>+</code> marks a commit with changes beside it. Runs may differ in their options, and on other machines.</p>
${history.length === 0 ? noHistory : markup`<div class="pictures wide">${history}</div>`}`
}

const noHistory: Markup = markup`<p>No run has compared with a yardstick yet.</p>`

function tables(runs: readonly Run[]): Content {
  const [newest, ...earlier] = runs.toReversed()
  if (newest === undefined) return undefined
  return markup`<h2>All figures</h2>
<p class="soft">The newest run. CPU time is for each operation: of the process that makes the requests, and of the
other replicas together.</p>
${figuresTable(newest.results)}
${earlier.length === 0 ? undefined : markup`<h2>Earlier runs</h2>${earlier.map(earlierRun)}`}`
}

function earlierRun(run: Run): Markup {
  const about = [run.machine, `Node.js ${run.node}`, ...run.options].join(' · ')
  return markup`<details><summary>${dateWords(run.at)}, <code>${commitWords(run)}</code>,
${run.results.length} cases</summary><p class="soft">${about}</p>${figuresTable(run.results)}</details>
`
}

function storesPart(run: Run): Markup {
  const about = [dateWords(run.at), run.machine, `Node.js ${run.node}`, ...run.options].join(' · ')
  return markup`<h2>Beside other stores</h2>
<p class="soft">The newest such run; how many times coterie’s operations/s are the other’s stands on the right.
${about} · commit <code>${commitWords(run)}</code></p>
${storesTable(run.results)}`
}

function problemList(problems: readonly string[]): Markup | undefined {
  if (problems.length === 0) return undefined
  return markup`<h2>Lines left out</h2><p class="soft">These lines of the results could not be read.</p>
<ul>${problems.map((problem) => markup`<li>${problem}</li>`)}</ul>`
}
