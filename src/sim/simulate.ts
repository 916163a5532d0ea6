/**
 * Runs a scenario against a cluster on virtual time. One seed, one run: chance, time, network and
 * disks are all drawn from it, and the trace hash of the result tells whether two runs took the
 * same way.
 */

import { InvalidArgumentError } from '../base/errors.ts'
import type { NodeOptions } from '../node/options.ts'
import { FaultCounts } from './faults.ts'
import type { Faults } from './faults.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimCluster } from './sim-cluster.ts'
import { SimFleet } from './sim-fleet.ts'
import type { NetworkQuality } from './sim-links.ts'
import type { SimWorld } from './sim-machine.ts'
import { SimNetwork } from './sim-network.ts'
import { Trace } from './trace.ts'
import type { TraceListener } from './trace.ts'
import { VirtualClock } from './virtual-clock.ts'

/**
 * Virtual time after which a scenario is given up: soon enough, in real time, to notice one that
 * waits for something real, and longer than most tests need.
 */
const VIRTUAL_MS_MAX = 3_600_000

/** Virtual time that the nodes have to close after the scenario. */
const CLOSE_WITHIN_MS = 600_000

/** Fewer than a node has by default: a cluster of tests is small, and each start walks all of them. */
const PARTITIONS = 16

/** What a scenario may wait for that virtual time knows nothing of. */
const REAL_THINGS = 'a real timer, fetch, a file, a worker, a library that uses these'

/** What is simulated. */
export interface SimOptions {
  /** Decides everything that is left to chance: a whole number ≥ 0. @default 1 */
  seed?: number
  /** How many nodes, named n1, n2, …; all are members when the scenario starts. @default 5 */
  nodes?: number
  /** Options of every node. `partitions` is 16 unless it is given. */
  node?: Omit<NodeOptions, 'id' | 'seeds' | 'transport' | 'storage' | 'clock' | 'random'>
  /** Failure domains, dealt to the nodes in turn. @default none */
  zones?: readonly string[]
  /**
   * `durable`: what was synced survives crash and restart. `memory`: nothing survives the end of a
   * process.
   * @default 'memory'
   */
  storage?: 'memory' | 'durable'
  /** How frames travel where `SimCluster.link` says nothing else. */
  network?: NetworkQuality
  /**
   * Virtual milliseconds after which the scenario is given up. More lets it last longer; less finds
   * sooner that it waits for something real, during which virtual time runs on, some minutes in each
   * 50 real milliseconds. @default 3 600 000, an hour
   */
  virtualMsMax?: number
  /**
   * Sees each event when it happens, as one line: virtual milliseconds, node, kind, details. The
   * kinds are documented in `sim/trace.ts`.
   */
  trace?: TraceListener
}

/** How a simulation went. */
export interface SimResult<T> {
  /** What the scenario returned. */
  value: T
  seed: number
  /** Equal for two runs that took the same way. */
  traceHash: string
  /** Virtual time when the scenario ended. */
  virtualMs: number
  /** Events until the scenario ended. */
  events: number
  /** How often each kind of fault took effect until the scenario ended. */
  faults: Faults
}

/**
 * Runs the scenario; virtual time advances by itself whenever nothing else can run. Same seed, same
 * run, as long as the scenario waits for nothing but the cluster. All nodes are closed at the end,
 * however it ends.
 *
 * @throws whatever the scenario throws, with the seed in its message.
 * @throws {Error} when the scenario waits and nothing can happen any more, or not before
 * `virtualMsMax`.
 * @throws {Error} at once, whatever the scenario awaits, when a node breaks an invariant or has an
 * error that is no `StoreError`, or when nobody handles a rejection.
 */
export async function simulate<T>(
  options: SimOptions,
  scenario: (cluster: SimCluster) => Promise<T>,
): Promise<SimResult<T>> {
  const { seed = 1, nodes = 5, zones = [], virtualMsMax = VIRTUAL_MS_MAX } = options
  const world = makeWorld({ ...options, seed, nodes })
  const fleet = new SimFleet(world, zones)
  const work = fleet.found(nodes).then(() => scenario(new SimCluster(fleet, seed)))
  try {
    const outcome = await world.clock.runUntil(work, virtualMsMax)
    if (outcome !== 'settled') throw new Error(stuck(outcome, fleet))
    const value = await work
    const { hash: traceHash, events } = world.trace
    const faults = world.faults.view()
    const result = { value, seed, traceHash, virtualMs: world.clock.nowMs, events, faults }
    await closeAll(fleet)
    return result
  } catch (error) {
    fleet.kill()
    throw withSeed(error, seed)
  }
}

function makeWorld(options: SimOptions & { seed: number; nodes: number }): SimWorld {
  const { seed, nodes, storage = 'memory', node = {} } = options
  requireWhole('seed', seed, 0)
  requireWhole('nodes', nodes, 1)
  if (storage !== 'memory' && storage !== 'durable') {
    throw new InvalidArgumentError('storage', `must be 'memory' or 'durable'`)
  }
  const clock = new VirtualClock()
  const trace = new Trace(clock, options.trace)
  const random = new SeededRandom(seed)
  const faults = new FaultCounts()
  const network = new SimNetwork({ clock, random, trace, faults, quality: options.network })
  const { partitions = PARTITIONS } = node
  return { clock, trace, faults, random, network, storage, node: { ...node, partitions } }
}

function requireWhole(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new InvalidArgumentError(name, `must be a whole number from ${least} on, not ${value}`)
}

async function closeAll(fleet: SimFleet): Promise<void> {
  const { clock } = fleet.world
  const closing = fleet.close()
  const outcome = await clock.runUntil(closing, clock.nowMs + CLOSE_WITHIN_MS)
  if (outcome !== 'settled') {
    const starting = fleet.machines.filter(({ isStarting }) => isStarting)
    const names = starting.map(({ name }) => name).join(', ')
    const why = names === '' ? '' : `: ${names} still starting`
    throw new Error(`the nodes did not close within ${CLOSE_WITHIN_MS} virtual ms${why}`)
  }
  await closing
}

function stuck(outcome: 'idle' | 'late', fleet: SimFleet): string {
  const at = `at virtual ms ${Math.floor(fleet.world.clock.nowMs)}`
  if (outcome === 'late') {
    return (
      `the scenario still waits ${at}, the limit of virtualMsMax. Either it needs a higher one, or ` +
      `it waits for something real, which goes on at another pace: ${REAL_THINGS}. Use \`cluster.sleep\``
    )
  }
  const names = fleet.machines.filter(({ isPaused }) => isPaused).map(({ name }) => name)
  const paused = names.length === 0 ? '' : ` (paused: ${names.join(', ')})`
  return (
    `the scenario waits, but nothing can happen any more ${at}: no timer, no frame${paused}. ` +
    `Does it wait for something real: ${REAL_THINGS}?`
  )
}

/** The error itself, so that its class and properties stay, with the seed in what it says. */
function withSeed(error: unknown, seed: number): Error {
  const note = `[simulated with seed ${seed}]`
  if (!(error instanceof Error)) return new Error(`${String(error)} ${note}`, { cause: error })
  // The stack starts with the message, as it was when the stack was first read: that is now.
  const { message, stack } = error
  error.message = `${message} ${note}`
  if (stack !== undefined) error.stack = stack.replace(message, () => error.message)
  return error
}
