/** What the program is asked to do, as `name=value` on its command line. */
import { readShares, type Distribution, type Load, type Mix } from './load.ts'

const inFlightMax = 10_000
const valueBytesMax = 1 << 20

export interface CeilingOptions {
  readonly loads: readonly Load[]
  readonly rounds: number
  readonly seconds: number
  readonly digest: boolean
}

export const usage: string = `Options, as name=value; lists take commas:

  mix=put|get|a|b|c  what is measured; YCSB's mixes too      put,get
  vs=BYTES           bytes of a value                        100
  c=COUNT            operations in flight                    1,16,64,256
  dist=u|z           keys: uniform, or Zipfian (0.99)        u
  rounds=COUNT       measurements of each case; medians      5
  secs=SECONDS       length of a measurement                 1
  digest=0|1         gets tell the version that is known     0
`

const defaults = {
  mix: 'put,get',
  vs: '100',
  c: '1,16,64,256',
  dist: 'u',
  rounds: '5',
  secs: '1',
  digest: '0',
}

const mixNames = Object.keys(readShares) as Mix[]

type Name = keyof typeof defaults

export class OptionError extends Error {
  override readonly name = 'OptionError'
}

/** @throws {OptionError} for an option that is unknown or makes no sense. */
export function readOptions(args: readonly string[]): CeilingOptions {
  const given: Record<Name, string> = { ...defaults }
  for (const arg of args) {
    const [name = '', value, ...more] = arg.split('=')
    if (!isName(name)) throw new OptionError(`there is no option "${name}"`)
    if (value === undefined || more.length > 0) throw new OptionError(`"${arg}" is not name=value`)
    given[name] = value
  }
  const mixes = words('mix', given.mix, mixNames)
  const dists = words<Distribution>('dist', given.dist, ['u', 'z'])
  const sizes = list(given.vs).map((text) => whole('vs', text, valueBytesMax))
  const counts = list(given.c).map((text) => whole('c', text, inFlightMax))
  const loads = sizes.flatMap((valueBytes) =>
    dists.flatMap((dist) =>
      mixes.flatMap((mix) => counts.map((inFlight) => ({ valueBytes, dist, mix, inFlight }))),
    ),
  )
  return {
    loads,
    rounds: whole('rounds', given.rounds, 1000),
    seconds: positive('secs', given.secs),
    digest: words('digest', given.digest, ['0', '1'])[0] === '1',
  }
}

const isName = (name: string): name is Name => Object.hasOwn(defaults, name)
const list = (text: string): string[] => text.split(',')

function words<W extends string>(name: Name, text: string, known: readonly W[]): W[] {
  return list(text).map((word) => {
    const found = known.find((each) => each === word)
    if (found === undefined) {
      throw new OptionError(`${name}: "${word}" is none of ${known.join(', ')}`)
    }
    return found
  })
}

function whole(name: Name, text: string, max: number): number {
  const value = positive(name, text)
  if (Number.isInteger(value) && value <= max) return value
  throw new OptionError(`${name}: "${text}" is no whole number from 1 to ${max}`)
}

function positive(name: Name, text: string): number {
  const value = Number(text)
  if (value > 0 && value < Infinity) return value
  throw new OptionError(`${name}: "${text}" is no positive number`)
}
