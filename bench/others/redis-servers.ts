/** Redis: a primary and two replicas on loopback, in memory alone. */
import { Redis } from 'ioredis'
import { memoryRoot } from './leftovers.ts'
import {
  freePorts,
  startAll,
  until,
  whenReady,
  type Expected,
  type Program,
  type Store,
} from './servers.ts'

/** Time for the replicas to take in what the primary has acknowledged with one of them. */
const catchUpMsMax = 10_000

export async function startRedis(): Promise<Store> {
  const ports = await freePorts(3)
  const running = startAll(
    ports.map((port) => program(port, ports[0]!)),
    memoryRoot,
  )
  const clients = ports.map(connect)
  const stop = async (): Promise<void> => {
    for (const client of clients) client.disconnect()
    await running.stop()
  }
  await whenReady({ failed: running.failed, stop }, () => isWhole(clients[0]!))
  return { ports, failed: running.failed, stop, check: (expected) => check(clients, expected) }
}

function program(port: number, primaryPort: number): Program {
  const memoryOnly = ['--save', '', '--appendonly', 'no']
  // Without a delay before the first copy, and without a disk on its way.
  const copying = ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0']
  const role = port === primaryPort ? [] : ['--replicaof', '127.0.0.1', String(primaryPort)]
  const place = ['--port', String(port), '--bind', '127.0.0.1']
  return {
    command: 'redis-server',
    args: (directory) => [...place, '--dir', directory, ...memoryOnly, ...copying, ...role],
  }
}

function connect(port: number): Redis {
  const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 50 })
  // Refused while the server starts; what is asked of it waits or fails by itself.
  client.on('error', () => {})
  return client
}

async function isWhole(primary: Redis): Promise<boolean> {
  const told = await primary.info('replication')
  return [0, 1].every((i) => new RegExp(`^slave${i}:.*state=online`, 'm').test(told))
}

/** All keys in all three servers, and one of them read from each. */
async function check(clients: readonly Redis[], expected: Expected): Promise<void> {
  const trouble = `not all of the ${expected.keyCount} keys were in each of the three servers of Redis`
  await until(trouble, catchUpMsMax, async () => {
    const sizes = await Promise.all(clients.map((client) => client.dbsize()))
    const values = await Promise.all(clients.map((client) => client.getBuffer(expected.key)))
    return (
      sizes.every((size) => size === expected.keyCount) &&
      values.every((value) => value?.equals(expected.value) === true)
    )
  })
}
