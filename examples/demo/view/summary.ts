/** The end of the demo in a few lines. */
import type { Scene } from '../scene.ts'
import type { Outcome, Plan } from '../story.ts'
import { number, padEnd, percent, seconds, tint } from './text.ts'

export function summary(scene: Scene, plan: Plan, outcome: Outcome): string {
  const { writeMs, lostWithVictim, downMs, delivered, handoffMs, twins, faults } = outcome
  const counts = [...scene.readBack.values()]
  const read = counts.reduce((sum, one) => sum + one.read, 0)
  const right = counts.reduce((sum, one) => sum + one.right, 0)
  const rate = number((scene.acknowledged * 1000) / writeMs)
  const killed = `${plan.victim}, at ${percent(plan.killAt, 0)} of the writes, away for ${seconds(downMs)}`
  const again = `${number(scene.retried)} writes without a receipt, made again through other nodes`
  const twice = `${number(twins)} of these took effect twice: two siblings with one value`
  const rows: (readonly [string, string])[] = [
    [
      'written',
      `${number(scene.acknowledged)} records in ${seconds(writeMs)}, ${rate}/s, with fsync`,
    ],
    ['killed', `${killed}, with ${number(lostWithVictim)} writes in flight`],
    ['retried', again],
    ...(twins > 0 ? [['', twice] as const] : []),
    ['handed off', `${number(delivered)} hints, the last ${seconds(handoffMs)} after its return`],
    ['conflict', 'two siblings seen, settled to one by update'],
    ['read back', `${number(right)} of ${number(read)} reads right, through all nodes`],
    ['time', seconds(scene.nowMs)],
  ]
  const lines = rows.map(([name, text]) => ` ${tint(padEnd(name, 12), 'dim')}${text}`)
  const verdict =
    faults === 0
      ? tint(' Nothing that was acknowledged is lost.', 'good')
      : tint(` ${number(faults)} reads did not give what was acknowledged.`, 'bad')
  return ['', ...lines, '', verdict, ''].join('\n')
}
