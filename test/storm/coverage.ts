/**
 * What the plans of many seeds have in them, as the table in docs/TESTING.md. Plans are drawn, not run.
 *
 *     npx tsx test/storm/coverage.ts [seeds, default 2000]
 */

import { faultNames, menu } from './menu.ts'
import { isComparing } from './comparing.ts'
import { drawPlan } from './plan.ts'
import type { StormPlan } from './plan.ts'
import { isReaping } from './reaping.ts'

/** What a plan has, by what it is about. */
type Traits = Readonly<Record<string, readonly (string | number)[]>>

function traitsOf(plan: StormPlan): Traits {
  const { theme, mood, cluster, groups, clients, acts } = plan
  const { nodes, n, r, w, storage, sloppy, readRepair, zones, hasTopology, hintBytesMax } = cluster
  const actions = clients.flatMap((client) => Object.entries(client.actions))
  const struck = acts.flatMap(({ faults }) => faults.map(({ fault }) => fault))
  const faultsOf = (area: string): string[] => struck.filter((name) => menu[name].area === area)
  const areas = [...new Set(faultNames.map((name) => menu[name].area))]
  return {
    theme: [theme],
    'copies destroyed': [{ gentle: 'none', losses: 'fewer than W', reckless: 'any' }[mood]],
    nodes: [nodes],
    N: [n],
    quorums: [sloppy ? 'sloppy' : 'strict', r + w > n ? 'R + W > N' : 'R + W ≤ N'],
    storage: [storage],
    'read repair': [readRepair],
    others: [
      ...(zones.length > 0 ? ['zones'] : []),
      ...(hasTopology ? ['members come and go'] : []),
      ...(isComparing(plan) ? ['replicas compared'] : []),
      ...(plan.isMortal ? ['times to live'] : []),
      ...(isReaping(plan) ? ['tombstones reaped'] : []),
      ...(hintBytesMax <= 2000 ? ['hints of 2 kB at most'] : []),
      ...(groups.some(({ valueMax }) => valueMax >= 2000) ? ['values up to 2000 characters'] : []),
    ],
    'groups of keys': groups.map(({ name }) => name),
    'clients’ actions': actions.filter(([, weight]) => weight > 0).map(([action]) => action),
    ...Object.fromEntries(areas.map((area) => [`faults: ${area}`, faultsOf(area)])),
  }
}

/** The rows of the table. */
function rowsOf(seeds: number): string[] {
  const counts = new Map<string, Map<string | number, number>>()
  for (let seed = 1; seed <= seeds; seed++) {
    for (const [about, traits] of Object.entries(traitsOf(drawPlan(seed)))) {
      const row = counts.get(about) ?? new Map<string | number, number>()
      counts.set(about, row)
      for (const trait of new Set(traits)) row.set(trait, (row.get(trait) ?? 0) + 1)
    }
  }
  return [...counts].map(([about, row]) => {
    const cells = [...row].toSorted(([a, some], [b, others]) =>
      typeof a === 'number' && typeof b === 'number' ? a - b : others - some,
    )
    const told = cells.map(([trait, count]) => `${trait}: ${percent(count / seeds)}`)
    return `| ${about} | ${told.join(', ')} |`
  })
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.01 ? 1 : 0)} %`
}

const rows = rowsOf(Number(process.argv[2] ?? 2000))
console.log(['| | share of the plans |', '|---|---|', ...rows].join('\n'))
