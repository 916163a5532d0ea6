/**
 * One write, through the nodes in turn. It counts as acknowledged when its receipt has arrived, and only then; one
 * without a receipt, for its process died or its outcome is uncertain, is made again through another node.
 */
import { CommandError } from './member.ts'
import type { Scene } from './scene.ts'

/** A write is tried for so long. */
const patienceMs = 20_000
const pauseMs = 20

/** The world's trouble, as opposed to a record that can never be stored. */
const passing: ReadonlySet<string> = new Set([
  'LOST',
  'ERR_UNAVAILABLE',
  'ERR_WRITE_UNCERTAIN',
  'ERR_TIMEOUT',
  'ERR_OVERLOADED',
  'ERR_CLOSED',
])

export interface Write {
  readonly key: string
  readonly value: unknown
  /** What it replaces. @default nothing */
  readonly context?: string
}

export interface Written {
  /** What the next write of the key replaces. */
  readonly context: string
  readonly isTwice: boolean
}

/** Resolves when it is acknowledged. */
export async function write(scene: Scene, ask: Write): Promise<Written> {
  const deadlineMs = performance.now() + patienceMs
  scene.inFlight += 1
  for (let isTwice = false; ; isTwice = true) {
    try {
      const { context } = await scene.fleet.next().ask('put', ask)
      scene.inFlight -= 1
      return { context, isTwice }
    } catch (error) {
      const mayPass = error instanceof CommandError && passing.has(error.code)
      if (!mayPass || performance.now() > deadlineMs) throw cannotWrite(ask.key, error)
      scene.retried += 1
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}

function cannotWrite(key: string, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new Error(`cannot write ${JSON.stringify(key)}: ${message}`, { cause })
}
