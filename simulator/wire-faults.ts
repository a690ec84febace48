// Faults of the wire that both vendors share: silence, resets, cut and glued frames, missing ends, slow drips, proxies'
// pages. They work on the frames, so they strike bodies that are no stream as well where that makes sense.

import type { Fault, FaultTable } from './faults.ts'
import { isObject } from './json.ts'
import type { Ending, Frame, WireError, WirePlan } from './wire.ts'

const dripBytes = 7

function cutInHalf(plan: WirePlan, ending: Ending): WirePlan {
  return { ...plan, frames: plan.frames.slice(0, middleOf(plan)), ending }
}

/** Where a fault strikes: in the middle of the content, so that some text is out; without content, of what there is. */
function middleOf(plan: WirePlan): number {
  const at = (isMeant: (frame: Frame) => boolean) =>
    plan.frames.flatMap((frame, index) => (isMeant(frame) ? [index] : []))
  const contents = at((frame) => frame.kind === 'content')
  const others = at((frame) => frame.kind !== 'done' && frame.kind !== 'finish' && frame.kind !== 'usage')
  const places = contents.length > 1 ? contents : others
  return Math.max(1, places[Math.floor(places.length / 2)] ?? 1)
}

function textOf(frame: Frame): string {
  return typeof frame.text === 'string' ? frame.text : new TextDecoder().decode(frame.text)
}

function mapFrames(plan: WirePlan, change: (frame: Frame, index: number) => Frame | Frame[]): WirePlan {
  return { ...plan, frames: plan.frames.flatMap(change) }
}

function edited(frame: Frame, edit: (payload: Record<string, unknown>) => void): Frame {
  const match = /^data: (\{.*\})\n\n$/s.exec(textOf(frame))
  if (!match?.[1]) return frame
  const payload: unknown = JSON.parse(match[1])
  if (!isObject(payload)) return frame
  const copy = { ...payload }
  edit(copy)
  return { ...frame, text: `data: ${JSON.stringify(copy)}\n\n` }
}

function withoutUsage(payload: Record<string, unknown>): void {
  delete payload.usage
  if (!Array.isArray(payload.choices)) return
  payload.choices = payload.choices.map((choice: unknown) =>
    isObject(choice) ? { ...choice, usage: undefined } : choice,
  )
}

function absurdUsage(payload: Record<string, unknown>): void {
  const absurd = (usage: unknown) => (isObject(usage) ? { ...usage, prompt_tokens: 2 ** 64 } : usage)
  if (payload.usage !== undefined) payload.usage = absurd(payload.usage)
  if (!Array.isArray(payload.choices)) return
  payload.choices = payload.choices.map((choice: unknown) =>
    isObject(choice) && choice.usage !== undefined ? { ...choice, usage: absurd(choice.usage) } : choice,
  )
}

function page(status: number, title: string): Fault {
  const body = `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body><center><h1>${status} ${title}</h1></center><hr><center>nginx</center></body>\r\n</html>\r\n`
  const error: WireError = { status, code: `html-${status}`, body, contentType: 'text/html', headers: {} }
  return {
    about: `an HTML page with HTTP ${status} from something in between`,
    effect: { kind: 'refuse', error: () => error },
  }
}

function wire(
  about: string,
  change: (plan: WirePlan, ms: number) => WirePlan,
  extra: Partial<Fault> = {},
): Fault {
  return { about, ...extra, effect: { kind: 'wire', change } }
}

const streamOnly = { isStreamOnly: true } as const

/** Cuts the frame at `at` in half, and lets `then` follow: an end of the event, or nothing. */
function cutOne(plan: WirePlan, at: number, then: string): WirePlan {
  return mapFrames(plan, (frame, index) => {
    if (index !== at) return frame
    const text = textOf(frame)
    return { ...frame, text: text.slice(0, text.length >> 1) + then }
  })
}

/** Insert `frame` in the middle of the stream. */
function inserted(plan: WirePlan, text: string): WirePlan {
  const at = middleOf(plan)
  return mapFrames(plan, (frame, index) =>
    index === at ? [{ kind: 'content', text, gapMs: 0 }, frame] : frame,
  )
}

/** The faults of the wire, the same for both vendors. */
export const wireFaults: FaultTable = {
  'slow-first-byte': wire(
    'the first byte comes `ms` late, then all is well',
    (plan, ms) =>
      mapFrames(plan, (frame, index) => (index === 0 ? { ...frame, gapMs: frame.gapMs + ms } : frame)),
    { ms: 5000 },
  ),
  'stalled-first-byte': wire('never a byte, not even a head', (plan) => ({
    ...plan,
    frames: [],
    ending: 'silence',
    headAtOnce: false,
  })),
  'stalled-after-head': wire('the head, then nothing for ever', (plan) => ({
    ...plan,
    frames: [],
    ending: 'silence',
    headAtOnce: true,
  })),
  'idle-gap': wire(
    'a pause of `ms` in the middle, then the rest',
    (plan, ms) =>
      mapFrames(plan, (frame, index) =>
        index === middleOf(plan) ? { ...frame, gapMs: frame.gapMs + ms } : frame,
      ),
    { ms: 5000 },
  ),
  'silence-mid-stream': wire('half of the answer, then nothing for ever', (plan) =>
    cutInHalf(plan, 'silence'),
  ),
  'reset-before-answer': wire('the connection is reset before the head', (plan) => ({
    ...plan,
    frames: [],
    ending: 'reset',
    headAtOnce: false,
  })),
  'reset-mid-stream': wire('the connection is reset after half of the answer', (plan) =>
    cutInHalf(plan, 'reset'),
  ),
  'end-without-done': wire('half of the answer, then a proper close: no finish_reason, no [DONE]', (plan) =>
    cutInHalf(plan, 'end'),
  ),
  'finish-without-done': wire(
    'everything but the [DONE]',
    (plan) => ({ ...plan, frames: plan.frames.filter((frame) => frame.kind !== 'done') }),
    streamOnly,
  ),
  'done-without-finish': wire(
    'the chunk with finish_reason is missing, [DONE] comes',
    (plan) => ({ ...plan, frames: plan.frames.filter((frame) => frame.kind !== 'finish') }),
    streamOnly,
  ),
  'cut-frame': wire(
    'a frame in the middle of the answer is cut; the next ones come as they should',
    (plan) => cutOne(plan, middleOf(plan), '\n\n'),
    streamOnly,
  ),
  'glued-frame': wire(
    'a frame in the middle of the answer is cut and the next `data:` follows on the same line',
    (plan) => cutOne(plan, middleOf(plan), ''),
    streamOnly,
  ),
  'cut-finish': wire(
    'the chunk with finish_reason is cut, and all after it but [DONE] is missing',
    (plan) => {
      const at = plan.frames.findIndex((frame) => frame.kind === 'finish')
      return cutOne({ ...plan, frames: plan.frames.filter((frame) => frame.kind !== 'usage') }, at, '\n\n')
    },
    streamOnly,
  ),
  'cut-after-finish': wire(
    'after the answer a frame is cut and the next `data:` follows on the same line',
    (plan) =>
      mapFrames(plan, (frame) =>
        frame.kind === 'done'
          ? [{ kind: 'usage', text: 'data: {"id":"cut","choices":[],"usage":{"prompt_to', gapMs: 0 }, frame]
          : frame,
      ),
    streamOnly,
  ),
  'glued-whole': wire(
    'the line end between two frames in the middle of the answer is missing: they follow on one line, both whole',
    (plan) => {
      const at = middleOf(plan)
      return mapFrames(plan, (frame, index) =>
        index === at ? { ...frame, text: textOf(frame).trimEnd() } : frame,
      )
    },
    streamOnly,
  ),
  'choices-null': wire(
    'a chunk with an empty id, choices null and usage null',
    (plan) => inserted(plan, 'data: {"id":"","choices":null,"usage":null}\n\n'),
    streamOnly,
  ),
  'error-frame': wire(
    'half of the answer, then a data frame with an error object, then the close',
    (plan) => {
      const half = cutInHalf(plan, 'end')
      const text =
        'data: {"error":{"message":"The engine failed in the middle of the answer","type":"server_error","code":"1234"}}\n\n'
      return { ...half, frames: [...half.frames, { kind: 'content', text, gapMs: 0 }] }
    },
    streamOnly,
  ),
  'usage-missing': wire(
    'no usage anywhere in the stream',
    (plan) => mapFrames(plan, (frame) => (frame.kind === 'usage' ? [] : edited(frame, withoutUsage))),
    streamOnly,
  ),
  'usage-absurd': wire(
    'a usage whose prompt_tokens are 2 to the power of 64, as of a counter that went below zero',
    (plan) => mapFrames(plan, (frame) => edited(frame, absurdUsage)),
    streamOnly,
  ),
  'usage-twice': wire(
    'the last chunks with usage come twice',
    (plan) => {
      const isLast = (frame: Frame) => textOf(frame).includes('"usage":{')
      return mapFrames(plan, (frame) => (isLast(frame) ? [frame, edited(frame, emptyChoices)] : frame))
    },
    streamOnly,
  ),
  'sse-comments': wire(
    'comment lines and blank keepalives between the frames',
    (plan) => mapFrames(plan, (frame) => [{ kind: frame.kind, text: ': keepalive\n\n\n', gapMs: 0 }, frame]),
    streamOnly,
  ),
  'sse-crlf': wire(
    'lines end in CRLF',
    (plan) => mapFrames(plan, (frame) => ({ ...frame, text: textOf(frame).replaceAll('\n', '\r\n') })),
    streamOnly,
  ),
  'slow-drip': wire(
    `the answer drips in pieces of ${dripBytes} bytes, \`ms\` apart, through the middle of characters`,
    (plan, ms) => mapFrames(plan, (frame) => drops(frame, ms)),
    { ms: 2 },
  ),
  'empty-body': wire('HTTP 200 and no byte of a body', (plan) => ({ ...plan, frames: [], headAtOnce: true })),
  'garbled-body': wire('HTTP 200 and a body that is neither JSON nor events', (plan) => ({
    ...plan,
    frames: [{ kind: 'body', text: 'upstream said: ???', gapMs: 0 }],
  })),
  'html-405': page(405, 'Not Allowed'),
  'html-502': page(502, 'Bad Gateway'),
  'html-504': page(504, 'Gateway Time-out'),
}

function emptyChoices(payload: Record<string, unknown>): void {
  const choice: unknown = Array.isArray(payload.choices) ? payload.choices[0] : undefined
  payload.usage ??= isObject(choice) ? choice.usage : undefined
  payload.choices = []
}

function drops(frame: Frame, ms: number): Frame[] {
  const bytes = typeof frame.text === 'string' ? new TextEncoder().encode(frame.text) : frame.text
  const pieces: Frame[] = []
  for (let i = 0; i < bytes.length; i += dripBytes) {
    pieces.push({ kind: frame.kind, text: bytes.subarray(i, i + dripBytes), gapMs: ms })
  }
  return pieces
}
