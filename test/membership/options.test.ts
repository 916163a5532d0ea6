import { expect, test } from 'vitest'
import {
  lan,
  membershipDefaults,
  oneProcess,
  resolveMembershipOptions,
  wan,
  type MembershipOptions,
} from '../../src/membership/options.ts'

test('nothing given means the defaults of a local network', () => {
  expect(resolveMembershipOptions()).toEqual({ options: membershipDefaults })
  expect(resolveMembershipOptions({ gossipFanout: undefined } as object)).toEqual({
    options: lan(),
  })
  expect(Object.isFrozen(membershipDefaults)).toBe(true)
})

test('what is given replaces its default and nothing else', () => {
  expect(resolveMembershipOptions({ probeIntervalMs: 2000 })).toEqual({
    options: { ...membershipDefaults, probeIntervalMs: 2000 },
  })
})

test.each([lan, wan, oneProcess])('the preset %o is valid', (preset) => {
  expect(resolveMembershipOptions(preset())).toEqual({ options: preset() })
})

test('all problems are told at once', () => {
  const options = {
    probeIntervalMs: 0,
    indirectProbes: 1.5,
    gossipFanout: 'three',
    exchangeIntervalMs: Infinity,
    colour: 'red',
  } as unknown as MembershipOptions
  expect(resolveMembershipOptions(options)).toEqual({
    problems: [
      'colour is not an option of membership',
      'probeIntervalMs must be a number from 1 to 86400000, not 0',
      'indirectProbes must be a whole number from 0 to 64, not 1.5',
      'gossipFanout must be a whole number from 1 to 64, not a value of type string',
      'exchangeIntervalMs must be a number from 1 to 86400000, not Infinity',
      'probeTimeoutMs = 500 must be less than probeIntervalMs = 0',
    ],
  })
})

test.each([
  { probeTimeoutMs: 999, valid: true },
  { probeTimeoutMs: 1000, valid: false },
])('a probe time-out of $probeTimeoutMs within 1000 is valid: $valid', ({ valid, ...options }) => {
  expect('options' in resolveMembershipOptions(options)).toBe(valid)
})

test.each([null, 'lan', 7])('%j is no set of options', (options) => {
  expect(resolveMembershipOptions(options as unknown as MembershipOptions)).toHaveProperty(
    'problems',
  )
})
