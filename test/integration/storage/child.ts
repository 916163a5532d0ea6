/**
 * A process with a storage in it, for the tests beside. Arguments: path, durability, what to do. It tells how it goes
 * on, a line each.
 */

import { lmdbStorage } from '../../../src/lmdb.ts'

const [path, durability, task] = process.argv.slice(2) as [string, 'fsync' | 'os', string]
const storage = lmdbStorage({ path, durability })
const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Writes batches of two keys for ever, and says the number of each that was acknowledged. */
async function writeForEver(): Promise<void> {
  for (let batch = 0; ; batch++) {
    const value = Buffer.alloc(batch % 3000, batch)
    const written = storage.write([
      { partition: 0, key: `a${batch}`, value },
      { partition: 2 ** 32 - 1, key: `b${batch}`, value },
    ])
    void Promise.resolve(written).then(() => say(`acknowledged ${batch}`))
    // Some turns of the loop write several batches, some none.
    if (batch % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
    if (batch % 50 === 0) await written
  }
}

/** Fills the disk, makes room and goes on. */
async function fill(): Promise<void> {
  const value = new Uint8Array(50_000)
  let stored = 0
  try {
    for (; ; stored++) await storage.write([{ partition: 0, key: `key${stored}`, value }])
  } catch (error) {
    say(`refused ${(error as Error).message}`)
  }
  const entries = await storage.scan(0, { limit: 1000 })
  say(`readable ${entries.length === stored && stored > 0}`)
  const none = storage.get(0, `key${stored}`) === undefined
  say(`vanished ${none}`)
  for (let count = 0; count < 5; count++) {
    await storage.write([{ partition: 0, key: `key${count}`, value: undefined }])
  }
  await storage.write([{ partition: 0, key: 'again', value }])
  say('stored again')
  await storage.close()
  await storage.open()
  say(`kept ${(storage.get(0, 'again') as Uint8Array).length === value.length}`)
  await storage.close()
}

try {
  await storage.open()
  say('open')
  if (task === 'write') await writeForEver()
  else if (task === 'fill') await fill()
  else if (task === 'hold') setInterval(() => undefined, 1000)
  else await storage.close()
} catch (error) {
  say(`failed ${(error as Error).message}`)
}
