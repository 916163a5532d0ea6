/** The processes of the two replicas beside the client's, and what the client's asks of them. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { startReplica } from './replica.ts'

/** The argument that makes a process a replica. */
export const replicaRole = 'replica'

export interface Replicas {
  readonly ports: readonly [number, number]
  /** CPU time that both have used, in microseconds. */
  cpuUs(): Promise<number>
  close(): Promise<void>
}

/** @param program what to run, with its role as the only argument. */
export async function startReplicas(program: string): Promise<Replicas> {
  const children = [fork(program, [replicaRole]), fork(program, [replicaRole])]
  let isClosing = false
  for (const child of children) {
    child.once('exit', (code) => {
      if (!isClosing) throw new Error(`a replica ended with ${code}`)
    })
  }
  const ports = await Promise.all(children.map(nextNumber))
  return {
    ports: [ports[0]!, ports[1]!],
    cpuUs: async () => {
      const used = children.map((child) => {
        child.send('cpu')
        return nextNumber(child)
      })
      return (await Promise.all(used)).reduce((sum, each) => sum + each, 0)
    },
    close: async () => {
      isClosing = true
      const exits = children.map((child) => once(child, 'exit'))
      for (const child of children) child.disconnect()
      await Promise.all(exits)
    },
  }
}

/** The life of a replica's process: until the client's lets go of it, or ends. */
export async function serveReplica(): Promise<void> {
  if (process.send === undefined) throw new Error('a replica is started by its client only')
  const replica = await startReplica()
  process.on('message', () => process.send?.(cpuUs()))
  process.send(replica.port)
  await once(process, 'disconnect')
  replica.close()
}

/** CPU time that this process has used, in microseconds. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function nextNumber(child: ChildProcess): Promise<number> {
  const [message] = (await once(child, 'message')) as [number]
  return message
}
