/** The demo in its order: start, write, kill, restart, hand off, conflict, join, leave, read. */
import { changes, type ChangesOutcome } from './changes.ts'
import { Ledger } from './ledger.ts'
import type { Member } from './member.ts'
import { readBack } from './read-back.ts'
import type { Scene } from './scene.ts'
import { number, seconds } from './view/text.ts'
import { Writer } from './writer.ts'

/** What is killed, and when. */
export interface Plan {
  readonly victim: string
  /** The share of the records that are acknowledged at that moment, 0 to 1. */
  readonly killAt: number
}

export interface Outcome extends ChangesOutcome {
  readonly writeMs: number
  readonly lostWithVictim: number
  readonly downMs: number
  /** Hints that were handed off. */
  readonly delivered: number
  /** From the return of the victim to the last hint. */
  readonly handoffMs: number
  readonly twins: number
  /** Reads that gave something else than what was acknowledged. */
  readonly faults: number
}

const handoffTimeoutMs = 30_000
/** The killed node stays away while so much of the data is written. */
const awayShare = 0.35

/** The key of the conflict. No package and no table has it. */
const notesKey = 'coterie demo: reviewers'

export async function tell(scene: Scene, plan: Plan): Promise<Outcome> {
  const { data } = scene
  await scene.step('start', () => start(scene))
  const ledger = new Ledger()
  const writer = new Writer(scene, ledger)
  const writeStartedMs = scene.nowMs
  const write = scene.step('write', async () => {
    await writer.run()
    const took = scene.nowMs - writeStartedMs
    scene.say(`all ${number(data.records.length)} records are acknowledged, in ${seconds(took)}`)
    return took
  })
  const [writeMs, crash] = await Promise.all([write, crashAndReturn(scene, writer, plan)])
  const handoff = await scene.step('hand off', () => handOff(scene, crash.returnedMs))
  await scene.step('conflict', () => conflict(scene, ledger))
  const changed = await changes(scene, ledger)
  const { faults, twins } = await scene.step('read', () => {
    scene.say('reading every record through every node that is left, R = 2')
    return readBack(scene, ledger.entries)
  })
  return { writeMs, ...crash, ...handoff, ...changed, twins, faults }
}

async function start(scene: Scene): Promise<void> {
  scene.say(`${scene.fleet.members.length} processes start, each with a node and a directory`)
  await scene.fleet.start()
  scene.say('the ring is complete', 'good')
}

interface Crash extends Pick<Outcome, 'lostWithVictim' | 'downMs'> {
  readonly returnedMs: number
}

async function crashAndReturn(scene: Scene, writer: Writer, plan: Plan): Promise<Crash> {
  const { length } = scene.data.records
  const victim = scene.fleet.member(plan.victim)
  await writer.acknowledged(Math.ceil(length * plan.killAt))
  const lostWithVictim = victim.inFlight
  const killedMs = scene.nowMs
  await scene.step('kill', () => kill(scene, victim))
  await writer.acknowledged(Math.ceil(length * Math.min(1, plan.killAt + awayShare)))
  await scene.step('restart', async () => {
    scene.say(`${victim.id} starts again on its directory`)
    await victim.start(scene.fleet.addresses)
    scene.say(`${victim.id} is back, as process ${victim.pid}`, 'good')
  })
  const returnedMs = scene.nowMs
  return { lostWithVictim, downMs: returnedMs - killedMs, returnedMs }
}

async function kill(scene: Scene, victim: Member): Promise<void> {
  const { inFlight } = victim
  const gone = victim.kill()
  scene.say(`${victim.id} is killed with SIGKILL while it works on ${inFlight} writes`, 'bad')
  await gone
}

type Handoff = Pick<Outcome, 'delivered' | 'handoffMs'>

/** Waits until no node keeps a hint for another one. */
async function handOff(scene: Scene, returnedMs: number): Promise<Handoff> {
  let delivered = 0
  await scene.fleet.until(
    'the hints of all nodes to be handed off',
    handoffTimeoutMs,
    (reports) => {
      delivered = reports.reduce((sum, report) => sum + report.delivered, 0)
      return reports.every(({ hints, marks }) => hints === 0 && marks === 0)
    },
  )
  scene.say('no node keeps a hint any more', 'good')
  return { delivered, handoffMs: scene.nowMs - returnedMs }
}

/** Two writes that know nothing of each other: both stay, until somebody who has seen both settles them. */
async function conflict(scene: Scene, ledger: Ledger): Promise<void> {
  const [n1, n2, n3, n4, n5] = scene.fleet.members as [Member, Member, Member, Member, Member]
  const { context } = await n1.ask('put', { key: notesKey, value: ['ann'] })
  await Promise.all([
    n2.ask('put', { key: notesKey, value: ['ann', 'bob'], context }),
    n4.ask('put', { key: notesKey, value: ['ann', 'eve'], context }),
  ])
  const [before = []] = await n5.ask('read', { keys: [notesKey] })
  scene.say(`n2 and n4 write with one context, n5 reads ${shown(before)}`, 'warn')
  if (before.length !== 2) throw new Error(`expected two siblings, not ${shown(before)}`)
  const receipt = await n3.ask('settle', { key: notesKey })
  const [after = []] = await n1.ask('read', { keys: [notesKey] })
  scene.say(`n3 settles that with update, n1 reads ${shown(after)}`, 'good')
  const names = ['ann', 'bob', 'eve']
  const written = { context: receipt.context, isTwice: false }
  ledger.note({ key: notesKey, record: names, value: names, revision: 0, ...written })
}

function shown(siblings: readonly unknown[]): string {
  return siblings.map((sibling) => (sibling as string[]).join('+')).join(' | ')
}
