/**
 * Compiles the ceiling and runs it with the arguments given; see `options.ts`.
 *
 *     npx tsx bench/ceiling/run.ts mix=put,get c=64,256 vs=100 secs=0.6
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { compileProgram } from '../../test/storm/plain-program.ts'

// Ctrl-C ends the program, which has it as well; what is compiled must still be removed.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})

const { path, remove } = await compileProgram('bench/ceiling/main.ts')
try {
  const child = spawn(process.execPath, [path, ...process.argv.slice(2)], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  process.exitCode = code ?? 1
} finally {
  remove()
}
