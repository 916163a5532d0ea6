/** What there is to see of the demo at a moment. The story changes it, a view shows it. */
import type { Fleet } from './fleet.ts'
import type { Notice } from './protocol.ts'
import type { RecordSet } from './records/record.ts'
import type { Transfer } from './transfer.ts'

const stepNames = [
  'start',
  'write',
  'kill',
  'restart',
  'hand off',
  'conflict',
  'join',
  'leave',
  'read',
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
  readonly readBack: Map<string, ReadBack> = new Map()
  /** Records whose first receipts arrived. */
  acknowledged = 0
  /** Writes of records anew whose receipts arrived. */
  revised = 0
  /** The change of owners that is under way, or the last one. */
  transfer: Transfer | undefined
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
    if (this.#endedMs !== undefined) return
    if (this.steps.get('kill') === 'waiting' && notice.event === 'member-up') return
    switch (notice.event) {
      case 'member-up':
        this.#noticeUp(observer, notice.member)
        break
      case 'member-suspect':
        this.#sayOnce(`${notice.member} suspect`, `${observer} suspects ${notice.member}`, 'warn')
        break
      case 'member-down':
        this.#sayOnce(`${notice.member} dead`, `${observer} declares ${notice.member} dead`, 'warn')
        break
      case 'member-left':
        this.#sayOnce(`${notice.member} left`, `${observer} hears that ${notice.member} has left`)
        break
      case 'ring-change':
        this.#noticeRing(notice)
        break
      case 'hints-delivered':
        this.#sayOnce(`hints ${notice.target}`, `the first hints reach ${notice.target}`)
        break
      case 'background-error':
        this.#sayOnce(`${observer} ${notice.message}`, `${observer}: ${notice.message}`, 'bad')
    }
  }

  get isWriting(): boolean {
    return this.inFlight > 0
  }

  /** Acknowledged writes per second, over the last second. */
  rate(): number {
    const atMs = this.nowMs
    const count = this.acknowledged + this.revised
    this.#samples.push({ atMs, count })
    // The last one from before the window stays: it tells the count at the start of the window.
    while ((this.#samples[1]?.atMs ?? atMs) < atMs - rateWindowMs) this.#samples.shift()
    const [first] = this.#samples
    if (first === undefined || atMs === first.atMs) return 0
    return ((count - first.count) * 1000) / (atMs - first.atMs)
  }

  #noticeUp(observer: string, member: string): void {
    const again = this.#said.has(`${member} suspect`) ? ' again' : ''
    this.#sayOnce(`${member} up`, `${observer} hears ${member}${again}`, 'good')
  }

  #noticeRing({ epoch, moving }: Extract<Notice, { event: 'ring-change' }>): void {
    if (this.transfer === undefined) return
    const { title } = this.transfer
    const begun = `${title} begun`
    if (moving > 0) {
      this.#sayOnce(begun, `epoch ${epoch}: ${moving} partitions change owners`)
    } else if (this.#said.has(begun)) {
      this.#sayOnce(`${title} over`, `epoch ${epoch}: the new owners have everything`, 'good')
    }
  }

  #sayOnce(what: string, text: string, tone: Tone = 'plain'): void {
    if (this.#said.has(what)) return
    this.#said.add(what)
    this.say(text, tone)
  }
}
