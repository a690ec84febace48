// The demo's play: five windows at their work and a greedy one, all on one server, folded into the stage that is drawn.

import type { Clock } from '../../lib/clock.ts'
import type { DemoCall, DemoStage, DemoWindow } from './stage.ts'
import { type DemoStep, openDemoWindow } from './window.ts'

/** A play in progress. */
export interface DemoPlay {
  /** What the windows have heard; order and keyboard are the theatre's to say. */
  stage(): Omit<DemoStage, 'order' | 'hasSwitch'>
  close(): void
}

interface Role {
  readonly label: string
  readonly color: DemoWindow['color']
  readonly isGreedy: boolean
  readonly parallel: number
  readonly restMs: number
  readonly steps: readonly DemoStep[]
}

// Here each window is to stand in line for its own answers: they are never taken from the cache. What tools that keep their answers
// make anew is still made once for all who ask the same meanwhile, so no two windows ask those the same.
const step = (tool: string, asked: DemoStep['arguments']): DemoStep => ({
  tool,
  arguments: { ...asked, fresh: true },
})
const review = step('codereview', {
  text: 'export const half = (n: number) => n >> 1',
  focus: 'negative numbers',
})
const search = step('web_search', { query: 'fair queueing of API requests', count: 3 })
const otherSearch = step('web_search', { query: 'virtual time in packet schedulers', count: 3 })
const chat = step('chat', { prompt: 'Name one reason to queue fairly, in a sentence.' })
const summary = step('summarize', {
  text: 'A queue that serves whoever came first serves whoever asks most. A fair one serves everybody.',
  length: 'short',
})
const analysis = step('analyze_document', {
  text: 'The account allows two requests at once. Six windows share it.',
  question: 'How many share the account?',
})

const roles: readonly Role[] = [
  { label: 'api@main', color: 'green', isGreedy: false, parallel: 1, restMs: 400, steps: [review, chat] },
  { label: 'web@login', color: 'cyan', isGreedy: false, parallel: 1, restMs: 500, steps: [search, review] },
  { label: 'docs@main', color: 'magenta', isGreedy: false, parallel: 1, restMs: 600, steps: [summary, chat] },
  {
    label: 'infra@k8s',
    color: 'yellow',
    isGreedy: false,
    parallel: 1,
    restMs: 700,
    steps: [chat, otherSearch],
  },
  { label: 'data@etl', color: 'blue', isGreedy: false, parallel: 1, restMs: 800, steps: [analysis, review] },
  { label: 'crawler@loop', color: 'red', isGreedy: true, parallel: 48, restMs: 0, steps: [chat, review] },
]

const stripMax = 400

/** Opens all windows against the server's WebSocket `url`. */
export function openDemoPlay(url: string, clock: Clock, onFailure: (error: Error) => void): DemoPlay {
  const startedAt = clock.now()
  const strip: string[] = []
  const players = roles.map((role) => {
    const running = new Map<number, DemoCall>()
    const player = { role, running, served: 0, refused: 0 }
    const hears = (call: number, over: Partial<DemoCall>): void => {
      const known = running.get(call)
      if (known) running.set(call, { ...known, ...over })
    }
    const window = openDemoWindow({
      url,
      label: role.label,
      steps: role.steps,
      parallel: role.parallel,
      restMs: role.restMs,
      clock,
      onStart: (call, tool) =>
        running.set(call, { tool, state: 'waits', since: clock.now(), message: 'asking' }),
      onProgress: (call, message) =>
        hears(
          call,
          message.startsWith('Waiting')
            ? { state: 'waits', message }
            : { state: 'served', message, since: clock.now() },
        ),
      onEnd: (call, isError) => {
        running.delete(call)
        if (isError) player.refused++
        else {
          player.served++
          strip.push(role.label)
          if (strip.length > stripMax) strip.shift()
        }
      },
      onFailure,
    })
    return { player, window }
  })
  return {
    stage: () => ({
      startedAt,
      strip,
      windows: players.map(({ player: { role, running, served, refused } }) => ({
        label: role.label,
        color: role.color,
        isGreedy: role.isGreedy,
        running,
        served,
        refused,
      })),
    }),
    close() {
      for (const { window } of players) window.close()
    },
  }
}
