/**
 * Blanks what is no code in a TypeScript source, so that rules about identifiers do not read comments and strings.
 * Lines and columns stay where they are. A small scanner, no parser: it knows comments, quotes, templates and where
 * a slash starts a regular expression.
 */

/** The source with every comment, string, template text and regular expression replaced by spaces. */
export function maskedCode(source: string): string {
  const out: string[] = []
  /** For each open template expression, how many braces are open inside it. */
  const braces: number[] = []
  let at = 0
  while (at < source.length) {
    const end = endOfNonCode(source, at, out, braces)
    if (end > at) {
      out.push(blank(source.slice(at, end)))
      at = end
    } else {
      countBrace(source[at]!, braces)
      out.push(source[at]!)
      at++
    }
  }
  return out.join('')
}

/** Where the comment or literal that starts at `at` ends; `at` itself when code goes on. */
function endOfNonCode(source: string, at: number, before: string[], braces: number[]): number {
  const char = source[at]!
  if (char === '/' && source[at + 1] === '/') return indexOr(source, '\n', at)
  if (char === '/' && source[at + 1] === '*') return indexOr(source, '*/', at + 2) + 2
  if (char === "'" || char === '"') return endOfQuote(source, at)
  if (char === '`') return endOfTemplateText(source, at + 1, braces)
  if (char === '}' && braces.at(-1) === 0) {
    braces.pop()
    return endOfTemplateText(source, at + 1, braces)
  }
  if (char === '/' && startsRegExp(before)) return endOfRegExp(source, at)
  return at
}

function countBrace(char: string, braces: number[]): void {
  if (braces.length === 0) return
  if (char === '{') braces[braces.length - 1]!++
  if (char === '}') braces[braces.length - 1]!--
}

function endOfQuote(source: string, start: number): number {
  let at = start + 1
  while (at < source.length && source[at] !== source[start] && source[at] !== '\n') {
    at += source[at] === '\\' ? 2 : 1
  }
  return at + 1
}

/** Ends behind the closing backtick, or behind the `${` that starts an expression. */
function endOfTemplateText(source: string, start: number, braces: number[]): number {
  let at = start
  while (at < source.length && source[at] !== '`') {
    if (source.startsWith('${', at)) {
      braces.push(0)
      return at + 2
    }
    at += source[at] === '\\' ? 2 : 1
  }
  return at + 1
}

/** A slash divides after a value and starts a regular expression after anything else. */
function startsRegExp(before: readonly string[]): boolean {
  const text = before.slice(-200).join('').trimEnd()
  if (text === '') return true
  if (/\b(?:return|typeof|case|in|of|void|yield|await)$/.test(text)) return true
  return !/[\w$)\]}'"`]$/.test(text)
}

function endOfRegExp(source: string, start: number): number {
  let inClass = false
  let at = start + 1
  while (at < source.length && source[at] !== '\n' && (inClass || source[at] !== '/')) {
    if (source[at] === '[') inClass = true
    if (source[at] === ']') inClass = false
    at += source[at] === '\\' ? 2 : 1
  }
  return at + 1
}

function indexOr(source: string, text: string, from: number): number {
  const found = source.indexOf(text, from)
  return found < 0 ? source.length : found
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}
