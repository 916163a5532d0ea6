/**
 * The process that clears up after the comparison, whatever ended that: an error, Ctrl-C, even SIGKILL. It is told what
 * was started and made, and what has ended and was removed. When its parent is gone, it does away with the rest.
 */
import { rmSync } from 'node:fs'

/** What the parent tells. */
export type JanitorNews =
  | { readonly kind: 'started' | 'ended'; readonly pid: number }
  | { readonly kind: 'made' | 'removed'; readonly directory: string }

/** What a killed process has started notices a little later, and may be making a directory meanwhile. */
const lastFilesMs = 500

const pids = new Set<number>()
const directories = new Set<string>()

function hear(news: JanitorNews): void {
  switch (news.kind) {
    case 'started':
      pids.add(news.pid)
      break
    case 'ended':
      pids.delete(news.pid)
      break
    case 'made':
      directories.add(news.directory)
      break
    case 'removed':
      directories.delete(news.directory)
      break
  }
}

function clearUp(): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended at the same moment as the parent.
    }
  }
  setTimeout(removeDirectories, lastFilesMs)
}

function removeDirectories(): void {
  for (const directory of directories) {
    // A killed process may still be in the middle of a last file.
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  }
}

process.on('message', hear)
process.once('disconnect', clearUp)
// Ctrl-C is for the parent; its end is what counts here.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.send?.('ready')
