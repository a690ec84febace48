// F3 bytes, F5, F7, F10: what every single step of the fair queue promises.

import type { QueuedJob } from '../../src/admission/queue-tree.ts'
import { holds, property, room } from './kit.ts'
import { limits, wish } from './queue-wishes.ts'

const queueRoom = room<typeof import('../../src/admission/fair-queue.ts')>('admission/fair-queue.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

/** Properties of single steps. */
export const properties = [
  property({
    id: 'F3 bytes',
    says: 'what a window has waiting weighs its bound beside the heaviest at most, heavy jobs of a key 32 times that, and nothing is refused that fits',
    mutants: [
      {
        file: 'admission/queue-bounds.ts',
        find: 'all - Math.max(bytes, heaviest(client)) > bytesMax',
        replace: 'all > bytesMax',
      },
      { file: 'admission/queue-bounds.ts', find: 'if (bytes <= bytesMax) return null', replace: '' },
      { file: 'admission/queue-bounds.ts', find: 'principal.jobs === 0 || ', replace: '' },
      {
        file: 'admission/queue-bounds.ts',
        find: '[lanes.interactive, lanes.batch]',
        replace: '[lanes.batch]',
      },
      { file: 'admission/queue-tree.ts', find: 'client.principal.bytes += sign * job.bytes', replace: '' },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const bytesMax = 1000
      const queue = new FairQueue<number>({ ...limits, clientBytesMax: bytesMax })
      const running: QueuedJob<number>[] = []
      const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0)
      for (let step = 0; step < 4000; step++) {
        const dice = random()
        if (dice < 0.6) {
          const who = wish(random, 12)
          // Most are questions, some are files, and a few are larger than all that may wait.
          const bytes = Math.ceil(random() < 0.5 ? random() * 400 : random() ** 4 * 50_000)
          const theirs = [...queue.jobs()].filter(({ lane }) => lane.client.principal.key === who.principal)
          const of = theirs.filter(({ lane }) => lane.client.key === who.client).map((job) => job.bytes)
          const all = sum(theirs.map((job) => job.bytes))
          const fitsClient = sum([...of, bytes]) - Math.max(...of, bytes) <= bytesMax
          const fitsKey = bytes <= bytesMax || theirs.length === 0 || all + bytes <= 32 * bytesMax
          const placing = queue.enqueue({ ...who, bytes }, step, step)
          const what = `${bytes} bytes beside ${of.join(', ') || 'none'} of the window and ${all} of the key`
          const isTaken = placing.kind === 'queued'
          holds(isTaken === (fitsClient && fitsKey), `${what} were ${isTaken ? 'taken' : 'refused'}`)
          holds(!isTaken || placing.eviction === null, `${what} drove somebody out`)
        } else if (dice < 0.85) {
          const job = queue.peek()
          if (job === null) continue
          queue.start(job)
          running.push(job)
        } else if (running.length > 0) {
          const job = running.splice(Math.floor(random() * running.length), 1)[0]
          if (job === undefined) continue
          // Seldom, since what is put back is let in without being asked for.
          if (dice > 0.99) queue.putBack(job)
          else queue.finish(job, random() * 1000, step)
        }
        // Now and then everybody is done.
        if (random() < 0.01) for (const job of [...queue.jobs()]) queue.cancel(job)
      }
      for (const job of [...queue.jobs()]) queue.cancel(job)
      for (const { key, bytes } of queue.principals.values())
        holds(bytes === 0, `${bytes} bytes of ${key} are counted, and none of its jobs waits`)
    },
  }),
  property({
    id: 'F5',
    says: 'jobs of one client and class start in the order in which they came, also after being put back',
    mutants: [
      {
        file: 'admission/queue-tree.ts',
        find: 'while (before !== null && before.sequence > job.sequence) before = before.before',
        replace: '',
      },
      {
        file: 'admission/queue-order.ts',
        find: 'client?.level.next?.oldest',
        replace: 'client?.level.next?.newest',
      },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const queue = new FairQueue<number>(limits)
      const running: QueuedJob<number>[] = []
      for (let step = 0; step < 5000; step++) {
        const dice = random()
        if (dice < 0.45) queue.enqueue(wish(random), step, step)
        else if (dice < 0.75) {
          const job = queue.peek()
          if (job === null) continue
          const { lane } = job
          const older = [...queue.jobs()].find((each) => each.lane === lane && each.payload < job.payload)
          holds(
            older === undefined,
            `job ${job.payload} starts before ${older?.payload} of the same client and class`,
          )
          queue.start(job)
          running.push(job)
        } else {
          const job = running.splice(Math.floor(random() * running.length), 1)[0]
          if (job === undefined) continue
          if (dice < 0.85) queue.putBack(job)
          else queue.finish(job, random() * 1000, step)
        }
      }
    },
  }),
  property({
    id: 'F7',
    says: 'cancel of a waiting job changes no counter of anybody and looks at O(log n) of the others',
    mutants: [
      {
        file: 'admission/fair-queue.ts',
        find: "this.#withdraw(job)\n    job.state = 'gone'",
        replace:
          "for (const each of this.jobs()) each.lane.client.virtual += 0\n    this.#withdraw(job)\n    job.state = 'gone'",
      },
      {
        file: 'admission/virtual-time.ts',
        find: 'this.#waiting.remove(child)',
        replace: 'this.#waiting.remove(child)\n    child.virtual += 1',
      },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const clients = 1024
      const queue = new FairQueue<number>(limits)
      for (let i = 0; i < 4 * clients; i++)
        queue.enqueue({ ...wish(random), principal: `p${i % clients}` }, i, 0)
      for (let i = 0; i < clients; i++) {
        const job = queue.peek()
        if (job) queue.start(job)
      }
      // Virtual times are read through a counter from here on.
      let reads = 0
      for (const node of queue.principals.values()) {
        let virtual = node.virtual
        Object.defineProperty(node, 'virtual', {
          get: () => {
            reads++
            return virtual
          },
          set: (value: number) => {
            virtual = value
          },
        })
        for (const client of node.clients.values()) {
          let own = client.virtual
          Object.defineProperty(client, 'virtual', {
            get: () => {
              reads++
              return own
            },
            set: (value: number) => {
              own = value
            },
          })
        }
      }
      const state = (): string =>
        JSON.stringify(
          [...queue.principals.values()].map((node) => [
            node.virtual,
            node.served,
            node.inFlight,
            [...node.clients.values()].map((client) => [client.virtual, client.served, client.inFlight]),
          ]),
        )
      const jobs = [...queue.jobs()]
      for (let i = 0; i < 300; i++) {
        const job = jobs.splice(Math.floor(random() * jobs.length), 1)[0]
        if (job === undefined) break
        const { client } = job.lane
        const before = i % 20 === 0 ? state() : ''
        const size = queue.size
        const waitingBefore = client.jobs
        reads = 0
        queue.cancel(job)
        holds(reads <= 12 * Math.log2(size), `a cancel among ${size} read ${reads} virtual times`)
        if (i % 20 === 0) holds(before === state(), "a cancel changed somebody's service")
        holds(queue.size === size - 1 && client.jobs === waitingBefore - 1, 'the job is still counted')
      }
      const order = new Set(queue.jobs())
      holds(order.size === queue.size, `${order.size} jobs are linked and ${queue.size} are counted`)
    },
  }),
  property({
    id: 'F10',
    says: 'who leaves is forgotten: memory returns to where it was, also under endless new client ids',
    mutants: [
      { file: 'admission/fair-queue.ts', find: 'this.#principals.delete(key)', replace: '' },
      {
        file: 'admission/queue-owner.ts',
        find: 'forgetClients(principal, clientsMax / 4)',
        replace: '',
      },
    ],
    async check(rooms, seed) {
      const { FairQueue } = await rooms.load(queueRoom)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const queue = new FairQueue<number>(limits)
      let now = 0
      for (let i = 0; i < 20_000; i++) {
        now += random()
        const placing = queue.enqueue({ ...wish(random, 1), client: `new-${i}` }, i, now)
        holds(placing.kind === 'queued', 'a roomy queue refused')
        if (random() < 0.2) queue.cancel(placing.job)
        else {
          queue.start(placing.job)
          queue.finish(placing.job, random() * 5000, now)
        }
        for (const { clients } of queue.principals.values())
          holds(clients.size <= 257, `${clients.size} clients of one principal are remembered`)
      }
      queue.sweep(now + limits.forgetAfterMs)
      holds(
        queue.principals.size === 0,
        `${queue.principals.size} principals are remembered after a whole idle period`,
      )
      holds(queue.size === 0, `${queue.size} jobs are left`)
    },
  }),
]
