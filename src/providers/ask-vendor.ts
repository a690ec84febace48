// One request on a vendor's connections. It tells when the request leaves, which is when it has a connection: until then the vendor
// knows nothing of it, counts nothing and bills nothing. An abort ends it at any time, also while the connection is being made.

import type { Agent, Dispatcher } from 'undici'

/** Sends and waits for the headers. Rejects with the signal's reason; `onSent` is called once, unless it was aborted before. */
export async function askVendor(
  agent: Agent,
  request: Dispatcher.RequestOptions & { readonly signal: AbortSignal },
  onSent: () => void,
): Promise<Dispatcher.ResponseData> {
  const { signal } = request
  signal.throwIfAborted()
  let abort: (() => void) | undefined
  try {
    return await Promise.race([
      agent.compose(telling(signal, onSent)).request(request),
      // The library looks at the signal only when it has a connection: five seconds of nothing where a host is not there.
      new Promise<never>((_, reject) => {
        abort = () => reject(signal.reason)
        signal.addEventListener('abort', abort, { once: true })
      }),
    ])
  } finally {
    if (abort) signal.removeEventListener('abort', abort)
  }
}

function telling(signal: AbortSignal, onSent: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    let isTold = false
    return dispatch(options, {
      onRequestStart: (controller, context) => {
        handler.onRequestStart?.(controller, context)
        // It is begun anew when its connection is closed before a byte of it was written.
        if (isTold || signal.aborted) return
        isTold = true
        onSent()
      },
      onResponseStart: (...facts) => handler.onResponseStart?.(...facts),
      onResponseData: (...facts) => handler.onResponseData?.(...facts),
      onResponseEnd: (...facts) => handler.onResponseEnd?.(...facts),
      onResponseError: (...facts) => handler.onResponseError?.(...facts),
    })
  }
}
