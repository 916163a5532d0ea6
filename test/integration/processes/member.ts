/** The parent's end of one node process: starts it, asks it, stops it in good and in bad order. */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { StoreError } from '../../../src/index.ts'
import type {
  Call,
  CommandName,
  Commands,
  Failure,
  FromNode,
  NodeSettings,
  ToNode,
} from './protocol.ts'

const program = fileURLToPath(new URL('node-process.ts', import.meta.url))
/** So much of what a process writes to its standard error is kept, to be shown if it fails. */
const stderrCharsMax = 4_000

/** The process ended before it answered: nobody knows what became of the operation. */
export class ProcessLostError extends Error {}

/** A start that came to nothing; `code` is there when the library refused. */
export class StartError extends Error {
  readonly code: string | undefined

  constructor(message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

/** Changes values, for `update`. */
export type Change = (siblings: readonly string[]) => string | Promise<string>

interface Waiting {
  readonly resolve: (answer: never) => void
  readonly reject: (error: Error) => void
  readonly change: Change | undefined
}

export type MemberState = 'down' | 'starting' | 'up' | 'closing'

/** What a member tells its owner about. */
export interface MemberEvents {
  listening(id: string, port: number | undefined): void
  writeRefused(id: string): void
  /** The process ended although nobody asked it to; `signal` if that was what ended it. */
  died(member: Member, how: { readonly signal: string | null; readonly lastWords: string }): void
}

export class Member {
  readonly id: string
  state: MemberState = 'down'
  isPaused = false
  /** Its storage refuses writes until it is opened again. */
  isBroken = false
  /** Writes that its storage has refused since the start of the process. */
  refusedWrites = 0
  readonly #events: MemberEvents
  readonly #waiting = new Map<number, Waiting>()
  #child: ChildProcess | undefined
  #lastCall = 0
  #stderr = ''

  constructor(id: string, events: MemberEvents) {
    this.id = id
    this.#events = events
  }

  /** Whether it is worth asking. */
  get isServing(): boolean {
    return this.state === 'up' && !this.isPaused
  }

  /**
   * Resolves when the node serves. After a rejection it is down.
   * @param wrap what the command line is appended to.
   * @throws {StartError} by rejection.
   */
  start(settings: NodeSettings, wrap: readonly string[]): Promise<void> {
    const node = [process.execPath, '--import', 'tsx', program, JSON.stringify(settings)]
    const [command = '', ...rest] = [...wrap, ...node]
    const child = spawn(command, rest, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child = child
    this.#stderr = ''
    this.state = 'starting'
    this.isPaused = false
    this.isBroken = false
    this.refusedWrites = 0
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrCharsMax)
    })
    return new Promise((resolve, reject) => {
      let refusal: Failure | undefined
      child.on('message', (message: FromNode) => {
        if (message.kind === 'refused') refusal = message.failure
        else this.#receive(message)
        if (message.kind === 'ready') resolve()
      })
      child.on('error', (error) => reject(new StartError(String(error), undefined)))
      // After `exit` come the last words on standard error; `close` has them all.
      child.on('close', (code, signal) => {
        const lastWords = refusal?.message ?? this.#lastWords(code, signal)
        const wasUp = this.state === 'up'
        this.#lose()
        reject(new StartError(lastWords, refusal?.code))
        if (wasUp) this.#events.died(this, { signal, lastWords })
      })
    })
  }

  /** @throws {ProcessLostError} by rejection, {StoreError} what the node's own operation ended with. */
  ask<K extends CommandName>(
    name: K,
    ask: Commands[K]['ask'],
    change?: Change,
  ): Promise<Commands[K]['answer']> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastCall
      this.#waiting.set(id, { resolve, reject, change })
      // What cannot be sent is rejected when the process ends: it is about to.
      this.#send({ kind: 'call', ...({ id, name, ask } as Call) })
    })
  }

  /** SIGKILL: the process cannot save, send or say anything. Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child
    if (this.state === 'down' || child === undefined) return
    this.state = 'closing'
    await ended(child)
  }

  /** Lets the node close; then the process must end by itself. */
  async close(): Promise<void> {
    const child = this.#child
    if (this.state !== 'up' || child === undefined) return
    this.state = 'closing'
    const gone = new Promise((resolve) => child.once('close', resolve))
    await this.ask('close', null).catch((error: unknown) => {
      if (!(error instanceof ProcessLostError)) throw error
    })
    await gone
  }

  pause(): void {
    this.isPaused = true
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.isPaused = false
    this.#child?.kill('SIGCONT')
  }

  /** Without waiting, as good as that can be. */
  killNow(): void {
    this.#child?.kill('SIGKILL')
  }

  #receive(message: Exclude<FromNode, { kind: 'refused' }>): void {
    switch (message.kind) {
      case 'answer':
        this.#take(message.id)?.resolve(message.answer as never)
        break
      case 'failure':
        this.#take(message.id)?.reject(errorOf(message.failure))
        break
      case 'change':
        void this.#change(message)
        break
      case 'listening':
        this.#events.listening(this.id, message.port)
        break
      case 'ready':
        if (this.state === 'starting') this.state = 'up'
        break
      case 'write-refused':
        this.isBroken ||= message.isBroken
        this.refusedWrites += 1
        this.#events.writeRefused(this.id)
    }
  }

  async #change(asked: Extract<FromNode, { kind: 'change' }>): Promise<void> {
    const change = this.#waiting.get(asked.call)?.change
    if (change === undefined) return
    const value = await change(asked.siblings)
    this.#send({ kind: 'changed', change: asked.change, value })
  }

  #send(message: ToNode): void {
    if (this.#child?.connected === true) this.#child.send(message, () => undefined)
    else if (this.state === 'down') this.#lose()
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  /** The process is gone: nothing that waits will be answered any more. */
  #lose(): void {
    this.state = 'down'
    this.#events.listening(this.id, undefined)
    const lost = [...this.#waiting.values()]
    this.#waiting.clear()
    const message = `the process of ${this.id} ended before it answered`
    for (const { reject } of lost) reject(new ProcessLostError(message))
  }

  #lastWords(code: number | null, signal: string | null): string {
    const how = signal === null ? `with code ${code}` : `by ${signal}`
    return `the process of ${this.id} ended ${how}\n${this.#stderr}`.trimEnd()
  }
}

function ended(child: ChildProcess): Promise<unknown> {
  const gone = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGKILL')
  return gone
}

function errorOf({ code, message }: Failure): Error {
  return code === undefined ? new Error(message) : new StoreError(code, message)
}
