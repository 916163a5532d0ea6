/**
 * A shopping cart service with a planted bug. The simulator finds it, says which seed shows it and
 * what went wrong, and passes the repaired service. `docs/TEST-YOUR-SERVICE.md` goes through it.
 *
 *     npx tsx examples/cart/main.ts
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allSiblings, firstSibling } from './cart-service.ts'
import { shop } from './shopping.ts'

void test('the simulator finds the planted bug', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { brokenByShop, brokenByStore } = await shop(seed, firstSibling)
    assert.deepEqual(brokenByStore, [])
    if (brokenByShop.length === 0) continue
    const [first, ...others] = brokenByShop
    console.log(`seed ${seed}: ${first} (and ${others.length} more)`)
    return
  }
  assert.fail('20 seeds did not show the bug')
})

void test('the repaired service keeps its promises over 100 seeds', async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const { brokenByShop, brokenByStore } = await shop(seed, allSiblings)
    assert.deepEqual([...brokenByStore, ...brokenByShop], [], `seed ${seed}`)
  }
})

void test('the same seed takes the same way', async () => {
  assert.deepEqual(await shop(7, allSiblings), await shop(7, allSiblings))
})
