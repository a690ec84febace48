// Rules about answers: whole ones however they come, empty ones, and those that are cut or never begin.

import { type Ending, onceMore, type Rule, twice, unnoticed } from './rule.ts'

function unheard(): Pick<Rule, 'once' | 'lasting' | 'alone'> {
  const moved: Ending = { outcome: 'O answers', attempts: ['V timeout estimated', 'O done counted'] }
  return {
    once: moved,
    lasting: moved,
    alone: {
      outcome: 'deadline',
      attempts: ['V timeout estimated', 'V deadline estimated'],
      told: /^chat did not finish within its time limit of 240 seconds.*\bV\b.*had sent nothing (?:more )?for \d+ s/s,
    },
  }
}

/** In the order in which they are printed. */
export const answerRules: readonly Rule[] = [
  {
    name: 'odd but whole',
    why: 'Vendors are slow, say things twice, in comments, on one line, with a frame cut behind the answer, or without one of the two end marks. One of finish_reason and [DONE] proves the end. The window notices nothing and the usage is counted once.',
    faults: {
      glm: [
        'slow-first-byte',
        'idle-gap',
        'finish-without-done',
        'cut-after-finish',
        'glued-whole',
        'choices-null',
        'usage-twice',
        'sse-comments',
        'sse-crlf',
        'slow-drip',
        'finish-unknown',
      ],
      kimi: [
        'slow-first-byte',
        'idle-gap',
        'finish-without-done',
        'done-without-finish',
        'cut-after-finish',
        'glued-whole',
        'choices-null',
        'usage-twice',
        'sse-comments',
        'sse-crlf',
        'slow-drip',
        'finish-unknown',
      ],
    },
    ...unnoticed('counted'),
  },
  {
    name: 'whole, but not counted',
    why: 'Where the vendor names no usage, or one that nobody can have used, it is estimated and marked so. GLM has it in the chunk with finish_reason and nowhere else.',
    faults: {
      glm: ['usage-missing', 'usage-absurd', 'done-without-finish'],
      kimi: ['usage-missing', 'usage-absurd'],
    },
    ...unnoticed('estimated'),
  },
  {
    name: 'a tool nobody offered',
    why: 'The vendor asks for a tool although none was offered, with arguments nobody can read. What it said besides is the answer.',
    faults: {
      glm: ['tool-arguments-invalid', 'tool-arguments-empty', 'tool-finish-stop'],
      kimi: ['tool-arguments-invalid', 'tool-arguments-empty', 'tool-finish-stop'],
    },
    ...unnoticed('counted'),
  },
  {
    name: 'cut at the output cap',
    why: 'Half of the answer with finish_reason length is an answer, and says that it is incomplete.',
    faults: { glm: ['length'], kimi: ['length'] },
    ...unnoticed(
      'counted',
      /^\[simulated\] .+The model reached its output limit: the answer is incomplete\./s,
    ),
  },
  {
    name: 'nothing but thoughts',
    why: 'Reasoning counts against the cap, so an empty answer is a failure, tried once more with twice the cap; both attempts are paid. After that more of the same would only cost money: another vendor, where there is one.',
    faults: { glm: ['length-empty', 'content-empty'], kimi: ['length-empty', 'content-empty'] },
    once: { outcome: 'V answers', attempts: ['V empty-output counted', 'V done counted'] },
    lasting: { outcome: 'O answers', attempts: ['V empty-output counted x2', 'O done counted'] },
    alone: {
      outcome: 'empty-output',
      attempts: ['V empty-output counted x2'],
      told: twice(
        /^The (?:output limit was used up before the provider V wrote any answer|provider V ended its answer without writing anything)\./,
      ),
    },
  },
  {
    name: 'a tool, and no word',
    why: 'Nothing but a call of a tool that nobody offered is no answer. It is counted and paid; once more, then elsewhere.',
    faults: { glm: ['tool-calls-only'], kimi: ['tool-calls-only'] },
    ...onceMore(
      'malformed-output',
      'counted',
      twice(/^The provider V answered by calling a tool that it was not offered.*Call again/),
    ),
  },
  {
    name: 'silence',
    why: 'A vendor that says nothing for its 150 s has used up most of the call; the rest belongs to somebody else, who answers in time. It had the request and may have worked on it unseen until we hung up, so its input is estimated. With nobody else it is asked again until the deadline, whose sentence names it and how long it said nothing.',
    faults: {
      glm: ['stalled-first-byte', 'stalled-after-head'],
      kimi: ['stalled-first-byte', 'stalled-after-head'],
    },
    ...unheard(),
  },
  {
    name: 'silence in mid-answer',
    why: 'The same for one that falls silent after some words. Those may be charged, so they are estimated.',
    faults: { glm: ['silence-mid-stream'], kimi: ['silence-mid-stream'] },
    ...unheard(),
  },
  {
    name: 'gone before a word',
    why: 'A reset before the head: nothing was served and nothing is paid. Once more, then elsewhere.',
    faults: { glm: ['reset-before-answer'], kimi: ['reset-before-answer'] },
    ...onceMore('unreachable', 'free', twice(/\bV\b.+(?:reset|closed|unreachable|reached).+[Tt]ry again/)),
  },
  {
    name: 'cut in the middle',
    why: 'A stream without finish_reason and without [DONE] is never an answer, however much text came. What came is estimated: vendors charge it. No word of it is spliced into the next attempt.',
    faults: {
      glm: ['reset-mid-stream', 'end-without-done'],
      kimi: ['reset-mid-stream', 'end-without-done'],
    },
    ...onceMore(
      'truncated',
      'estimated',
      twice(/^The answer of the provider V broke off before its end\. Try again\./),
    ),
  },
  {
    name: 'a hole in the answer',
    why: 'A frame that was cut may have held a word, and "not" is a word. What comes behind it is no answer, however well it ends, and nobody waits for the end of it. Where only the finish_reason was lost, it may have been that the answer is incomplete. What came is estimated: vendors charge it.',
    faults: {
      glm: ['cut-frame', 'glued-frame', 'cut-finish'],
      kimi: ['cut-frame', 'glued-frame', 'cut-finish'],
    },
    ...onceMore(
      'malformed-output',
      'estimated',
      twice(
        /^A piece of the answer of the provider V was lost on its way here, .*Try again, or use another provider\./,
      ),
    ),
  },
  {
    name: 'a 200 that says nothing',
    why: 'No byte, or bytes that are neither events nor JSON: cut before its first word, and billed nothing. Once more, then elsewhere.',
    faults: { glm: ['empty-body', 'garbled-body'], kimi: ['empty-body', 'garbled-body'] },
    ...onceMore(
      'truncated',
      'free',
      twice(/^The answer of the provider V broke off before its end\. Try again\./),
    ),
  },
]
