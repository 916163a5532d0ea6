/**
 * Frames per second over loopback between two processes, as the node uses the transport: a window of requests is
 * under way, each is answered with a frame of the same size, and what arrives together is answered together.
 *
 *     npx tsx bench/micro/tcp.ts [frame bytes, 150] [window, 256] [seconds, 5]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { tcpTransport } from '../../src/adapters/tcp-transport.ts'
import type { Connection, ConnectionHandler } from '../../src/ports/transport.ts'

const FRAME_BYTES_MAX = 2 ** 24

/** Sends each frame back. */
async function echo(): Promise<void> {
  const transport = tcpTransport()
  const address = await transport.listen((connection) =>
    handlerOf((bytes, start, end) => {
      connection.send(bytes, start, end)
    }),
  )
  process.send?.(address)
  await once(process, 'disconnect')
  await transport.close()
}

async function drive(options: {
  frameBytes: number
  window: number
  seconds: number
}): Promise<void> {
  const { frameBytes, window, seconds } = options
  const child = fork(new URL(import.meta.url), ['echo'])
  const [address] = (await once(child, 'message')) as [string]
  const transport = tcpTransport()
  const frame = new Uint8Array(frameBytes)
  let answers = 0
  const connection: Connection = transport.connect(
    address,
    handlerOf(() => {
      answers++
      connection.send(frame, 0, frameBytes)
    }),
  )
  for (let sent = 0; sent < window; sent++) connection.send(frame, 0, frameBytes)
  for (let round = 1; round <= seconds; round++) {
    const before = answers
    const cpu = process.cpuUsage()
    const start = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const elapsedMs = performance.now() - start
    const { user, system } = process.cpuUsage(cpu)
    const count = answers - before
    const perSecond = Math.round((count / elapsedMs) * 1000).toLocaleString('en')
    const cpuUs = ((user + system) / count).toFixed(2)
    console.log(
      `${perSecond} round trips/s of ${frameBytes} B, ${cpuUs} µs of CPU each at this end`,
    )
  }
  await transport.close()
  child.disconnect()
}

function handlerOf(frame: ConnectionHandler['frame']): ConnectionHandler {
  return { frameBytesMax: () => FRAME_BYTES_MAX, open() {}, frame, close() {} }
}

if (process.argv[2] === 'echo') {
  await echo()
} else {
  const [frameBytes = 150, window = 256, seconds = 5] = process.argv.slice(2).map(Number)
  await drive({ frameBytes, window, seconds })
}
