/**
 * One seed's worth of shopping: the network is cut in two and an instance crashes while a customer
 * uses all of them at once. Then all heals, and the cart is held against what the shop had said.
 */
import assert from 'node:assert/strict'
import { check, createHistory, halves, record, simulate } from 'coterie/sim'
import type { History, SimCluster } from 'coterie/sim'
import { CartService, type Reading } from './cart-service.ts'
import { itemsOf, type Cart } from './cart.ts'
import { customer, Shopper } from './shopper.ts'

/** What a run showed. */
export interface Verdict {
  readonly seed: number
  /** Equal for equal runs. */
  readonly traceHash: string
  /** Promises that the store broke, in words. */
  readonly brokenByStore: readonly string[]
  /** Promises that the shop broke, in words. */
  readonly brokenByShop: readonly string[]
}

export async function shop(seed: number, reading: Reading): Promise<Verdict> {
  const history = createHistory()
  const options = { seed, nodes: 4, storage: 'durable' } as const
  const { value, traceHash, faults } = await simulate(options, async (cluster) => {
    const shoppers = await open(cluster, history, reading)
    await Promise.all([trouble(cluster), ...shoppers.map((shopper) => shopper.shop())])
    const items = itemsOf(reading(await lastLook(cluster, history)))
    return shoppers.flatMap((shopper) => shopper.complaints(items))
  })
  assert.ok(faults.crash > 0 && faults['frame-partitioned'] > 0, 'there was no trouble')
  const brokenByStore = (['causal', 'no-lost-write'] as const).flatMap((model) =>
    check(history, model).violations.map(({ message }) => message),
  )
  return { seed, traceHash, brokenByStore, brokenByShop: value }
}

/** Starts an instance of the shop in the process of each node, with a shopper who uses it. */
function open(cluster: SimCluster, history: History, reading: Reading): Promise<Shopper[]> {
  const openOne = async (name: string): Promise<Shopper> => {
    const instance = await cluster.service(name, ({ node, random }) => {
      const bucket = record(node.bucket<Cart>('carts'), history)
      const newName = (): string => Buffer.from(random.bytes(8)).toString('hex')
      return new CartService({ bucket, reading, newName })
    })
    return new Shopper(cluster, name, instance)
  }
  return Promise.all(cluster.names.map(openOne))
}

/** A partition into halves; towards its end, a crash. */
async function trouble(cluster: SimCluster): Promise<void> {
  const byLot = cluster.names.map((name) => ({ name, lot: cluster.random() }))
  const names = byLot.toSorted((a, b) => a.lot - b.lot).map(({ name }) => name)
  const [victim = ''] = names
  await cluster.sleep(cluster.random() * 5000)
  cluster.partition(...halves(names))
  await cluster.sleep(15_000 + cluster.random() * 5000)
  await cluster.crash(victim)
  await cluster.sleep(cluster.random() * 5000)
  cluster.heal()
  await cluster.restart(victim)
}

/** What the store has of the cart when all is well again. */
async function lastLook(cluster: SimCluster, history: History): Promise<readonly Cart[]> {
  const bucket = cluster.node('n1').bucket<Cart>('carts')
  await cluster.sleep(20_000)
  await bucket.get(customer, { r: 'all' })
  await cluster.settle()
  return (await record(bucket, history, { final: true }).get(customer)).siblings
}
