// One round: every contestant afresh and warmed up, then each bout and each moment in a quiet window of its own.

import { writeFileSync } from 'node:fs'
import { type Contestant, type ContestantName, listFile, startContestant } from './contestants.ts'
import { type Bout, bouts, type Measured } from './lanes.ts'
import { measure, type Sample } from './load.ts'
import { leaveStall, pacedP99, sessionsPerCpuSecond } from './moments.ts'
import { quietly } from './quiet.ts'
import { openClients, post } from './sessions.ts'

/** What a bout showed. */
export interface Pair {
  readonly limit: Sample
  readonly ours: Sample
}

/** What a round showed: the bouts by the name of our lane, and numbers of their own. */
export interface Round {
  readonly pairs: ReadonlyMap<string, Pair>
  readonly sessionsRatio: number
  readonly addedP99Ms: number
  readonly leaveStallRatio: number
}

/** How a round is played: seconds a lane, and whether a loud machine will do. */
export interface RoundOptions {
  readonly seconds: number
  readonly isLoudAllowed: boolean
}

const warmUpSeconds = 2
// Right before a lane is measured. One client alone makes few calls a second: in a second the engine has not compiled what they run.
const leadInSeconds = 1
const loneLeadInSeconds = 6

/** Odd rounds go forward, even ones backward, and so do the two lanes of each bout. Throws `Unmeasured`. */
export async function playRound(round: number, { seconds, isLoudAllowed }: RoundOptions): Promise<Round> {
  const running = new Map<ContestantName, Contestant>()
  const start = async (name: ContestantName): Promise<Contestant> => {
    const contestant = await startContestant(name)
    running.set(name, contestant)
    return contestant
  }
  const play = async (lane: Measured, length: number): Promise<Sample> => {
    const contestant = running.get(lane.of) ?? (await start(lane.of))
    return measure(contestant, lane, length)
  }
  const isForward = round % 2 === 1
  const inOrder = <Each>(list: readonly Each[]): readonly Each[] => (isForward ? list : list.toReversed())
  const quiet = <Result>(name: string, moment: () => Promise<Result>): Promise<Result> =>
    quietly(`round ${round}, ${name}`, isLoudAllowed, moment)
  const playBout = async ({ limit, ours }: Bout): Promise<Pair> => {
    const samples = new Map<Measured, Sample>()
    for (const lane of inOrder([limit, ours])) {
      await play(lane, lane.connections === 1 ? loneLeadInSeconds : leadInSeconds)
      samples.set(lane, await play(lane, seconds))
    }
    return { limit: samples.get(limit) as Sample, ours: samples.get(ours) as Sample }
  }

  try {
    const exai = await start('exai')
    await writeList(exai)
    const bare = await start('bare')
    const bareSessions = await start('bare-sessions')
    // Whoever comes first would else be measured while its code is still being compiled.
    for (const lane of new Set(bouts.flatMap(({ limit, ours }) => [limit, ours]))) {
      if (lane.connections === undefined) await play(lane, warmUpSeconds)
    }
    const pairs = new Map<string, Pair>()
    for (const bout of inOrder(bouts)) {
      pairs.set(bout.ours.name, await quiet(bout.ours.name, () => playBout(bout)))
    }
    return {
      pairs,
      sessionsRatio: await quiet(
        'sessions',
        async () => (await sessionsPerCpuSecond(exai)) / (await sessionsPerCpuSecond(bareSessions)),
      ),
      addedP99Ms: await quiet(
        'paced',
        async () => ((await pacedP99(exai, seconds)) - (await pacedP99(bare, seconds))) / 1000,
      ),
      leaveStallRatio: await quiet('leaving', () => leaveStall(exai, seconds)),
    }
  } finally {
    await Promise.all([...running.values()].map((each) => each.stop()))
  }
}

// The limit for lists answers with the very list that ours has.
async function writeList({ port }: Contestant): Promise<void> {
  const url = `http://127.0.0.1:${port}/mcp`
  const [client] = await openClients(url, 'legacy', 1)
  const { text } = await post(
    url,
    { jsonrpc: '2.0', id: 1, method: 'tools/list' },
    {
      'mcp-session-id': client?.session ?? '',
      'mcp-protocol-version': client?.version ?? '',
      'x-exai-client': client?.client ?? '',
    },
  )
  writeFileSync(listFile, JSON.stringify((JSON.parse(text) as { readonly result: unknown }).result))
}
