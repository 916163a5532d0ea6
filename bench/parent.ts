/** What a process of the benchmark owes to the one that has started it. */

/**
 * Ends this process when its parent is gone, also if it went before anybody could listen for that: else it would do for
 * nobody what it was told, and make directories anew that are removed already. Gives what undoes it.
 */
export function exitWithParent(): () => void {
  const exit = (): void => process.exit()
  process.once('disconnect', exit)
  if (!process.connected) exit()
  return () => void process.off('disconnect', exit)
}
