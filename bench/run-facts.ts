/** When, of what and where a run of the bench was made. */
import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { root } from './options.ts'

/** What must be known of a run to compare it with others. */
export interface RunFacts {
  readonly at: string
  readonly commit: string
  /** Whether the sources differ from the commit. */
  readonly changed: boolean
  /** The version of Node. */
  readonly node: string
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGib: number }
}

/** Those of the present run. */
export function runFacts(): RunFacts {
  const cores = cpus()
  return {
    at: new Date().toISOString(),
    ...commit(),
    node: process.version,
    machine: {
      cpu: cores[0]?.model.trim() ?? 'unknown',
      cores: cores.length,
      memoryGib: Math.round(totalmem() / 2 ** 30),
    },
  }
}

function commit(): Pick<RunFacts, 'commit' | 'changed'> {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim()
  try {
    return { commit: git('rev-parse', 'HEAD'), changed: git('status', '--short', 'src') !== '' }
  } catch {
    return { commit: 'unknown', changed: true }
  }
}
