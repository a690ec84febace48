// F5, F7, F10: what every single step of the fair queue promises.

import type { QueuedJob } from '../../src/admission/queue-tree.ts'
import { holds, property, room } from './kit.ts'
import { limits, wish } from './queue-wishes.ts'

const queueRoom = room<typeof import('../../src/admission/fair-queue.ts')>('admission/fair-queue.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

/** Properties of single steps. */
export const properties = [
  property({
    id: 'F5',
    says: 'jobs of one client and class start in the order in which they came, also after being put back',
    mutants: [
      {
        file: 'admission/queue-tree.ts',
        find: 'while (before !== null && before.sequence > job.sequence) before = before.before',
        replace: '',
      },
      { file: 'admission/fair-queue.ts', find: 'level.next?.oldest', replace: 'level.next?.newest' },
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
