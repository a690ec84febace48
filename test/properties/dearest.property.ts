// P6 with the amounts that are really set aside: what `dearest` says of a job, against vendors that tokenize as badly as any can.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identityOf } from '../../src/domain/identity-of.ts'
import type { GenerateJob, Message } from '../../src/providers/provider.ts'
import { attemptEndOf } from '../../src/routing/attempt-end-of.ts'
import type { AttemptMoney } from '../../src/routing/attempt-money.ts'
import type { RoutedCandidate } from '../../src/routing/candidate-steps.ts'
import { holds, type Property, property, room } from './kit.ts'

const moneyRoom = room<typeof import('../../src/routing/attempt-money.ts')>('routing/attempt-money.ts')
const budgetRoom = room<typeof import('../../src/routing/budgets.ts')>('routing/budgets.ts')
const kimiRoom = room<typeof import('../../src/providers/kimi-request.ts')>('providers/kimi-request.ts')
const clockRoom = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const diceRoom = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const limit = 10_000_000
const price = { input: 3_000n, output: 15_000n }
const quota = { scope: 'principal', unit: 'micro-dollars', period: 'month', limit } as const
const kimi = {
  provider: 'kimi',
  model: 'kimi-k3',
  configured: { provider: { capabilities: {} } },
} as unknown as RoutedCandidate

const sent = { apiKey: null, requestId: 'r', signal: AbortSignal.abort() }

// What tokenizers are worst at, each of some length.
const texts: readonly ((length: number) => string)[] = [
  (length) => '7 '.repeat(length / 2),
  (length) => '9f3'.repeat(length / 3),
  (length) => Buffer.alloc(length / 2, 251).toString('base64'),
  (length) => '漢'.repeat(length / 3),
  (length) => '🦦'.repeat(length / 4),
  (length) => '{"a":[1,2,[3]]}'.repeat(length / 15),
]

function jobOf(random: () => number): GenerateJob {
  const below = (most: number): number => Math.floor(random() * most)
  const text = (most = 6_000): string => texts[below(texts.length)]?.(60 + below(most)) ?? ''
  const image = { type: 'image', mediaType: 'image/png', base64: 'aGk=' } as const
  const messages: Message[] = [{ role: 'system', content: text() }]
  for (let turn = below(4); turn > 0; turn--) {
    const toolUses = [
      { id: `call_${turn}`, name: 'look', input: JSON.stringify({ a: text(600), b: [1, 2] }) },
    ]
    messages.push(
      { role: 'assistant', content: text(), reasoning: text(), toolUses },
      { role: 'tool', toolUseId: `call_${turn}`, content: text() },
    )
  }
  const isSeen = random() < 0.3
  messages.push({ role: 'user', content: isSeen ? [image, image, { type: 'text', text: text() }] : text() })
  const passages = Array.from({ length: below(5) }, (_, page) => ({ page: page + 1, text: text() }))
  const parameters = { type: 'object', properties: { a: { type: 'string', enum: [text(600)] } } }
  return {
    kind: 'generate',
    task: 'chat',
    model: 'kimi-k3',
    messages,
    ...(passages.length === 0
      ? {}
      : { documents: [{ name: 'a.txt', format: 'text', pages: 9, isCut: false, passages }] as never }),
    ...(random() < 0.3 ? { tools: [{ name: 'look', description: text(600), parameters }] } : {}),
    outputTokensMax: 100 + below(4_000),
  }
}

// A token for every byte that is sent, a space at every comma and colon of JSON, marks around each message, and the largest of pictures.
function counted(body: Readonly<Record<string, unknown>>): number {
  const bytes = (text: unknown): number => (typeof text === 'string' ? Buffer.byteLength(text) : 0)
  const spaced = (json: string): number => bytes(json) + (json.match(/[,:]/g)?.length ?? 0)
  let tokens = 64 + (body.tools === undefined ? 0 : spaced(JSON.stringify(body.tools)))
  for (const message of body.messages as Readonly<Record<string, unknown>>[]) {
    tokens += 12 + bytes(message.content) + bytes(message.reasoning_content) + bytes(message.tool_call_id)
    for (const part of Array.isArray(message.content) ? message.content : [])
      tokens += part.type === 'text' ? bytes(part.text) : 16_641
    for (const { id, function: asked } of (message.tool_calls as ToolCall[] | undefined) ?? [])
      tokens += 32 + bytes(id) + bytes(asked.name) + spaced(asked.arguments)
  }
  return tokens
}

interface ToolCall {
  readonly id: string
  readonly function: { readonly name: string; readonly arguments: string }
}

/** What is set aside for a generation. */
export const properties: readonly Property[] = [
  property({
    id: 'P6',
    says: 'what is set aside for a generation is no less than any tokenizer over bytes can make of it, so no budget is overspent',
    mutants: [
      {
        file: 'routing/attempt-money.ts',
        find: 'inputTokens: mostInput(job),',
        replace: 'inputTokens: expected.inputTokens,',
      },
      {
        file: 'routing/attempt-money.ts',
        find: 'outputTokens: job.outputTokensMax }',
        replace: 'outputTokens: expected.outputTokens }',
      },
      {
        file: 'routing/most-input.ts',
        find: 'return Buffer.byteLength(text)',
        replace: 'return Buffer.byteLength(text) / 3',
      },
      { file: 'routing/most-input.ts', find: 'imageTokens = 20_000', replace: 'imageTokens = 1_500' },
      { file: 'routing/most-input.ts', find: ' + bytesOf(reasoning) + uses', replace: '' },
      {
        file: 'routing/most-input.ts',
        find: ' + bytesOf(toDocumentMessage(document).content)',
        replace: '',
      },
      {
        file: 'routing/most-input.ts',
        find: 'for (const tool of tools) tokens += toolMarks + rewritten * bytesOf(JSON.stringify(tool))',
        replace: '',
      },
      {
        file: 'routing/budgets.ts',
        find: '{ ...attempt, cachedInputTokens: 0 }',
        replace: '{ ...attempt, inputTokens: attempt.expected.inputTokens, cachedInputTokens: 0 }',
      },
    ],
    async check(rooms, seed) {
      const { dearest } = await rooms.load(moneyRoom)
      const { Budgets } = await rooms.load(budgetRoom)
      const { toKimiBody } = await rooms.load(kimiRoom)
      const { VirtualClock } = await rooms.load(clockRoom)
      const { createSeededRandom } = await rooms.load(diceRoom)
      const random = createSeededRandom(seed)
      let refused = 0
      for (let round = 0; round < 6; round++) {
        const dataDir = mkdtempSync(join(tmpdir(), 'dearest-'))
        const budgets = await Budgets.open({
          dataDir,
          clock: new VirtualClock(),
          quotasOf: () => [quota],
          price: (_work, { inputTokens, outputTokens }) =>
            BigInt(inputTokens) * price.input + BigInt(outputTokens) * price.output,
          onFault: (error) => holds(false, error.message),
        })
        try {
          let billedNano = 0n
          const open: {
            readonly money: AttemptMoney
            readonly end: Parameters<AttemptMoney['settle']>[0]
          }[] = []
          for (let step = 0; step < 1_000 && refused < (round + 1) * 20; step++) {
            const job = jobOf(random)
            const attempt = dearest(kimi, job, (cap) => Math.ceil(cap / 4))
            const inputTokens = counted(toKimiBody(job, sent, null))
            holds(
              Number.isInteger(attempt.inputTokens) && inputTokens <= attempt.inputTokens,
              `${attempt.inputTokens} tokens of input were set aside, and ${inputTokens} counted`,
            )
            const money = budgets.reserve(identityOf('ada'), attempt, 1e12)
            holds(money !== null, 'nobody counts')
            if ('kind' in money) refused++
            else {
              const outputTokens = random() < 0.8 ? job.outputTokensMax : 1
              billedNano += BigInt(inputTokens) * price.input + BigInt(outputTokens) * price.output
              const usage = { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0 }
              open.push({
                money,
                end: attemptEndOf('done', { hasBegun: true, usage: { ...usage, source: 'provider' } }),
              })
            }
            holds(
              billedNano <= BigInt(limit) * 1_000n,
              `${billedNano} nano-dollars were spent in round ${round}`,
            )
            if (random() < 0.6) {
              const [each] = open.splice(Math.floor(random() * open.length), 1)
              each?.money.settle(each.end)
            }
          }
          for (const { money, end } of open) money.settle(end)
          const used = budgets.inspect().quotas['principal micro-dollars month ada']?.used ?? 0
          holds(BigInt(used) * 1_000n >= billedNano, `the books say ${used}, and ${billedNano} were billed`)
          holds(used > limit / 2, `${used} of ${limit} were spent: the world is too easy`)
        } finally {
          await budgets.close()
          rmSync(dataDir, { recursive: true, force: true })
        }
      }
      holds(refused > 60, 'nothing was ever too dear: the world is too easy')
    },
  }),
]
