/** What a replica says of what it lacks, when its storage takes its time. */
import { expect, test } from 'vitest'
import { ReplicaHandlers, type HandlersOptions } from '../../src/replica/handlers.ts'
import type { Lack } from '../../src/replica/lack.ts'
import type { Stored } from '../../src/replica/stored-record.ts'
import { flagGaining, flagRecovering } from '../../src/rpc/frame.ts'
import { getFrame, type Frame } from '../../src/rpc/frame-buffer.ts'

test.each([
  ['gaining', undefined, flagGaining],
  ['recovering', undefined, flagRecovering],
  [undefined, 'gaining', flagGaining],
  [undefined, undefined, 0],
] as const)('lacking before: %s, after: %s', async (before, after, expected) => {
  let lack: Lack | undefined = before
  let tell: (stored: Stored) => void = () => undefined
  const handlers = new ReplicaHandlers({
    store: { near: { find: () => false }, read: () => new Promise((resolve) => (tell = resolve)) },
    ring: () => ({ epoch: 1 }),
    kindOpened: () => undefined,
    lackOf: () => lack,
  } as unknown as HandlersOptions)
  const flags: number[] = []
  const to = {
    send: ({ bytes }: Frame) => flags.push(bytes[1]!) > 0,
    fail: (error: Error) => expect.unreachable(error.message),
  }
  const place = { partition: 7, key: 'b\0k', kind: 1 }
  const { bytes: asked, end } = getFrame({ epoch: 1, timeLeftMs: 1 }, place)
  handlers.get(to, Buffer.from(asked.subarray(0, end)), 0, end)
  lack = after
  tell(undefined)
  await Promise.resolve()
  await Promise.resolve()
  expect(flags).toEqual([expected])
})
