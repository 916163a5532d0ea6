/**
 * What the value codecs accept as plain data, and how they name what they refuse. A codec never
 * changes a value silently: what would not come back equal is refused, with the path to it and the
 * remedy.
 */

import { CodecError } from '../base/errors.ts'

/** How deep objects and arrays may be nested in a value. A cycle always gets past it. */
export const nestingMax = 100

/** The way from a value to one of its parts: keys of objects, indices of arrays. */
export type ValuePath = readonly (string | number)[]

/** The error for the part of a value at the first `depth` steps of `path`. */
export function refusal(path: ValuePath, depth: number, problem: string): CodecError {
  let name = 'value'
  for (const step of path.slice(0, depth)) {
    if (typeof step === 'number') name += `[${step}]`
    else if (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step)) name += `.${step}`
    else name += `[${JSON.stringify(step)}]`
  }
  return new CodecError(`${name} ${problem}`)
}

/** The refusal of something nested deeper than `nestingMax`. */
export const tooDeep: string =
  `is nested more than ${nestingMax} levels deep or contains itself; ` +
  'store flat data, and refer to other values by key'

/**
 * The refusal of text with half a surrogate pair: it has no UTF-8 form, so it would come back
 * changed.
 */
export const illFormed =
  'has a lone surrogate, which UTF-8 cannot hold; use toWellFormed(), or store the text as bytes'

/**
 * Why an object or an array has properties that do not come back, or `undefined` when all of them
 * do.
 * @param keys its `Object.keys`.
 */
export function oddProperties(value: object, keys: readonly string[]): string | undefined {
  if (Object.getOwnPropertySymbols(value).length > 0) {
    return 'has a symbol as a key, which cannot be stored; use a string key'
  }
  if (Array.isArray(value)) return isDense(value, keys) ? undefined : sparseProblem(value, keys)
  if (Object.getOwnPropertyNames(value).length === keys.length) return undefined
  return 'has a hidden (non-enumerable) property, which cannot be stored; make it a plain one'
}

/**
 * Indices come first in `keys` and in order: when the last key is the last index, every key is one.
 */
function isDense(array: readonly unknown[], keys: readonly string[]): boolean {
  return (
    keys.length === array.length && (keys.length === 0 || keys.at(-1) === String(keys.length - 1))
  )
}

function sparseProblem(array: readonly unknown[], keys: readonly string[]): string {
  const extra = keys.find((key) => !/^\d+$/.test(key) || Number(key) >= array.length)
  if (extra === undefined) {
    return 'is an array with holes, which cannot be stored; fill them with undefined or null'
  }
  const name = JSON.stringify(extra)
  return `is an array with the property ${name}, which cannot be stored; copy it with [...array]`
}

/**
 * The value of an own property, never by calling a getter: what a getter returns is not data of the
 * object. `undefined` stands for an accessor.
 */
export function dataProperty(
  object: object,
  key: string,
): { readonly value?: unknown } | undefined {
  const property = Object.getOwnPropertyDescriptor(object, key)
  return property !== undefined && 'value' in property ? property : undefined
}

/** The refusal of a property with a getter or setter. */
export const accessor =
  'is a getter or setter, which cannot be stored; copy its result into a plain property'

/** The refusal of what is no plain data at all. */
export function unsupported(value: unknown): string {
  const what = kind(value)
  return `is ${what}, which cannot be stored; store plain data, or give the bucket its own codec`
}

function kind(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  if (typeof value !== 'object' || value === null) return `the ${typeof value} ${String(value)}`
  const maker: unknown = (value as { constructor?: unknown }).constructor
  const name = typeof maker === 'function' ? maker.name : ''
  return name === '' ? 'an instance of an unnamed class' : `an instance of ${name}`
}
