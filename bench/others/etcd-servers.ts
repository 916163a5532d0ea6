/**
 * etcd: three members on loopback. Set up and checked through its JSON gateway; what is measured goes through gRPC (see
 * `etcd-target.ts`).
 */
import {
  freePorts,
  startAll,
  until,
  whenReady,
  type Expected,
  type Program,
  type Store,
} from './servers.ts'

const names = ['m1', 'm2', 'm3']
const catchUpMsMax = 10_000

interface Place {
  readonly name: string
  readonly client: string
  readonly peer: string
}

/** @param root the directories of the members are below it. */
export async function startEtcd(root: string): Promise<Store> {
  const ports = await freePorts(6)
  const places = names.map((name, i) => ({
    name,
    client: `http://127.0.0.1:${ports[i]!}`,
    peer: `http://127.0.0.1:${ports[i + 3]!}`,
  }))
  const running = startAll(
    places.map((place) => program(place, places)),
    root,
  )
  let leader = -1
  await whenReady(running, async () => {
    const statuses = await Promise.all(places.map(({ client }) => statusOf(client)))
    const leaders = new Set(statuses.map((status) => status.leader ?? '0'))
    leader = statuses.findIndex(({ leader: id, header }) => id === header.member_id)
    return leaders.size === 1 && leader >= 0
  })
  const clientPorts = ports.slice(0, 3)
  return {
    ports: [clientPorts[leader]!, ...clientPorts.filter((_, i) => i !== leader)],
    failed: running.failed,
    stop: running.stop,
    check: (expected) => check(places, expected),
  }
}

function program({ name, client, peer }: Place, places: readonly Place[]): Program {
  const cluster = places.map((place) => `${place.name}=${place.peer}`).join(',')
  return {
    command: 'etcd',
    args: (directory) => [
      `--name=${name}`,
      `--data-dir=${directory}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=${cluster}`,
      '--initial-cluster-state=new',
    ],
  }
}

interface Status {
  readonly header: { readonly member_id: string }
  /** Missing while there is none. */
  readonly leader?: string
}

function statusOf(url: string): Promise<Status> {
  return ask<Status>(`${url}/v3/maintenance/status`, {})
}

interface RangeAnswer {
  readonly count?: string
  readonly kvs?: readonly { readonly value: string }[]
}

/** All keys in the own data of all three members, and one of them read from each. */
async function check(places: readonly Place[], expected: Expected): Promise<void> {
  const trouble = `not all of the ${expected.keyCount} keys were in each of the three members of etcd`
  const all = { key: base64('k'), range_end: base64('l'), count_only: true, serializable: true }
  const one = { key: base64(expected.key), serializable: true }
  await until(trouble, catchUpMsMax, async () => {
    const answers = await Promise.all(
      places.map(async ({ client }) => {
        const counted = await ask<RangeAnswer>(`${client}/v3/kv/range`, all)
        const read = await ask<RangeAnswer>(`${client}/v3/kv/range`, one)
        return { count: Number(counted.count ?? 0), value: read.kvs?.[0]?.value }
      }),
    )
    const value = base64(expected.value)
    return answers.every((each) => each.count === expected.keyCount && each.value === value)
  })
}

async function ask<T>(url: string, body: object): Promise<T> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as T
}

function base64(data: string | Uint8Array): string {
  return Buffer.from(data as string).toString('base64')
}
