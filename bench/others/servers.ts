/** Programs of other stores: whether they are installed, how they are started, and how they end. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { end, makeDirectory, removeDirectory, watch } from './leftovers.ts'

const logCharactersMax = 1000
const readyMsMax = 30_000

/** The servers of one store, running and whole. */
export interface Store {
  /** What the client's process connects to; for several ports, the first is the primary or the leader. */
  readonly ports: readonly number[]
  /** @throws {Error} the data is not in each of the servers. */
  check(expected: Expected): Promise<void>
  /** Rejects when a server ends by itself. */
  readonly failed: Promise<never>
  readonly stop: () => Promise<void>
}

/** What a store has to hold once it is measured. */
export interface Expected {
  readonly keyCount: number
  readonly key: string
  readonly value: Uint8Array
}

/** One of the servers: its command line in its own directory. */
export interface Program {
  readonly command: string
  readonly args: (directory: string) => readonly string[]
}

/** The version of a program, or undefined when it is not installed. */
export function versionOf(command: string, pattern: RegExp): string | undefined {
  const { error, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' })
  return error === undefined ? pattern.exec(stdout)?.[1] : undefined
}

/** Ports of 127.0.0.1 that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/** Started servers, which may not be ready yet. */
export interface Running {
  readonly failed: Promise<never>
  readonly stop: () => Promise<void>
}

/** Starts all programs at once, each in an empty directory of its own below `root`. */
export function startAll(programs: readonly Program[], root: string): Running {
  const directories = programs.map(() => makeDirectory(root))
  const children: ChildProcess[] = []
  let isStopping = false
  const failed = new Promise<never>((_, reject) => {
    for (const [index, { command, args }] of programs.entries()) {
      const cwd = directories[index]!
      const child = watch(spawn(command, args(cwd), { cwd, stdio: ['ignore', 'pipe', 'pipe'] }))
      children.push(child)
      const log = tailOf(child)
      child.once('error', (cause) => reject(new Error(`${command} did not start`, { cause })))
      child.once('close', (code, signal) => {
        if (!isStopping) reject(new Error(`${command} ended (${code ?? signal}):\n${log()}`))
      })
    }
  })
  // Who waits for something races it with this; between two waits nobody listens.
  failed.catch(() => {})
  return {
    failed,
    stop: async () => {
      isStopping = true
      await Promise.all(children.map(end))
      for (const directory of directories) removeDirectory(directory)
    },
  }
}

/** Waits until servers are ready; stops them when they do not become so. */
export async function whenReady(
  { failed, stop }: Running,
  ask: () => Promise<boolean>,
): Promise<void> {
  try {
    await Promise.race([failed, until('the servers were not ready', readyMsMax, ask)])
  } catch (error) {
    await stop()
    throw error
  }
}

/** Asks again and again until the answer is yes. Errors are taken for a no. */
export async function until(
  trouble: string,
  msMax: number,
  ask: () => Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + msMax
  let cause: unknown
  while (!(await ask().catch((error: unknown) => ((cause = error), false)))) {
    if (performance.now() > endMs) throw new Error(`${trouble} within ${msMax} ms`, { cause })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** The last of what a program says. */
function tailOf(child: ChildProcess): () => string {
  let tail = ''
  const keep = (chunk: Buffer): void => {
    tail = (tail + chunk.toString()).slice(-logCharactersMax)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  return () => tail
}
