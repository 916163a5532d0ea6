/** The second part of the story: a sixth node joins and the first leaves, while the records are written anew. */
import { founders, newcomer } from './fleet.ts'
import type { Ledger } from './ledger.ts'
import { Reviser } from './reviser.ts'
import type { Scene, StepName } from './scene.ts'
import { watchTransfer, type Transfer } from './transfer.ts'
import { number, seconds } from './view/text.ts'

const changeTimeoutMs = 30_000

export interface ChangesOutcome {
  readonly join: Transfer
  readonly leave: Transfer
  /** Writes that were acknowledged meanwhile, and how long that was. */
  readonly revised: number
  readonly revisingMs: number
}

/** One change at a time: each ends before the next begins. */
export async function changes(scene: Scene, ledger: Ledger): Promise<ChangesOutcome> {
  const reviser = new Reviser(scene, ledger)
  const startedMs = scene.nowMs
  const made = async (): Promise<readonly [Transfer, Transfer]> => {
    const joined = await change(scene, 'join', () => join(scene))
    const left = await change(scene, 'leave', () => leave(scene))
    reviser.stop()
    return [joined, left]
  }
  const [[joined, left]] = await Promise.all([made(), reviser.run()])
  return { join: joined, leave: left, revised: scene.revised, revisingMs: scene.nowMs - startedMs }
}

async function change(
  scene: Scene,
  name: Extract<StepName, 'join' | 'leave'>,
  run: () => Promise<void>,
): Promise<Transfer> {
  const title = name === 'join' ? `${newcomer} joins` : `${founders[0]} leaves`
  let before: number | undefined
  const show = (transfer: Transfer): void => {
    scene.transfer = transfer
    if (transfer.moving > 0) before ??= scene.revised
  }
  return scene.step(name, async () => {
    const transfer = await watchTransfer(scene.fleet, title, { run, show })
    const writes = number(scene.revised - (before ?? scene.revised))
    const moved = `${number(transfer.moving)} partitions moved in ${seconds(transfer.tookMs)}`
    scene.say(`${title}: ${moved}; ${writes} writes meanwhile`, 'good')
    return transfer
  })
}

async function join(scene: Scene): Promise<void> {
  const { fleet } = scene
  scene.say(`${newcomer} starts and asks to be let in, while records are written anew`)
  const member = fleet.add(newcomer)
  await member.start(fleet.addresses)
  scene.say(`${newcomer} is let in and serves, as process ${member.pid}`, 'good')
  await fleet.until(`${newcomer} to have its share`, changeTimeoutMs, (reports) =>
    reports.every(({ ring, lacking }) => {
      return newcomer in ring.owned && ring.moving === 0 && lacking === 0
    }),
  )
}

async function leave(scene: Scene): Promise<void> {
  const { fleet } = scene
  const first = founders[0]!
  scene.say(`${first} leaves: others are to own what it owns, and it hands its data over`)
  await fleet.member(first).leave()
  await fleet.until(`all to know that ${first} has left`, changeTimeoutMs, (reports) =>
    reports.every(({ ring, lacking }) => {
      return !(first in ring.owned) && ring.moving === 0 && lacking === 0
    }),
  )
}
