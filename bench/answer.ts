/** What one process of the benchmark hears from another one that it has started. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** The longest that a process of the benchmark may take beside what it is told to take. */
export const aroundMsMax = 120_000

/** So much longer for each key that is written first: 2,000 a second are slow even for a disk that is waited for. */
const aroundMsPerKey = 0.5

/** The same, for a process that writes so many keys before it measures. */
export function aroundMsMaxOf(keyCount: number): number {
  return aroundMsMax + keyCount * aroundMsPerKey
}

/**
 * The next message of a process.
 * @param msMax then it is killed.
 * @throws {Error} by rejection, when it ends before.
 */
export async function answerOf<T>(child: ChildProcess, msMax: number = aroundMsMax): Promise<T> {
  const limit = setTimeout(() => child.kill('SIGKILL'), msMax)
  const settled = new AbortController()
  const { signal } = settled
  const ended = once(child, 'exit', { signal }).then(([code, killedBy]) =>
    Promise.reject(new Error(`a process of the benchmark ended early, with ${code ?? killedBy}`)),
  )
  try {
    const [answer] = (await Promise.race([once(child, 'message', { signal }), ended])) as [T]
    return answer
  } finally {
    clearTimeout(limit)
    settled.abort()
  }
}
