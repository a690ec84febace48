// L4 from the tool down: what `chat` says of its conversation, and what the context makes of it, decide where a turn goes.

import { askNobody } from '../../src/domain/asking.ts'
import type { Identity } from '../../src/domain/identity.ts'
import { identityOf } from '../../src/domain/identity-of.ts'
import type { CallId } from '../../src/domain/ids.ts'
import type { JobRequest } from '../../src/routing/router.ts'
import type { Target } from '../../src/routing/target.ts'
import type { ToolRooms } from '../../src/tools/context.ts'
import type { ToolContext } from '../../src/tools/tool.ts'
import { holds, type Property, property, type Rooms, room } from './kit.ts'
import { target } from './routing-world.ts'

const balances = room<typeof import('../../src/routing/balance.ts')>('routing/balance.ts')
const chats = room<typeof import('../../src/tools/chat.ts')>('tools/chat.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const contexts = room<typeof import('../../src/tools/context.ts')>('tools/context.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')
const stores = room<typeof import('../../src/threads/thread-store.ts')>('threads/thread-store.ts')

const limits = {
  idleMs: 60_000,
  threadsPerPrincipalMax: 1_000,
  charsPerThreadMax: 10_000,
  charsPerPrincipalMax: 10_000_000,
}
const anna = identityOf('anna', 'window-1')
const bert = identityOf('bert', 'window-1')
// Two slots and thirty: where a conversation lives is a matter of weights, not of slots.
const small = target('glm', 'glm-5.2', 'glm/small')
const large = target('glm', 'glm-5.2', 'glm/large')
const load = (each: Target) => ({ inFlight: 0, capacity: each === small ? 2 : 30 })

/** Contexts whose jobs the balance sends somewhere; `went` has where the last one went. */
async function world(rooms: Rooms, seed: number) {
  const { Balance } = await rooms.load(balances)
  const { VirtualClock } = await rooms.load(clocks)
  const { createToolContexts } = await rooms.load(contexts)
  const { createSeededRandom } = await rooms.load(dice)
  const { ThreadStore } = await rooms.load(stores)
  const clock = new VirtualClock()
  const balance = new Balance({ clock, random: createSeededRandom(seed) })
  const threads = new ThreadStore({ clock, ...limits })
  const went: Target[] = []
  const outcome = { provider: 'glm', model: 'glm-5.2', text: 'well', sources: [], toolUses: [], usage: null }
  const parts: Partial<ToolRooms> & { jobs: ToolRooms['jobs'] } = {
    threads,
    jobs: {
      run: async (_draft, { affinity }: JobRequest) => {
        went.push(balance.pick([small, large], load, affinity ?? null))
        return { ...outcome, finish: 'stop', shared: null, savedNanoUsd: null }
      },
    },
    facts: { wallMs: () => 0 } as ToolRooms['facts'],
  }
  const make = createToolContexts(parts as ToolRooms)
  const contextOf = (identity: Identity): ToolContext =>
    make(
      {
        id: 'call-1' as CallId,
        name: 'chat',
        identity,
        signal: new AbortController().signal,
        deadlineAt: 60_000,
      },
      () => {},
      askNobody,
      () => {},
    )
  return { contextOf, went, destroy: () => threads.destroy() }
}

/** Conversations and where they are sent. */
export const properties: readonly Property[] = [
  property({
    id: 'L4 turns',
    says: 'all turns of a conversation go to one group, the first one too; which, its principal decides as well as its name',
    mutants: [
      { file: 'tools/chat.ts', find: 'affinity: thread.handle, ', replace: '' },
      {
        file: 'tools/chat.ts',
        find: 'affinity: thread.handle, ',
        replace: 'affinity: args.continuation_id, ',
      },
      {
        file: 'tools/context.ts',
        find: 'affinity === undefined ? undefined :',
        replace: 'affinity === undefined || true ? affinity :',
      },
    ],
    async check(rooms, seed) {
      const { chat } = await rooms.load(chats)
      const { contextOf, went, destroy } = await world(rooms, seed)
      const lived = new Set<Target>()
      for (let conversation = 0; conversation < 100; conversation++) {
        went.length = 0
        let thread: string | undefined
        for (let turn = 0; turn < 4; turn++) {
          const args = { prompt: `turn ${turn}`, fresh: false, continuation_id: thread }
          const { meta } = await chat.run(args, contextOf(anna))
          thread = String(meta?.['exai/continuation_id'])
        }
        const [first] = went
        holds(first !== undefined && went.length === 4, `${went.length} jobs for four turns`)
        holds(
          went.every((each) => each === first),
          `conversation ${conversation} was at both groups`,
        )
        lived.add(first)
      }
      holds(lived.size === 2, 'a hundred conversations live at one of two groups')
      went.length = 0
      const draft = { kind: 'search', query: 'q', count: 1 } as const
      for (let name = 0; name < 200; name++) {
        for (const who of [anna, bert]) await contextOf(who).run(draft, { affinity: `${seed} ${name}` })
      }
      const apart = Array.from({ length: 200 }, (_, name) => went[2 * name] !== went[2 * name + 1])
      const count = apart.filter((each) => each).length
      holds(count > 50 && count < 150, `of 200 names ${count} mean another group to another principal`)
      destroy()
    },
  }),
]
