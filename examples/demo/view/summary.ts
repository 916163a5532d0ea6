/** The end of the demo in a few lines. */
import { founders, newcomer } from '../fleet.ts'
import type { Scene } from '../scene.ts'
import type { Outcome, Plan } from '../story.ts'
import type { Transfer } from '../transfer.ts'
import { number, padEnd, percent, seconds, tint } from './text.ts'

export function summary(scene: Scene, plan: Plan, outcome: Outcome): string {
  const { writeMs, lostWithVictim, downMs, delivered, handoffMs, twins, faults } = outcome
  const { join, leave, revised, revisingMs } = outcome
  const counts = [...scene.readBack.values()]
  const read = counts.reduce((sum, one) => sum + one.read, 0)
  const right = counts.reduce((sum, one) => sum + one.right, 0)
  const rate = number((scene.acknowledged * 1000) / writeMs)
  const killed = `${plan.victim}, at ${percent(plan.killAt, 0)} of the writes, away for ${seconds(downMs)}`
  const again = `${number(scene.retried)} writes without a receipt, made again through other nodes`
  const twice = `${number(twins)} of these took effect twice: two siblings with one value`
  const revisions = `${number(revised)} writes, each replacing the one before`
  const meanwhile = `${revisions}, ${number((revised * 1000) / revisingMs)}/s`
  const rows: (readonly [string, string])[] = [
    [
      'written',
      `${number(scene.acknowledged)} records in ${seconds(writeMs)}, ${rate}/s, with fsync`,
    ],
    ['killed', `${killed}, with ${number(lostWithVictim)} writes in flight`],
    ['handed off', `${number(delivered)} hints, the last ${seconds(handoffMs)} after its return`],
    ['conflict', 'two siblings seen, settled to one by update'],
    ['joined', `${newcomer}: ${changeText(join)}`],
    ['left', `${founders[0]}: ${changeText(leave)}`],
    ['meanwhile', meanwhile],
    ['retried', again],
    ...(twins > 0 ? [['', twice] as const] : []),
    [
      'read back',
      `${number(right)} of ${number(read)} reads right, through all nodes that are left`,
    ],
    ['time', seconds(scene.nowMs)],
  ]
  const lines = rows.map(([name, text]) => ` ${tint(padEnd(name, 12), 'dim')}${text}`)
  const verdict =
    faults === 0
      ? tint(' Nothing that was acknowledged is lost.', 'good')
      : tint(` ${number(faults)} reads did not give what was acknowledged.`, 'bad')
  return ['', ...lines, '', verdict, ''].join('\n')
}

function changeText({ moving, tookMs }: Transfer): string {
  return `${number(moving)} partitions changed owners in ${seconds(tookMs)}`
}
