/** What has to be gone in the end: the programs that were started, and their directories. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JanitorNews } from './janitor.ts'

/** A file system in memory, where there is one. */
const memoryDirectory = '/dev/shm'

/** Where stores keep what need not be on a disk. */
export const memoryRoot: string = existsSync(memoryDirectory) ? memoryDirectory : tmpdir()

let tell: (news: JanitorNews) => void = () => {
  throw new Error('nobody would clear up: call hireJanitor first')
}

/** Starts the process that clears up when this one is gone. */
export async function hireJanitor(): Promise<void> {
  // Detached: not in reach of what ends all processes of a terminal.
  const janitor = fork(new URL('./janitor.ts', import.meta.url), {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(janitor, 'message')
  janitor.unref()
  janitor.channel?.unref()
  tell = (news) => janitor.send(news)
}

/** Has the child killed at the end of this process unless it has ended by then. */
export function watch<C extends ChildProcess>(child: C): C {
  const { pid } = child
  if (pid === undefined) return child
  tell({ kind: 'started', pid })
  child.once('exit', () => tell({ kind: 'ended', pid }))
  return child
}

/** Kills the child and waits until it is gone. What it has stored is not worth a slower end. */
export async function end(child: ChildProcess): Promise<void> {
  const isRunning = child.pid !== undefined && child.exitCode === null && child.signalCode === null
  if (!isRunning) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** A new directory below `parent`, that is removed by `removeDirectory` or at the end of this process. */
export function makeDirectory(parent: string): string {
  const directory = mkdtempSync(join(parent, 'coterie-others-'))
  tell({ kind: 'made', directory })
  return directory
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  tell({ kind: 'removed', directory })
}
