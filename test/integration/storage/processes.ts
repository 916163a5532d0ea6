/** Processes that run `child.ts`, and what they say. */

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

const script = new URL('child.ts', import.meta.url).pathname

export interface Child {
  readonly process: ChildProcess
  readonly lines: string[]
  /** Resolves with the first line that starts so, said already or not. Rejects when the process ends without. */
  said(start: string): Promise<string>
  /** Resolves with all lines, when the process has ended. */
  readonly ended: Promise<string[]>
  /** SIGKILL, and waits for the end. */
  kill(): Promise<string[]>
}

/** @param options.wrap a command that the child's command line is handed to. */
export function startChild(options: {
  path: string
  durability?: 'fsync' | 'os'
  task: 'write' | 'fill' | 'hold' | 'open'
  wrap?: readonly string[]
}): Child {
  const { path, durability = 'fsync', task, wrap = [] } = options
  const command = [...wrap, process.execPath, '--import', 'tsx', script, path, durability, task]
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  // `close` is after the death of the process and the end of what it said.
  const ended = new Promise<string[]>((resolve) => child.on('close', () => resolve(lines)))
  return {
    process: child,
    lines,
    ended,
    said: (start) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const line = lines.find((each) => each.startsWith(start))
          if (line !== undefined) resolve(line)
        }
        reader.on('line', look)
        look()
        void ended.then(() => reject(new Error(`ended without "${start}": ${lines.join('; ')}`)))
      }),
    kill: () => {
      child.kill('SIGKILL')
      return ended
    },
  }
}
