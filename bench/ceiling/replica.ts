/** A replica: stores what it is told and tells what it has. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { compare } from './clocks.ts'
import { Connection } from './connection.ts'
import { Store } from './store.ts'
import { kinds, versionsBytes, type FrameReader } from './wire.ts'

export interface Replica {
  readonly port: number
  readonly store: Store
  close(): void
}

/** Listens on a free port of the loopback interface. */
export async function startReplica(): Promise<Replica> {
  const store = new Store()
  const connections: Connection[] = []
  const onFrame = (frame: FrameReader, connection: Connection): void => {
    if (frame.kind === kinds.put) onPut(store, frame, connection)
    else onGet(store, frame, connection)
  }
  const server = createServer((socket) => connections.push(new Connection(socket, onFrame)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = (): void => {
    server.close()
    for (const connection of connections) connection.close()
  }
  return { port, store, close }
}

function onPut(store: Store, frame: FrameReader, connection: Connection): void {
  const key = frame.key()
  const clock = frame.clock()
  store.apply(key, clock, frame.lastValue())
  connection.frame(kinds.stored, frame.id, 0)
}

function onGet(store: Store, frame: FrameReader, connection: Connection): void {
  const chain = store.get(frame.key())
  const isSame =
    !frame.isAtEnd && chain?.next === null && compare(frame.clock(), chain.clock) === 'equal'
  if (isSame) connection.frame(kinds.same, frame.id, 0)
  else connection.frame(kinds.versions, frame.id, versionsBytes(chain)).versions(chain)
}
