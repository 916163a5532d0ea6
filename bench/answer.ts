/** What one process of the benchmark hears from another one that it has started. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** The longest that a process of the benchmark may take beside what it is told to take. */
export const aroundMsMax = 120_000

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
