/**
 * Changes of the ring in which one participant dies at a chosen step: at the n-th of all frames that it receives and
 * all batches that its disk makes durable, from the beginning of the change to its end. A step is chosen after a run
 * without a crash has counted them; up to the crash both take the same way.
 */
import type { Bucket, CoterieNode } from '../../src/index.ts'
import { check, createHistory, record, simulate } from '../../src/sim/index.ts'
import type { History, SimCluster, SimOptions } from '../../src/sim/index.ts'
import { RingWatch } from '../storm/ring-watch.ts'
import {
  bucketName,
  crashAndSee,
  isUp,
  outcomeOf,
  pick,
  strict,
  until,
  upNodes,
  type Outcome,
} from './kit.ts'

const keys = Array.from({ length: 8 }, (_, i) => `k${i}`)
const clients = 3
/** How often an operator asks for a change. */
const triesMax = 5

/** A change of the ring. */
export interface Change {
  readonly name: string
  /** Who takes part in it: each has its turn to die. */
  readonly participants: readonly string[]
  /** What comes before it, all in order. */
  prepare?(cluster: SimCluster): Promise<void>
  /** Makes it so, if it is not: what an operator asks for until it is done. */
  make(cluster: SimCluster): Promise<unknown>
  /** The members afterwards, with their weights. */
  readonly after: readonly string[]
  /** The members when it was taken back; undefined for one that cannot be. */
  readonly before?: readonly string[]
}

const all = ['n1', 'n2', 'n3', 'n4']

/** A start of n5, which takes the place of n4; if the change was taken back with the place, into one of its own. */
async function takeOver(cluster: SimCluster): Promise<void> {
  if (isUp(cluster, 'n5')) return
  const wish = { replaces: 'n4' }
  const isFirst = !cluster.names.includes('n5')
  const outcome = await outcomeOf(isFirst ? cluster.add('n5', wish) : cluster.restart('n5', wish))
  if ('value' in outcome) return
  if (!outcome.error.message.includes('leave the option out')) throw outcome.error
  await cluster.restart('n5')
}

export const changes: readonly Change[] = [
  {
    name: 'a join',
    participants: ['n1', 'n2', 'n5'],
    make: async (cluster) => {
      if (!cluster.names.includes('n5')) await cluster.add('n5')
      else if (!isUp(cluster, 'n5')) await cluster.restart('n5')
    },
    after: [...all, 'n5'],
    before: all,
  },
  {
    name: 'a leave',
    participants: ['n1', 'n2', 'n4'],
    make: async (cluster) => {
      if (isUp(cluster, 'n4')) await cluster.node('n4').leave({ timeoutMs: 60_000 })
    },
    after: ['n1', 'n2', 'n3'],
    before: all,
  },
  {
    name: 'a removal',
    participants: ['n1', 'n2', 'n3'],
    prepare: (cluster) => crashAndSee(cluster, 'n4'),
    make: async (cluster) => {
      const node = cluster.node(isUp(cluster, 'n1') ? 'n1' : 'n2')
      if (node.members().some(({ id }) => id === 'n4'))
        await node.removeMember('n4', { force: true })
    },
    after: ['n1', 'n2', 'n3'],
    before: all,
  },
  {
    name: 'a takeover',
    participants: ['n1', 'n2', 'n5'],
    prepare: (cluster) => crashAndSee(cluster, 'n4'),
    make: takeOver,
    after: ['n1', 'n2', 'n3', 'n5'],
    before: all,
  },
  {
    name: 'a reweighting',
    participants: ['n1', 'n2', 'n3'],
    prepare: (cluster) => crashAndSee(cluster, 'n3'),
    make: async (cluster) => {
      if (!isUp(cluster, 'n3')) await cluster.restart('n3', { weight: 2 })
    },
    after: ['n1', 'n2', 'n3*2', 'n4'],
  },
]

const options: Omit<SimOptions, 'seed'> = {
  nodes: 4,
  storage: 'durable',
  node: {
    replication: strict,
    handoff: { bytesPerSecondMax: 4000 },
    timeoutMs: 1000,
  },
}

/** Who dies, at which of its steps, counted from 1. */
export interface Death {
  readonly name: string
  readonly step: number
}

/** How a run went. */
export interface Told {
  /** Steps of each node in the course of the change. */
  readonly steps: ReadonlyMap<string, number>
  readonly outcome: 'made' | 'taken back'
  readonly hasDied: boolean
  readonly problems: readonly string[]
}

/** Counts the steps of a change, and lets a participant die at one of them. */
class Steps {
  readonly counts: Map<string, number> = new Map()
  readonly #death: Death | undefined
  #isCounting = false
  #hasDied = false
  /** Resolves when the participant has died. */
  readonly died: Promise<void>
  #settle: () => void = () => undefined
  kill: () => Promise<void> = () => Promise.resolve()

  constructor(death: Death | undefined) {
    this.#death = death
    this.died = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  get hasDied(): boolean {
    return this.#hasDied
  }

  begin(): void {
    this.#isCounting = true
  }

  end(): void {
    this.#isCounting = false
  }

  /** A line of the trace: time, node, kind, details. */
  note(line: string): void {
    if (!this.#isCounting) return
    const [, name = '', kind] = line.split(' ', 3)
    if (kind !== 'frame' && kind !== 'sync') return
    const count = (this.counts.get(name) ?? 0) + 1
    this.counts.set(name, count)
    if (name !== this.#death?.name || count !== this.#death.step || this.#hasDied) return
    this.#hasDied = true
    void Promise.resolve()
      .then(() => this.kill())
      .then(this.#settle)
  }
}

/** Watches the rings of all nodes that ever start: one for each epoch, and one change at a time. */
class Watch {
  readonly #ring: RingWatch
  readonly #found: (problem: string) => void
  readonly #known: WeakSet<CoterieNode> = new WeakSet()

  constructor(found: (problem: string) => void) {
    this.#found = found
    this.#ring = new RingWatch(found)
  }

  look(cluster: SimCluster): void {
    for (const node of upNodes(cluster)) {
      if (this.#known.has(node)) continue
      this.#known.add(node)
      this.#ring.listenTo(node)
      node.on('ring-change', () => this.#judge(node))
    }
  }

  #judge(node: CoterieNode): void {
    const changing = node.members().filter(({ stage }) => stage !== 'normal')
    if (changing.length > 1) this.#found(`two changes at once: ${membersAt(node)}`)
  }
}

interface Session {
  readonly history: History
  readonly watch: Watch
  readonly client: number
  readonly isOver: () => boolean
}

/** Reads and writes with contexts, deletes now and then, through whichever node is up. */
async function work(
  cluster: SimCluster,
  { history, watch, client, isOver }: Session,
): Promise<void> {
  for (let i = 0; !isOver(); i++) {
    await cluster.sleep(20 + cluster.random() * 100)
    watch.look(cluster)
    const name = `n${1 + ((client + i) % 3)}`
    if (!isUp(cluster, name)) continue
    const bucket = record(cluster.node(name).bucket<string>(bucketName), history)
    const key = keys[pick(cluster, keys.length)]!
    const read = await outcomeOf(bucket.get(key))
    if ('error' in read) continue
    const { context } = read.value
    const isDelete = cluster.random() < 0.2
    await outcomeOf<unknown>(
      isDelete
        ? bucket.delete(key, { context })
        : bucket.put(key, `${client}:${i}`.padEnd(300), { context }),
    )
  }
}

/** The members as a node sees them; what is not over is marked. */
function membersAt(node: CoterieNode): string {
  const members = node.members().map(({ id, stage, weight }) => {
    const mark = stage === 'normal' ? '' : ` ${stage}`
    return weight === 1 ? `${id}${mark}` : `${id}*${weight}${mark}`
  })
  return members.join() + (node.ring().moving > 0 ? ', moving' : '')
}

/** Waits until all that are up see these members, or one of these lists, and nothing under way. @returns which */
async function untilSettledAs(
  cluster: SimCluster,
  ...allowed: (readonly string[] | undefined)[]
): Promise<string> {
  const wanted = allowed.map((members) => members?.join())
  let seen: string[] = []
  const look = (): string | undefined => {
    seen = [...new Set(upNodes(cluster).map(membersAt))]
    return seen.length === 1 && wanted.includes(seen[0]) ? undefined : `seen is ${seen.join(' | ')}`
  }
  await until(cluster, look, 300_000)
  return seen[0]!
}

/** Starts those that take part and are down, but for whom the change starts. */
async function restartOthers(cluster: SimCluster, { participants }: Change): Promise<void> {
  for (const name of participants) {
    const isDown = name !== 'n5' && !isUp(cluster, name)
    // One that has left is told so, and stays away.
    if (isDown) await outcomeOf(cluster.restart(name))
  }
}

/** What an operator does after a death: whoever is down is started again, and the change asked for until it is done. */
async function goOn(
  cluster: SimCluster,
  change: Change,
  making: Promise<Outcome<unknown>>,
): Promise<void> {
  await restartOthers(cluster, change)
  await making
  for (let i = 1; ; i++) {
    const made = await outcomeOf(change.make(cluster))
    if ('value' in made) return
    if (i === triesMax) throw made.error
    await cluster.sleep(1000)
  }
}

async function readAll(bucket: Bucket<string>): Promise<void> {
  for (const key of keys) await bucket.get(key, { r: 'all' })
}

interface Run {
  readonly change: Change
  readonly steps: Steps
  readonly history: History
  readonly watch: Watch
  readonly death: Death | undefined
}

async function scenario(
  cluster: SimCluster,
  { change, steps, history, watch, death }: Run,
): Promise<Told['outcome']> {
  const bucket = record(cluster.node('n1').bucket<string>(bucketName), history)
  for (const key of keys) await bucket.put(key, `first of ${key}`.padEnd(300), { w: 'all' })
  await change.prepare?.(cluster)
  let isOver = false
  const working = Array.from({ length: clients }, (_, client) =>
    work(cluster, { history, watch, client, isOver: () => isOver }),
  )
  const lose = (['unsynced', 'nothing', 'some'] as const)[pick(cluster, 3)]!
  steps.kill = () => cluster.crash(death!.name, { lose })
  steps.begin()
  const making = outcomeOf(change.make(cluster))
  const over = making.then(() => untilSettledAs(cluster, change.after))
  await (death === undefined ? over : Promise.race([over.catch(() => undefined), steps.died]))
  steps.end()
  if (steps.hasDied) {
    await steps.died
    await cluster.sleep(cluster.random() * 10_000)
    await goOn(cluster, change, making)
  }
  const first = await untilSettledAs(cluster, change.after, change.before)
  if (first !== change.after.join()) {
    await change.make(cluster)
    await untilSettledAs(cluster, change.after)
  }
  isOver = true
  await Promise.all(working)
  await cluster.settle()
  await readAll(record(cluster.node('n1').bucket<string>(bucketName), history, { final: true }))
  return first === change.after.join() ? 'made' : 'taken back'
}

/** One run. @throws whatever the scenario rejects with, the seed in its message */
export async function tell(change: Change, seed: number, death?: Death): Promise<Told> {
  const steps = new Steps(death)
  const history = createHistory()
  const problems: string[] = []
  const trace = (line: string): void => steps.note(line)
  const { value: outcome } = await simulate({ ...options, seed, trace }, async (cluster) => {
    await cluster.sleep(2000)
    const watch = new Watch((problem) => problems.push(problem))
    return scenario(cluster, { change, steps, history, watch, death })
  })
  for (const model of ['no-lost-write', 'causal'] as const)
    for (const { message } of check(history, model).violations) problems.push(message)
  return { steps: steps.counts, outcome, hasDied: steps.hasDied, problems }
}

/** Steps from the first to the last, evenly. */
export function spread(count: number, total: number): number[] {
  const steps = Array.from({ length: count }, (_, i) =>
    Math.round(1 + (i * (total - 1)) / Math.max(1, count - 1)),
  )
  return [...new Set(steps)]
}
