/** Checks of single options. Each adds to a list of problems, so that a caller hears of all of them at once. */

/** Path of an option and what is wrong with it. */
export type Problems = [argument: string, problem: string][]

/** Longest duration that an option may ask for: 24.8 days, what timers take. */
export const durationMsMax: number = 2 ** 31 - 1

/** Whether `options` is an object at all; its keys must be known ones. */
export function refuseUnknown(
  problems: Problems,
  name: string,
  options: unknown,
  known: readonly string[],
): boolean {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    problems.push([name === '' ? 'options' : name, `must be an object, not ${describe(options)}`])
    return false
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    const path = name === '' ? key : `${name}.${key}`
    problems.push([path, `is no option; there are ${known.join(', ')}`])
  }
  return true
}

/** A name: a non-empty, well-formed string without NUL, of at most so many bytes of UTF-8. */
export function text(
  problems: Problems,
  name: string,
  value: unknown,
  { bytesMax }: { bytesMax: number },
): void {
  if (value === undefined) return
  const problem = textProblem(value, bytesMax)
  if (problem !== undefined) problems.push([name, problem])
}

/** What is wrong with a name; undefined if nothing is. */
export function textProblem(value: unknown, bytesMax: number): string | undefined {
  if (typeof value !== 'string') return `must be a string, not ${describe(value)}`
  if (value === '') return 'must not be empty'
  if (!value.isWellFormed()) return 'must be well-formed: it has a lone surrogate'
  if (value.includes('\0')) return 'must not contain NUL'
  const bytes = Buffer.byteLength(value)
  return bytes > bytesMax ? `must have at most ${bytesMax} bytes, not ${bytes}` : undefined
}

/** A number above 0 and up to `max`; fractions are allowed. */
export function positive(
  problems: Problems,
  name: string,
  value: unknown,
  { max = Number.MAX_SAFE_INTEGER }: { max?: number } = {},
): void {
  if (value === undefined) return
  if (typeof value === 'number' && value > 0 && value <= max) return
  problems.push([name, `must be a number above 0 up to ${max}, not ${describe(value)}`])
}

/** A whole number from 1 to `max`. */
export function count(
  problems: Problems,
  name: string,
  value: unknown,
  { max }: { max: number },
): void {
  if (value === undefined) return
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max) return
  problems.push([name, `must be a whole number from 1 to ${max}, not ${describe(value)}`])
}

/** True or false. */
export function flag(problems: Problems, name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  problems.push([name, `must be true or false, not ${describe(value)}`])
}

/** One of some words. */
export function oneOf(
  problems: Problems,
  name: string,
  value: unknown,
  words: readonly string[],
): void {
  if (value === undefined || words.includes(value as string)) return
  problems.push([name, `must be one of ${words.join(', ')}, not ${describe(value)}`])
}

/** An implementation of a port: an object with these methods. */
export function methods(
  problems: Problems,
  name: string,
  value: unknown,
  names: readonly string[],
): void {
  if (value === undefined) return
  const found =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const missing = names.filter((each) => typeof found[each] !== 'function')
  if (missing.length === 0) return
  problems.push([name, `must have ${missing.join(', ')}: it is ${describe(value)}`])
}

/** A value for a message: short, and without the content of objects. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `of type ${typeof value}`
}

/** What is given and not undefined, else the default. */
export function withDefaults<T extends object>(fallback: Required<T>, given: T): Required<T> {
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...fallback, ...(Object.fromEntries(set) as T) }
}
