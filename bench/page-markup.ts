/**
 * Pieces of HTML and SVG in which nothing that comes from outside can become markup: the tag `markup` escapes every
 * value that was not made by itself.
 */

/** Text that is markup already. Made by `markup` alone. */
export interface Markup {
  readonly source: string
}

/** What may stand in a template. Lists are joined; nothing is written for `undefined`. */
export type Content = Markup | string | number | undefined | readonly Content[]

/** A template whose values are escaped, fit for text and for quoted attributes. */
export function markup(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  const source = parts.map((part, i) => part + sourceOf(values[i])).join('')
  return { source }
}

function sourceOf(content: Content): string {
  if (content === undefined) return ''
  if (typeof content === 'number') return String(Math.round(content * 1000) / 1000)
  if (typeof content === 'string') return escaped(content)
  return 'source' in content ? content.source : content.map(sourceOf).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!)
}
