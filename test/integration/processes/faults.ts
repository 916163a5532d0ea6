/** The faults that strike the processes: what each does, and how it is undone. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Draw } from '../../storm/draw.ts'
import type { Fleet } from './fleet.ts'
import type { Log } from './log.ts'
import type { Member } from './member.ts'
import type { Undo } from './network.ts'

/** What may befall the processes and the network between them. */
export type FaultName =
  | 'kill'
  | 'kill all'
  | 'kill while stopped'
  | 'close'
  | 'stop'
  | 'full disk'
  | 'kill on a full disk'
  | 'isolate'
  | 'mute'
  | 'deafen'
  | 'split'
  | 'bridge'
  | 'one way'
  | 'slow'
  | 'reset'

/** What faults strike. */
export interface Field {
  readonly fleet: Fleet
  readonly draw: Draw
  readonly log: Log
  /** Members that a fault of their process or disk holds. */
  readonly held: Set<Member>
}

/** Lasts from its call to its end; does nothing and gives false when it cannot strike now. */
type Fault = (field: Field) => Promise<boolean>

/** How long a fault lasts, milliseconds: from a hiccup to more than operations and suspicions last. */
const lastsMs = [300, 5_000] as const
const delayMaxMs = 400

export const faults: Readonly<Record<FaultName, Fault>> = {
  kill: (field) => onMember(field, (member) => killed(field, [member])),
  'kill all': (field) => {
    const free = field.fleet.members.filter((member) => isFree(field, member))
    return free.length < 3 ? never() : hold(field, free, () => killed(field, free))
  },
  'kill while stopped': (field) =>
    onMember(field, async (member) => {
      member.pause()
      await lasting(field)
      await killed(field, [member])
    }),
  close: (field) => onMember(field, (member) => closed(field, member)),
  stop: (field) =>
    onMember(field, async (member) => {
      member.pause()
      await lasting(field)
      member.resume()
    }),
  'full disk': (field) => {
    const { fleet, draw } = field
    const member = draw.pick(fleet.withSmallDisks)
    if (!isFree(field, member)) return never()
    return hold(field, [member], () => filled(field, member))
  },
  'kill on a full disk': (field) => {
    const { fleet, draw } = field
    const member = draw.pick(fleet.withSmallDisks)
    if (!isFree(field, member)) return never()
    return hold(field, [member], () => filledAndKilled(field, member))
  },
  isolate: (field) => {
    const [one = '', ...others] = field.draw.shuffled(field.fleet.ids)
    return blocked(field, [...ways([one], others), ...ways(others, [one])])
  },
  mute: (field) => {
    const [one = '', ...others] = field.draw.shuffled(field.fleet.ids)
    return blocked(field, ways([one], others))
  },
  deafen: (field) => {
    const [one = '', ...others] = field.draw.shuffled(field.fleet.ids)
    return blocked(field, ways(others, [one]))
  },
  split: (field) => {
    const shuffled = field.draw.shuffled(field.fleet.ids)
    const few = shuffled.slice(0, 2)
    const many = shuffled.slice(2)
    return blocked(field, [...ways(few, many), ...ways(many, few)])
  },
  bridge: (field) => {
    const [, a = '', b = '', c = '', d = ''] = field.draw.shuffled(field.fleet.ids)
    return blocked(field, [...ways([a, b], [c, d]), ...ways([c, d], [a, b])])
  },
  'one way': (field) => {
    const [from = '', to = ''] = field.draw.shuffled(field.fleet.ids)
    return blocked(field, ways([from], [to]))
  },
  slow: (field) => slowed(field),
  reset: (field) => {
    const [one = '', ...others] = field.draw.shuffled(field.fleet.ids)
    const some = others.slice(0, field.draw.whole(1, others.length))
    for (const other of some) field.fleet.network.reset(one, other)
    return Promise.resolve(true)
  },
}

export const faultNames: readonly FaultName[] = Object.keys(faults) as FaultName[]

function never(): Promise<boolean> {
  return Promise.resolve(false)
}

function lasting({ draw }: Field): Promise<void> {
  return sleep(draw.magnitude(lastsMs))
}

function isFree({ held }: Field, member: Member): boolean {
  return member.isServing && !held.has(member)
}

async function hold(
  { held }: Field,
  members: readonly Member[],
  fault: () => Promise<boolean | void>,
): Promise<boolean> {
  for (const member of members) held.add(member)
  const hasStruck = await fault()
  for (const member of members) held.delete(member)
  return hasStruck ?? true
}

function onMember(field: Field, fault: (member: Member) => Promise<void>): Promise<boolean> {
  const free = field.fleet.members.filter((member) => isFree(field, member))
  if (free.length === 0) return never()
  const member = field.draw.pick(free)
  return hold(field, [member], () => fault(member))
}

async function killed(field: Field, members: readonly Member[]): Promise<void> {
  await Promise.all(members.map((member) => member.kill()))
  await lasting(field)
  await Promise.all(members.map((member) => field.fleet.raise(member)))
}

async function closed(field: Field, member: Member): Promise<void> {
  await member.close().catch((error: unknown) => {
    field.log.found(`${member.id} did not close: ${String(error)}`)
    return member.kill()
  })
  await lasting(field)
  await field.fleet.raise(member)
}

/** True if a write was refused: a database may have room within. */
async function filled(field: Field, member: Member): Promise<boolean> {
  const before = member.refusedWrites
  await field.fleet.setDiskFull(member, true)
  await lasting(field)
  const hasStruck = member.refusedWrites !== before
  await emptied(field, member)
  return hasStruck
}

async function filledAndKilled(field: Field, member: Member): Promise<void> {
  await field.fleet.setDiskFull(member, true)
  await lasting(field)
  await member.kill()
  const raised = field.fleet.raise(member)
  await lasting(field)
  await emptied(field, member)
  await raised
}

/** Makes room. A process that does not go on as if nothing had been is restarted. */
async function emptied({ fleet }: Field, member: Member): Promise<void> {
  await fleet.setDiskFull(member, false)
  const isIll = member.refusedWrites > 0 && fleet.mayBeIll(member)
  if (!member.isBroken && !isIll) return
  await member.kill()
  await fleet.raise(member)
}

function ways(from: readonly string[], to: readonly string[]): [from: string, to: string][] {
  return from.flatMap((one) => to.map((other): [string, string] => [one, other]))
}

async function blocked(
  field: Field,
  pairs: readonly (readonly [from: string, to: string])[],
): Promise<boolean> {
  const undos = pairs.map(([from, to]) => field.fleet.network.block(from, to))
  return undone(field, undos)
}

async function slowed(field: Field): Promise<boolean> {
  const { fleet, draw } = field
  const delayMs = draw.magnitude([10, delayMaxMs])
  const [one = '', ...others] = draw.shuffled(fleet.ids)
  const pairs = [...ways([one], others), ...ways(others, [one])]
  return undone(
    field,
    pairs.map(([from, to]) => fleet.network.slow(from, to, delayMs)),
  )
}

async function undone(field: Field, undos: readonly Undo[]): Promise<boolean> {
  await lasting(field)
  for (const undo of undos) undo()
  return true
}
