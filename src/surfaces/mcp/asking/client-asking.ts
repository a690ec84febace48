// What a call may ask of its client, over whichever line there is: capabilities looked at before, answers checked after, and
// both bounded.

import type {
  Asking,
  ClientFeature,
  PersonAnswer,
  PersonQuestion,
  SampleAnswer,
  SampleQuestion,
} from '../../../domain/asking.ts'
import { CallFailure } from '../../../domain/failure.ts'
import { AskFault } from './ask-fault.ts'
import { type ClientLine, unreached } from './client-line.ts'
import {
  type ClientQuestion,
  personQuestion,
  sampleQuestion,
  toPersonAnswer,
  toSampleAnswer,
} from './questions.ts'

const questionsMax = 32
const answerCharsMax = 262_144

/** The questions of one call. `who` is the tool or prompt that asks, for people. */
export class ClientAsking implements Asking {
  readonly #who: string
  readonly #line: ClientLine
  #questions = 0
  #answerChars = 0

  constructor(who: string, line: ClientLine) {
    this.#who = who
    this.#line = line
  }

  can(feature: ClientFeature): boolean {
    return this.#line.can(feature)
  }

  async elicit(question: PersonQuestion): Promise<PersonAnswer> {
    this.#need('url' in question ? 'url' : 'form')
    const result = await this.#put(personQuestion(question))
    if (result === unreached) return { action: 'cancel', isUnreached: true }
    if (result === null) return { action: 'cancel' }
    return usable(question.key, toPersonAnswer(result, question))
  }

  elicited(key: string): void {
    this.#line.elicited(key)
  }

  async sample(question: SampleQuestion): Promise<SampleAnswer | null> {
    this.#need(question.tools === undefined ? 'sampling' : 'sampling-tools')
    const result = await this.#put(sampleQuestion(question))
    return result === null || result === unreached ? null : usable(question.key, toSampleAnswer(result))
  }

  async roots(): Promise<readonly string[]> {
    return this.#line.can('roots') ? this.#line.roots() : []
  }

  #need(feature: ClientFeature): void {
    if (!this.#line.can(feature)) throw AskFault.lacks(this.#who, feature)
  }

  async #put(question: ClientQuestion): Promise<unknown> {
    this.#questions += 1
    if (this.#questions > questionsMax) {
      throw new CallFailure('bad-request', {
        message: `${this.#who} has asked its client ${questionsMax} times in one call, and stopped there. Ask it for less at once.`,
      })
    }
    const result = await this.#line.put(question)
    if (result === unreached) return unreached
    this.#answerChars += JSON.stringify(result).length
    if (this.#answerChars <= answerCharsMax) return result
    throw AskFault.wrongAnswer(
      question.key,
      `all answers of one call may have ${answerCharsMax} characters together, and these have more.`,
    )
  }
}

function usable<Answer extends object>(key: string, answer: Answer | string): Answer {
  if (typeof answer === 'string') throw AskFault.wrongAnswer(key, answer)
  return answer
}
