/** Tells the scene as lines: what happens when it happens, and how far it is once a second, a transfer twice. */
import type { Scene } from '../scene.ts'
import { logLine, nodeTable } from './frame.ts'
import { number, size } from './text.ts'
import { transferText } from './transfer-line.ts'

const intervalMs = 500

export class PlainView {
  readonly #scene: Scene
  readonly #timer: NodeJS.Timeout
  #isStopped = false
  #tick = 0

  constructor(scene: Scene) {
    const { data } = scene
    this.#scene = scene
    print(`coterie: processes over TCP, N = 3, R = W = 2, LMDB with fsync`)
    print(`${data.source}: ${number(data.records.length)} records, ${size(data.bytes)}`)
    scene.onSay = (line) => print(logLine(line))
    this.#timer = setInterval(() => this.#progress(), intervalMs)
  }

  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    clearInterval(this.#timer)
    print('')
    for (const line of nodeTable(this.#scene)) print(line)
  }

  #progress(): void {
    const { acknowledged, data, steps, nowMs, transfer } = this.#scene
    const isFullSecond = ++this.#tick % 2 === 0
    if (transfer !== undefined && !transfer.isOver && (transfer.moving > 0 || isFullSecond)) {
      const text = `${transferText(transfer)}; ${number(this.#scene.rate())} writes/s`
      print(logLine({ atMs: nowMs, text, tone: 'plain' }))
    } else if (!isFullSecond) return
    else if (steps.get('write') === 'running') {
      const rate = `${number(this.#scene.rate())}/s`
      const progress = `${number(acknowledged)} of ${number(data.records.length)} writes, ${rate}`
      print(logLine({ atMs: nowMs, text: progress + hintsText(this.#scene), tone: 'plain' }))
    } else if (steps.get('hand off') === 'running') {
      print(logLine({ atMs: nowMs, text: `handing off${hintsText(this.#scene)}`, tone: 'plain' }))
    }
  }
}

function hintsText({ fleet }: Scene): string {
  const kept = fleet.members.flatMap(({ id, report }) => {
    return report === undefined || report.hints === 0 ? [] : [`${id} ${number(report.hints)}`]
  })
  return kept.length === 0 ? '' : `; hints kept: ${kept.join(', ')}`
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
