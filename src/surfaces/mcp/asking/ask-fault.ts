// A question that came to nothing for the client's own doing. In 2026-07-28 that is an error of the protocol; in the 2025 era a
// failed call.

import type { ClientFeature } from '../../../domain/asking.ts'
import { CallFailure } from '../../../domain/failure.ts'
import { type JsonObject, rpcCode } from '../envelope.ts'
import { modernCode } from '../modern/request-meta.ts'
import { capabilityOf } from './questions.ts'

/** Such a failure, and how the stateless era says it. */
export class AskFault extends CallFailure {
  readonly rpcCode: number
  readonly data: JsonObject | undefined

  private constructor(
    failure: { readonly code: 'not-configured' | 'bad-request'; readonly message: string },
    rpc: { readonly code: number; readonly data?: JsonObject },
  ) {
    super(failure.code, { message: failure.message })
    this.rpcCode = rpc.code
    this.data = rpc.data
  }

  /** The client never said that it can. */
  static lacks(who: string, feature: ClientFeature): AskFault {
    const message = `${who} needs a client with ${featureWords[feature]}; this one did not declare it.`
    return new AskFault(
      { code: 'not-configured', message },
      { code: modernCode.missingClientCapability, data: { requiredCapabilities: capabilityOf(feature) } },
    )
  }

  /** Its answer is none. `why` is a sentence without a subject. */
  static wrongAnswer(key: string, why: string): AskFault {
    const message = `Invalid params: the client's answer to "${key}" cannot be used: ${why}`
    return new AskFault({ code: 'bad-request', message }, { code: rpcCode.invalidParams })
  }
}

const featureWords: Readonly<Record<ClientFeature, string>> = {
  form: 'elicitation (forms)',
  url: 'elicitation (URLs)',
  sampling: 'sampling',
  'sampling-tools': 'sampling with tools',
  roots: 'roots',
}
