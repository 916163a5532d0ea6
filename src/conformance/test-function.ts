/** How a conformance suite declares a test: `it` and `test` of vitest, jest, mocha and `node:test` all fit. */
export type TestFunction = (name: string, fn: () => Promise<void>) => unknown
