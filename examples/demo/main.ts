/**
 * The demo: five processes, each a coterie node over TCP with its data on disk. They take real data, lose one process
 * to SIGKILL in the middle of the writing, and get it back. Then a sixth joins and the first leaves, while records are
 * written anew. At the end the newest acknowledged write of each record is read through every node that is left.
 *
 *     npm run demo
 *     npm run demo -- countries.csv --key code
 *
 * Exits with 0 only when every read gave what was acknowledged. Leaves no process and no file behind.
 */
import { Fleet } from './fleet.ts'
import { readOptions, usage, UsageError, type DemoOptions } from './options.ts'
import { loadRecords } from './records/load.ts'
import { DataError, type RecordSet } from './records/record.ts'
import { Scene } from './scene.ts'
import { tell } from './story.ts'
import { summary } from './view/summary.ts'
import { show } from './view/view.ts'

const exitCodeOfSignal = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

try {
  const options = readOptions(process.argv.slice(2))
  if (options.help) process.stdout.write(usage)
  else await run(options, await loadRecords(options.data))
} catch (error) {
  process.exitCode = 1
  process.stderr.write(`${wordsOf(error)}\n`)
}

async function run({ plan }: DemoOptions, data: RecordSet): Promise<void> {
  let fail: (error: Error) => void = () => undefined
  const death = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  const fleet = new Fleet({
    notice: (member, notice) => scene.notice(member.id, notice),
    died: (why) => fail(new Error(why)),
  })
  const scene = new Scene(fleet, data, { pauseMs: process.stdout.isTTY ? 800 : 0 })
  const view = show(scene)
  const end = async (): Promise<void> => {
    view.stop()
    await fleet.destroy()
  }
  for (const [signal, code] of Object.entries(exitCodeOfSignal)) {
    process.on(signal, () => void end().finally(() => process.exit(code)))
  }
  process.on('exit', () => {
    view.stop()
    fleet.destroyNow()
  })
  try {
    const outcome = await Promise.race([tell(scene, plan), death])
    scene.end()
    view.stop()
    process.stdout.write(summary(scene, plan, outcome))
    if (outcome.faults > 0) process.exitCode = 1
    await fleet.stop()
  } finally {
    await end()
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${usage}`
  if (error instanceof DataError) return error.message
  return `The demo failed: ${error instanceof Error ? error.message : String(error)}`
}
