/** The parent's end of one node process: starts it, asks it, kills it. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type {
  CommandName,
  Commands,
  Failure,
  FromNode,
  NodeSettings,
  Notice,
  Report,
} from './protocol.ts'

const program = fileURLToPath(new URL('./node-process.ts', import.meta.url))
const startTimeoutMs = 30_000
const closeTimeoutMs = 5_000
/** So much of what a process writes to its standard error is kept, to be shown if it fails. */
const stderrCharsMax = 4_000

/** A command failed; `code` is the error's own, or `LOST` when the process died before it answered. */
export class CommandError extends Error {
  readonly code: string

  constructor({ code, message }: Failure) {
    super(message)
    this.code = code
  }
}

interface Waiting {
  readonly resolve: (answer: never) => void
  readonly reject: (error: CommandError) => void
}

export type MemberState = 'starting' | 'up' | 'killed' | 'left' | 'stopped'

/** What a member tells its owner about. */
export interface MemberEvents {
  notice(member: Member, notice: Notice): void
  /** The process ended although nobody asked it to. */
  died(why: string): void
}

export class Member {
  readonly id: string
  readonly directory: string
  state: MemberState = 'starting'
  address = ''
  pid = 0
  /** The newest one; it stays after a death. */
  report: Report | undefined
  readonly #events: MemberEvents
  readonly #waiting = new Map<number, Waiting>()
  #child: ChildProcess | undefined
  #lastCall = 0
  #stderr = ''

  constructor(place: { id: string; directory: string }, events: MemberEvents) {
    this.id = place.id
    this.directory = place.directory
    this.#events = events
  }

  /** Commands that wait for their answers. */
  get inFlight(): number {
    return this.#waiting.size
  }

  /** Starts the process, again on its directory after a death. Resolves when the node serves. */
  async start(seeds: readonly string[]): Promise<void> {
    this.state = 'starting'
    this.#stderr = ''
    const settings: NodeSettings = { id: this.id, directory: this.directory, seeds }
    const child = fork(program, [JSON.stringify(settings)], {
      execPath: process.execPath,
      execArgv: ['--import', 'tsx'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child = child
    this.pid = child.pid ?? 0
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrCharsMax)
    })
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error(`${this.id} did not start within ${startTimeoutMs / 1000} s`))
      }, startTimeoutMs)
      const settle = (): void => clearTimeout(late)
      child.on('message', (message: FromNode) => {
        if (message.kind === 'ready') {
          this.state = 'up'
          this.address = message.address
          settle()
          resolve()
        } else if (child === this.#child) this.#receive(message)
      })
      child.on('error', reject)
      // After `exit` come the last words on standard error; `close` has them all.
      child.on('close', (code, signal) => {
        settle()
        reject(new Error(this.#lastWords(code, signal)))
        this.#mourn(child, this.#lastWords(code, signal))
      })
      child.on('exit', () => this.#lose())
    })
  }

  /** @throws {CommandError} by rejection: the command failed, or the process died before it answered. */
  ask<K extends CommandName>(name: K, ask: Commands[K]['ask']): Promise<Commands[K]['answer']> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastCall
      this.#waiting.set(id, { resolve, reject })
      // What cannot be sent is rejected when the process ends: it is about to.
      this.#child?.send({ id, name, ask }, () => undefined)
      if (this.#child?.connected !== true) this.#lose()
    })
  }

  /** Where the node stands at this moment. */
  async look(): Promise<Report> {
    this.report = await this.ask('report', null)
    return this.report
  }

  /** Ends the process with SIGKILL: it cannot save, send or say anything. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.state = 'killed'
    await this.#ended()
  }

  /** Lets the node leave its cluster for good. It goes on to serve until it has. */
  async leave(): Promise<void> {
    await this.ask('leave', null)
    this.state = 'left'
    await this.#ended()
  }

  /** Lets the node close, and makes sure of it. */
  async stop(): Promise<void> {
    const wasUp = this.state === 'up'
    if (wasUp) this.state = 'stopped'
    if (wasUp) {
      const late = new Promise((resolve) => setTimeout(resolve, closeTimeoutMs).unref())
      await Promise.race([this.ask('close', null), late]).catch(() => undefined)
    }
    await this.#ended()
  }

  /** Does not wait. */
  killNow(): void {
    this.#child?.kill('SIGKILL')
  }

  async #ended(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  #receive(message: FromNode): void {
    switch (message.kind) {
      case 'answer':
        this.#take(message.id)?.resolve(message.answer as never)
        break
      case 'failure':
        this.#take(message.id)?.reject(new CommandError(message.failure))
        break
      case 'report':
        this.report = message.report
        break
      case 'notice':
        this.#events.notice(this, message.notice)
        break
      case 'ready':
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  /** Nothing that waits will be answered any more. */
  #lose(): void {
    const lost = [...this.#waiting.values()]
    this.#waiting.clear()
    const message = `the process of ${this.id} died before it answered`
    for (const { reject } of lost) reject(new CommandError({ code: 'LOST', message }))
  }

  #mourn(child: ChildProcess, lastWords: string): void {
    if (child === this.#child && this.state === 'up') {
      this.state = 'killed'
      this.#events.died(lastWords)
    }
  }

  #lastWords(code: number | null, signal: string | null): string {
    const how = signal === null ? `with code ${code}` : `by ${signal}`
    return `the process of ${this.id} ended ${how}\n${this.#stderr}`.trimEnd()
  }
}
