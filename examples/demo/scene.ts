/** What there is to see of the demo at a moment. The story changes it, a view shows it. */
import type { Fleet } from './fleet.ts'
import type { Notice } from './protocol.ts'
import type { RecordSet } from './records/record.ts'

const stepNames = [
  'start',
  'write',
  'kill',
  'restart',
  'hand off',
  'conflict',
  'read back',
] as const
export type StepName = (typeof stepNames)[number]
export type StepState = 'waiting' | 'running' | 'done'
export type Tone = 'plain' | 'good' | 'bad' | 'warn'

/** Something that happened. */
export interface LogLine {
  readonly atMs: number
  readonly text: string
  readonly tone: Tone
}

/** How one node did in reading everything back. */
export interface ReadBack {
  read: number
  right: number
}

/** After these the story pauses, if somebody watches. */
const remarkable: ReadonlySet<StepName> = new Set(['kill', 'hand off', 'conflict'])
/** Writes are counted over so long for the rate that is shown. */
const rateWindowMs = 1000

export class Scene {
  readonly fleet: Fleet
  readonly data: RecordSet
  readonly steps: Map<StepName, StepState> = new Map(stepNames.map((name) => [name, 'waiting']))
  readonly log: LogLine[] = []
  readonly readBack: Map<string, ReadBack>
  /** Writes whose receipts arrived. */
  acknowledged = 0
  inFlight = 0
  /** Writes that were sent again through another node because no receipt came. */
  retried = 0
  /** Called for each new line of the log. */
  onSay: (line: LogLine) => void = () => undefined
  readonly #startedMs = performance.now()
  #endedMs: number | undefined
  #samples: { readonly atMs: number; readonly count: number }[] = []
  readonly #said = new Set<string>()

  readonly #pauseMs: number

  /** @param options.pauseMs how long remarkable steps stay to be seen after their end. */
  constructor(fleet: Fleet, data: RecordSet, options: { readonly pauseMs: number }) {
    this.fleet = fleet
    this.data = data
    this.#pauseMs = options.pauseMs
    this.readBack = new Map(fleet.members.map(({ id }) => [id, { read: 0, right: 0 }]))
  }

  /** Milliseconds since the start, at most until the end. */
  get nowMs(): number {
    return (this.#endedMs ?? performance.now()) - this.#startedMs
  }

  end(): void {
    this.#endedMs ??= performance.now()
  }

  say(text: string, tone: Tone = 'plain'): void {
    const line = { atMs: this.nowMs, text, tone }
    this.log.push(line)
    this.onSay(line)
  }

  /** Runs a step of the story and shows it. */
  async step<T>(name: StepName, run: () => Promise<T>): Promise<T> {
    this.steps.set(name, 'running')
    const result = await run()
    this.steps.set(name, 'done')
    if (remarkable.has(name)) await new Promise((resolve) => setTimeout(resolve, this.#pauseMs))
    return result
  }

  /** Says what a node noticed; of what several nodes notice, the first to do so. */
  notice(observer: string, notice: Notice): void {
    if (this.steps.get('kill') === 'waiting' && notice.event === 'member-up') return
    switch (notice.event) {
      case 'member-up':
        this.#sayOnce(`${notice.member} up`, `${observer} hears ${notice.member} again`, 'good')
        break
      case 'member-suspect':
        this.#sayOnce(`${notice.member} suspect`, `${observer} suspects ${notice.member}`, 'warn')
        break
      case 'member-down':
        this.#sayOnce(`${notice.member} dead`, `${observer} declares ${notice.member} dead`, 'warn')
        break
      case 'hints-delivered':
        this.#sayOnce(`hints ${notice.target}`, `the first hints reach ${notice.target}`, 'plain')
        break
      case 'background-error':
        this.#sayOnce(`${observer} ${notice.message}`, `${observer}: ${notice.message}`, 'bad')
    }
  }

  /** Acknowledged writes per second, over the last second. */
  rate(): number {
    const atMs = this.nowMs
    this.#samples.push({ atMs, count: this.acknowledged })
    // The last one from before the window stays: it tells the count at the start of the window.
    while ((this.#samples[1]?.atMs ?? atMs) < atMs - rateWindowMs) this.#samples.shift()
    const [first] = this.#samples
    if (first === undefined || atMs === first.atMs) return 0
    return ((this.acknowledged - first.count) * 1000) / (atMs - first.atMs)
  }

  #sayOnce(what: string, text: string, tone: Tone): void {
    if (this.#said.has(what)) return
    this.#said.add(what)
    this.say(text, tone)
  }
}
