/** The words and numbers of R and W, on both sides of every border. */
import { describe, expect, it } from 'vitest'
import { checkQuorum, quorumSize } from '../../src/quorum/quorum-size.ts'

describe('the size of a quorum', () => {
  it.each([
    ['one', 1, 1],
    ['one', 5, 1],
    ['quorum', 1, 1],
    ['quorum', 2, 2],
    ['quorum', 3, 2],
    ['quorum', 4, 3],
    ['quorum', 5, 3],
    ['all', 1, 1],
    ['all', 3, 3],
    [1, 3, 1],
    [3, 3, 3],
  ] as const)('of %s among %i owners is %i', (quorum, n, size) => {
    expect(quorumSize(quorum, n)).toBe(size)
  })

  it('of a number is left for the caller to clamp when the cluster is smaller', () => {
    expect(quorumSize(3, 2)).toBe(3)
  })

  it('makes every two majorities intersect', () => {
    for (let n = 1; n <= 31; n++) expect(2 * quorumSize('quorum', n)).toBeGreaterThan(n)
  })
})

describe('the check of a quorum', () => {
  it.each(['one', 'quorum', 'all', 1, 2, 3])('finds nothing wrong with %s of 3', (value) => {
    expect(checkQuorum(value, 3)).toBeUndefined()
  })

  it.each([
    [0, 'not 0'],
    [4, 'not 4'],
    [-1, 'not -1'],
    [1.5, 'not 1.5'],
    [Number.NaN, 'not NaN'],
    ['two', "not 'two'"],
    ['', "not ''"],
    [undefined, 'not of type undefined'],
    [null, 'not of type object'],
    [2n, 'not of type bigint'],
  ])('tells what is wrong with %s', (value, problem) => {
    expect(checkQuorum(value, 3)).toBe(
      `must be an integer from 1 to N = 3, 'one', 'quorum' or 'all', ${problem}`,
    )
  })
})
