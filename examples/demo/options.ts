/** The command line of the demo. */
import { parseArgs } from 'node:util'
import { founders } from './fleet.ts'
import type { DataOptions } from './records/load.ts'
import type { Plan } from './story.ts'

export const usage: string = `npm run demo -- [file] [options]

  file              .csv, .jsonl or .ndjson; without one, the packages in node_modules
  --key <field>     the field that names a record (default: the first column of CSV, "id" of JSON lines)
  --kill <node>     which process is killed: ${founders.join(', ')} (default: n2)
  --kill-at <n>     after so many percent of the writes, 1 to 99 (default: 40)
  --help
`

export interface DemoOptions {
  readonly help: boolean
  readonly data: DataOptions
  readonly plan: Plan
}

/** What was typed makes no sense. */
export class UsageError extends Error {}

/** @throws {UsageError} */
export function readOptions(args: readonly string[]): DemoOptions {
  const { values, positionals } = parsed(args)
  const [file, ...others] = positionals
  if (others.length > 0) throw new UsageError(`one file at most, not also ${others.join(', ')}`)
  const { kill: victim = 'n2', 'kill-at': percent = '40', key: keyField, help = false } = values
  if (!founders.includes(victim)) throw new UsageError(`--kill: there is no node ${victim}`)
  const killAt = Number(percent) / 100
  if (!(killAt >= 0.01 && killAt <= 0.99)) {
    throw new UsageError(`--kill-at: must be 1 to 99, not ${percent}`)
  }
  if (keyField !== undefined && file === undefined) throw new UsageError('--key: needs a file')
  return { help, data: { file, keyField }, plan: { victim, killAt } }
}

interface Parsed {
  readonly values: { key?: string; kill?: string; 'kill-at'?: string; help?: boolean }
  readonly positionals: readonly string[]
}

function parsed(args: readonly string[]): Parsed {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        key: { type: 'string' },
        kill: { type: 'string' },
        'kill-at': { type: 'string' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
