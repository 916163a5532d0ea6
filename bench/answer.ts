/** What one process of the benchmark hears from another one that it has started. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** The next message of a process. @throws {Error} when it ends before. */
export async function answerOf<T>(child: ChildProcess): Promise<T> {
  const settled = new AbortController()
  const { signal } = settled
  const ended = once(child, 'exit', { signal }).then(([code]) =>
    Promise.reject(new Error(`a process of the benchmark ended early, with ${code}`)),
  )
  try {
    const [answer] = (await Promise.race([once(child, 'message', { signal }), ended])) as [T]
    return answer
  } finally {
    settled.abort()
  }
}
