/** Draws the scene ten times a second on the terminal's second screen, and leaves the last picture on the first. */
import type { Scene } from '../scene.ts'
import { frame } from './frame.ts'
import { clip } from './text.ts'

const intervalMs = 100
const columnsMax = 100
const enter = '\x1b[?1049h\x1b[?25l'
const leave = '\x1b[?25h\x1b[?1049l'
const home = '\x1b[H'
const clearLine = '\x1b[K'
const clearBelow = '\x1b[J'

export class LiveView {
  readonly #scene: Scene
  readonly #timer: NodeJS.Timeout
  #isStopped = false

  constructor(scene: Scene) {
    this.#scene = scene
    process.stdout.write(enter)
    this.#draw()
    this.#timer = setInterval(() => this.#draw(), intervalMs)
    process.stdout.on('resize', this.#onResize)
  }

  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    clearInterval(this.#timer)
    process.stdout.off('resize', this.#onResize)
    process.stdout.write(`${leave}${this.#lines(Number.POSITIVE_INFINITY).join('\n')}\n`)
  }

  readonly #onResize = (): void => this.#draw()

  #draw(): void {
    const lines = this.#lines(process.stdout.rows - 1)
    process.stdout.write(`${home}${lines.join(`${clearLine}\n`)}${clearLine}\n${clearBelow}`)
  }

  #lines(rows: number): string[] {
    const columns = Math.min(columnsMax, process.stdout.columns)
    const lines = frame(this.#scene, { columns, rows })
    return lines.slice(0, rows).map((line) => clip(line, columns - 1))
  }
}
