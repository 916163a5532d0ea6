/** How the scene is shown: drawn again and again on a terminal, told line by line elsewhere. */
import type { Scene } from '../scene.ts'
import { LiveView } from './live-view.ts'
import { PlainView } from './plain-view.ts'

export interface View {
  /** Stops showing and leaves the terminal as it was. Idempotent, works at once. */
  stop(): void
}

export function show(scene: Scene): View {
  const { isTTY, columns } = process.stdout
  const canDraw = isTTY && columns >= 60 && process.env['TERM'] !== 'dumb'
  return canDraw ? new LiveView(scene) : new PlainView(scene)
}
