/** Checks of single options. Each adds to a list of problems, so that a caller hears of all of them at once. */

/** Path of an option and what is wrong with it. */
export type Problems = [argument: string, problem: string][]

export function refuseUnknown(
  problems: Problems,
  name: string,
  options: unknown,
  known: readonly string[],
): void {
  if (typeof options !== 'object' || options === null) {
    problems.push([name === '' ? 'options' : name, 'must be an object'])
    return
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    const path = name === '' ? key : `${name}.${key}`
    problems.push([path, `is no option; there are ${known.join(', ')}`])
  }
}

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

export function positive(
  problems: Problems,
  name: string,
  value: unknown,
  { max = Infinity }: { max?: number } = {},
): void {
  if (value === undefined) return
  if (typeof value === 'number' && value > 0 && value <= max && !Number.isNaN(value)) return
  const limit = max === Infinity ? '' : ` up to ${max}`
  problems.push([name, `must be a number above 0${limit}, not ${describe(value)}`])
}

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

export function flag(problems: Problems, name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  problems.push([name, `must be true or false, not ${describe(value)}`])
}

export function oneOf(
  problems: Problems,
  name: string,
  value: unknown,
  words: readonly string[],
): void {
  if (value === undefined || words.includes(value as string)) return
  problems.push([name, `must be one of ${words.join(', ')}, not ${describe(value)}`])
}

export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `of type ${typeof value}`
}
